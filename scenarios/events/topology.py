"""Declares the exchange for facts, and three queues for each consumer, on the broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archlab.lab import Broker

PLACED = "order.placed"
"""The routing key of the fact."""
RETRY_AFTER = 30
"""Milliseconds that a message waits before it is tried again."""


def exchange(channel: Any, broker: Broker) -> str:
    """Where facts are published: the producer knows no queue."""
    name = broker.name("orders")
    channel.exchange_declare(name, "topic", durable=True)
    return name


def queue(channel: Any, broker: Broker, consumer: str) -> str:
    """A consumer's queue, with one in which messages wait for their next attempt, and one for dead letters."""
    facts, name = exchange(channel, broker), broker.name(consumer)
    channel.queue_declare(dead(name), durable=True)
    back = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": name}
    channel.queue_declare(retry(name), durable=True, arguments={"x-message-ttl": RETRY_AFTER} | back)
    aside = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead(name)}
    channel.queue_declare(name, durable=True, arguments=aside)
    channel.queue_bind(name, facts, "order.#")
    return name


def retry(queue: str) -> str:
    return f"{queue}.retry"


def dead(queue: str) -> str:
    return f"{queue}.dead"


def depth(channel: Any, queue: str) -> int:
    """How many messages wait in a queue; those that a consumer holds are not among them."""
    return int(channel.queue_declare(queue, passive=True).method.message_count)


def consumers(channel: Any, queue: str) -> int:
    """How many consumers a queue has."""
    return int(channel.queue_declare(queue, passive=True).method.consumer_count)
