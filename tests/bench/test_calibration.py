"""A rate that follows the speed of the machine: stated, within its range, and left alone where it was turned."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from archlab.bench import calibration
from archlab.bench.plan import Plan
from archlab.bench.runner import execute
from archlab.run import WorkloadFacts
from archlab.scenario import Calibrated, Scenario

Tiny = Callable[..., Scenario]

PRESSURE = 'Workload("pressure", "ten words", {"words": 11})'
CALIBRATED = 'Workload("pressure", "lookups a second: {rate:,.0f}", {"words": 11, "rate": Calibrated(2000)})'
IMPORT = "from archlab.scenario import (\n"


@pytest.fixture
def facts(tiny: Tiny, cache: Path) -> Callable[..., WorkloadFacts]:
    """``facts(rate=700.0)``: what a quick run records of the workload, with knobs turned."""
    scenario = tiny((PRESSURE, CALIBRATED), (IMPORT, IMPORT + "    Calibrated,\n")).only(("index",), ("pressure",))

    def of_run(**turned: float) -> WorkloadFacts:
        (workload,) = execute(Plan(scenario, turned, quick=True), cache, lambda event: None).workloads
        return workload

    return of_run


def test_on_a_machine_of_half_the_speed_the_rate_is_half(
    facts: Callable[..., WorkloadFacts], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "speed", lambda: 0.5)
    recorded = facts()
    assert recorded.settings["rate"] == 1000
    assert recorded.says == "lookups a second: 1,000 (by this machine's speed)"


def test_a_rate_that_a_person_turned_stays(facts: Callable[..., WorkloadFacts]) -> None:
    recorded = facts(rate=700.0)
    assert (recorded.settings["rate"], recorded.says) == (700, "lookups a second: 700 (you)")


def test_work_that_takes_twice_as_long_is_half_the_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same work with twice as many rows: the machine of today is measured, not assumed."""
    before = calibration.speed()
    monkeypatch.setattr(calibration, "ROWS", 4 * calibration.ROWS)
    assert 2 < before / calibration.speed() < 8


def test_before_a_run_a_rate_is_about_the_typical_one(tiny: Tiny) -> None:
    scenario = tiny((PRESSURE, CALIBRATED), (IMPORT, IMPORT + "    Calibrated,\n"))
    assert scenario.caption(scenario.workload("pressure"), {}) == "lookups a second: about 2,000"


def test_a_calibrated_rate_is_a_number_within_the_range_of_its_knob_and_can_be_sent() -> None:
    rate = Calibrated(2000)
    rates = [rate.here(speed, 20, 5000) for speed in (0.6172, 0.001, 9, 2.461)]
    assert rates == [1200, 20, 5000, 4900]
    sent = pickle.loads(pickle.dumps(rates[0]))
    assert (sent, sent.typical, sent.measured, f"{sent:g}") == (1200, 2000, True, "1200")
