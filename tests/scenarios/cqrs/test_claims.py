"""Every claim can be held, refuted and left open: each is a pure function of what a run recorded.

``as_taught`` is a run in which everything is as the lesson says. Each test spoils one thing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from archlab.run import Comparison, DesignFacts, Measurement, RequirementOutcome, Run, WorkloadFacts
from archlab.scenario import Scenario

claims = import_module("archlab.scenarios.cqrs.claims")

ORDER = ("crud", "queries", "summary", "projection")
MISSES = {"pressure": ("crud",), "far_views": ("crud", "queries", "summary")}
DIVERGENT = (
    ("projector_killed", {"stage": "projector dead"}, 2),
    ("projector_killed", {"stage": "caught up"}, 0),
    ("events_replayed", {"stage": "replayed"}, 0),
    ("events_reordered", {"guard": "position, refuses gaps"}, 0),
    ("events_reordered", {"guard": "version alone"}, 2),
    ("events_reordered", {"guard": "version, full state"}, 0),
    ("poison", {"stage": "stalled"}, 2),
    ("poison", {"stage": "parked"}, 0),
    ("rebuild", {"stage": "damaged"}, 40),
    ("rebuild", {"stage": "rebuilt"}, 0),
)


def seen(experiment: str, design: str, workload: str, metric: str, *by_round: float, **at: object) -> Measurement:
    middle = sorted(by_round)[len(by_round) // 2]
    low, high = min(by_round), max(by_round)
    rounds = len(by_round)
    return Measurement(
        experiment, design, workload, metric, "", "lower", middle, low, high, rounds, rounds, at, by_round
    )


def as_taught() -> Run:
    measurements = [
        seen("load", design, workload, metric, seconds, seconds * 1.1)
        for workload in ("calm", "pressure")
        for metric in ("page_time", "order_time")
        for design, seconds in zip(ORDER, (30e-6, 25e-6, 20e-6, 22e-6), strict=True)
    ]
    for workload in ("calm", "pressure"):
        measurements.append(seen("staleness", "projection", workload, "stale_for", 1e-3, 2e-3))
        for design in ORDER:
            missing = 0.67 if design == "projection" else 0.0
            at_once = seen("staleness", design, workload, "own_order_missing", missing, missing, looked="at once")
            waited = seen("staleness", design, workload, "own_order_missing", 0.0, 0.0, looked="after waiting")
            measurements += [at_once, waited]
    for experiment, at, count in DIVERGENT:
        measurements.append(seen(experiment, "projection", "calm", "divergent", count, count, **at))
    measurements.append(seen("events_reordered", "projection", "calm", "refused", 1, 1))
    measurements.append(seen("poison", "projection", "calm", "parked", 1, 1))
    for design in ORDER:
        measurements.append(seen("rules", design, "calm", "accepted", 0, rule="in stock"))
    ratios = {("crud", "queries"): 12.0, ("queries", "projection"): 5.0, ("summary", "projection"): 1.0}
    return Run(
        scenario="cqrs",
        topic="",
        question="",
        seed=1,
        started="",
        seconds=1.0,
        workloads=tuple(WorkloadFacts(w, "", {}) for w in ("calm", "pressure", "far_views")),
        designs=tuple(
            DesignFacts(d, d, "baseline", n, lines=40 * n, processes=1 + (n == 4), change_files=n)
            for n, d in enumerate(ORDER, start=1)
        ),
        measurements=tuple(measurements),
        faults=(),
        traces=(),
        environment={},
        comparisons=tuple(
            Comparison("page_time", "pressure", a, b, ratio, ratio * 0.8, ratio * 1.2, "equivalent")
            for (a, b), ratio in ratios.items()
        ),
        requirements=tuple(
            RequirementOutcome(
                "page-in-time",
                "page_p95",
                0.1,
                "s",
                workload,
                design,
                "missed" if design in MISSES.get(workload, ()) else "met",
                "why",
            )
            for workload in ("calm", "pressure", "far_views")
            for design in ORDER
        ),
    )


def required(run: Run, workload: str, design: str, outcome: str) -> Run:
    """The run with another outcome of that design at that workload."""
    changed = [
        replace(r, outcome=outcome) if (r.workload, r.design) == (workload, design) else r for r in run.requirements
    ]
    return replace(run, requirements=tuple(changed))


def measured(run: Run, metric: str, *by_round: float, design: str = "projection", **at: object) -> Run:
    """The run with other figures for a metric of a design, at one place or at all."""

    def change(m: Measurement) -> Measurement:
        if (m.metric, m.design) != (metric, design) or (at and dict(m.at) != at):
            return m
        return seen(m.experiment, m.design, m.workload, m.metric, *by_round, **m.at)

    return replace(run, measurements=tuple(change(m) for m in run.measurements))


def compared(run: Run, a: str, b: str, low: float, high: float, outcome: str = "cannot tell") -> Run:
    changed = [
        replace(c, ratio=(low * high) ** 0.5, low=low, high=high, outcome=outcome) if (c.a, c.b) == (a, b) else c
        for c in run.comparisons
    ]
    return replace(run, comparisons=tuple(changed))


def facts(run: Run, design: str, **changed: Any) -> Run:
    return replace(run, designs=tuple(replace(d, **changed) if d.name == design else d for d in run.designs))


def outcome(scenario: Scenario, claim: str, run: Run) -> str:
    judge = next(c.judge for c in scenario.claims if c.id == claim)
    assert judge is not None
    finding = judge(run)
    assert finding.evidence
    return finding.outcome


def test_all_hold_where_everything_is_as_taught(scenario: Scenario) -> None:
    assert {c.id: c.judge(as_taught()).outcome for c in scenario.claims if c.judge} == {
        c.id: "held" for c in scenario.claims if c.kind == "measured"
    }


Spoil = Callable[[Run], Run]

REFUTED: list[tuple[str, Spoil]] = [
    ("faster", lambda run: compared(run, "crud", "queries", 0.9, 1.2)),
    ("start-simple", lambda run: required(run, "pressure", "queries", "missed")),
    ("start-simple", lambda run: required(run, "pressure", "crud", "met")),
    ("bloat", lambda run: required(run, "calm", "crud", "missed")),
    ("bloat", lambda run: facts(run, "projection", lines=79)),
    ("bloat", lambda run: facts(run, "projection", change_files=1)),
    ("bloat", lambda run: measured(run, "page_time", 5e-3, 6e-3, design="crud")),
    ("rules", lambda run: measured(run, "accepted", 1, design="queries")),
    ("stale", lambda run: measured(run, "own_order_missing", 0.0, 0.0, looked="at once")),
    ("stale", lambda run: measured(run, "own_order_missing", 0.0, 0.3, design="summary", looked="at once")),
    ("waiting", lambda run: measured(run, "own_order_missing", 0.0, 0.3, looked="after waiting")),
    ("killed", lambda run: measured(run, "divergent", 0, 1, stage="caught up")),
    ("killed", lambda run: measured(run, "divergent", 0, 0, stage="projector dead")),
    ("replayed", lambda run: measured(run, "divergent", 0, 1, stage="replayed")),
    ("reordered", lambda run: measured(run, "divergent", 0, 1, guard="position, refuses gaps")),
    ("reordered", lambda run: measured(run, "refused", 0, 1)),
    ("parked", lambda run: measured(run, "divergent", 0, 1, stage="parked")),
    ("parked", lambda run: measured(run, "parked", 0, 0)),
    ("rebuild", lambda run: measured(run, "divergent", 0, 1, stage="rebuilt")),
    ("summary-first", lambda run: required(run, "pressure", "summary", "missed")),
    ("summary-first", lambda run: compared(run, "summary", "projection", 3.0, 4.0, "worse")),
    ("far-needs-projection", lambda run: required(run, "far_views", "summary", "met")),
    ("far-needs-projection", lambda run: required(run, "far_views", "projection", "missed")),
    ("faster-nearly-always-needed-rarely", lambda run: compared(run, "queries", "projection", 0.5, 0.9)),
    ("faster-nearly-always-needed-rarely", lambda run: required(run, "pressure", "queries", "missed")),
]


@pytest.mark.parametrize(("claim", "spoil"), REFUTED)
def test_refuted_where_the_data_contradict_it(scenario: Scenario, claim: str, spoil: Spoil) -> None:
    assert outcome(scenario, claim, spoil(as_taught())) == "refuted"


OPEN: list[tuple[str, Spoil]] = [
    ("faster", lambda run: compared(run, "crud", "queries", 2.0, 8.0)),
    ("start-simple", lambda run: required(run, "pressure", "queries", "uncertain")),
    ("bloat", lambda run: required(run, "calm", "crud", "uncertain")),
    ("bloat", lambda run: measured(run, "page_time", 30e-6, 2e-3, design="crud")),
    ("stale", lambda run: measured(run, "own_order_missing", 0.0, 0.3, looked="at once")),
    ("killed", lambda run: measured(run, "divergent", 0, 2, stage="projector dead")),
    ("parked", lambda run: measured(run, "divergent", 0, 2, stage="stalled")),
    ("summary-first", lambda run: required(run, "calm", "summary", "uncertain")),
    ("summary-first", lambda run: compared(run, "summary", "projection", 0.1, 9.0, "cannot tell")),
    ("far-needs-projection", lambda run: required(run, "far_views", "projection", "uncertain")),
    ("faster-nearly-always-needed-rarely", lambda run: compared(run, "queries", "projection", 0.9, 2.0)),
]


@pytest.mark.parametrize(("claim", "spoil"), OPEN)
def test_left_open_where_the_data_do_not_decide(scenario: Scenario, claim: str, spoil: Spoil) -> None:
    assert outcome(scenario, claim, spoil(as_taught())) == "inconclusive"


@pytest.mark.parametrize(
    ("outcome", "said"), [("met", "meets every bound"), ("missed", "misses a bound"), ("uncertain", "may miss a bound")]
)
def test_the_evidence_says_no_more_than_was_judged(scenario: Scenario, outcome: str, said: str) -> None:
    judge = next(c.judge for c in scenario.claims if c.id == "bloat")
    assert judge is not None
    assert f"crud {said};" in judge(required(as_taught(), "calm", "crud", outcome)).evidence


def test_what_is_assumed_is_not_claimed_as_found(scenario: Scenario) -> None:
    """A store is far away because the bench makes it so: the evidence says it."""
    far = WorkloadFacts("far_views", "", {"store_distance": 5.0})
    judge = next(c.judge for c in scenario.claims if c.id == "far-needs-projection")
    assert judge is not None
    assert "(assumed: the store is 5 ms away)" in judge(replace(as_taught(), workloads=(far,))).evidence


def test_a_run_that_left_everything_out_refutes_nothing(scenario: Scenario) -> None:
    run = replace(as_taught(), measurements=(), comparisons=(), requirements=())
    for claim in scenario.claims:
        if claim.judge:
            assert claim.judge(run).outcome == "inconclusive", claim.id


def test_turned_knobs_refute_no_sentence_about_the_named_workloads(scenario: Scenario) -> None:
    """--set page_rows=20000 is another situation; it is no news that another design is enough there."""
    run = replace(required(as_taught(), "pressure", "queries", "missed"), turned={"page_rows": 20_000})
    assert outcome(scenario, "start-simple", run) == "inconclusive"


def test_turned_knobs_excuse_no_broken_projector(scenario: Scenario) -> None:
    run = replace(measured(as_taught(), "divergent", 1, 1, stage="replayed"), turned={"page_rows": 2})
    assert outcome(scenario, "replayed", run) == "refuted"


@pytest.mark.parametrize("claim", ["cautious", "most-should-not", "distance"])
def test_what_was_not_measured_says_where_it_comes_from(scenario: Scenario, claim: str) -> None:
    declared = next(c for c in scenario.claims if c.id == claim)
    assert declared.kind in ("reported", "modelled") and declared.judge is None and declared.source
