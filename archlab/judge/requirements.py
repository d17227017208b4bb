"""Whether a design meets a requirement: met, missed or uncertain, with the reason and the margin."""

from __future__ import annotations

import math
from collections.abc import Iterator

from archlab.run import Measurement, Met, RequirementOutcome, Run
from archlab.scenario import Requirement, Scenario
from archlab.statistics import OVERLOAD, enough_requests

ENOUGH_ROUNDS = 5
"""A percentile bound is judged by at least this many rounds."""
ENOUGH_VALUES = 3
"""A bound on one value a round by at least this many."""


def requirements(scenario: Scenario, run: Run) -> Iterator[RequirementOutcome]:
    for requirement in scenario.requirements:
        for workload in run.workloads:
            if not requirement.demanded_in(workload.name):
                continue
            for design in scenario.designs:
                if not design.asked_at(workload.name):
                    continue
                found = list(run.all_measured(requirement.metric, design.name, workload.name))
                outcome, why, margin = worst([_met(scenario, requirement, m) for m in found])
                yield RequirementOutcome(
                    requirement.id,
                    requirement.metric,
                    requirement.at_most,
                    requirement.unit,
                    workload.name,
                    design.name,
                    outcome,
                    why,
                    margin,
                )


BACKLOG = 1.25
"""A lasting demand of this many times what can be served misses every bound in the end, also one that the short
rounds of a run do not reach yet; nearer to 1 the noise of a machine decides."""

Judged = tuple[Met, str, "float | None"]


def worst(judged: list[Judged]) -> Judged:
    """Of several places of one metric the worst counts; without any measurement nothing is known."""
    if not judged:
        return "uncertain", "not measured", None
    severity = {"missed": 0, "uncertain": 1, "met": 2}
    return min(judged, key=lambda one: (severity[one[0]], one[2] or math.inf))


def _met(scenario: Scenario, requirement: Requirement, m: Measurement) -> Judged:
    """One bound on one measurement, by the share over the bound in each round."""
    metric = scenario.metric(requirement.metric)
    by_requests = metric.operation is not None and metric.of in ("latency", "service")
    allowed = 1 - metric.quantile if by_requests else 0.0
    lost = sum(share > allowed + 1e-9 for share in m.over)
    behind = metric.of == "latency" and m.utilisation is not None and m.utilisation >= 1
    if behind and lost == len(m.over) and (m.utilisation or 0) >= OVERLOAD:
        return "missed", m.note, m.utilisation
    enough = 1 if metric.counted else ENOUGH_ROUNDS if by_requests else ENOUGH_VALUES
    if m.rounds < enough:
        return "uncertain", f"only {m.rounds} of the {enough} rounds that a judgement needs", None
    timed = bool(m.value) and requirement.bound > 0 and not metric.counted  # a count is not nearly something
    if behind and (m.utilisation or 0) >= BACKLOG:
        return "missed", m.note, m.utilisation
    if lost == len(m.over):
        margin = m.value / requirement.bound if timed and m.value else None
        if behind:
            margin = m.utilisation
        return "missed", m.note or f"over the bound in {lost} of {m.rounds} rounds", margin
    if lost:
        return "uncertain", f"over the bound in {lost} of {m.rounds} rounds", None
    needed = enough_requests(metric.quantile) if by_requests else 0
    if m.per_round < needed:
        return "uncertain", f"{m.per_round} requests a round of the {needed} that a judgement needs", None
    if behind:
        return "uncertain", m.note, None
    margin = requirement.bound / m.value if timed and m.value else None
    return "met", f"within the bound in all {m.rounds} rounds", margin


def outcomes_of(run: Run, workload: str, design: str) -> list[RequirementOutcome]:
    return [r for r in run.requirements if (r.workload, r.design) == (workload, design)]
