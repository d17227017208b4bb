"""Pairs of designs compared, metric by metric, and the noise that a difference must exceed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from archlab.run import Comparison, Run
from archlab.scenario import Scenario
from archlab.statistics import compare, median, noise_floor


def noise(scenario: Scenario, run: Run) -> float | None:
    """The baseline's odd rounds against its even ones, over the time its requests take: the middle of what was seen."""
    baseline = next((d.name for d in scenario.designs if d.role == "baseline"), scenario.designs[0].name)
    served = {metric.name for metric in scenario.metrics if metric.operation and metric.of == "service"}
    floors = [
        noise_floor(m.by_round)
        for m in run.measurements
        if m.design == baseline and m.metric in served and m.rounds > 1 and min(m.by_round, default=0) > 0
    ]
    return median(floors) if floors else None


def comparisons(scenario: Scenario, run: Run) -> Iterator[Comparison]:
    """Every pair of designs, the simpler first, on every metric that both have at a workload."""
    for metric in scenario.metrics:
        for workload in run.workloads:
            for a, b in combinations(scenario.designs, 2):
                one = run.measured(metric.name, a.name, workload.name)
                other = run.measured(metric.name, b.name, workload.name)
                # An overloaded design has fewer rounds: those that both have are pairs of the same number and seed.
                pairs = list(zip(one.by_round, other.by_round, strict=False)) if one and other else []
                if len(pairs) < 2 or min(map(min, pairs)) <= 0:
                    continue
                mine, others = zip(*pairs, strict=True)
                outcome, (ratio, low, high) = compare(mine, others, metric.better, metric.noticeable, run.noise or 0.0)
                yield Comparison(metric.name, workload.name, a.name, b.name, ratio, low, high, outcome)  # type: ignore[arg-type]  # one of the four words
