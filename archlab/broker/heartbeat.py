"""Heartbeats: one is sent where nothing else was, and a peer that is silent for two intervals is dead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Heartbeat:
    """Watches one connection, at the rhythm of RabbitMQ.

    `signs_of_life` counts octets (received, sent). Twice per `interval` (seconds) `beat` is called if
    nothing was sent since; once per interval it is looked whether anything came, and `dead` is called
    when nothing did for the second time: two to three intervals after the last octet.
    """

    def __init__(
        self,
        interval: int,
        signs_of_life: Callable[[], tuple[int, int]],
        beat: Callable[[], None],
        dead: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._interval = interval
        self._signs_of_life = signs_of_life
        self._beat = beat
        self._dead = dead
        self._received, self._sent = 0, 0
        self._silent = 0
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._next_look_out()
        self._next_listen()

    def _next_look_out(self) -> None:
        self._timers["send"] = self._loop.call_later(self._interval / 2, self._look_out)

    def _next_listen(self) -> None:
        self._timers["receive"] = self._loop.call_later(self._interval, self._listen)

    def _look_out(self) -> None:
        self._next_look_out()
        sent = self._signs_of_life()[1]
        if sent == self._sent:
            self._beat()
        self._sent = sent

    def _listen(self) -> None:
        self._next_listen()
        received = self._signs_of_life()[0]
        if received != self._received:
            self._silent = 0
        else:
            self._silent += 1
            if self._silent > 1:
                self.stop()
                self._dead()
        self._received = received

    def stop(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
