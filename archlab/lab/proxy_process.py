"""Delays, slows and cuts the bytes that pass through a proxy, and counts each time: the child's side."""

from __future__ import annotations

import asyncio
import random
import select
import selectors
import socket
import struct
import sys
from collections import Counter, deque
from collections.abc import Iterable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from archlab.lab.client import HOST
from archlab.lab.setting import STRUCK, Setting
from archlab.lab.toxic import Toxic

MOST = 65536
SET_TIMER_SLACK = 29
"""Of prctl(2): by how many nanoseconds Linux may wake this thread late; by default it takes 50,000."""


def run(setting: Setting, listener: socket.socket, target: int, wire: Connection) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(SET_TIMER_SLACK, 1, 0, 0, 0)
    with asyncio.Runner(loop_factory=precise_loop) as runner:
        runner.run(Relay(setting.folder, listener, target, wire, setting.seed).serve())


def precise_loop() -> asyncio.AbstractEventLoop:
    """A loop whose timers are not rounded up to a whole millisecond, as asyncio's are on epoll."""
    if not hasattr(selectors, "EpollSelector"):
        return asyncio.new_event_loop()

    class Precise(selectors.EpollSelector):
        """Waits with select(2), in microseconds, for the epoll object itself: one file descriptor, however many
        connections there are, so select's limit of 1024 is not met."""

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            if timeout is not None and timeout > 0:
                select.select([self.fileno()], (), (), timeout)
                timeout = 0
            return super().select(timeout)

    return asyncio.SelectorEventLoop(Precise())


class Relay:
    def __init__(self, folder: Path, listener: socket.socket, target: int, wire: Connection, seed: str) -> None:
        self.folder = folder
        self.listener = listener
        self.target = target
        self.wire = wire
        self.random = random.Random(seed)
        self.toxics: tuple[Toxic, ...] = ()
        self.strikes: Counter[str] = Counter()
        self.pipes: set[_Pipe] = set()

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        over = asyncio.Event()
        await loop.create_server(lambda: _Pipe(self, "up"), sock=self.listener)
        loop.run_in_executor(None, self._obey, loop, over)  # a thread: no loop can watch a pipe on Windows
        await over.wait()

    def _obey(self, loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
        while True:
            try:
                kind, content = self.wire.recv()
            except (EOFError, OSError):
                loop.call_soon_threadsafe(over.set)
                return
            if kind == "toxics":
                asyncio.run_coroutine_threadsafe(self._apply(content), loop).result()
                self.wire.send(None)
            elif kind == "target":
                self.target = content
                self.wire.send(None)
            else:
                self.wire.send(dict(self.strikes))

    async def _apply(self, toxics: tuple[Toxic, ...]) -> None:
        self.toxics = toxics
        if self.cut:
            self.struck("cut", sum(pipe.way == "up" for pipe in self.pipes))
            for pipe in list(self.pipes):
                pipe.close()
        for pipe in list(self.pipes):
            pipe.resume()

    @property
    def cut(self) -> bool:
        return any(toxic.cut for toxic in self.toxics)

    def of(self, way: str) -> Iterable[Toxic]:
        return (toxic for toxic in self.toxics if toxic.meets(way))

    def struck(self, toxic: str, times: int = 1) -> None:
        """Counts; the first time also where proof of injection is looked for, in the round's log."""
        if times and not self.strikes[toxic]:
            with (self.folder / STRUCK).open("a", encoding="utf-8") as log:
                log.write(toxic + "\n")
        self.strikes[toxic] += times


class _Pipe(asyncio.Protocol):
    """One direction of one connection: reads on its own side, writes on its partner's, later if it must."""

    def __init__(self, relay: Relay, way: str, partner: _Pipe | None = None) -> None:
        self.relay = relay
        self.way = way
        self.partner = partner
        self.transport: asyncio.Transport | None = None
        self.held: deque[tuple[float, bytes]] = deque()
        """What is still to be passed on, and when at the earliest; b"" is the end of the stream."""
        self.free_at = 0.0
        self.passed = 0
        self.timer: asyncio.TimerHandle | None = None
        relay.pipes.add(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self.partner is not None:
            return
        if self.relay.cut:
            self.relay.struck("cut")
            _reset(transport)
            return
        # The client's side is here: now reach for the service.
        self.partner = _Pipe(self.relay, "down", self)
        self.reaching = asyncio.ensure_future(self._reach(self.partner))

    async def _reach(self, partner: _Pipe) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: partner, HOST, self.relay.target)
        except OSError:
            self.close()
            return
        self.resume()

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), MOST):
            self._hold(data[start : start + MOST])

    def eof_received(self) -> bool:
        self._hold(b"")
        return True  # half-closed: the other direction may still have something to say

    def connection_lost(self, error: Exception | None) -> None:
        self.relay.pipes.discard(self)
        if self.partner is not None and self.partner.transport is not None and not self.partner.transport.is_closing():
            if error is not None:
                _reset(self.partner.transport)
            elif not self.held:
                self.partner.transport.close()
            else:
                self._hold(b"")

    def _hold(self, data: bytes) -> None:
        now = asyncio.get_running_loop().time()
        delay, names = 0.0, []
        for toxic in self.relay.of(self.way):
            if toxic.latency or toxic.jitter:
                delay += max(0.0, toxic.latency + self.relay.random.uniform(-toxic.jitter, toxic.jitter))
            if toxic.bandwidth is not None and data:
                self.free_at = max(now, self.free_at) + len(data) / toxic.bandwidth
                delay = max(delay, self.free_at - now)
            names += [name for name in toxic.names if name in ("latency", "jitter", "bandwidth", "stall")]
        if data:
            for name in names:
                self.relay.struck(name)
        # Never before what came before: a network that swaps bytes would not be TCP.
        earliest = max(now + delay, self.held[-1][0] if self.held else 0.0)
        self.held.append((earliest, data))
        self._pass_on()

    def resume(self) -> None:
        self._pass_on()
        if self.partner is not None and self.partner.transport is not None:
            self.partner._pass_on()

    def _pass_on(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        out = self.partner.transport if self.partner is not None else None
        if out is None or any(toxic.stall for toxic in self.relay.of(self.way)):
            return
        loop = asyncio.get_running_loop()
        while self.held:
            due, data = self.held[0]
            if due > loop.time():
                self.timer = loop.call_at(due, self._pass_on)
                return
            self.held.popleft()
            if out.is_closing():
                continue
            if not data:
                with suppress(OSError):  # the other side has gone meanwhile
                    out.write_eof()
                continue
            if not self._survives(data, out):
                return

    def _survives(self, data: bytes, out: asyncio.Transport) -> bool:
        """Passes data on, unless the connection is to be reset with it."""
        for toxic in self.relay.of(self.way):
            if toxic.reset_after is not None and self.passed + len(data) > toxic.reset_after:
                out.write(data[: max(0, toxic.reset_after - self.passed)])
                self.relay.struck("reset")
                for pipe in (self, self.partner):
                    if pipe is not None and pipe.transport is not None:
                        _reset(pipe.transport)
                return False
        self.passed += len(data)
        out.write(data)
        return True

    def close(self) -> None:
        self.held.clear()
        for pipe in (self, self.partner):
            if pipe is not None and pipe.transport is not None and not pipe.transport.is_closing():
                pipe.transport.abort() if pipe.transport.get_write_buffer_size() else pipe.transport.close()


def _reset(transport: asyncio.Transport) -> None:
    """Ends a connection with RST instead of FIN."""
    sock = transport.get_extra_info("socket")
    if sock is not None and not transport.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
