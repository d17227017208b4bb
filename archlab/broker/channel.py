"""One channel: publishing with confirms, consuming, acknowledging."""

from __future__ import annotations

import base64
import secrets
import struct
from typing import TYPE_CHECKING, Any

from pika import spec  # type: ignore[import-untyped]  # pika ships no py.typed marker

from archlab.broker.commands import HANDLERS
from archlab.broker.errors import AmqpError, precondition_failed
from archlab.broker.message import LARGEST_BODY, Message, parse_properties, with_header
from archlab.broker.queue import Outcome, Queue
from archlab.broker.queued import Queued
from archlab.broker.table import INTEGER_KINDS, Field, Table
from archlab.broker.wire import (
    FRAME_BODY,
    FRAME_HEADER,
    FRAME_METHOD,
    PUBLISH,
    content_frames,
    method_frame,
    parse_method,
    parse_publish,
    short_string,
)

if TYPE_CHECKING:
    from archlab.broker.connection import Connection

_DELIVER = struct.pack(">I", spec.Basic.Deliver.INDEX)
_GET_OK = struct.pack(">I", spec.Basic.GetOk.INDEX)
_RETURN = struct.pack(">IH", spec.Basic.Return.INDEX, 312) + short_string("NO_ROUTE")
_ACK = spec.Basic.Ack.INDEX
_ACK_FRAME = struct.Struct(">BHIIQBB")
_SETTLEMENT = struct.Struct(">IQB")


class ChannelConsumer:
    """A consumer as its queue sees it (`consumers.Consumer`); it writes deliveries to its channel."""

    __slots__ = ("_prefix", "channel", "no_ack", "outstanding", "prefetch", "priority", "queue", "tag")

    def __init__(self, channel: Channel, queue: Queue, tag: str, no_ack: bool, prefetch: int, priority: int) -> None:
        self.channel = channel
        self.queue = queue
        self.tag = tag
        self.no_ack = no_ack
        self.prefetch = 0 if no_ack else prefetch
        self.priority = priority
        self.outstanding = 0
        self._prefix = _DELIVER + short_string(tag)

    def ready(self) -> bool:
        if self.prefetch and self.outstanding >= self.prefetch:
            return False
        channel = self.channel
        if channel.shared_prefetch and channel.shared_outstanding >= channel.shared_prefetch:
            return False
        return not channel.connection.congested()

    def deliver(self, queued: Queued) -> None:
        channel = self.channel
        message = self.queue.message(queued)
        channel.delivery_tag = tag = channel.delivery_tag + 1
        if not self.no_ack:
            channel.unacked[tag] = (queued, self.queue, self)
            self.outstanding += 1
            channel.shared_outstanding += 1
        channel.send_content(
            self._prefix + struct.pack(">QB", tag, queued.redelivered) + message.address, message, queued.returns
        )

    def cancelled(self) -> None:
        """The queue is gone: says so to a client that understands it."""
        self.channel.consumers.pop(self.tag, None)
        if self.channel.connection.can("consumer_cancel_notify"):
            self.channel.send(spec.Basic.Cancel(self.tag, nowait=True))


class Channel:
    """The state of one channel of a connection. AmqpErrors that are soft close it, hard ones go to the connection."""

    def __init__(self, connection: Connection, number: int) -> None:
        self.connection = connection
        self.number = number
        self.broker = connection.broker
        self.open = False
        self.closing = False
        self.last_queue = ""  # most recently declared: what an empty queue name means
        self.prefetch = 0
        self.shared_prefetch = 0
        self.shared_outstanding = 0
        self.delivery_tag = 0
        self.unacked: dict[int, tuple[Queued, Queue, ChannelConsumer | None]] = {}
        self.consumers: dict[str, ChannelConsumer] = {}
        self._publishing: tuple[str, str, bytes, int] | None = None
        self._properties: bytes | None = None
        self._body: list[bytes] = []
        self._body_left = 0
        self._confirming = False
        self._published = 0
        self._done: list[int] = []  # publishes to confirm whatever the disk says
        self._stored: list[int] = []  # publishes to confirm once the disk has them
        self._refused: list[int] = []

    # Frames in

    def receive(self, kind: int, payload: bytes) -> None:
        """One frame. Raises AmqpError for errors that close the connection."""
        if self.closing:
            self._receive_while_closing(kind, payload)
        elif self._publishing is not None:
            self._receive_content(kind, payload)
        elif kind != FRAME_METHOD:
            raise AmqpError(505, "expected method frame, got non method frame instead")
        else:
            index = int.from_bytes(payload[:4], "big")
            if self.open and index == PUBLISH:
                self._publishing = parse_publish(payload)
            elif self.open and index == _ACK and len(payload) == _SETTLEMENT.size:
                _, tag, multiple = _SETTLEMENT.unpack(payload)
                self._attempt((60, 80), lambda: self.acknowledge(tag, bool(multiple & 1)))
            else:
                method, table = parse_method(payload)
                self._attempt((index >> 16, index & 0xFFFF), lambda: self._command(method, table))

    def _attempt(self, identity: tuple[int, int], command: Any) -> None:
        try:
            command()
        except AmqpError as error:
            error.method = error.method or identity
            if error.closes_connection:
                raise
            self._fail(error)
        self.broker.work()

    def _fail(self, error: AmqpError) -> None:
        class_id, method_id = error.method or (0, 0)
        self.release()
        self.connection.log(f"channel {self.number} closed: {error}")
        self.send(spec.Channel.Close(error.code, str(error).encode()[:255].decode("utf-8", "ignore"), class_id, method_id))
        self.closing = True

    def _receive_while_closing(self, kind: int, payload: bytes) -> None:
        index = int.from_bytes(payload[:4], "big") if kind == FRAME_METHOD else 0
        if index == spec.Channel.CloseOk.INDEX:
            self.connection.forget(self)
        elif index == spec.Channel.Close.INDEX:
            self.send(spec.Channel.CloseOk())

    def _receive_content(self, kind: int, payload: bytes) -> None:
        publish = (60, 40)
        if self._properties is None:
            if kind != FRAME_HEADER or len(payload) < 12:
                raise AmqpError(505, "expected content header for class 60, got non content header frame instead", publish)
            class_id, weight, size = struct.unpack_from(">HHQ", payload)
            if weight:
                raise AmqpError(505, "expected content header for class 60, got non content header frame instead", publish)
            if class_id != 60:
                raise AmqpError(505, f"expected content header for class 60, got one for class {class_id} instead", publish)
            self._properties = payload[12:]
            self._body_left = size
        else:
            if kind != FRAME_BODY or len(payload) > self._body_left:
                raise AmqpError(505, "expected content body, got non content body frame instead", publish)
            self._body.append(payload)
            self._body_left -= len(payload)
        if self._body_left > LARGEST_BODY:
            error = precondition_failed(f"message size {self._body_left} is larger than configured max size {LARGEST_BODY}")
            error.method = publish
            self._fail(error)
        elif not self._body_left:
            self._attempt(publish, self._publish)

    # Publishing

    def _publish(self) -> None:
        assert self._publishing is not None and self._properties is not None  # _receive_content saw to it
        (name, key, address, bits), raw = self._publishing, self._properties
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._publishing = self._properties = None
        self._body = []
        if bits & 2:
            raise AmqpError(540, "immediate=true")
        broker = self.broker
        exchange = broker.topology.exchange(name)
        if exchange.internal:
            raise AmqpError(403, f"cannot publish to internal exchange '{name}' in vhost '/'")
        properties = parse_properties(raw)
        if properties.user_id is not None and properties.user_id != self.connection.user:
            raise precondition_failed(
                f"user_id property set to '{properties.user_id}' but authenticated user was '{self.connection.user}'"
            )
        keys = [key, *properties.routing_headers()] if properties.headers else [key]
        message = Message(name, key, address, raw, body, properties.persistent, properties.expiration)
        if properties.headers is not None and b"BCC" in properties.headers:
            message.properties = with_header(message, b"BCC", None)
        queues = broker.topology.route(exchange, keys, properties.headers)
        if not queues and bits & 1:
            self.send_content(_RETURN + address, message)
        now = broker.now()
        outcomes = [queue.publish(message, now) for queue in queues]
        for queue in queues:
            if queue.has_deadline:
                broker.activate(queue)
        if self._confirming:
            self._published += 1
            if Outcome.REJECTED in outcomes:
                self._refused.append(self._published)
            elif Outcome.STORED in outcomes:
                self._stored.append(self._published)
            else:
                self._done.append(self._published)
            broker.unconfirmed(self)

    @property
    def awaits_disk(self) -> bool:
        return bool(self._stored)

    def confirm(self, safe: bool) -> None:
        """Confirms all that was published since the last time; what the disk did not take is refused."""
        done, refused = self._done, self._refused
        (done if safe else refused).extend(self._stored)
        self._done, self._stored, self._refused = [], [], []
        if self.closing:
            return
        done.sort()
        # Everything below the first refusal goes with one frame, the rest each with its own.
        together = [tag for tag in done if not refused or tag < min(refused)]
        if together:
            self._send_ack(together[-1], len(together) > 1)
        for tag in done[len(together) :]:
            self._send_ack(tag, False)
        for tag in sorted(refused):
            self.send(spec.Basic.Nack(tag, multiple=False, requeue=False))

    # Frames out

    def send(self, method: Any) -> None:
        if not self.closing:
            self.connection.write(method_frame(self.number, method))

    def _send_ack(self, tag: int, multiple: bool) -> None:
        # Basic.Ack as it comes out of pika's codec, in a tenth of the time: there is one for every publish.
        self.connection.write(_ACK_FRAME.pack(FRAME_METHOD, self.number, 13, _ACK, tag, multiple, spec.FRAME_END))

    def send_content(self, method: bytes, message: Message, returns: int = 0) -> None:
        properties = message.properties
        if returns:
            properties = with_header(message, b"x-delivery-count", Field("long", returns))
        self.connection.write(
            content_frames(self.number, method, properties, message.body, self.connection.frame_max)
        )

    # Commands

    def _command(self, method: Any, table: Table) -> None:
        if isinstance(method, spec.Channel.Open):
            if self.open:
                raise AmqpError(504, "second 'channel.open' seen")
            self.open = True
            self.send(spec.Channel.OpenOk())
        elif not self.open:
            raise AmqpError(504, "expected 'channel.open'")
        elif type(method) in HANDLERS:
            HANDLERS[type(method)](self, method, table)
        else:
            raise AmqpError(503, "unimplemented method")

    def start_confirming(self) -> None:
        self._confirming = True

    def consume(self, queue: Queue, method: Any, table: Table) -> ChannelConsumer:
        """Registers a consumer; deliveries begin with the next `work`."""
        priority = table.get(b"x-priority")
        if priority is not None and priority.kind not in INTEGER_KINDS:
            raise precondition_failed(
                f"invalid arg 'x-priority' for queue '{queue.name}' in vhost '/': \"expected integer, got {priority.kind}\""
            )
        if queue.settings.quorum and self.shared_prefetch:
            raise AmqpError(540, f"queue '{queue.name}' in vhost '/' does not support global qos")
        tag = method.consumer_tag or "amq.ctag-" + base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        consumer = ChannelConsumer(
            self, queue, tag, method.no_ack, self.prefetch, priority.value if priority is not None else 0
        )
        queue.add_consumer(consumer, method.exclusive)
        self.consumers[tag] = consumer
        return consumer

    def cancel(self, consumer: ChannelConsumer) -> None:
        self.consumers.pop(consumer.tag, None)
        if consumer.queue.remove_consumer(consumer, self.broker.now()) and not consumer.queue.deleted:
            self.broker.delete_queue(consumer.queue)
        self.broker.activate(consumer.queue)

    def get(self, queue: Queue, no_ack: bool) -> None:
        """Basic.Get"""
        queued = queue.get(self.broker.now(), no_ack)
        self.broker.activate(queue)
        if queued is None:
            self.send(spec.Basic.GetEmpty())
            return
        self.delivery_tag += 1
        if not no_ack:
            self.unacked[self.delivery_tag] = (queued, queue, None)
        message = queue.message(queued)
        self.send_content(
            _GET_OK
            + struct.pack(">QB", self.delivery_tag, queued.redelivered)
            + message.address
            + struct.pack(">I", queue.ready_count),
            message,
            queued.returns,
        )

    # Settling deliveries

    def _take_unacked(self, tag: int, multiple: bool) -> list[tuple[Queued, Queue, ChannelConsumer | None]]:
        """Takes out what a delivery tag stands for; tag 0 with multiple is everything."""
        if not multiple:
            found = self.unacked.pop(tag, None)
            if found is None:
                raise precondition_failed(f"unknown delivery tag {tag}")
            return [found]
        if tag and tag not in self.unacked:
            raise precondition_failed(f"unknown delivery tag {tag}")
        tags = [other for other in self.unacked if not tag or other <= tag]
        return [self.unacked.pop(other) for other in tags]

    def acknowledge(self, tag: int, multiple: bool) -> None:
        settled = self._take_unacked(tag, multiple)
        for queued, queue, _ in settled:
            if not queue.deleted:
                queue.acknowledge(queued)
        self._make_room(settled)

    def reject(self, tag: int, multiple: bool, requeue: bool) -> None:
        settled = self._take_unacked(tag, multiple)
        if requeue:
            self._requeue(settled)
        else:
            for queued, queue, _ in settled:
                if not queue.deleted:
                    queue.reject(queued)
        self._make_room(settled)

    def recover(self) -> None:
        """Requeues everything unacknowledged."""
        settled = list(self.unacked.values())
        self.unacked.clear()
        self._requeue(settled)
        self._make_room(settled)

    def _requeue(self, settled: list[tuple[Queued, Queue, ChannelConsumer | None]], lost: bool = False) -> None:
        by_queue: dict[Queue, list[Queued]] = {}
        for queued, queue, _ in settled:
            if not queue.deleted:
                by_queue.setdefault(queue, []).append(queued)
        for queue, returned in by_queue.items():
            queue.requeue(returned, self.broker.now(), lost)
            self.broker.activate(queue)

    def _make_room(self, settled: list[tuple[Queued, Queue, ChannelConsumer | None]]) -> None:
        """Settled deliveries no longer count against a prefetch."""
        woken = {}
        for _, _, consumer in settled:
            if consumer is not None:
                consumer.outstanding -= 1
                self.shared_outstanding -= 1
                woken[consumer] = None
        for consumer in self.consumers.values() if self.shared_prefetch else woken:
            self.wake(consumer)

    def wake(self, consumer: ChannelConsumer) -> None:
        if consumer.queue.consumers.wake(consumer):
            self.broker.activate(consumer.queue)

    def set_shared_prefetch(self, count: int) -> None:
        """Basic.Qos with global: one limit for all consumers of the channel."""
        self.shared_prefetch = count
        self.shared_outstanding = len(self.unacked)
        for consumer in self.consumers.values():
            self.wake(consumer)

    def release(self) -> None:
        """The channel ends: consumers go, what was not acknowledged goes back."""
        for consumer in list(self.consumers.values()):
            self.cancel(consumer)
        settled = list(self.unacked.values())
        self.unacked.clear()
        self._requeue(settled, lost=True)
