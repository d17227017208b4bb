"""One channel: its frames, its commands, publishing with confirms. Deliveries are in deliveries.py."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from pika import spec  # type: ignore[import-untyped]  # pika ships no py.typed marker

from archlab.broker import reply_to
from archlab.broker.commands import HANDLERS
from archlab.broker.deliveries import Deliveries
from archlab.broker.errors import AmqpError, precondition_failed
from archlab.broker.message import LARGEST_BODY, Message, parse_properties, with_header, with_reply_to
from archlab.broker.queue import Outcome
from archlab.broker.table import Field, Table
from archlab.broker.wire import (
    FRAME_BODY,
    FRAME_HEADER,
    FRAME_METHOD,
    PUBLISH,
    content_frames,
    frame_error,
    method_frame,
    parse_method,
    parse_publish,
    short_string,
)

if TYPE_CHECKING:
    from archlab.broker.connection import Connection
    from archlab.broker.reply_to import ReplyConsumer

_RETURN = struct.pack(">IH", spec.Basic.Return.INDEX, 312) + short_string("NO_ROUTE")
_ACK = spec.Basic.Ack.INDEX
_ACK_FRAME = struct.Struct(">BHIIQBB")
_SETTLEMENT = struct.Struct(">IQB")


class Channel:
    """The state of one channel of a connection. AmqpErrors that are soft close it, hard ones go to the connection."""

    def __init__(self, connection: Connection, number: int) -> None:
        self.connection = connection
        self.number = number
        self.broker = connection.broker
        self.open = False
        self.closing = False
        self.last_queue = ""  # most recently declared: what an empty queue name means
        self.deliveries = Deliveries(self)
        self.reply_consumer: ReplyConsumer | None = None
        self._publishing: tuple[str, str, bytes, int] | None = None
        self._properties: bytes | None = None
        self._body: bytes | bytearray = b""
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
            if len(payload) < 4:
                raise frame_error(kind, payload, "unknown_frame")
            index = int.from_bytes(payload[:4], "big")
            if self.open and index == PUBLISH:
                self._publishing = parse_publish(payload)
            elif self.open and index == _ACK and len(payload) == _SETTLEMENT.size:
                _, tag, multiple = _SETTLEMENT.unpack(payload)
                self._attempt((60, 80), lambda: self.deliveries.acknowledge(tag, bool(multiple & 1)))
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
        self.send(
            spec.Channel.Close(error.code, str(error).encode()[:255].decode("utf-8", "ignore"), class_id, method_id)
        )
        self.closing = True

    def _receive_while_closing(self, kind: int, payload: bytes) -> None:
        index = int.from_bytes(payload[:4], "big") if kind == FRAME_METHOD else 0
        if index == spec.Channel.CloseOk.INDEX:
            self.connection.forget(self)
        elif index == spec.Channel.Close.INDEX:
            # The two requests have crossed, and the client waits for an answer to its own. `send` is silent by now.
            self.connection.write(method_frame(self.number, spec.Channel.CloseOk()))

    def _receive_content(self, kind: int, payload: bytes) -> None:
        publish = (60, 40)
        if self._properties is None:
            if kind == FRAME_HEADER and len(payload) < 12:
                raise frame_error(kind, payload, "unknown_frame")
            if kind != FRAME_HEADER:
                raise AmqpError(
                    505, "expected content header for class 60, got non content header frame instead", publish
                )
            class_id, weight, size = struct.unpack_from(">HHQ", payload)
            if weight:
                raise AmqpError(
                    505, "expected content header for class 60, got non content header frame instead", publish
                )
            if class_id != 60:
                raise AmqpError(
                    505, f"expected content header for class 60, got one for class {class_id} instead", publish
                )
            self._properties = payload[12:]
            self._body_left = size
        else:
            if kind != FRAME_BODY or len(payload) > self._body_left:
                raise AmqpError(505, "expected content body, got non content body frame instead", publish)
            if not self._body:
                self._body = payload
            else:  # no list of them: frames of a few octets would weigh a hundred times what they hold
                if isinstance(self._body, bytes):
                    self._body = bytearray(self._body)
                self._body += payload
            self._body_left -= len(payload)
        if self._body_left > LARGEST_BODY:
            error = precondition_failed(
                f"message size {self._body_left} is larger than configured max size {LARGEST_BODY}"
            )
            error.method = publish
            self._fail(error)
        elif not self._body_left:
            self._attempt(publish, self._publish)

    # Publishing

    def _publish(self) -> None:
        assert self._publishing is not None and self._properties is not None  # _receive_content saw to it
        (name, key, address, bits), raw = self._publishing, self._properties
        body = bytes(self._body)
        self._publishing = self._properties = None
        self._body = b""
        if bits & 2:
            raise AmqpError(540, "immediate=true")
        broker = self.broker
        exchange = broker.topology.exchange(name)
        if exchange.internal:
            raise AmqpError(403, f"cannot publish to internal exchange '{name}' in vhost '/'")
        properties = parse_properties(raw)
        if properties.reply_to == reply_to.NAME:
            raw = with_reply_to(raw, reply_to.address_of(self))
        user, claimed = self.connection.handshake.user, properties.user_id
        if claimed is not None and claimed != user:
            raise precondition_failed(f"user_id property set to '{claimed}' but authenticated user was '{user}'")
        keys = [key, *properties.routing_headers()] if properties.headers else [key]
        message = Message(name, key, address, raw, body, properties.persistent, properties.expiration)
        if properties.headers is not None and b"BCC" in properties.headers:
            message.properties = with_header(message, b"BCC", None)
        queues = broker.topology.routes.find(exchange, keys, properties.headers)
        reply_to.answer(broker, exchange, keys, message)
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
        if self.closing or not (done or refused):
            return
        if not refused:
            self._send_ack(self._published, len(done) > 1)
            return
        done.sort()
        # Everything below the first refusal goes with one frame, the rest each with its own.
        first_refused = min(refused, default=self._published + 1)
        together = [tag for tag in done if tag < first_refused]
        if together:
            self._send_ack(together[-1], len(together) > 1)
        for tag in done[len(together) :]:
            self._send_ack(tag, False)
        for tag in sorted(refused):
            self.send(spec.Basic.Nack(tag, multiple=False, requeue=False))

    def release(self) -> None:
        """The channel ends: gives back what it holds, and confirms what need not wait for the disk.

        What must wait is not confirmed any more, in RabbitMQ neither: nothing may follow the close, or its answer.
        """
        self.deliveries.release()
        reply_to.cancel(self)
        self._body, self._publishing, self._properties = b"", None, None  # of a message that did not come whole
        for tag in self._done:
            self._send_ack(tag, False)
        self._done, self._stored, self._refused = [], [], []

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
            content_frames(self.number, method, properties, message.body, self.connection.handshake.frame_max)
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
