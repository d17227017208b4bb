"""A rate that is set for the machine at hand: measured before the run, stated, and left alone where it was turned."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archlab.bench.calibration import served_a_second
from archlab.bench.plan import Plan
from archlab.bench.rounds import Served
from archlab.bench.runner import execute
from archlab.run import Run
from archlab.scenario import Calibrated, Scenario

Tiny = Callable[..., Scenario]

PRESSURE = 'Workload("pressure", "ten words", {"words": 11})'
CALIBRATED = (
    'Workload("pressure", "lookups a second: {rate:,.0f}", {"words": 11, "rate": Calibrated(3, "scan", typical=100)})'
)
IMPORT = "from archlab.scenario import (\n"


@pytest.fixture
def calibrated(tiny: Tiny) -> Scenario:
    return tiny((PRESSURE, CALIBRATED), (IMPORT, IMPORT + "    Calibrated,\n"))


def run(scenario: Scenario, cache: Path, turned: dict[str, float] | None = None) -> Run:
    found = execute(Plan(scenario, turned or {}, quick=True), cache, lambda event: None)
    assert found.valid, found.invalid_reasons
    return found


def test_the_rate_is_so_many_times_what_the_design_serves_here(calibrated: Scenario, cache: Path) -> None:
    """Three times as much as it can serve is demanded of it, give or take the noise of two short measurements."""
    found = run(calibrated.only((), ("pressure",)), cache)
    scanned = found.measured("find_p95", "scan", "pressure")
    assert scanned is not None
    assert scanned.utilisation == pytest.approx(3, rel=0.3)
    (facts,) = found.workloads
    assert facts.settings["rate"] != 100
    assert facts.says.endswith("(3 × what scan serves)")
    assert facts.says == f"lookups a second: {facts.settings['rate']:,.0f}"


def test_a_rate_that_a_person_turned_stays(calibrated: Scenario, cache: Path) -> None:
    (facts,) = run(calibrated.only((), ("pressure",)), cache, {"rate": 700.0}).workloads
    assert (facts.settings["rate"], facts.says) == (700, "lookups a second: 700 (you)")


def test_without_the_design_the_rate_is_the_typical_one(calibrated: Scenario, cache: Path) -> None:
    (facts,) = run(calibrated.only(("index",), ("pressure",)), cache).workloads
    assert (facts.settings["rate"], facts.says) == (100, "lookups a second: about 100")


def test_a_calibrated_rate_stays_within_the_range_of_its_knob_and_survives_being_sent() -> None:
    rate = Calibrated(4, "crud", typical=2000)
    assert (rate, rate.here(123.4, 1, 10_000), rate.here(9999, 1, 5000), rate.here(0.1, 20, 5000)) == (
        2000,
        490,
        5000,
        20,
    )
    sent = pickle.loads(pickle.dumps(rate.here(123.4, 1, 10_000)))
    assert (f"{sent:,.0f}", sent.typical) == ("490 (4 × what crud serves)", 2000)


def test_what_is_served_counts_every_operation_as_often_as_it_was_asked() -> None:
    """Three pages of 2 ms and one order of 10 ms: four requests in 16 ms. One stall of the machine does not count."""
    times: Any = (0.002, 0.002, 0.9)
    assert served_a_second([Served("page", (), times, 0), Served("order", (), (0.010,), 0)]) == pytest.approx(250)
    assert served_a_second([Served("page", (), (), 0)]) == 0
