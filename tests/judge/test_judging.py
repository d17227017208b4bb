"""Judging is pure: from a run's figures alone follow comparisons, requirements, verdicts, claims, quadrants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab.judge import broken_claims, judge, standing
from archlab.run import DesignFacts, FaultRecord, Measurement, Run, Span, Trace, WorkloadFacts
from archlab.scenario import Claim, Design, Finding, Load, Metric, Requirement, Role, Scenario, Workload, held, refuted

BOUND = 0.1
METRICS = (
    Metric("page_p95", "95 of 100 pages", "s", 0.005, operation="page"),
    Metric("page_time", "a page", "s", 0.001, operation="page", quantile=0.5, of="service"),
    Metric("lost", "lost effects", "effects", 1),
)
IN_TIME = Requirement("page-in-time", "page_p95", BOUND, "s", "a page, 95 %", "people wait for it")
NOTHING_LOST = Requirement("nothing-lost", "lost", 0, "effects", "no effect lost", "money", ("pressure",))


def design(name: str, role: Role = "alternative") -> Design:
    return Design(name, name, role, "", lambda lab: None)


SCENARIO = Scenario(
    name="pages",
    topic="",
    question="",
    problem="",
    say_it="",
    knobs=(),
    metrics=METRICS,
    requirements=(IN_TIME,),
    workloads=(Workload("calm", "", closed=True), Workload("pressure", "")),
    designs=(design("plain", "baseline"), design("query"), design("model", "pattern"), design("cache", "misuse")),
    load=Load(lambda lab, n: []),
    answers=lambda lab, running: None,
    data=lambda lab: None,
)


def measured(
    name: str, workload: str, over: list[float], value: float | None = None, metric: str = "page_p95", **changed: Any
) -> Measurement:
    """A measurement whose rounds have these shares over the bound."""
    seconds = value if value is not None else (0.3 if sum(over) > 0 else 0.02)
    rounds = tuple(seconds * (1 + 0.01 * (i % 3)) for i in range(len(over)))
    figures: dict[str, Any] = {
        "value": seconds,
        "low": min(rounds),
        "high": max(rounds),
        "by_round": rounds,
        "per_round": 60,
    }
    figures |= {"per_round": 60, "utilisation": 0.2, **changed}
    return Measurement(
        "load", name, workload, metric, "s", "lower", n=60 * len(over), rounds=len(over), over=tuple(over), **figures
    )


MET, MISSED, UNSURE = [0.0] * 5, [1.0] * 5, [0.0, 0.3, 0.0, 0.0, 0.0]


def falls_behind(name: str, workload: str, rounds: int = 5, over: float = 0.8) -> Measurement:
    nothing: dict[str, Any] = {"value": None, "low": None, "high": None, "by_round": ()}
    shares = [over] * rounds
    note = "falls behind: 29 of 100 a second"
    return replace(measured(name, workload, shares), **nothing, utilisation=3.4, note=note)


def run(*measurements: Measurement, scenario: Scenario = SCENARIO, **changed: Any) -> Run:
    facts: dict[str, Any] = {
        "scenario": scenario.name,
        "topic": "",
        "question": "",
        "seed": 1,
        "started": "2026-01-01T00:00:00+00:00",
        "seconds": 1.0,
        "workloads": tuple(WorkloadFacts(w.name, "", {}) for w in scenario.workloads),
        "designs": tuple(
            DesignFacts(d.name, d.title, d.role, order, lines=10 * order, modules=order, processes=1, tables=order)
            for order, d in enumerate(scenario.designs, 1)
        ),
        "measurements": measurements,
        "faults": (),
        "traces": (),
        "environment": {"python": "3.11"},
    }
    return judge(scenario, Run(**facts | changed))


def under_pressure(**shares: list[float]) -> Run:
    """Judged from the shares over the bound of each design under pressure; calm is met by all."""
    calm = [measured(d.name, "calm", MET) for d in SCENARIO.designs]
    return run(*calm, *(measured(name, "pressure", over) for name, over in shares.items()))


def standings(judged: Run, workload: str) -> list[str]:
    return [standing(judged, workload, d.name) for d in judged.designs]


# The quadrants


def test_the_four_quadrants() -> None:
    """Problem absent: the simplest is enough and the rest self-inflicted. Present: the simplest misses, one pays."""
    judged = under_pressure(plain=MISSED, query=MET, model=MET, cache=MET)
    assert standings(judged, "calm") == ["enough", "self-inflicted", "self-inflicted", "misuse"]
    assert standings(judged, "pressure") == ["misses", "pays", "self-inflicted", "misuse"]
    calm, pressure = judged.verdicts
    assert (calm.status, calm.design, calm.candidates) == ("sufficient", "plain", ("plain",))
    assert (pressure.status, pressure.design, pressure.candidates) == ("sufficient", "query", ("query",))


def test_the_pattern_pays_where_everything_simpler_misses() -> None:
    judged = under_pressure(plain=MISSED, query=MISSED, model=MET, cache=MET)
    assert standings(judged, "pressure") == ["misses", "misses", "pays", "misuse"]


def test_a_misuse_is_never_a_candidate_even_as_the_only_one_that_meets_everything() -> None:
    judged = under_pressure(plain=MISSED, query=MISSED, model=MISSED, cache=MET)
    verdict = judged.verdict("pressure")
    assert verdict is not None
    assert (verdict.status, verdict.design, verdict.candidates) == ("none", None, ())
    assert standings(judged, "pressure") == ["misses", "misses", "misses", "misuse"]


def test_where_a_workload_demands_nothing_the_simplest_is_enough() -> None:
    scenario = replace(SCENARIO, requirements=(replace(IN_TIME, workloads=("pressure",)),))
    judged = run(*(measured(d.name, "pressure", MET) for d in SCENARIO.designs), scenario=scenario)
    verdict = judged.verdict("calm")
    assert verdict is not None
    assert (verdict.status, verdict.design) == ("sufficient", "plain")
    assert standings(judged, "calm")[:2] == ["enough", "self-inflicted"]


# Uncertainty


def test_uncertainty_names_the_simplest_and_the_first_that_surely_does() -> None:
    judged = under_pressure(plain=UNSURE, query=UNSURE, model=MET, cache=MET)
    verdict = judged.verdict("pressure")
    assert verdict is not None
    assert (verdict.status, verdict.design, verdict.candidates) == ("uncertain", None, ("plain", "model"))
    assert standings(judged, "pressure")[:3] == ["uncertain", "uncertain", "uncertain"]


def test_what_is_grander_than_the_surely_sufficient_is_self_inflicted_all_the_same() -> None:
    judged = under_pressure(plain=UNSURE, query=MET, model=MET, cache=MET)
    assert standings(judged, "pressure")[:3] == ["uncertain", "uncertain", "self-inflicted"]


def test_with_nobody_sure_all_that_do_not_miss_are_candidates() -> None:
    judged = under_pressure(plain=MISSED, query=UNSURE, model=UNSURE, cache=MET)
    verdict = judged.verdict("pressure")
    assert verdict is not None
    assert (verdict.status, verdict.candidates) == ("uncertain", ("query", "model"))


def test_what_was_not_measured_is_uncertain_never_met() -> None:
    judged = under_pressure(query=MET, model=MET)
    verdict, plain = judged.verdict("pressure"), judged.required("page_p95", "plain", "pressure")
    assert verdict is not None
    assert plain is not None
    assert (plain.outcome, plain.why) == ("uncertain", "not measured")
    assert (verdict.status, verdict.candidates) == ("uncertain", ("plain", "query"))


outcomes = st.sampled_from(["met", "missed", "uncertain"])


@given(st.lists(outcomes, min_size=3, max_size=3))
def test_noise_never_recommends_the_grander_design(found: list[str]) -> None:
    """For every combination of outcomes: who is recommended misses nothing, nothing simpler could do, and where
    anything simpler still may do nobody is recommended. Misuse aside, every design stands in exactly one place."""
    shares = {"met": MET, "missed": MISSED, "uncertain": UNSURE}
    names = ["plain", "query", "model"]
    judged = under_pressure(**{name: shares[outcome] for name, outcome in zip(names, found, strict=True)}, cache=MET)
    verdict = judged.verdict("pressure")
    assert verdict is not None
    possible = [name for name, outcome in zip(names, found, strict=True) if outcome != "missed"]
    if verdict.status == "sufficient":
        assert verdict.design == possible[0]
        assert found[names.index(possible[0])] == "met"
    elif verdict.status == "none":
        assert possible == []
    else:
        assert verdict.design is None
        assert verdict.candidates[0] == possible[0]
        assert found[names.index(possible[0])] == "uncertain"
    seen = standings(judged, "pressure")[:3]
    assert all((stand == "misses") == (outcome == "missed") for stand, outcome in zip(seen, found, strict=True))
    assert sum(stand in ("enough", "pays") for stand in seen) == (verdict.status == "sufficient")
    for stand, outcome in zip(seen, found, strict=True):
        assert stand != "self-inflicted" or outcome != "missed"


# Requirements


@pytest.mark.parametrize(
    ("over", "outcome", "why"),
    [
        ([0.0] * 5, "met", "within the bound in all 5 rounds"),
        ([0.05] * 5, "met", "within the bound in all 5 rounds"),  # p95 allows three of sixty
        ([0.067] * 5, "missed", "over the bound in 5 of 5 rounds"),
        ([0.0, 0.0, 0.0, 0.0, 0.067], "uncertain", "over the bound in 1 of 5 rounds"),
        ([1.0, 1.0, 1.0, 1.0, 0.0], "uncertain", "over the bound in 4 of 5 rounds"),
        ([0.0] * 4, "uncertain", "4 rounds measured; a verdict needs 5"),
        ([1.0] * 4, "uncertain", "4 rounds measured; a verdict needs 5"),
        ([0.0] * 40, "met", "within the bound in all 40 rounds"),
    ],
)
def test_a_percentile_bound_is_judged_by_the_share_over_it_in_every_round(
    over: list[float], outcome: str, why: str
) -> None:
    found = under_pressure(plain=over).required("page_p95", "plain", "pressure")
    assert found is not None
    assert (found.outcome, found.why) == (outcome, why)


def test_too_few_requests_to_know_is_uncertain_never_met() -> None:
    """A p95 needs 59 requests a round; a miss needs no more than it has."""
    few = run(measured("plain", "calm", MET, per_round=58), measured("query", "calm", MISSED, per_round=58))
    plain, query = few.required("page_p95", "plain", "calm"), few.required("page_p95", "query", "calm")
    assert plain is not None
    assert query is not None
    assert (plain.outcome, plain.why) == ("uncertain", "58 requests measured in each round; a verdict needs 59")
    assert query.outcome == "missed"


def test_a_design_that_falls_behind_misses_and_forms_neither_quantile_nor_ratio() -> None:
    judged = run(
        falls_behind("plain", "pressure"), measured("query", "pressure", MET), falls_behind("model", "pressure")
    )
    plain = judged.required("page_p95", "plain", "pressure")
    assert plain is not None
    assert (plain.outcome, plain.why, plain.margin) == ("missed", "falls behind: 29 of 100 a second", 3.4)
    assert judged.comparisons == ()


def test_a_twofold_overload_is_known_after_one_round_but_only_if_the_bound_was_lost_in_it() -> None:
    """No noise doubles a worker's speed. In five rounds a backlog that grows is enough, also below the bound."""
    for rounds, over, demand, expected in (
        (1, 0.8, 3.4, "missed"),
        (1, 0.8, 1.4, "uncertain"),
        (5, 0.8, 1.4, "missed"),
        (5, 0.0, 3.4, "missed"),
        (5, 0.0, 1.4, "missed"),
        (5, 0.0, 1.1, "uncertain"),
    ):
        measured = replace(falls_behind("plain", "pressure", rounds, over), utilisation=demand)
        found = run(measured).required("page_p95", "plain", "pressure")
        assert found is not None
        assert found.outcome == expected, (rounds, over, demand)


def test_a_service_time_is_judged_whether_or_not_requests_pile_up() -> None:
    requirement = Requirement("quick", "page_time", 0.05, "s", "", "")
    scenario = replace(SCENARIO, requirements=(requirement,))
    piling_up = measured("plain", "pressure", MET, 0.034, "page_time", utilisation=3.4)
    found = run(piling_up, scenario=scenario).required("page_time", "plain", "pressure")
    assert found is not None
    assert (found.outcome, found.why) == ("met", "within the bound in all 5 rounds")


def test_a_metric_that_is_no_quantile_is_judged_by_every_rounds_value_at_its_worst_place() -> None:
    scenario = replace(SCENARIO, requirements=(NOTHING_LOST,))

    def lost(at: str, over: list[float]) -> Measurement:
        counted = measured("plain", "pressure", over, float(sum(over)), "lost")
        return replace(counted, at={"crash_point": at}, per_round=0, by_round=tuple(over), over=())

    for places, outcome in (
        ([MET, MET], "met"),
        ([MET, MISSED], "missed"),
        ([MET, [0.0, 0.0, 1.0, 0.0, 0.0]], "uncertain"),
        ([MISSED, UNSURE], "missed"),
    ):
        found = run(*(lost(str(i), over) for i, over in enumerate(places)), scenario=scenario)
        required = found.required("lost", "plain", "pressure")
        assert required is not None
        assert required.outcome == outcome
        assert found.required("lost", "plain", "calm") is None, "calm does not demand it"


def test_a_requirement_that_is_missed_is_missed_whatever_else_is_met() -> None:
    scenario = replace(SCENARIO, requirements=(IN_TIME, NOTHING_LOST))
    lossy = replace(measured("plain", "pressure", MISSED, 2.0, "lost"), per_round=0)
    sound = [replace(measured(n, "pressure", MET, 0.0, "lost"), per_round=0) for n in ("query", "model")]
    in_time = [measured(n, "pressure", MET) for n in ("plain", "query", "model")]
    judged = run(lossy, *sound, *in_time, scenario=scenario)
    assert standings(judged, "pressure")[:3] == ["misses", "pays", "self-inflicted"]


def test_margins_say_how_far_inside_its_region_a_design_lies() -> None:
    judged = under_pressure(plain=MISSED, query=MET)
    plain, query = judged.required("page_p95", "plain", "pressure"), judged.required("page_p95", "query", "pressure")
    assert plain is not None
    assert query is not None
    assert plain.margin == pytest.approx(0.3 / BOUND)
    assert query.margin == pytest.approx(BOUND / 0.02)


# Comparisons


def test_every_pair_is_compared_round_by_round_the_simpler_first() -> None:
    judged = under_pressure(plain=MISSED, query=MET, model=MET, cache=MET)
    pairs = [(c.a, c.b) for c in judged.comparisons if c.workload == "pressure"]
    assert pairs == [
        ("plain", "query"), ("plain", "model"), ("plain", "cache"),
        ("query", "model"), ("query", "cache"), ("model", "cache"),
    ]  # fmt: skip
    c = judged.compared("page_p95", "pressure", "plain", "query")
    assert c is not None
    assert c.outcome == "worse"
    assert c.low <= c.ratio <= c.high
    assert c.ratio == pytest.approx(15)
    same = judged.compared("page_p95", "pressure", "query", "model")
    assert same is not None
    assert same.outcome == "equivalent"


def test_a_difference_within_the_baselines_own_noise_is_none() -> None:
    """The baseline's odd rounds lie a third from its even ones: 10 % between two designs cannot be told then."""
    wobbly = tuple(0.3 * (1.35 if i % 2 else 1.0) for i in range(6))
    plain, query, model = (
        measured(name, "pressure", [0.0] * 6, seconds, "page_time")
        for name, seconds in (("plain", 0.3), ("query", 0.30), ("model", 0.33))
    )
    calm, noisy = run(plain, query, model), run(replace(plain, by_round=wobbly), query, model)
    assert noisy.noise is not None
    assert calm.noise is not None
    assert calm.noise < 0.02 < 0.3 < noisy.noise
    for judged, expected in ((calm, "better"), (noisy, "cannot tell")):
        c = judged.compared("page_time", "pressure", "query", "model")
        assert c is not None
        assert c.outcome == expected


# Claims


def claiming(*claims: Claim, **changed: Any) -> Run:
    return run(measured("plain", "calm", MET), scenario=replace(SCENARIO, claims=claims, **changed))


def test_a_claim_is_judged_from_the_judged_run() -> None:
    """It sees verdicts and comparisons, not only figures."""

    def enough(judged: Run) -> Finding:
        verdict = judged.verdict("calm")
        return held("plain will do") if verdict and verdict.design == "plain" else refuted("it will not")

    (claim,) = claiming(Claim("enough", "Plain is enough.", enough)).claims
    assert (claim.id, claim.text, claim.kind, claim.outcome) == ("enough", "Plain is enough.", "measured", "held")
    assert claim.evidence == "plain will do"


def test_a_claim_that_raises_costs_nothing_but_itself() -> None:
    judged = claiming(Claim("broken", "", lambda judged: 1 / 0), Claim("sound", "", lambda judged: held("yes")))  # type: ignore[arg-type,return-value]  # what a broken one returns
    broken, sound = judged.claims
    assert (broken.outcome, sound.outcome) == ("inconclusive", "held")
    assert broken.evidence.startswith(
        "the claim itself failed: ZeroDivisionError: division by zero (test_judging.py, line"
    )
    assert broken_claims(judged) == (broken,)


def test_a_claim_that_an_edited_design_refutes_is_told_beside_the_original_s() -> None:
    """Every claim is judged once more with the edited design under its original's name; the rest is not repeated."""

    def meets(name: str) -> Claim:
        def found(judged: Run) -> Finding:
            outcome = judged.required("page_p95", name, "calm")
            return held("it does") if outcome and outcome.outcome == "met" else refuted(f"{outcome and outcome.why}")

        return Claim(f"{name}-meets", f"{name} meets the bound", found)

    plain, *others = SCENARIO.designs
    designs = (plain, replace(design("plain-mine"), edits="plain"), *others)
    scenario = replace(SCENARIO, designs=designs, claims=(meets("plain"), meets("query")))
    measurements = [measured(d.name, "calm", MISSED if d.name == "plain-mine" else MET) for d in designs]
    assert [(c.id, c.outcome, c.evidence) for c in run(*measurements, scenario=scenario).claims] == [
        ("plain-meets", "held", "it does"),
        ("query-meets", "held", "it does"),
        ("plain-meets-mine", "refuted", "with plain-mine in place of plain: over the bound in 5 of 5 rounds"),
    ]


def test_a_design_that_is_only_called_mine_is_no_edit() -> None:
    """A third party's `land-mine` is a design like any other."""
    designs = (*SCENARIO.designs, design("land-mine"))
    scenario = replace(SCENARIO, designs=designs)
    judged = run(*(measured(d.name, "calm", MET) for d in designs), scenario=scenario)
    assert [c.edited for c in judged.claims if c.edited] == []
    assert judged.design("land-mine").edits == ""


def test_in_a_narrowed_run_a_claim_may_lack_what_it_asks_for() -> None:
    judged = claiming(Claim("broken", "", lambda judged: 1 / 0), narrowed="--design plain")  # type: ignore[arg-type,return-value]  # as above
    assert judged.claims[0].outcome == "inconclusive"
    assert judged.claims[0].evidence == "this run left out what it needs"
    assert broken_claims(judged) == ()


def test_only_what_was_measured_can_be_held_or_refuted() -> None:
    claims = Claim("m", "", kind="modelled", source="x = y"), Claim("r", "", kind="reported", source="somebody, 2020")
    judged = claiming(*claims)
    assert [(c.outcome, c.evidence) for c in judged.claims] == [(None, "x = y"), (None, "somebody, 2020")]


def test_an_invalid_run_is_judged_in_nothing() -> None:
    scenario = replace(SCENARIO, claims=(Claim("sound", "", lambda judged: held("yes")),))
    judged = run(
        *(measured(d.name, "pressure", MET) for d in SCENARIO.designs),
        scenario=scenario,
        invalid_reasons=("the machine was suspended",),
    )
    assert not judged.valid
    assert (judged.verdicts, judged.requirements, judged.comparisons, judged.findings) == ((), (), (), ())
    assert [(c.outcome, c.evidence) for c in judged.claims] == [(None, "not judged: the run is invalid")]
    assert standings(judged, "pressure") == ["uncertain"] * 3 + ["misuse"]


# The scheme


def test_a_declared_order_that_the_bill_contradicts_is_a_finding() -> None:
    """The one that stands first costs at least as much in every respect, and more in one."""
    dear = DesignFacts("plain", "", "baseline", 1, lines=90, modules=2, processes=2, tables=5, change_added=7)
    cheap = DesignFacts("query", "", "alternative", 2, lines=60, modules=2, processes=1, tables=5, change_added=7)
    rest = (DesignFacts("model", "", "pattern", 3, lines=99, tables=9), DesignFacts("cache", "", "misuse", 4))
    assert run(designs=(dear, cheap, *rest)).findings == (
        "plain is listed as simpler than query, yet costs more in every respect",
    )
    fewer_tables = replace(dear, tables=4)
    assert run(designs=(fewer_tables, cheap, *rest)).findings == (), "it is simpler in one respect"
    assert run(designs=(replace(cheap, name="plain"), cheap, *rest)).findings == (), "they cost the same"


def test_where_lines_depend_on_the_knobs_the_order_is_that_of_the_first_workload() -> None:
    """Ten endpoints that do their own checks are more code than a stack; two are less."""
    own = DesignFacts("plain", "", "baseline", 1, lines=90, modules=2, processes=2, tables=5, change_added=7)
    stack = DesignFacts("query", "", "alternative", 2, lines=60, modules=2, processes=1, tables=5, change_added=7)
    counted = Metric("lines_here", "lines", "lines", 1, counted=True)
    scenario = replace(SCENARIO, metrics=(*METRICS, counted), lines="lines_here")
    few = measured("plain", "calm", [0.0], 30, "lines_here"), measured("query", "calm", [0.0], 50, "lines_here")
    rest = DesignFacts("model", "", "pattern", 3, lines=99, tables=9), DesignFacts("cache", "", "misuse", 4)
    both: dict[str, Any] = {"designs": (own, stack, *rest), "scenario": scenario}
    assert run(**both).findings == ("plain is listed as simpler than query, yet costs more in every respect",)
    assert run(*few, **both).findings == ()


def test_a_workload_near_its_border_is_a_finding_unless_somebody_turned_a_knob() -> None:
    near = measured("plain", "pressure", MISSED, 0.15)
    assert run(near).findings == ("pressure: plain is only 1.5 × beyond its bound, so this verdict is close",)
    assert run(near, turned={"rows": 10.0}).findings == ()
    assert run(measured("plain", "pressure", MISSED, 0.31)).findings == ()


def test_a_misuse_near_its_border_is_no_finding() -> None:
    """It is never a candidate for the verdict, so no verdict depends on it."""
    assert run(measured("query", "pressure", MISSED, 0.15)).findings
    assert run(measured("cache", "pressure", MISSED, 0.15)).findings == ()


# The run as a document


def whole() -> Run:
    span = Span("a" * 32, "b" * 16, None, "page", 0.01, 0.03, "worker")
    judged = under_pressure(plain=MISSED, query=MET, model=MET, cache=MET)
    return judge(
        replace(SCENARIO, claims=(Claim("c", "text", lambda judged: held("yes")),)),
        replace(
            judged,
            measurements=(
                *judged.measurements,
                falls_behind("plain", "calm"),
                measured("query", "calm", [0.0], low=None),
            ),
            faults=(FaultRecord("crash-before-ack", "model", 3, 3),),
            traces=(Trace("plain", "pressure", "page", 0.01, (span,), untraced=0.018),),
            data={"calm": "0" * 64, "pressure": "1" * 64},
            run_id=12,
        ),
    )


def test_judging_is_pure() -> None:
    """The same run gets the same judgement, and judging what has been judged changes nothing."""
    judged = whole()
    scenario = replace(SCENARIO, claims=(Claim("c", "text", lambda judged: held("yes")),))
    assert judge(scenario, judged) == judge(scenario, judged) == judged


CONTRACT: dict[str, Any] = {
    "schema": int, "scenario": str, "run_id": int, "seed": int, "valid": bool, "invalid_reasons": list,
    "verdicts": {"design": (str, None), "status": str, "candidates": list},
    "designs": {
        "name": str, "title": str, "role": str, "order": int,
        "code": {"lines": int, "modules": int},
        "moving_parts": {"processes": int, "tables": int, "queues": int},
        "change": {"files": int, "added": int, "removed": int},
    },
    "measurements": {
        "experiment": str, "design": str, "workload": str, "metric": str, "at": dict, "unit": str, "better": str,
        "value": (float, None), "low": (float, None), "high": (float, None), "n": int, "rounds": int,
    },
    "comparisons": {
        "metric": str, "workload": str, "a": str, "b": str, "ratio": float, "low": float, "high": float, "outcome": str,
    },
    "requirements": {
        "id": str, "metric": str, "at_most": float, "workload": str, "design": str, "outcome": str, "why": str,
    },
    "faults": {"name": str, "design": str, "planned": int, "injected": int},
    "claims": {"id": str, "text": str, "kind": str, "outcome": str, "evidence": str},
    "environment": dict,
}  # fmt: skip
"""The documented contract of ``run --json``: what a program may count on. There may be more, never less."""
WORDS = {
    ("verdicts", "status"): {"sufficient", "uncertain", "none"},
    ("designs", "role"): {"baseline", "alternative", "pattern", "misuse"},
    ("measurements", "better"): {"lower", "higher"},
    ("comparisons", "outcome"): {"better", "worse", "equivalent", "cannot tell"},
    ("requirements", "outcome"): {"met", "missed", "uncertain"},
    ("claims", "kind"): {"measured", "modelled", "reported"},
    ("claims", "outcome"): {"held", "refuted", "inconclusive"},
}


def differences(found: Any, expected: Any, place: str = "") -> list[str]:
    """Where a JSON value does not keep the contract; a mapping is required of every element of a list."""
    if isinstance(expected, Mapping):
        if isinstance(found, list):
            return [d for i, one in enumerate(found) for d in differences(one, expected, f"{place}[{i}]")]
        missing = [f"{place}.{key} is missing" for key in expected if key not in found]
        return missing + [
            d for key, kind in expected.items() if key in found for d in differences(found[key], kind, f"{place}.{key}")
        ]
    kinds = expected if isinstance(expected, tuple) else (expected,)
    if found is None:
        return [] if None in kinds else [f"{place} is null"]
    numbers = isinstance(found, int) and not isinstance(found, bool) and float in kinds
    fits = numbers or any(kind is not None and isinstance(found, kind) for kind in kinds)
    return [] if fits else [f"{place} is {found!r}"]


def test_the_document_keeps_its_contract() -> None:
    """It survives JSON without NaN or infinity, and has at least what is documented, with the documented words."""
    document = json.loads(json.dumps(whole().to_json(), allow_nan=False))
    verdicts = document.pop("verdicts")
    assert set(verdicts) == {"calm", "pressure"}
    document["verdicts"] = list(verdicts.values())
    assert differences(document, CONTRACT) == []
    assert all(document[part] for part in CONTRACT if part != "invalid_reasons"), "a part that is empty proves nothing"
    for (part, key), words in WORDS.items():
        assert {one[key] for one in document[part]} <= words
    assert document["schema"] == 1
    assert document["run_id"] == 12
    behind = next(m for m in document["measurements"] if m["note"])
    assert (behind["value"], behind["low"], behind["high"]) == (None, None, None)


def test_the_check_of_the_contract_can_fail() -> None:
    document = json.loads(json.dumps(whole().to_json()))
    del document["designs"][0]["code"]["lines"]
    document["claims"][0]["outcome"] = None
    document["seed"] = "1"
    assert differences(document, {k: v for k, v in CONTRACT.items() if k != "verdicts"}) == [
        ".seed is '1'", ".designs[0].code.lines is missing", ".claims[0].outcome is null",
    ]  # fmt: skip


def test_a_run_that_nobody_recorded_has_no_number() -> None:
    assert under_pressure(plain=MET).to_json()["run_id"] is None


# Metrics with one value a round


@pytest.mark.parametrize("of", ["failures", "utilisation", "orphans"])
def test_a_share_is_judged_by_its_value_in_each_round(of: Any) -> None:
    """Three rounds are enough, and no quantile excuses a round that is over: nothing is a share of requests here."""
    metric = Metric("share", "", "share", 0.01, operation="page", of=of)
    bound = Requirement("few", "share", 0.0, "share", "", "", ("pressure",))
    scenario = replace(SCENARIO, metrics=(metric,), requirements=(bound,))
    shares = {"plain": [1.0] * 3, "query": [0.0, 1.0, 0.0], "model": [0.0] * 3, "cache": [0.0] * 2}
    found = run(
        *(replace(measured(n, "pressure", o, 0.0, "share", per_round=0), by_round=tuple(o)) for n, o in shares.items()),
        scenario=scenario,
    )
    outcomes = {r.design: r.outcome for r in found.requirements}
    assert outcomes == {"plain": "missed", "query": "uncertain", "model": "met", "cache": "uncertain"}


def test_a_bound_is_missed_by_what_failed_and_says_why() -> None:
    """There is no figure, and it does not fall behind."""
    note = "12 of 300 requests failed: e-mail is down"
    failed = replace(measured("plain", "pressure", MISSED), value=None, low=None, high=None, by_round=(), note=note)
    found = run(failed).required("page_p95", "plain", "pressure")
    assert found is not None
    assert (found.outcome, found.why) == ("missed", note)
