"""Reads and writes the octets of a connection, with limits for a client that does not read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archlab.broker.broker import Broker

# Deliveries stop beyond this many octets that the client has not read; beyond the next, its own requests do.
DELIVERY_BACKLOG = 256 << 10
REQUEST_BACKLOG = 1 << 20

# All connections of a loop read into the same buffer, since each empties it at once. asyncio's other way,
# data_received, makes a new buffer of 256 KiB for every read: that is half of a small request's time.
_READ_BUFFER = bytearray(256 << 10)


class Stream(asyncio.BufferedProtocol):
    """One TCP connection. What is written goes out with the next `flush`, when the disk has what it must have.

    A subclass works through what came (`_work_through`) and resumes its deliveries (`_wake`). It sets
    `_unread` and stops reading where it stops half-way, because `backlogged`: it is called again when the
    answers are on their way.
    """

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.received = 0
        self.sent = 0
        self._out: list[bytes] = []
        self._out_size = 0
        self._writing_paused = False
        self._reading_paused = False
        self._unread = False
        self._starved = False  # a consumer had to wait for the client to read

    def _work_through(self, data: bytes) -> None:
        raise NotImplementedError

    def _wake(self) -> None:
        raise NotImplementedError

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=DELIVERY_BACKLOG)

    def get_buffer(self, sizehint: int) -> bytearray:
        return _READ_BUFFER

    def buffer_updated(self, count: int) -> None:
        self.received += count
        self._work_through(bytes(memoryview(_READ_BUFFER)[:count]))
        # Somebody who asks and asks and never reads the answers is not asked any further.
        if self._writing_paused and self.unread_octets() > REQUEST_BACKLOG:
            self._stop_reading()

    def write(self, data: bytes) -> None:
        if not self._out:
            self.broker.unsent(self)
        self._out.append(data)
        self._out_size += len(data)

    def flush(self) -> None:
        if self._out:
            self._transport.write(b"".join(self._out))
            self.sent += self._out_size
            self._drop_output()
        self._go_on()

    def _drop_output(self) -> None:
        self._out.clear()
        self._out_size = 0

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        self._go_on()
        self.broker.work()
        self.broker.settle_soon()

    def _go_on(self) -> None:
        """The client has read: on with its requests and its consumers."""
        if self._writing_paused:
            return
        if self._unread:
            self._unread = False
            asyncio.get_running_loop().call_soon(self._work_on)
        else:
            self._read_on()
        if self._starved:
            self._starved = False
            self._wake()

    def _stop_reading(self) -> None:
        if not self._reading_paused and not self._transport.is_closing():
            self._reading_paused = True
            self._transport.pause_reading()

    def _work_on(self) -> None:
        """With what was read already; more is read when that is done."""
        self._work_through(b"")
        if not self._unread and not self._writing_paused:
            self._read_on()

    def _read_on(self) -> None:
        if self._reading_paused:
            self._reading_paused = False
            self._transport.resume_reading()

    def unread_octets(self) -> int:
        """How much waits for the client to read."""
        return self._transport.get_write_buffer_size() + self._out_size

    def congested(self) -> bool:
        """Whether the client must read before it gets more deliveries."""
        if self._writing_paused or self._out_size >= DELIVERY_BACKLOG:
            self._starved = True
            return True
        return False

    def backlogged(self) -> bool:
        """Whether so many answers wait that no more requests should be worked through."""
        return self._out_size > REQUEST_BACKLOG

    def signs_of_life(self) -> tuple[int, int]:
        """(octets received, octets sent); a client that we do not read from lives as long as it reads."""
        unread = self._transport.get_write_buffer_size() if self._reading_paused else 0
        return self.received - unread, self.sent
