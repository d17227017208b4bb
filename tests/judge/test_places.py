"""Places, lower bounds, conditions and values along a knob: what follows from figures alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from archlab.judge import judge
from archlab.run import DesignFacts, Measurement, RequirementOutcome, Run, WorkloadFacts
from archlab.scenario import Design, Knob, Load, Metric, Requirement, Scenario, Workload

KEPT = Metric("kept", "effects kept", "share", 0.01, "higher")
P95 = Metric("p95", "a page", "s", 0.001, operation="page")
ALONG = Workload("pressure", "", along={"rtt": (0, 10)})


def scenario(*requirements: Requirement, pressure: Workload = ALONG) -> Scenario:
    return Scenario(
        name="s", topic="", question="", problem="", say_it="", knobs=(Knob("rtt", 0, 0, 100, "ms", "", ""),),
        metrics=(KEPT, P95), requirements=requirements, workloads=(Workload("calm", ""), pressure),
        designs=(Design("a", "", "baseline", "", print), Design("b", "", "pattern", "", print)),
        load=Load(lambda lab, n: []), answers=print, data=print,
    )  # fmt: skip


def kept(design: str, *values: float, workload: str = "calm", **at: Any) -> Measurement:
    middle = sorted(values)[len(values) // 2]
    n = len(values)
    figures = (middle, min(values), max(values), n, n)
    return Measurement("e", design, workload, "kept", "share", "higher", *figures, at, values)


def judged(declared: Scenario, *measurements: Measurement, rtt: float = 0) -> Run:
    workloads = tuple(WorkloadFacts(w.name, "", {"rtt": rtt}) for w in declared.workloads)
    designs = tuple(DesignFacts(d.name, "", d.role, n) for n, d in enumerate(declared.designs, 1))
    return judge(declared, Run("s", "", "", 1, "", 1.0, workloads, designs, measurements, (), (), {}))


def outcome(run: Run, design: str = "a", workload: str = "calm") -> RequirementOutcome:
    found = run.required("kept", design, workload)
    assert found is not None
    return found


def at_least(share: float, **changed: Any) -> Requirement:
    return replace(Requirement("kept", "kept", None, "share", "", "", at_least=share), **changed)


@pytest.mark.parametrize(
    ("values", "expected", "margin"),
    [
        ((0.9,) * 3, "met", 1.8),
        ((0.25,) * 3, "missed", 2.0),
        ((0.4, 0.6, 0.6), "uncertain", None),
        ((0.0,) * 3, "missed", None),
    ],
)
def test_a_lower_bound_is_missed_below_it_and_its_margin_is_told_the_other_way_round(
    values: tuple[float, ...], expected: str, margin: float | None
) -> None:
    found = outcome(judged(scenario(at_least(0.5)), kept("a", *values)))
    assert (found.outcome, found.at_least, found.at_most) == (expected, 0.5, None)
    assert found.margin == (pytest.approx(margin) if margin else None)


def test_two_bounds_are_both_judged_and_the_nearer_one_is_the_margin() -> None:
    between = at_least(0.5, at_most=0.8)
    assert outcome(judged(scenario(between), kept("a", 0.6, 0.6, 0.6))).margin == pytest.approx(1.2)
    for value in (0.4, 0.9):
        assert outcome(judged(scenario(between), kept("a", value, value, value))).outcome == "missed"


def test_of_the_selected_places_the_worst_is_judged_and_the_others_do_not_count() -> None:
    places = [kept("a", value, value, value, point=point, kind=kind)
              for value, point, kind in ((0.1, "x", "y"), (0.3, "w", "z"), (0.2, "x", "z"))]  # fmt: skip
    found = outcome(judged(scenario(at_least(0.5, at={"kind": "z"})), *places))
    assert (found.outcome, found.at, found.margin) == ("missed", {"point": "x", "kind": "z"}, pytest.approx(2.5))
    found = outcome(judged(scenario(at_least(0.25, at={"point": "w"})), *places))
    assert (found.outcome, found.at) == ("met", {"point": "w", "kind": "z"})


def test_nothing_measured_at_the_place_is_uncertain_never_met() -> None:
    found = outcome(judged(scenario(at_least(0.5, at={"point": "new"})), kept("a", 1.0, 1.0, 1.0, point="x")))
    assert (found.outcome, found.why) == ("uncertain", "not measured")


def test_a_condition_on_knobs_decides_whether_it_is_demanded() -> None:
    far = scenario(at_least(0.5, when=lambda knobs: knobs.rtt > 5), pressure=Workload("pressure", ""))
    assert judged(far, kept("a", 0.1, 0.1, 0.1), rtt=5).requirements == ()
    assert outcome(judged(far, kept("a", 0.1, 0.1, 0.1), rtt=6)).outcome == "missed"


def test_a_condition_on_the_knob_along_which_a_workload_is_served_is_asked_value_by_value() -> None:
    far = scenario(at_least(0.5, when=lambda knobs: knobs.rtt > 5))
    values = [kept("a", *[share] * 3, workload="pressure", rtt=rtt) for rtt, share in ((0, 0.1), (10, 0.9))]
    run = judged(far, *values)
    assert [(r.outcome, r.at) for r in run.requirements if (r.design, r.workload) == ("a", "pressure")] == [
        ("met", {"rtt": 10})
    ], "near by, where it would be missed, nobody demands it"


def test_a_verdict_for_each_value_and_a_flip_only_where_it_is_sure() -> None:
    shares = {("a", 0): 0.9, ("b", 0): 0.9, ("a", 10): 0.1, ("b", 10): 0.9}
    values = [kept(design, *[share] * 3, workload="pressure", rtt=rtt) for (design, rtt), share in shares.items()]
    run = judged(scenario(at_least(0.5)), *values)
    assert [(v.at, v.design) for v in run.verdicts_along] == [({"rtt": 0}, "a"), ({"rtt": 10}, "b")]
    assert run.flips("pressure")
    whole = run.verdict("pressure")
    assert whole is not None
    assert whole.design == "b", "the simplest that is enough at every value"
    noisy = [replace(m, by_round=(0.4, 0.6, 0.9)) if (m.design, m.at["rtt"]) == ("a", 10) else m for m in values]
    assert not judged(scenario(at_least(0.5)), *noisy).flips("pressure"), "noise is no flip"


def test_a_lower_bound_on_a_time_is_not_missed_by_falling_behind() -> None:
    """A page that must not come too soon is not sooner because it waits."""
    late = Measurement(
        "load", "a", "calm", "p95", "s", "lower", None, None, None, 300, 5, {}, (), (0.0,) * 5, 60, 3.0, "falls behind"
    )
    soonest = Requirement("soonest", "p95", None, "s", "", "", at_least=0.1)
    found = judged(scenario(soonest), late).required("p95", "a", "calm")
    assert found is not None
    assert found.outcome == "met"


def test_comparisons_pair_equal_places_and_one_that_a_single_design_has_is_left_out() -> None:
    values = [kept("a", 0.9, 0.9, point="x"), kept("b", 0.3, 0.3, point="x"), kept("a", 0.2, 0.2, point="y")]
    run = judged(scenario(at_least(0.5)), *values)
    assert [(c.at, c.ratio) for c in run.comparisons] == [({"point": "x"}, pytest.approx(3))]
    assert run.compared("kept", "calm", "a", "b") == run.comparisons[0]
    assert run.compared("kept", "calm", "a", "b", {"point": "y"}) is None


def test_a_measurement_of_several_is_never_the_first_of_them() -> None:
    run = judged(
        scenario(at_least(0.5)), kept("a", 0.9, point="x"), kept("a", 0.2, point="y"), kept("b", 0.2, point="y")
    )
    one = run.measured("kept", "a", "calm", {"point": "y"})
    assert one is not None
    assert one.value == 0.2
    assert run.measured("kept", "b", "calm") is not None, "the only one needs no place"
    assert run.measured("kept", "a", "calm", {"point": "z"}) is None
    with pytest.raises(LookupError, match="kept of a at calm has 2 places"):
        run.measured("kept", "a", "calm")
