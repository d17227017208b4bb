"""The traced pass records how long requests waited: a queue that grows is seen to grow, and only where there is one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab.bench.plan import Plan
from archlab.bench.runner import execute
from archlab.bench.waits import SHOWN, growth
from archlab.judge import judge
from archlab.run import Run, Waits
from archlab.scenario import Scenario
from archlab.view import panes
from archlab.view.facts import missed_because


@pytest.fixture(scope="module")
def run(tiny_in: Callable[..., Scenario], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """500 requests a second: scan needs 4 ms for each, twice the time that there is; index needs next to nothing."""
    folder = tmp_path_factory.mktemp("waits")
    scenario = tiny_in(folder / "tiny")
    return judge(scenario, execute(Plan(scenario, {"rate": 500.0}, quick=True), folder / "cache", lambda told: None))


def of(run: Run, design: str) -> Waits:
    (found,) = [w for w in run.waits if w.design == design]
    return found


def test_the_queue_of_a_design_that_is_overloaded_grows_from_the_first_request_to_the_last(run: Run) -> None:
    """Each request that is shown waits longer than the one before, and by hardly more than a second every second."""
    scan = of(run, "scan")
    waited = [wait for _, wait, _ in scan.requests]
    assert len(waited) == SHOWN
    assert waited == sorted(waited)
    assert waited[-1] > 10 * (scan.requests[0][2] - waited[0])
    assert scan.busy > 1
    assert 0.2 < scan.grows <= 1


def test_the_last_request_that_is_shown_is_beyond_the_bound_that_the_table_says_is_missed(run: Run) -> None:
    missed = run.required("find_p95", "scan", "pressure")
    assert missed is not None
    assert missed.outcome == "missed"
    assert of(run, "scan").requests[-1][2] > missed.bound


def test_a_design_that_is_at_ease_has_no_queue_that_grows(run: Run) -> None:
    index = of(run, "index")
    assert index.busy < 1
    assert index.grows < of(run, "scan").grows / 2


def test_who_falls_behind_in_the_picture_falls_behind_in_the_table(run: Run) -> None:
    """The overloaded design, and no other."""
    for design, behind in (("scan", True), ("index", False)):
        asked = run.required("find_p95", design, "pressure")
        assert asked is not None
        assert panes.falls_behind(run, "pressure", design) is behind
        assert missed_because(run, asked).startswith("falls behind") is behind
    assert panes.traced_otherwise(run) == []


def test_what_is_served_back_to_back_has_no_waits(run: Run, tiny: Callable[..., Scenario], tmp_path: Path) -> None:
    scenario = tiny(('shown_workload="pressure"', 'shown_workload="calm"'))
    closed = execute(Plan(scenario, {}, quick=True), tmp_path / "cache", lambda told: None)
    assert closed.traces
    assert closed.waits == ()


@given(st.integers(9, 200), st.floats(0, 0.99), st.floats(0.0001, 0.1))
def test_growth_is_the_slope_whatever_a_single_request_does(count: int, slope: float, gap: float) -> None:
    """One request that waits for a second more changes nothing beyond what its neighbours differ by."""
    times = [gap * i for i in range(count)]
    waited = [slope * time for time in times]
    assert growth(times, waited) == pytest.approx(slope, abs=1e-6)
    waited[-1] += 1
    assert growth(times, waited) == pytest.approx(slope, rel=0.2, abs=1e-6)


def test_of_too_few_requests_no_growth_is_told() -> None:
    assert growth([0.0, 1.0], [0.0, 1.0]) == 0.0
    assert growth([1.0, 1.0, 1.0], [0.0, 1.0, 2.0]) == 0.0
