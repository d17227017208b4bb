"""Direct reply-to: sends an answer to the channel that asked, without a queue (an extension of RabbitMQ).

Whoever consumes from `amq.rabbitmq.reply-to`, which is no queue, may name it as reply_to. Who gets such a message finds
an address there instead, and publishes the answer to the default exchange with it as the routing key. An answer comes
at most once: for one who is gone, and for one who does not read, it is dropped.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from archlab.broker.deliveries import DELIVER, TAG_AND_FLAG, new_consumer_tag
from archlab.broker.errors import AmqpError, not_found, precondition_failed
from archlab.broker.wire import short_string

if TYPE_CHECKING:
    from archlab.broker.broker import Broker
    from archlab.broker.channel import Channel
    from archlab.broker.exchange import Exchange
    from archlab.broker.message import Message

NAME = "amq.rabbitmq.reply-to"
REPLY_BACKLOG = 16 << 20  # octets that a client may leave unread before answers to it are dropped


class ReplyConsumer:
    """A channel that waits for answers."""

    def __init__(self, channel: Channel, tag: str) -> None:
        self.tag = tag
        self.address = f"{NAME}.{secrets.token_urlsafe(24)}"
        self._channel = channel
        self._prefix = DELIVER + short_string(tag)

    def deliver(self, message: Message) -> None:
        if self._channel.connection.unread_octets() <= REPLY_BACKLOG:
            # There is nothing to acknowledge, so the delivery tag is one that the next delivery has as well.
            flags = TAG_AND_FLAG.pack(self._channel.deliveries.next_tag, False)
            self._channel.send_content(self._prefix + flags + message.address, message)


def answer(broker: Broker, exchange: Exchange, keys: Iterable[str], message: Message) -> None:
    """Delivers what is published to the default exchange to those that have one of the keys as their address."""
    if not exchange.name and broker.reply_consumers:
        for consumer in [broker.reply_consumers[key] for key in set(keys) if key in broker.reply_consumers]:
            consumer.deliver(message)


def is_meant(queue: str) -> bool:
    """Whether the name of a queue stands for a consumer of answers, or for all of them."""
    return queue == NAME or queue.startswith(f"{NAME}.")


def check_exists(channel: Channel, queue: str) -> None:
    """A declaration of the pseudo-queue, or of an address. Raises AmqpError 404 when nobody waits there."""
    if queue != NAME and queue not in channel.broker.reply_consumers:
        raise not_found("queue", queue)


def consume(channel: Channel, method: Any) -> str:
    """Begins to wait for answers on this channel; returns the consumer tag."""
    if method.consumer_tag in channel.deliveries.consumers:
        raise AmqpError(530, f"attempt to reuse consumer tag '{method.consumer_tag}'")
    if not method.no_ack:
        raise precondition_failed("reply consumer cannot acknowledge")
    if channel.reply_consumer is not None:
        raise precondition_failed("reply consumer already set")
    consumer = ReplyConsumer(channel, method.consumer_tag or new_consumer_tag())
    channel.reply_consumer = channel.broker.reply_consumers[consumer.address] = consumer
    return consumer.tag


def cancel(channel: Channel) -> None:
    """Nobody waits for answers on this channel any more."""
    if channel.reply_consumer is not None:
        del channel.broker.reply_consumers[channel.reply_consumer.address]
        channel.reply_consumer = None


def address_of(channel: Channel) -> str:
    """Where answers to what the channel publishes are to go. Raises AmqpError 406 when it does not wait for any."""
    if channel.reply_consumer is None:
        raise precondition_failed("fast reply consumer does not exist")
    return channel.reply_consumer.address
