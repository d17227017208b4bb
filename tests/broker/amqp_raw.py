"""A client that speaks AMQP byte by byte, to say what a well-behaved client cannot.

Frames are made and read with pika's codec; nothing is checked on the way out.
"""

from __future__ import annotations

import socket
import struct
from types import TracebackType
from typing import Any

from pika import data, frame, spec

PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
CAPABILITIES = {
    "authentication_failure_close": True,
    "basic.nack": True,
    "connection.blocked": True,
    "consumer_cancel_notify": True,
    "publisher_confirms": True,
}


def method(channel: int, command: Any) -> bytes:
    """The frame of one method."""
    return bytes(frame.Method(channel, command).marshal())


def header(channel: int, size: int, properties: spec.BasicProperties | None = None) -> bytes:
    """The frame of a content header."""
    return bytes(frame.Header(channel, size, properties or spec.BasicProperties()).marshal())


def raw_frame(kind: int, channel: int, payload: bytes, end: int = spec.FRAME_END) -> bytes:
    """A frame of any type, channel, payload and end marker."""
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + bytes([end])


def login_response(mechanism: str, user: str, password: str) -> bytes:
    """User and password as the mechanism (PLAIN, or AMQPLAIN) has them."""
    if mechanism == "PLAIN":
        return f"\0{user}\0{password}".encode()
    pieces: list[bytes] = []
    data.encode_table(pieces, {"LOGIN": user, "PASSWORD": password})
    return b"".join(pieces)[4:]  # without the length in front


class RawClient:
    """One TCP connection to a broker. `read` times out with `TimeoutError` and ends with `ConnectionError` or None."""

    def __init__(self, port: int, timeout: float = 10.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def __enter__(self) -> RawClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self) -> Any:
        """The next frame, or None when the broker closed the connection (a reset counts as closed)."""
        while True:
            used, decoded = frame.decode_frame(self._buffer)
            if decoded is not None:
                self._buffer = self._buffer[used:]
                return decoded
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not more:
                return None
            self._buffer += more

    def read_method(self) -> Any:
        """The next method, passing over heartbeats and content; None when the connection is closed."""
        while True:
            decoded = self.read()
            if decoded is None:
                return None
            if isinstance(decoded, frame.Method):
                return decoded.method

    def read_all(self) -> bytes:
        """Every byte until the broker closes."""
        read = self._buffer
        while True:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                return read
            if not more:
                return read
            read += more

    def start(self, user: str = "guest", password: str = "guest", mechanism: str = "PLAIN", **properties: Any) -> Any:
        """Protocol header and login; returns what the broker answered to the login."""
        self.send(PROTOCOL_HEADER)
        started = self.read_method()
        assert isinstance(started, spec.Connection.Start), started
        self.send(
            method(
                0,
                spec.Connection.StartOk(
                    client_properties={"capabilities": CAPABILITIES, **properties},
                    mechanism=mechanism,
                    response=login_response(mechanism, user, password),
                    locale="en_US",
                ),
            )
        )
        return self.read_method()

    def tune(self, channel_max: int = 2047, frame_max: int = 131072, heartbeat: int = 0) -> None:
        self.send(method(0, spec.Connection.TuneOk(channel_max, frame_max, heartbeat)))

    def open(self, vhost: str = "/", heartbeat: int = 0) -> Any:
        """A whole handshake; returns what the broker answered to Connection.Open."""
        tune = self.start()
        assert isinstance(tune, spec.Connection.Tune), tune
        self.tune(heartbeat=heartbeat)
        self.send(method(0, spec.Connection.Open(vhost)))
        return self.read_method()

    def channel(self, number: int = 1) -> None:
        self.send(method(number, spec.Channel.Open()))
        answer = self.read_method()
        assert isinstance(answer, spec.Channel.OpenOk), answer

    def call(self, channel: int, command: Any) -> Any:
        """Sends a method and returns the next one that comes back."""
        self.send(method(channel, command))
        return self.read_method()
