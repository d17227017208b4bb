"""What lint says about places, bounds, conditions and values along a knob."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archlab import catalog
from archlab.scenario import Grid, Mark, Metric, Requirement, Scenario, Workload


@pytest.fixture(scope="module")
def places() -> Scenario:
    return catalog.find(str(Path(__file__).parents[1] / "places"))


def kept(id: str = "kept", at_most: float | None = None, **changed: Any) -> Requirement:  # noqa: A002 - the field's name
    return replace(Requirement(id, "copies", at_most, "copies", "", ""), **changed)


def timed(id: str, **at: Any) -> Requirement:  # noqa: A002 - the field's name
    return Requirement(id, "read_p95", 1, "s", "", "", at=at)


PRESSURE = Workload("pressure", "", along={"rtt": (0, 1)})


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"requirements": (kept(),)}, "requirement kept has no bound: give it at_most or at_least."),
        ({"requirements": (kept(at_most=1, at_least=2),)}, "no value is at least 2 and at most 1."),
        ({"requirements": (kept(at_most=1, when=1),)}, "when must be a function of the knobs, not 1."),
        ({"requirements": (kept(at_most=1, when=lambda knobs: knobs.rt),)}, "when cannot be asked in calm"),
        ({"requirements": (kept("a", 1), kept("b", 2))}, "requirements a and b both bound 'copies' in calm"),
        ({"requirements": (timed("a"), timed("b", rtt=0))}, "requirements a and b both bound 'read_p95'"),
        ({"workloads": (replace(PRESSURE, along={"x": (0, 1)}),)}, "is served along 'x', which is not a knob."),
        ({"workloads": (replace(PRESSURE, along={"rtt": (0,)}),)}, "needs a tuple of at least two values"),
        ({"workloads": (replace(PRESSURE, along={"rtt": (0, 101)}),)}, "served at rtt=101, outside its range"),
        ({"workloads": (replace(PRESSURE, along={"rtt": (0, 0.5)}),)}, "served at rtt=0.5, which is not a whole"),
        ({"metrics": (Metric("m", "", "", 0, view="grid"),)}, "view is a Grid, a Ledger or a Series, not 'grid'."),  # type: ignore[arg-type]
        ({"metrics": (Metric("m", "", "", 0, view=Grid("a", "b", marks={0: Mark("no", "")})),)}, "is one character"),
    ],
)
def test_each_inconsistency_is_a_sentence(places: Scenario, changed: dict[str, Any], sentence: str) -> None:
    assert any(sentence in said for said in catalog.check(replace(places, **changed)))


def test_two_requirements_on_one_metric_are_told_apart_by_place_side_or_condition(places: Scenario) -> None:
    apart = (
        (timed("a", rtt=0), timed("b", rtt=4)),
        (kept("a", 3), kept("b", at_least=1)),
        (kept("a", 3, when=lambda knobs: knobs.rtt > 1), kept("b", 4, when=lambda knobs: knobs.rtt <= 1)),
    )
    for requirements in apart:
        assert catalog.check(replace(places, requirements=requirements)) == []
