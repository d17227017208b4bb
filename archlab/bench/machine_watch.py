"""Watches the machine while the bench measures: a suspended or throttled one makes a run invalid."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from archlab.signals import held_back
from archlab.statistics import median

TICK = 0.25
GAP = 3.0
"""Seconds without a tick that no busy machine explains."""
CHANGE = 2.0
"""A lasting change of speed by this factor between the halves of a run."""


def _clock() -> float:
    """Seconds on a clock that goes on while the machine sleeps, which the steady clock does not."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.time()


class Watch:
    """``with Watch() as watch: …``; afterwards ``watch.complaints`` says in sentences what was wrong, if anything."""

    def __init__(self) -> None:
        self._gap = 0.0
        self._speeds: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Watch:
        with held_back():  # for ever in the thread: were it to take a signal, nobody could hold one back any more
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _tick(self) -> None:
        before, over = _clock(), False
        while not over:
            over = self._over.wait(TICK)
            now = _clock()
            self._gap = max(self._gap, now - before - TICK)
            before = now

    def sample_speed(self) -> None:
        """Times a fixed piece of work, the best of three: half a millisecond."""
        best = float("inf")
        for _ in range(3):
            begin = time.perf_counter()
            sum(range(10_000))
            best = min(best, time.perf_counter() - begin)
        self._speeds.append(best)

    @property
    def complaints(self) -> tuple[str, ...]:
        found = []
        if self._gap > GAP:
            found.append(f"the machine or archlab was suspended for {self._gap:.0f} s while measuring; run it again")
        half = len(self._speeds) // 2
        if half >= 5:
            first, second = median(self._speeds[:half]), median(self._speeds[half:])
            factor = max(first / second, second / first)
            if factor > CHANGE:
                found.append(
                    f"the machine's speed changed by a factor of {factor:.1f} in mid-run; "
                    "plug it in or end other work, and run it again"
                )
        return tuple(found)
