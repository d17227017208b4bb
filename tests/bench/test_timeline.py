"""What is done to the system during a load, and the events that are told of it: only what was observed, in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from archlab import catalog
from archlab.bench.load import NEVER, Done
from archlab.bench.timeline import Timeline, events
from archlab.lab.lab import Lab
from archlab.lab.setting import Setting
from archlab.scenario import Request, Scenario, ScenarioError, Step

STOPS, BACK = Step(0.2, "e-mail stops", print), Step(0.6, "e-mail is back", print)
BEGUN = [(0.2, STOPS), (0.6, BACK)]


@pytest.fixture
def lab(tiny: Callable[..., Scenario], tmp_path: Path) -> Iterator[Lab]:
    folder = tmp_path / "round"
    folder.mkdir()
    setting = Setting(catalog.source(tiny().folder), "calm", {"words": 1, "rate": 100}, "1", folder, design="scan")
    lab = Lab(setting)
    yield lab
    lab.close(finish=False)


def served(count: int = 100, failed: range = range(0), late: range = range(0), unserved: range = range(0)) -> Done:
    """A hundred requests a second from 50 s on; each takes 1 ms, a late one half a second."""
    requests = [Request(i / 100, "place_order") for i in range(count)]
    due = [50 + request.due for request in requests]
    finished = [NEVER if i in unserved else at + (0.5 if i in late else 0.001) for i, at in enumerate(due)]
    return Done(requests, due, due, finished, failed=dict.fromkeys(failed, "e-mail is down"))


def told(lab: Lab, done: Done, begun: Any = BEGUN, bound: float = 0.3) -> list[tuple[float, str, str]]:
    found = events("mail-down", lab, done, begun, {"place_order": bound})
    assert {(e.experiment, e.design, e.workload) for e in found} == {("mail-down", "scan", "calm")}
    return [(round(e.t, 3), e.kind, e.says) for e in found]


# Events

DONE = [(0.2, "done", "e-mail stops"), (0.6, "done", "e-mail is back")]


def test_where_nothing_fails_there_is_only_what_was_done(lab: Lab) -> None:
    assert told(lab, served()) == DONE


def test_the_first_failure_and_the_first_that_is_served_again(lab: Lab) -> None:
    """A failure in between that is served is no recovery: only the one after the last failure is."""
    failing = served(failed=range(23, 62, 2))
    assert told(lab, failing) == [
        DONE[0],
        (0.231, "fails", "first place order fails: e-mail is down"),
        DONE[1],
        (0.621, "recovers", "place order is served again"),
    ]


def test_a_request_over_its_bound_is_told_with_the_bound(lab: Lab) -> None:
    """It is late when its bound has passed, however much later it is answered."""
    assert (0.6, "fails", "first place order over 300 ms") in told(lab, served(late=range(30, 40)))
    assert told(lab, served(late=range(30, 40)), bound=0.6) == DONE


def test_a_request_that_was_under_way_at_the_step_does_not_stand_before_it(lab: Lab) -> None:
    """It was due before e-mail stopped, and failed because of it."""
    done = served(failed=range(19, 62))
    done.finished[19] = 50.201
    assert told(lab, done)[:2] == [DONE[0], (0.201, "fails", "first place order fails: e-mail is down")]


def test_what_was_late_before_the_first_step_was_not_made_late_by_it(lab: Lab) -> None:
    late = served(late=range(3, 100))
    late.finished[3:19] = [50.195] * 16
    assert told(lab, late, bound=0.01) == [(0.04, "fails", "first place order over 10 ms"), *DONE]


def test_a_single_failure_before_the_first_step_is_not_its_doing(lab: Lab) -> None:
    assert told(lab, served(failed=range(5, 6))) == DONE


def test_what_nobody_served_has_neither_failed_nor_recovered(lab: Lab) -> None:
    """A round that stopped early was not watched any further."""
    stopped = served(late=range(30, 35), unserved=range(35, 100))
    assert sorted(told(lab, stopped)) == sorted([*DONE, (0.6, "fails", "first place order over 300 ms")])


def test_what_code_says_that_it_saw_has_its_time(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said again while nothing else happens it is told once; before the load begins it is not told."""
    moments = iter([49.9, 50.1, 50.15, 50.7, 50.8])
    monkeypatch.setattr(time, "perf_counter", lambda: next(moments))
    for _ in range(5):
        lab.seen("the queue is empty")
    empty = "seen", "the queue is empty"
    assert told(lab, served()) == [(0.1, *empty), *DONE, (0.7, *empty)]


# Steps


def test_steps_are_done_in_order_with_lab_and_design_and_their_faults_are_counted(lab: Lab) -> None:
    seen: list[Any] = []
    steps = (
        Step(0.0, "one", lambda lab, running: seen.append((1, running)), fault="down"),
        Step(0.05, "two", lambda lab, running: seen.append((2, lab))),
    )
    timeline = Timeline(steps, lab, "running", time.perf_counter())
    timeline.end()
    assert seen == [(1, "running"), (2, lab)]
    assert timeline.done()
    assert lab.faults_struck() == ["down"]
    (first, _), (second, _) = timeline.begun
    assert first < 0.05 <= second


def test_a_load_may_not_stop_before_the_last_step_was_done(lab: Lab) -> None:
    """Not when it is due, but when it is done."""
    entered, gate = threading.Event(), threading.Event()

    def slowly(lab: Any, running: Any) -> None:
        entered.set()
        gate.wait(20)

    timeline = Timeline((Step(0.0, "slowly", slowly),), lab, None, time.perf_counter())
    assert entered.wait(20)
    assert not timeline.done()
    gate.set()
    timeline.end()
    assert timeline.done()


def test_a_step_that_raises_is_named_and_those_after_it_are_not_done(lab: Lab) -> None:
    done: list[int] = []

    def broken(lab: Any, running: Any) -> None:
        raise ValueError("no such service")

    steps = (
        Step(0.0, "e-mail stops", broken, fault="down"),
        Step(0.0, "e-mail is back", lambda lab, running: done.append(1)),
    )
    timeline = Timeline(steps, lab, None, time.perf_counter())
    with pytest.raises(ScenarioError, match=r"the step 'e-mail stops' at 0 s: ValueError: no such service \(test_time"):
        timeline.end()
    assert done == []
    assert lab.faults_struck() == []


def test_the_steps_of_a_load_that_failed_are_left_out(lab: Lab) -> None:
    timeline = Timeline((Step(3600.0, "in an hour", print),), lab, None, time.perf_counter())
    timeline.abandon()
    assert timeline.done()
    assert timeline.begun == []
