"""The schedule of a load: long enough, the same for every design, and refused in a sentence where it cannot be."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest

from archlab.bench.schedule import LONGEST, WARM_UP, schedule, seconds_needed
from archlab.scenario import Experiment, Load, Request, ScenarioError, Step

RUNNING = SimpleNamespace(find=print)


def lab() -> Any:
    return SimpleNamespace(random=random.Random("1"))


def every(gap: float) -> Load:
    """A request every so many seconds, with an argument that is drawn."""
    return Load(lambda lab, n: [Request(i * gap, "find", (lab.random.randrange(1000),)) for i in range(n)])


def test_what_is_measured_begins_at_zero_after_the_warm_up() -> None:
    before, requests = schedule(every(0.01), 60, lab(), RUNNING)
    assert len(before) == WARM_UP
    assert len(requests) == 60
    assert requests[0].due == 0
    assert requests[-1].due == pytest.approx(0.59)


@pytest.mark.parametrize("gap", [0.0003, 0.01, 0.5])
def test_it_lasts_as_long_as_it_must_and_hardly_longer(gap: float) -> None:
    _, requests = schedule(every(gap), 30, lab(), RUNNING, 1.9)
    assert requests[-1].due >= 1.9
    assert len(requests) <= max(30, 1.05 * 1.9 / gap + 2)


def test_a_longer_schedule_begins_like_the_shorter_one() -> None:
    """However often it is asked for: the draws begin anew."""
    _, short = schedule(every(0.01), 30, lab(), RUNNING)
    _, long = schedule(every(0.01), 30, lab(), RUNNING, 2.0)
    assert long[:30] == short
    assert len(long) > 100


def test_requests_that_are_all_due_at_once_can_not_last() -> None:
    with pytest.raises(ScenarioError, match=f"lasts 0 s with {LONGEST} requests of every operation, and must last 2 s"):
        schedule(every(0.0), 30, lab(), RUNNING, 2.0)


def test_a_load_with_a_timeline_goes_on_after_the_last_step() -> None:
    steps = (Step(0.4, "it stops", print), Step(1.4, "it is back", print))
    assert seconds_needed(Experiment("down", timeline=steps)) == pytest.approx(1.7)
    assert seconds_needed(Experiment("down", timeline=steps, seconds=3.0)) == 3.0
    assert seconds_needed(Experiment("long", load=every(0.01), seconds=1.0)) == 1.0
    assert seconds_needed(Experiment("short", load=every(0.01))) == 0.0
