"""A machine that was suspended or throttled while it was measured makes the run invalid."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from archlab.bench import machine_watch
from archlab.bench.machine_watch import Watch


@pytest.fixture
def speeds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the fixed piece of work takes, one entry a sample, on a clock of the test's own."""
    queue: list[float] = []
    now = [0.0]

    def perf_counter() -> float:
        now[0] += queue[0] if queue else 0.0
        return now[0]

    monkeypatch.setattr(time, "perf_counter", perf_counter)
    return queue


def after(speeds: list[float], *taken: float) -> Watch:
    seen = Watch()
    for seconds in taken:
        speeds[:] = [seconds]
        seen.sample_speed()
    return seen


def test_a_gap_in_its_ticking_is_a_suspension(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock that it reads goes on while the machine sleeps; an hour without a tick is said."""
    now, ticked = SimpleNamespace(seconds=0.0), threading.Event()

    def clock() -> float:
        ticked.set()
        return float(now.seconds)

    monkeypatch.setattr(machine_watch, "_clock", clock)
    monkeypatch.setattr(machine_watch, "TICK", 0.001)
    with Watch() as seen:
        for _ in range(2):
            ticked.clear()
            assert ticked.wait(10)
        now.seconds += 3600
        for _ in range(2):
            ticked.clear()
            assert ticked.wait(10)
    assert seen.complaints == ("the machine or archlab was suspended for 3600 s while measuring; run it again",)


def test_a_suspension_that_ends_with_the_run_is_seen_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the last tick and the end."""
    now, started = SimpleNamespace(seconds=0.0), threading.Event()

    def clock() -> float:
        started.set()
        return float(now.seconds)

    monkeypatch.setattr(machine_watch, "_clock", clock)
    monkeypatch.setattr(machine_watch, "TICK", 600.0)
    with Watch() as seen:
        assert started.wait(10)
        now.seconds += 3600 + 600
    assert "suspended for 3600 s" in seen.complaints[0]


def test_a_machine_that_is_merely_busy_is_no_suspension() -> None:
    with Watch() as seen:
        pass
    assert seen.complaints == ()


def test_a_lasting_change_of_speed_is_said(speeds: list[float]) -> None:
    """Throttled by half, or freed of other work: figures before and after do not belong together."""
    for before, later in ((1.0, 2.5), (2.5, 1.0)):
        (complaint,) = after(speeds, *[before] * 10, *[later] * 10).complaints
        assert "the machine's speed changed by a factor of 2.5 in mid-run" in complaint


@pytest.mark.parametrize(
    "taken",
    [
        [1.0] * 20,
        [1.0] * 10 + [1.8] * 10,  # less than a factor of two
        [1.0, 9.0, 1.0, 9.0, 1.0] * 4,  # it comes and goes
        [1.0] * 9 + [9.0] * 2 + [1.0] * 9,  # it passes
        [1.0] * 4 + [9.0] * 4,  # too few samples to say
    ],
)
def test_a_machine_that_wobbles_is_no_reason(speeds: list[float], taken: list[float]) -> None:
    assert after(speeds, *taken).complaints == ()


@pytest.mark.skipif(sys.platform != "linux", reason="what a thread holds back is read from Linux's /proc")
def test_its_thread_takes_no_signal() -> None:
    """One that it took would interrupt the main thread where that holds signals back."""
    with Watch() as watching:
        status = Path(f"/proc/self/task/{watching._thread.native_id}/status").read_text()
    blocked = int(status.split("SigBlk:")[1].split()[0], 16)
    assert all(blocked >> (number - 1) & 1 for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
