"""Compares designs in pairs, metric by metric, and computes the noise that a difference must exceed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from archlab.run import Comparison, Measurement, Run
from archlab.scenario import Metric, Scenario
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
    """Every pair of designs, the simpler first, on every metric that both have at a workload, place by place."""
    for metric in scenario.metrics:
        for workload in run.workloads:
            for a, b in combinations(scenario.designs, 2):
                there = {_place(m): m for m in run.all_measured(metric.name, b.name, workload.name)}
                for one in run.all_measured(metric.name, a.name, workload.name):
                    other = there.get(_place(one))
                    compared = other and _compared(metric, run, one, other)
                    if compared:
                        yield compared


def _place(m: Measurement) -> tuple[Any, ...]:
    """Where a measurement was made: what was measured elsewhere is another figure."""
    return m.experiment, frozenset(m.at.items())


def _compared(metric: Metric, run: Run, one: Measurement, other: Measurement) -> Comparison | None:
    # An overloaded design has fewer rounds: those that both have are pairs of the same number and seed.
    pairs = list(zip(one.by_round, other.by_round, strict=False))
    if len(pairs) < 2 or min(map(min, pairs)) <= 0:
        return None
    mine, others = zip(*pairs, strict=True)
    outcome, (ratio, low, high) = compare(mine, others, metric.better, metric.noticeable, run.noise or 0.0)
    return Comparison(
        metric.name,
        one.workload,
        one.design,
        other.design,
        ratio,
        low,
        high,
        outcome,  # type: ignore[arg-type]  # one of the four words
        one.at,
    )
