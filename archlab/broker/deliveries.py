"""What a channel delivers: its consumers, their prefetch, and what is not acknowledged yet."""

from __future__ import annotations

import base64
import secrets
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from pika import spec  # type: ignore[import-untyped]  # pika ships no py.typed marker

from archlab.broker.errors import AmqpError, precondition_failed
from archlab.broker.queue import Queue
from archlab.broker.queued import Queued
from archlab.broker.table import INTEGER_KINDS, Table
from archlab.broker.wire import short_string

if TYPE_CHECKING:
    from archlab.broker.channel import Channel

DELIVER = struct.pack(">I", spec.Basic.Deliver.INDEX)
_GET_OK = struct.pack(">I", spec.Basic.GetOk.INDEX)
TAG_AND_FLAG = struct.Struct(">QB")

# From this prefetch on, a consumer with more than a quarter of it still to do gets the next messages together. One by
# one, each would cost the client a read of its own: a third of its time.
BATCHED_PREFETCH = 10


def new_consumer_tag() -> str:
    return f"amq.ctag-{base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip('=')}"


class ChannelConsumer:
    """A consumer as its queue sees it (`consumers.Consumer`); it writes deliveries to its channel."""

    def __init__(self, channel: Channel, queue: Queue, tag: str, no_ack: bool, prefetch: int, priority: int) -> None:
        self.channel = channel
        self.queue = queue
        self.tag = tag
        self.no_ack = no_ack
        self.prefetch = 0 if no_ack else prefetch
        self.priority = priority
        self.outstanding = 0
        self._prefix = DELIVER + short_string(tag)

    def ready(self) -> bool:
        if self.prefetch and self.outstanding >= self.prefetch:
            return False
        deliveries = self.channel.deliveries
        if deliveries.shared_prefetch and deliveries.shared_outstanding >= deliveries.shared_prefetch:
            return False
        return not self.channel.connection.congested()

    def is_well_supplied(self) -> bool:
        """Whether it has so much left to do that what it gets next may come a little later, and together."""
        return self.prefetch >= BATCHED_PREFETCH and self.outstanding > self.prefetch // 4

    def deliver(self, queued: Queued) -> None:
        message = self.queue.message(queued)
        tag = self.channel.deliveries.record(queued, self.queue, self)
        method = self._prefix + TAG_AND_FLAG.pack(tag, queued.redelivered) + message.address
        self.channel.send_content(method, message, queued.returns)

    def cancelled(self) -> None:
        """The queue is gone: says so to a client that understands it."""
        self.channel.deliveries.consumers.pop(self.tag, None)
        if self.channel.connection.handshake.client_can("consumer_cancel_notify"):
            self.channel.send(spec.Basic.Cancel(self.tag, nowait=True))


class Unacked(NamedTuple):
    """A delivery that is not settled; without a consumer it was got with Basic.Get."""

    queued: Queued
    queue: Queue
    consumer: ChannelConsumer | None


class Deliveries:
    """One channel's share of its queues' messages."""

    def __init__(self, channel: Channel) -> None:
        self.consumers: dict[str, ChannelConsumer] = {}  # if they share a prefetch, who was served last is last
        self.prefetch = 0  # of the consumers to come
        self.shared_prefetch = 0
        self.shared_outstanding = 0
        self._channel = channel
        self._broker = channel.broker
        self._tag = 0
        self._unacked_from = 1  # no tag below this one is unacknowledged
        self._unacked: dict[int, Unacked] = {}

    @property
    def next_tag(self) -> int:
        return self._tag + 1

    def record(self, queued: Queued, queue: Queue, consumer: ChannelConsumer) -> int:
        """Counts a delivery to a consumer; returns its delivery tag."""
        self._tag += 1
        if not consumer.no_ack:
            self._unacked[self._tag] = Unacked(queued, queue, consumer)
            consumer.outstanding += 1
            self.shared_outstanding += 1
            if self.shared_prefetch:
                # The others are woken first; else one of them would get all that the prefetch lets through.
                self.consumers[consumer.tag] = self.consumers.pop(consumer.tag)
        return self._tag

    def get(self, queue: Queue, no_ack: bool) -> None:
        """Basic.Get"""
        queued = queue.get(self._broker.now(), no_ack)
        self._broker.activate(queue)
        if queued is None:
            self._channel.send(spec.Basic.GetEmpty())
            return
        self._tag += 1
        if not no_ack:
            self._unacked[self._tag] = Unacked(queued, queue, None)
        message = queue.message(queued)
        flags = TAG_AND_FLAG.pack(self._tag, queued.redelivered)
        method = _GET_OK + flags + message.address + struct.pack(">I", queue.ready_count)
        self._channel.send_content(method, message, queued.returns)
        if not no_ack:
            queue.sent(queued)

    # Consumers

    def consume(self, queue: Queue, method: Any, table: Table) -> ChannelConsumer:
        """Registers a consumer; deliveries begin when the queue is activated."""
        if method.consumer_tag and method.consumer_tag in self.consumers:
            raise AmqpError(530, f"attempt to reuse consumer tag '{method.consumer_tag}'")
        priority = table.get(b"x-priority")
        if priority is not None and priority.kind not in INTEGER_KINDS:
            problem = f'"expected integer, got {priority.kind}"'
            raise precondition_failed(f"invalid arg 'x-priority' for queue '{queue.name}' in vhost '/': {problem}")
        if queue.settings.quorum and self.shared_prefetch:
            raise AmqpError(540, f"queue '{queue.name}' in vhost '/' does not support global qos")
        tag = method.consumer_tag or new_consumer_tag()
        consumer = ChannelConsumer(
            self._channel, queue, tag, method.no_ack, self.prefetch, priority.value if priority is not None else 0
        )
        queue.add_consumer(consumer, method.exclusive)
        self.consumers[tag] = consumer
        return consumer

    def cancel(self, consumer: ChannelConsumer) -> None:
        """What it has not acknowledged stays with the channel."""
        self.consumers.pop(consumer.tag, None)
        if consumer.queue.remove_consumer(consumer, self._broker.now()):
            self._broker.delete_queue(consumer.queue)
        self._broker.activate(consumer.queue)

    def wake(self, consumer: ChannelConsumer) -> None:
        """Something changed that may let the consumer take messages again."""
        if consumer.queue.consumers.wake(consumer):
            self._broker.activate(consumer.queue)

    def wake_all(self) -> None:
        for consumer in self.consumers.values():
            self.wake(consumer)

    def share_prefetch(self, count: int) -> None:
        """Basic.Qos with global: one limit for all consumers of the channel; 0 is none."""
        self.shared_prefetch = count
        self.shared_outstanding = len(self._unacked)
        self.wake_all()

    # Settling

    def acknowledge(self, tag: int, multiple: bool) -> None:
        settled = self._take(tag, multiple)
        for queued, queue, _ in settled:
            if not queue.deleted:
                queue.acknowledge(queued)
        self._make_room(settled)

    def reject(self, tag: int, multiple: bool, requeue: bool) -> None:
        settled = self._take(tag, multiple)
        if requeue:
            self._requeue(settled)
        else:
            for delivery in settled:
                if not delivery.queue.deleted:
                    delivery.queue.reject(delivery.queued)
        self._make_room(settled)

    def recover(self) -> None:
        """Requeues everything that is not settled."""
        settled = self._take(0, True)
        self._requeue(settled)
        self._make_room(settled)

    def release(self) -> None:
        """The channel ends: its consumers go, and what was not settled goes back."""
        for consumer in list(self.consumers.values()):
            self.cancel(consumer)
        self._requeue(self._take(0, True), lost=True)

    def _take(self, tag: int, multiple: bool) -> list[Unacked]:
        """Takes out what a delivery tag stands for; tag 0 with multiple is everything."""
        if multiple and not tag:
            found = list(self._unacked.values())
            self._unacked.clear()
            self._unacked_from = self._tag + 1
            return found
        if tag not in self._unacked:
            raise precondition_failed(f"unknown delivery tag {tag}")
        if not multiple:
            return [self._unacked.pop(tag)]
        # No tag is looked at twice: to go through all that is out each time takes too long where much is.
        tags, self._unacked_from = range(self._unacked_from, tag + 1), tag + 1
        return [self._unacked.pop(older) for older in tags if older in self._unacked]

    def _requeue(self, settled: list[Unacked], lost: bool = False) -> None:
        by_queue: dict[Queue, list[Queued]] = {}
        for delivery in settled:
            if not delivery.queue.deleted:
                by_queue.setdefault(delivery.queue, []).append(delivery.queued)
        for queue, returned in by_queue.items():
            queue.requeue(returned, self._broker.now(), lost)
            self._broker.activate(queue)

    def _make_room(self, settled: list[Unacked]) -> None:
        """Settled deliveries no longer count against a prefetch."""
        woken: dict[ChannelConsumer, None] = {}
        for _, _, consumer in settled:
            if consumer is not None:
                consumer.outstanding -= 1
                self.shared_outstanding -= 1
                woken[consumer] = None
        for consumer in list(self.consumers.values()) if self.shared_prefetch else woken:
            if consumer.is_well_supplied():
                self._broker.wake_later(consumer)
            else:
                self.wake(consumer)
