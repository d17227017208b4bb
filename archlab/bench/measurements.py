"""Turns rounds into measurements: one figure for each round, and an interval over the rounds."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from archlab.bench.plan import Place, Plan, at_place, demanded
from archlab.bench.rounds import Observed, Served, load_of
from archlab.cases import bounded
from archlab.run import Event, Measurement
from archlab.scenario import Metric, Requirement, Sample, Scenario
from archlab.statistics import OVERLOAD, median, quantile, round_interval

LOAD = "load"

ROUNDS_OF_OVERLOAD = 3
"""Rounds in each of which a design is overloaded before it is served no more: enough to compare its service times."""

CellKey = tuple[str, str, str]
"""Experiment (LOAD for the load itself), design, workload."""
Situation = tuple[str, Place]
"""Workload and place: the rounds of one number follow the same seed there, with the same knobs."""


@dataclass
class Cell:
    """What was observed of one design at one workload in one experiment, a round each."""

    rounds: list[Observed] = field(default_factory=list)


def measurements(scenario: Scenario, cells: Mapping[CellKey, Cell]) -> tuple[Measurement, ...]:
    found: list[Measurement] = []
    for (experiment, design, workload), cell in cells.items():
        found += _from_load(scenario, experiment, design, workload, cell)
        found += _from_samples(scenario, experiment, design, workload, cell)
    return tuple(found)


def at_every_place(plan: Plan, cells: Mapping[Situation, Mapping[CellKey, Cell]]) -> tuple[Measurement, ...]:
    """The measurements of all situations, each with its place."""
    found: list[Measurement] = []
    for (name, place), of_situation in cells.items():
        workload = at_place(plan.scenario.workload(name), place)
        knobs = plan.scenario.settings(workload, plan.turned)
        made = measurements(demanded(plan.scenario, workload, knobs), of_situation)
        found += [replace(m, at={**m.at, **dict(place)}) for m in made] if place else made
    return tuple(found)


def together(cells: Mapping[Situation, Mapping[CellKey, Cell]]) -> dict[CellKey, Cell]:
    """The cells without their places: what was observed of one design at one workload, wherever that was."""
    merged: dict[CellKey, Cell] = defaultdict(Cell)
    for of_situation in cells.values():
        for key, cell in of_situation.items():
            merged[key].rounds += cell.rounds
    return merged


def of_the_traced_pass(scenario: Scenario, traced: Mapping[tuple[str, str], Observed]) -> Iterator[Measurement]:
    """The share of traces that belong to no request, by design at the workload that was traced."""
    wanted = [metric for metric in scenario.metrics if metric.of == "orphans"]
    for (design, workload), observed in traced.items():
        if observed.orphans is not None:
            found = observed.orphans
            samples = tuple(Sample(metric.name, found.share, cases=found.cases) for metric in wanted)
            yield from _from_samples(scenario, LOAD, design, workload, Cell([Observed(samples=samples)]))


def events(cells: Mapping[CellKey, Cell]) -> tuple[Event, ...]:
    """What happened in one round of every load with a timeline: the first one that counts, in the order of time."""
    seen = (next((o.events for o in cell.rounds if o.events and not o.died), ()) for cell in cells.values())
    return tuple(event for of_round in seen for event in of_round)


def utilisation(observed: Observed, connections: int) -> float:
    """Arrival rate × service time ÷ connections: at 1 and above a design falls behind (the utilisation law).

    Whoever fails is busy meanwhile, too.
    """
    spent = [(s.rate, (*s.services, *s.failures)) for s in observed.served]
    return sum(rate * sum(times) / len(times) for rate, times in spent if times) / connections


def settled(cell: Cell, connections: int) -> bool:
    """Whether a load has been seen to overload its design so far that no further round could change what follows."""
    demands = [utilisation(observed, connections) for observed in cell.rounds]
    return len(demands) >= ROUNDS_OF_OVERLOAD and min(demands) >= OVERLOAD


def _from_load(scenario: Scenario, experiment: str, design: str, workload: str, cell: Cell) -> Iterator[Measurement]:
    connections = load_of(scenario, experiment).connections
    by_round = [utilisation(observed, connections) for observed in cell.rounds if observed.served]
    if not by_round:
        return
    busy = median(by_round) or None
    for metric in scenario.metrics:
        if (metric.experiment or LOAD) != experiment:
            continue
        if metric.of == "utilisation" and busy is not None:
            over = _outside(scenario, metric, workload, by_round)
            yield _measurement(metric, experiment, design, workload, by_round, len(by_round), over=over)
        rounds = [s for observed in cell.rounds for s in observed.served if s.operation == metric.operation]
        if rounds and metric.of in ("latency", "service"):
            yield _from_requests(scenario, metric, experiment, design, workload, rounds, busy)
        elif rounds and metric.of == "failures":
            yield _from_failures(scenario, metric, experiment, design, workload, rounds)


def _from_failures(
    scenario: Scenario, metric: Metric, experiment: str, design: str, workload: str, rounds: list[Served]
) -> Measurement:
    """The share of the requests asked that failed: those that a round left out have not failed."""
    values = [len(s.failures) / max(1, _asked(s)) for s in rounds]
    over = _outside(scenario, metric, workload, values)
    cases = bounded(reason for served in rounds for reason in served.reasons)
    return _measurement(metric, experiment, design, workload, values, sum(map(_asked, rounds)), over=over, cases=cases)


def _from_requests(
    scenario: Scenario,
    metric: Metric,
    experiment: str,
    design: str,
    workload: str,
    rounds: list[Served],
    busy: float | None,
) -> Measurement:
    requirement = next((r for r in scenario.requirements if r.metric == metric.name and r.demanded_in(workload)), None)
    over = tuple(_share_over(requirement, metric, served) for served in rounds) if requirement else ()
    values = [quantile(_times(metric, s) or (math.inf,), metric.quantile) for s in rounds]
    note = ""
    if metric.of == "latency" and busy is not None and busy >= 1:
        rate = median([served.rate for served in rounds])
        note = f"falls behind: {_figure(rate / busy)} of {_figure(rate)} a second"
    elif failed := [s for s, value in zip(rounds, values, strict=True) if math.isinf(value) and s.failures]:
        number = sum(len(s.failures) for s in failed)
        note = f"{number} of {sum(map(_asked, failed))} requests failed"
        note += f": {failed[0].reasons[0].partition(': ')[2]}" if failed[0].reasons else ""
    elif any(math.isinf(value) for value in values):
        note = f"unfinished: {sum(map(math.isinf, values))} of {len(values)} rounds ended with requests outstanding"
    per_round = min(len(served.latencies) for served in rounds)
    count = sum(len(served.latencies) for served in rounds)
    return _measurement(
        metric, experiment, design, workload, values, count, over=over, per_round=per_round, note=note, utilisation=busy
    )


def _asked(served: Served) -> int:
    """How many requests were really made."""
    return len(served.services) + len(served.failures)


def _times(metric: Metric, served: Served) -> tuple[float, ...]:
    """Seconds, infinite for a failed request: it was never served. Those left out have no service time at all."""
    return served.latencies if metric.of == "latency" else (*served.services, *(math.inf for _ in served.failures))


def _share_over(requirement: Requirement, metric: Metric, served: Served) -> float:
    """The share of a round's requests over the bound; an unfinished one is over every bound, and so is a failed one."""
    count, times = len(served.latencies), _times(metric, served)
    return (sum(requirement.outside(time) for time in times) + count - len(times)) / count


def _outside(scenario: Scenario, metric: Metric, workload: str, values: list[float]) -> tuple[float, ...]:
    """For a metric with one value a round: 1 for each round whose value breaks the bound, 0 for the others."""
    requirement = next((r for r in scenario.requirements if r.metric == metric.name and r.demanded_in(workload)), None)
    return tuple(float(requirement.outside(value)) for value in values) if requirement else ()


def _figure(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.2g}"


def _from_samples(scenario: Scenario, experiment: str, design: str, workload: str, cell: Cell) -> Iterator[Measurement]:
    """One measurement for every metric and place in the experiment; the samples of a round are averaged first."""
    places: dict[tuple[str, tuple[tuple[str, object], ...]], dict[int, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    cases: dict[tuple[str, tuple[tuple[str, object], ...]], list[str]] = defaultdict(list)
    for number, observed in enumerate(cell.rounds):
        for sample in observed.samples:
            place = sample.metric, tuple(sorted(sample.at.items()))
            places[place][number].append(sample.value)
            cases[place] += sample.cases
    for (name, at), rounds in places.items():
        values = [math.fsum(samples) / len(samples) for samples in rounds.values()]
        count = sum(len(samples) for samples in rounds.values())
        note = "unfinished" if any(map(math.isinf, values)) else ""
        metric = scenario.metric(name)
        over = _outside(scenario, metric, workload, values)
        yield _measurement(
            metric,
            experiment,
            design,
            workload,
            values,
            count,
            over=over,
            note=note,
            at=dict(at),
            cases=bounded(cases[name, at]),
        )


def _measurement(
    metric: Metric,
    experiment: str,
    design: str,
    workload: str,
    values: list[float],
    count: int,
    *,
    over: tuple[float, ...] = (),
    per_round: int = 0,
    note: str = "",
    utilisation: float | None = None,
    at: Mapping[str, object] | None = None,
    cases: tuple[str, ...] = (),
) -> Measurement:
    """With a ``note`` there is no value: an overloaded design's p95 only measures how long it was watched."""
    value, low, high = (None, None, None) if note else round_interval(values)
    if metric.counted and not note:  # nothing about it is uncertain; where rounds differ, that is what is shown
        value, low, high = median(values), min(values), max(values)
    elif len(values) == 1:
        low = high = None  # a single round bounds nothing
    return Measurement(
        experiment=experiment,
        design=design,
        workload=workload,
        metric=metric.name,
        unit=metric.unit,
        better=metric.better,
        value=value,
        low=low,
        high=high,
        n=count,
        rounds=len(values),
        at=at or {},
        by_round=() if note else tuple(values),
        over=over,
        per_round=per_round,
        utilisation=utilisation,
        note=note,
        cases=cases,
    )
