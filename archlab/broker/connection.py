"""One client's connection: its frames in and out, its channels, and a proper end."""

from __future__ import annotations

import asyncio
import logging
from enum import Enum
from typing import TYPE_CHECKING, Any

from pika import spec  # type: ignore[import-untyped]  # pika ships no py.typed marker

from archlab.broker.channel import Channel
from archlab.broker.errors import AmqpError
from archlab.broker.handshake import MECHANISMS, Handshake, Stage, is_ours, other_protocol
from archlab.broker.heartbeat import Heartbeat
from archlab.broker.stream import Stream
from archlab.broker.wire import (
    FRAME_BODY,
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

HANDSHAKE_TIMEOUT = 10.0  # seconds, as RabbitMQ's
SILENT_CLOSE_DELAY = 3.0  # seconds before a failed handshake is cut, to slow down guessing; RabbitMQ's
CLOSE_TIMEOUT = 30.0  # seconds for a client to hang up, or its heartbeat if that is shorter; RabbitMQ's


class State(Enum):
    BEGINNING = "the protocol header is awaited"
    HANDSHAKE = "login and tuning"
    RUNNING = "open"
    CLOSING = "we asked to close, and wait for the answer"
    LEAVING = "the client asked to close, was answered, and hangs up"
    CLOSED = "nothing is read any more"


class Connection(Stream):
    """The server's side of one TCP connection."""

    def __init__(self, broker: Broker, server_properties: dict[str, Any]) -> None:
        super().__init__(broker)
        self.handshake = Handshake()
        self._server_properties = server_properties
        self._state = State.BEGINNING
        self._running = False  # the state again, for the path that every frame takes
        self._reader = FrameReader()
        self._first = b""
        self._channels: dict[int, Channel] = {}
        self._lost_sync = False  # what comes cannot be understood any more
        self._timer: asyncio.TimerHandle | None = None
        self._heartbeat: Heartbeat | None = None
        self._peer = ""

    # The stream

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        host, port = transport.get_extra_info("peername")[:2]
        self._peer = f"{host}:{port}"
        self.broker.connections.add(self)
        self._end_after(HANDSHAKE_TIMEOUT, "the handshake took too long")

    def connection_lost(self, error: Exception | None) -> None:
        if self._state is State.RUNNING:
            self.log("the client went away without closing the connection")
        self._finish()
        self.broker.connections.discard(self)

    def eof_received(self) -> None:
        # It may have much to read yet, and the transport waits for that. What it holds goes back at once.
        if self._running:
            self.log("the client went away without closing the connection")
            self._finish()
            self._end_after(CLOSE_TIMEOUT)

    def _work_through(self, data: bytes) -> None:
        self.broker.receiving = True
        try:
            if self._state is State.BEGINNING:
                self._first += data
                if len(self._first) >= len(PROTOCOL_HEADER):
                    data, self._first = self._first, b""
                    if self._begin(data[:8]):
                        self._read(data[8:])
            elif not self._lost_sync:
                self._read(data)
        except Exception:
            # One client's frames must not take the others down, whatever is wrong with our code.
            log.exception("internal error on the connection from %s", self._peer)
            self._lost_sync = True
            self._fail(AmqpError(541))
        self.broker.received()

    def _begin(self, header: bytes) -> bool:
        """Answers the protocol header; False if it is none of ours."""
        if is_ours(header):
            self._state = State.HANDSHAKE
            self._send(spec.Connection.Start(0, 9, self._server_properties, MECHANISMS, "en_US"))
            return True
        log.warning("connection from %s: the client %s", self._peer, other_protocol(header))
        self._state = State.CLOSED
        self._transport.write(PROTOCOL_HEADER)
        self._transport.close()
        return False

    def _read(self, data: bytes) -> None:
        self._unread = False
        try:
            for kind, number, payload in self._reader.feed(data):
                channel = self._channels.get(number) if FRAME_METHOD <= kind <= FRAME_BODY else None
                try:
                    if channel is not None:
                        channel.receive(kind, payload)
                    else:
                        self._receive(kind, number, payload)
                except AmqpError as error:
                    self._fail(error)
                if self.backlogged():
                    self._unread = True  # the reader keeps the rest, until the answers so far are on their way
                    self._stop_reading()
                    break
        except AmqpError as error:
            # An error of the reader's own: nothing that follows can be understood.
            self._lost_sync = True
            self._fail(error)

    def congested(self) -> bool:
        return not self._running or super().congested()

    def _wake(self) -> None:
        for channel in self._channels.values():
            channel.deliveries.wake_all()

    def log(self, text: str) -> None:
        log.info("connection from %s: %s", self._peer, text)

    # Frames

    def _receive(self, kind: int, number: int, payload: bytes) -> None:
        """A frame for no channel that there is."""
        if self._state is State.CLOSED:
            return
        if self._state in (State.CLOSING, State.LEAVING):
            self._receive_while_closing(kind, number, payload)
        elif self._running and number and FRAME_METHOD <= kind <= FRAME_BODY:
            self._new_channel(number).receive(kind, payload)
        elif kind not in (FRAME_HEARTBEAT, FRAME_METHOD, 2, FRAME_BODY) or (kind == FRAME_HEARTBEAT and payload):
            raise frame_error(kind, payload, "unknown_frame")
        elif kind == FRAME_METHOD and number == 0:
            self._command(payload)
        elif kind != FRAME_HEARTBEAT or number:
            raise unexpected_frame(kind, payload)

    def _new_channel(self, number: int) -> Channel:
        count, most = len(self._channels), self.handshake.channel_max
        if count >= most:
            text = f"number of channels opened ({count}) has reached the negotiated channel_max ({most})"
            raise AmqpError(530, text)
        channel = self._channels[number] = Channel(self, number)
        return channel

    def forget(self, channel: Channel) -> None:
        """The channel is closed on both sides."""
        self._channels.pop(channel.number, None)

    def _command(self, payload: bytes) -> None:
        """A method of the connection itself."""
        method, table = parse_method(payload)
        try:
            if self._running and isinstance(method, spec.Connection.Close):
                self._release()
                self._send(spec.Connection.CloseOk())
                # It is for the client to hang up: a socket closed here, with something unread in it, is reset,
                # and the client may lose the answer.
                self._enter(State.LEAVING)
                self._end_after(self._patience())
                return
            if self._running and isinstance(method, spec.Connection.UpdateSecret):
                answer = spec.Connection.UpdateSecretOk()  # a password is asked for once: a new one changes nothing
            else:
                answer = self.handshake.answer(method, table)
        except AmqpError as error:
            error.method = error.method or (method.INDEX >> 16, method.INDEX & 0xFFFF)
            raise
        if answer is not None:
            self._send(answer)
        if self.handshake.stage is Stage.OPENING:
            self._reader.limit = self.handshake.frame_max
            if self.handshake.heartbeat:
                self._heartbeat = Heartbeat(
                    self.handshake.heartbeat, self.signs_of_life, self._beat, self._peer_is_dead
                )
        elif self.handshake.stage is Stage.DONE:
            self._enter(State.RUNNING)
            self._cancel_timer()

    def _enter(self, state: State) -> None:
        self._state = state
        self._running = state is State.RUNNING

    # Heartbeats

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
        if self._running:
            self._fail(AmqpError(320, "broker forced connection closure with reason 'shutdown'"))
        elif self._state is not State.CLOSING:
            self._transport.abort()

    def _fail(self, error: AmqpError) -> None:
        """An error that ends the connection."""
        if self._state in (State.CLOSING, State.LEAVING, State.CLOSED):
            return
        log.warning("connection from %s: closed: %s", self._peer, error)
        self._release()
        self._enter(State.CLOSING)
        if not self.handshake.may_say(error):  # as RabbitMQ: cut after a while, without a word
            self._lost_sync = True
            self._end_after(SILENT_CLOSE_DELAY)
            return
        class_id, method_id = error.method or (0, 0)
        text = str(error).encode()[:255].decode("utf-8", "ignore")
        self._send(spec.Connection.Close(error.code, text, class_id, method_id))
        self._end_after(SILENT_CLOSE_DELAY if self._lost_sync else self._patience())

    def _patience(self) -> float:
        """Seconds that a closed connection's client has to hang up."""
        return min(self.handshake.heartbeat or CLOSE_TIMEOUT, CLOSE_TIMEOUT)

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
        self.broker.settle_soon()

    def _finish(self) -> None:
        self._release()
        self._reader = FrameReader()  # what an unfinished frame holds goes now, not when this object does
        self._enter(State.CLOSED)
        self._drop_output()
        self._cancel_timer()
        if self._heartbeat is not None:
            self._heartbeat.stop()

    def _send(self, method: Any) -> None:
        self.write(method_frame(0, method))

    def _end_after(self, seconds: float, why: str = "") -> None:
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
