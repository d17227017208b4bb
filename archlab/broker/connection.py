"""One client's connection: login, channels, heartbeats, and a proper end."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from pika import spec  # type: ignore[import-untyped]  # pika ships no py.typed marker

from archlab.broker.channel import Channel
from archlab.broker.errors import AmqpError
from archlab.broker.heartbeat import Heartbeat
from archlab.broker.wire import (
    FRAME_HEARTBEAT,
    FRAME_METHOD,
    HEARTBEAT_FRAME,
    PROTOCOL_HEADER,
    FrameReader,
    frame_error,
    method_frame,
    parse_method,
    unexpected_frame,
)

if TYPE_CHECKING:
    from archlab.broker.broker import Broker

log = logging.getLogger("archlab.broker")

USER, PASSWORD = "guest", "guest"  # what every RabbitMQ begins with; it listens on loopback only, and so do we
FRAME_MAX, CHANNEL_MAX, HEARTBEAT = 131_072, 2_047, 60  # octets, channels, seconds: RabbitMQ's defaults
SMALLEST_FRAME_MAX = 4_096
HANDSHAKE_TIMEOUT = 10.0  # seconds, as RabbitMQ's
SILENT_CLOSE_DELAY = 3.0  # seconds before a failed handshake is cut, to slow down guessing; RabbitMQ's
CLOSE_TIMEOUT = 10.0  # seconds for a client to answer Connection.Close

# Deliveries stop beyond this many octets that the client has not read; beyond the next, its own requests do.
DELIVERY_BACKLOG = 256 << 10
REQUEST_BACKLOG = 1 << 20


class State(Enum):
    HEADER = auto()
    STARTING = auto()
    TUNING = auto()
    OPENING = auto()
    RUNNING = auto()
    CLOSING = auto()  # we asked, and wait for the answer
    CLOSED = auto()


# All connections of a loop read into the same buffer, since each empties it at once. asyncio's other way,
# data_received, makes a new buffer of 256 KiB for every read: that is half of a small request's time.
_READ_BUFFER = bytearray(256 << 10)


class Connection(asyncio.BufferedProtocol):
    """The server's side of one TCP connection."""

    def __init__(self, broker: Broker, server_properties: dict[str, Any]) -> None:
        self.broker = broker
        self.user = ""
        self.frame_max = FRAME_MAX
        self._server_properties = server_properties
        self._state = State.HEADER
        self._reader = FrameReader()
        self._first = b""
        self._channels: dict[int, Channel] = {}
        self._channel_max = CHANNEL_MAX
        self._capabilities: dict[str, Any] = {}
        self._out: list[bytes] = []
        self._out_size = 0
        self._writing_paused = False
        self._reading_paused = False
        self._starved = False
        self._unread = False
        self._lost_sync = False
        self._timer: asyncio.TimerHandle | None = None
        self._heartbeat: Heartbeat | None = None
        self._received = 0
        self._sent = 0
        self._peer = ""

    # The transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=DELIVERY_BACKLOG)
        host, port = transport.get_extra_info("peername")[:2]
        self._peer = f"{host}:{port}"
        self.broker.connections.add(self)
        self._end_after(HANDSHAKE_TIMEOUT, "the handshake took too long")

    def connection_lost(self, error: Exception | None) -> None:
        if self._state is State.RUNNING:
            self.log("the client went away without closing the connection")
        self._finish()
        self.broker.connections.discard(self)

    def get_buffer(self, sizehint: int) -> bytearray:
        return _READ_BUFFER

    def buffer_updated(self, count: int) -> None:
        self._received += count
        self._work_through(bytes(memoryview(_READ_BUFFER)[:count]))

    def _work_through(self, data: bytes) -> None:
        self.broker.receiving = True
        try:
            if self._state is State.HEADER:
                self._first += data
                if len(self._first) >= len(PROTOCOL_HEADER):
                    data, self._first = self._first, b""
                    if self._start(data[:8]):
                        self._read(data[8:])
            elif not self._lost_sync:
                self._read(data)
        except Exception:
            # One client's frames must not take the others down, whatever is wrong with our code.
            log.exception("internal error on the connection from %s", self._peer)
            self._lost_sync = True
            self._fail(AmqpError(541))
        self.broker.received()
        self._limit_requests()

    def _read(self, data: bytes) -> None:
        self._unread = False
        try:
            for kind, channel, payload in self._reader.feed(data):
                self._receive(kind, channel, payload)
                if self._out_size > REQUEST_BACKLOG:
                    self._unread = True  # the reader keeps the rest, until the answers so far are on their way
                    break
        except AmqpError as error:
            # An error of the reader's own: nothing that follows can be understood.
            self._lost_sync = True
            self._fail(error)

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        if self._reading_paused:
            self._reading_paused = False
            self._transport.resume_reading()
        self._go_on_reading()
        self._wake()
        self.broker.work()

    def congested(self) -> bool:
        """Whether the client must read before it gets more deliveries."""
        if self._writing_paused or self._out_size >= DELIVERY_BACKLOG or self._state is not State.RUNNING:
            self._starved = True
            return True
        return False

    def _limit_requests(self) -> None:
        # Somebody who asks and asks and never reads the answers is not asked any further.
        if self._writing_paused and not self._reading_paused:
            waiting = self._transport.get_write_buffer_size() + self._out_size
            if waiting > REQUEST_BACKLOG and not self._transport.is_closing():
                self._reading_paused = True
                self._transport.pause_reading()

    def write(self, data: bytes) -> None:
        """Sends with the next `flush`, when what must be on the disk is there."""
        self._out.append(data)
        self._out_size += len(data)
        self.broker.unsent(self)

    def flush(self) -> None:
        if self._out:
            self._transport.write(b"".join(self._out))
            self._sent += self._out_size
            self._out.clear()
            self._out_size = 0
        if self._state is State.CLOSED:
            self._transport.close()
        else:
            self._go_on_reading()
            self._wake()

    def _go_on_reading(self) -> None:
        if self._unread and not self._writing_paused and not self._lost_sync:
            self._unread = False
            asyncio.get_running_loop().call_soon(self._work_through, b"")

    def _wake(self) -> None:
        if self._starved and not self._writing_paused:
            self._starved = False
            for channel in self._channels.values():
                for consumer in channel.consumers.values():
                    channel.wake(consumer)

    def log(self, text: str) -> None:
        log.info("connection from %s: %s", self._peer, text)

    # Frames

    def _start(self, header: bytes) -> bool:
        """Answers the protocol header; False if it is none of ours."""
        if header in (PROTOCOL_HEADER, b"AMQP\x01\x01\x00\x09"):  # 0-9 is near enough for RabbitMQ
            self._state = State.STARTING
            self._send(
                spec.Connection.Start(
                    version_major=0,
                    version_minor=9,
                    server_properties=self._server_properties,
                    mechanisms="PLAIN",
                    locales="en_US",
                )
            )
            return True
        log.warning("connection from %s: the client %s", self._peer, _other_protocol(header))
        self._state = State.CLOSED
        self._transport.write(PROTOCOL_HEADER)
        self._transport.close()
        return False

    def _receive(self, kind: int, number: int, payload: bytes) -> None:
        try:
            if self._state is State.CLOSED:
                return
            if self._state is State.CLOSING:
                self._receive_while_closing(kind, number, payload)
            elif kind not in (1, 2, 3, 8) or (kind == FRAME_HEARTBEAT and payload) or (kind == 1 and len(payload) < 4):
                raise frame_error(kind, payload, "unknown_frame")
            elif kind == FRAME_HEARTBEAT and number == 0:
                pass
            elif number == 0 and kind == FRAME_METHOD:
                self._command(payload)
            elif number == 0 or kind == FRAME_HEARTBEAT or self._state is not State.RUNNING:
                raise unexpected_frame(kind, payload)
            else:
                self._channel(number).receive(kind, payload)
        except AmqpError as error:
            self._fail(error)

    def _channel(self, number: int) -> Channel:
        channel = self._channels.get(number)
        if channel is None:
            count = len(self._channels)
            if count >= self._channel_max:
                raise AmqpError(
                    530,
                    f"number of channels opened ({count}) has reached the negotiated channel_max ({self._channel_max})",
                )
            channel = self._channels[number] = Channel(self, number)
        return channel

    def forget(self, channel: Channel) -> None:
        """The channel is closed on both sides."""
        self._channels.pop(channel.number, None)

    # Methods of the connection itself

    def _command(self, payload: bytes) -> None:
        identity = (int.from_bytes(payload[:2], "big"), int.from_bytes(payload[2:4], "big"))
        method, _ = parse_method(payload)
        expected: dict[State, dict[type, Callable[[Any], None]]] = {
            State.STARTING: {spec.Connection.StartOk: self._log_in},
            State.TUNING: {spec.Connection.TuneOk: self._tune},
            State.OPENING: {spec.Connection.Open: self._open},
            State.RUNNING: {spec.Connection.Close: self._close},
        }
        command = expected[self._state].get(type(method))
        try:
            if command is None:
                raise AmqpError(504, f"unexpected method in connection state {self._state.name.lower()}")
            command(method)
        except AmqpError as error:
            error.method = error.method or identity
            raise

    def _log_in(self, method: Any) -> None:
        if method.mechanism != "PLAIN":
            raise AmqpError(503, f"unknown authentication mechanism '{method.mechanism}'")
        self._capabilities = dict((method.client_properties or {}).get("capabilities") or {})
        response = method.response if isinstance(method.response, bytes) else method.response.encode()
        parts = response.split(b"\0")
        if len(parts) != 3:
            raise AmqpError(502, "response is not PLAIN")
        right = [hmac.compare_digest(part, truth.encode()) for part, truth in zip(parts[1:], (USER, PASSWORD), strict=True)]
        if not all(right):
            error = AmqpError(
                403,
                "Login was refused using authentication mechanism PLAIN. For details see the broker logfile.",
                (0, 0),
            )
            log.warning("connection from %s: login refused: wrong user or password", self._peer)
            raise error
        self.user = USER
        self._state = State.TUNING
        self._send(spec.Connection.Tune(CHANNEL_MAX, FRAME_MAX, HEARTBEAT))

    def _tune(self, method: Any) -> None:
        for what, value, least, most in (
            ("frame_max", method.frame_max, SMALLEST_FRAME_MAX, FRAME_MAX),
            ("channel_max", method.channel_max, 1, CHANNEL_MAX),
        ):
            if not least <= value <= most:
                raise AmqpError(530, f"negotiated {what} = {value} is not within {least} and {most}")
        self.frame_max = self._reader.limit = method.frame_max
        self._channel_max = method.channel_max
        self._state = State.OPENING
        if method.heartbeat:
            self._heartbeat = Heartbeat(method.heartbeat, self._signs_of_life, self._beat, self._peer_is_dead)

    def _open(self, method: Any) -> None:
        if method.virtual_host != "/":
            raise AmqpError(530, f"vhost {method.virtual_host} not found")
        self._state = State.RUNNING
        self._cancel_timer()
        self._send(spec.Connection.OpenOk())

    def _close(self, method: Any) -> None:
        self._release()
        self._send(spec.Connection.CloseOk())
        self._state = State.CLOSED

    def can(self, capability: str) -> bool:
        """Whether the client said that it understands this extension."""
        return bool(self._capabilities.get(capability))

    # Heartbeats

    def _signs_of_life(self) -> tuple[int, int]:
        """(octets received, octets sent); a client that we do not read from lives as long as it reads."""
        unread = self._transport.get_write_buffer_size() if self._reading_paused else 0
        return self._received - unread, self._sent

    def _beat(self) -> None:
        if not self._writing_paused:
            self._transport.write(HEARTBEAT_FRAME)

    def _peer_is_dead(self) -> None:
        log.warning("connection from %s: missed heartbeats from client, cut", self._peer)
        self._finish()
        self._transport.abort()

    # The end

    def shut_down(self) -> None:
        """The broker stops: the client gets a proper close, if it got that far."""
        if self._state is State.RUNNING:
            self._fail(AmqpError(320, "broker forced connection closure with reason 'shutdown'"))
        elif self._state is not State.CLOSING:
            self._transport.abort()

    def _fail(self, error: AmqpError) -> None:
        """An error that ends the connection."""
        if self._state in (State.CLOSING, State.CLOSED):
            return
        log.warning("connection from %s: closed: %s", self._peer, error)
        said = (
            self._state is State.RUNNING
            or (error.code == 403 and self._state is State.STARTING and self.can("authentication_failure_close"))
            or self._state is State.OPENING
        )
        self._release()
        if not said:  # as RabbitMQ: a handshake that goes wrong is cut after a while, without a word
            self._lost_sync = True
            self._state = State.CLOSING
            self._end_after(SILENT_CLOSE_DELAY, "")
            return
        class_id, method_id = error.method or (0, 0)
        text = str(error).encode()[:255].decode("utf-8", "ignore")
        self._send(spec.Connection.Close(error.code, text, class_id, method_id))
        self._state = State.CLOSING
        self._end_after(SILENT_CLOSE_DELAY if self._lost_sync else CLOSE_TIMEOUT, "")

    def _receive_while_closing(self, kind: int, number: int, payload: bytes) -> None:
        index = int.from_bytes(payload[:4], "big") if kind == FRAME_METHOD and number == 0 else 0
        if index == spec.Connection.CloseOk.INDEX:
            self._transport.close()
        elif index == spec.Connection.Close.INDEX:
            self._send(spec.Connection.CloseOk())

    def _release(self) -> None:
        """Gives everything back that the connection held; its exclusive queues go with it."""
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            channel.release()
            channel.closing = True
        for queue in [queue for queue in self.broker.topology.queues.values() if queue.owner is self]:
            self.broker.delete_queue(queue)
        self.broker.work()

    def _finish(self) -> None:
        self._release()
        self._state = State.CLOSED
        self._out.clear()
        self._out_size = 0
        self._cancel_timer()
        if self._heartbeat is not None:
            self._heartbeat.stop()

    def _send(self, method: Any) -> None:
        self.write(method_frame(0, method))

    def _end_after(self, seconds: float, why: str) -> None:
        self._cancel_timer()

        def end() -> None:
            if why:
                log.warning("connection from %s: %s", self._peer, why)
            self._transport.abort()

        self._timer = asyncio.get_running_loop().call_later(seconds, end)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _other_protocol(header: bytes) -> str:
    """What a client speaks that does not speak AMQP 0-9-1, and what would help."""
    if header.startswith(b"AMQP"):
        version = "1.0" if header[5:6] == b"\x01" and header[4:5] in b"\x00\x02\x03" else "another version"
        return f"speaks AMQP {version}: this broker speaks AMQP 0-9-1 only"
    if header.startswith(b"\x16\x03"):
        return "speaks TLS: this broker has none, connect with amqp:// instead of amqps://"
    if header.split(b" ")[0] in (b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"PATCH", b"CONNECT"):
        return "speaks HTTP: this is an AMQP port, there is no management page"
    return f"does not speak AMQP: it began with {header!r}"
