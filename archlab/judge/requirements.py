"""Decides whether a design meets a requirement: met, missed or uncertain, with the reason and the margin."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from archlab.run import Measurement, Met, RequirementOutcome, Run, WorkloadFacts
from archlab.scenario import Metric, Requirement, Scenario
from archlab.statistics import OVERLOAD, enough_requests

ENOUGH_ROUNDS = 5
"""A percentile bound is judged by at least this many rounds."""
ENOUGH_VALUES = 3
"""A bound on one value a round by at least this many."""


BACKLOG = 1.25
"""A lasting demand of this many times what can be served misses every bound in the end, also one that the short
rounds of a run do not reach yet; nearer to 1 the noise of a machine decides."""


@dataclass(frozen=True)
class Judged:
    """One bound on one measurement."""

    outcome: Met
    why: str
    margin: float | None = None
    at: Mapping[str, Any] = field(default_factory=dict)


def requirements(
    scenario: Scenario, run: Run, place: Mapping[str, float] | None = None
) -> Iterator[RequirementOutcome]:
    """Every requirement at every workload and design; with a ``place`` by what was measured there, or once for all."""
    place = place or {}
    for requirement in scenario.requirements:
        for workload in run.workloads:
            along = scenario.workload(workload.name).along
            for design in scenario.designs:
                if not design.asked_at(workload.name):
                    continue
                there = [
                    m
                    for m in run.all_measured(requirement.metric, design.name, workload.name)
                    if all(m.at.get(knob, value) == value for knob, value in place.items())
                ]
                found = [
                    m for m in there if requirement.is_about(m.at) and _demanded(requirement, workload, along, m.at)
                ]
                if not found and not (requirement.reaches(place) and _demanded(requirement, workload, along, place)):
                    continue
                judged = worst([_met(scenario, requirement, m) for m in found])
                yield RequirementOutcome(
                    requirement.id,
                    requirement.metric,
                    requirement.at_most,
                    requirement.unit,
                    workload.name,
                    design.name,
                    judged.outcome,
                    judged.why,
                    judged.margin,
                    requirement.at_least,
                    judged.at,
                )


def _demanded(
    requirement: Requirement, workload: WorkloadFacts, along: Mapping[str, Any], at: Mapping[str, Any]
) -> bool:
    """Whether a workload demands it with its knobs as they were where something was measured."""
    knobs = {**workload.settings, **{knob: at[knob] for knob in along if knob in at}}
    return requirement.demanded_in(workload.name, knobs)


def worst(judged: list[Judged]) -> Judged:
    """Of several places of one metric the worst counts: of those that miss the bound the one that is furthest outside,
    of those that meet it the nearest to it. Without any measurement nothing is known."""
    severity = {"missed": 0, "uncertain": 1, "met": 2}

    def order(one: Judged) -> tuple[int, float]:
        margin = math.inf if one.margin is None else one.margin
        # What misses a bound of nothing has no margin; it is as far outside as can be.
        return severity[one.outcome], -margin if one.outcome == "missed" else margin

    return min(judged, key=order, default=Judged("uncertain", "not measured"))


def _met(scenario: Scenario, requirement: Requirement, m: Measurement) -> Judged:
    """One bound on one measurement: by the share of requests over it in each round, or by each round's value."""
    outcome, why, margin = _judge(scenario.metric(requirement.metric), requirement, m)
    return Judged(outcome, why, margin, m.at)


def _judge(metric: Metric, requirement: Requirement, m: Measurement) -> tuple[Met, str, float | None]:
    by_requests = metric.operation is not None and metric.of in ("latency", "service")
    # Values are judged anew, because there may be several requirements on them; a note stands in place of values.
    over = m.over if by_requests or not m.by_round else tuple(float(requirement.outside(v)) for v in m.by_round)
    allowed = 1 - metric.quantile if by_requests else 0.0
    lost = sum(share > allowed + 1e-9 for share in over)
    # Of a design that falls behind only an upper bound is missed: it takes ever longer.
    late = metric.of == "latency" and requirement.at_most is not None
    behind = late and m.utilisation is not None and m.utilisation >= 1
    if behind and lost == len(over) and (m.utilisation or 0) >= OVERLOAD:
        return "missed", m.note, m.utilisation
    enough = 1 if metric.counted else ENOUGH_ROUNDS if by_requests else ENOUGH_VALUES
    if m.rounds < enough:
        return (
            "uncertain",
            f"{m.rounds} {'round' if m.rounds == 1 else 'rounds'} measured; a verdict needs {enough}",
            None,
        )
    if behind and (m.utilisation or 0) >= BACKLOG:
        return "missed", m.note, m.utilisation
    outside = _outside(requirement)
    if lost == len(over):
        margin = m.utilisation if behind else _margin(metric, requirement, m)
        return "missed", m.note or f"{outside} in {lost} of {m.rounds} rounds", margin
    if lost:
        return "uncertain", f"{outside} in {lost} of {m.rounds} rounds", None
    needed = enough_requests(metric.quantile) if by_requests else 0
    if m.per_round < needed:
        return "uncertain", f"{m.per_round} requests measured in each round; a verdict needs {needed}", None
    if behind:
        return "uncertain", m.note, None
    return "met", f"within the bound in all {m.rounds} rounds", _margin(metric, requirement, m)


def _outside(requirement: Requirement) -> str:
    if requirement.at_least is None:
        return "over the bound"
    return "below the bound" if requirement.at_most is None else "outside the bounds"


def _margin(metric: Metric, requirement: Requirement, m: Measurement) -> float | None:
    """How many times the value lies beyond the bound that it breaks, or inside the bound that is nearest to it."""
    if not m.value or metric.counted:  # a count is not nearly something
        return None
    above = [m.value / requirement.at_most] if requirement.at_most else []
    below = [requirement.at_least / m.value] if requirement.at_least else []
    beyond = max([*above, *below], default=0.0)  # over 1 where a bound is broken
    if beyond <= 0:
        return None
    return beyond if requirement.outside(m.value) else 1 / beyond


def outcomes_of(run: Run, workload: str, design: str) -> list[RequirementOutcome]:
    return [r for r in run.requirements if (r.workload, r.design) == (workload, design)]
