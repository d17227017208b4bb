"""Checks that a run is valid: a fair comparison, and every planned fault injected. Each objection is a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from archlab.bench.differences import difference
from archlab.bench.measurements import LOAD, Cell, CellKey, Situation, at_every_place, together
from archlab.bench.plan import Place, Plan, at_place, demanded, places
from archlab.run import DesignFacts, Difference, FaultRecord, Measurement
from archlab.scenario import Grid, Ledger, Scenario, ScenarioError, Series


def objections(
    scenario: Scenario, cells: Mapping[CellKey, Cell], faults: tuple[FaultRecord, ...], place: Place = ()
) -> tuple[str, ...]:
    """Why nothing may be judged from these rounds, all of one place; empty when all is well."""
    found = []
    for workload in scenario.workloads:
        where = " ".join([workload.name, *(f"with {knob}={value:g}" for knob, value in place)])
        if len(_seen(cells, workload.name, "data_hash")) > 1:
            found.append(f"the designs did not start from the same data at {where}")
        if workload.closed:
            found += [one.sentence for one in different_answers(scenario, cells, workload.name, place)]
    found += [
        f"the planned fault {fault.name} was never injected into {fault.design}"
        for fault in faults
        if fault.injected == 0 and fault.planned > 0
    ]
    return tuple(found)


def yields_what_it_declares(plan: Plan, situations: Mapping[Situation, Mapping[CellKey, Cell]]) -> None:
    """Raises ScenarioError when the first pass shows that a scenario waits for what nothing will ever yield: an
    operation that no request names, or a metric under a requirement without any figure.

    A run that was narrowed to some designs or workloads may lack what others yield; a quick look, what it leaves out.
    """
    scenario, cells = plan.scenario, together(situations)
    if scenario.narrowed:
        return
    operations = {served.operation for cell in cells.values() for o in cell.rounds for served in o.served}
    choose = f"Choose from: {', '.join(sorted(operations))}."
    for metric in scenario.metrics:
        if metric.operation is not None and metric.operation not in operations:
            raise ScenarioError(f"metric {metric.name} is about {metric.operation!r}, which no request names. {choose}")
    for shown in scenario.shown:
        if shown not in operations:
            raise ScenarioError(f"shown names {shown!r}, which no request names. {choose}")
    if plan.quick and not all(experiment.quick for experiment in scenario.experiments):
        return
    measured = at_every_place(plan, situations)
    _can_be_shown(scenario, measured)
    for workload in scenario.workloads:
        served = [at_place(workload, place) for place in places(workload, plan.turned)]
        asked = [demanded(scenario, w, scenario.settings(w, plan.turned)).requirements for w in served]
        for requirement in (r for r in scenario.requirements if any(r in of_place for of_place in asked)):
            traced_only = scenario.metric(requirement.metric).of == "orphans"
            there = [m.at for m in measured if (m.metric, m.workload) == (requirement.metric, workload.name)]
            if there and not traced_only and not any(map(requirement.is_about, there)):
                raise ScenarioError(
                    f"requirement {requirement.id} is about {_place(requirement.at)}, and {requirement.metric} is "
                    f"measured at {_places(there)} in {workload.name}."
                )
            if not traced_only and not there:
                raise ScenarioError(
                    f"requirement {requirement.id} is demanded at {workload.name}, where nothing yields its metric "
                    f"{requirement.metric}. Name the workloads that do in `workloads`, or yield a sample of it there."
                )


def _can_be_shown(scenario: Scenario, measured: Sequence[Measurement]) -> None:
    """Raises ScenarioError for a view that asks for a key of ``at`` that no measurement of its metric has."""
    for metric in scenario.metrics:
        there = [m.at for m in measured if m.metric == metric.name]
        for key in _keys(metric.view):
            if there and not any(key in at for at in there):
                raise ScenarioError(
                    f"metric {metric.name} is shown by {key!r}, and no sample of it has that in `at`: "
                    f"it is measured at {_places(there)}."
                )


def _keys(view: Grid | Ledger | Series | None) -> tuple[str, ...]:
    """The keys of ``at`` that a view is drawn from."""
    match view:
        case Grid():
            return view.rows, view.columns
        case Ledger():
            return (view.rows,)
        case Series():
            return (view.over,)
        case None:
            return ()


def _places(places: Sequence[Mapping[str, object]]) -> str:
    """A few of the places, so that a typing error can be seen."""
    few = list(dict.fromkeys(map(_place, places)))
    return ", ".join(few[:3]) + (f" and {len(few) - 3} more places" if len(few) > 3 else "")


def _place(at: Mapping[str, object]) -> str:
    return " ".join(f"{key}={value!r}" for key, value in at.items()) or "no place (its `at` is empty)"


def different_answers(
    scenario: Scenario, cells: Mapping[CellKey, Cell], workload: str, place: Place = ()
) -> list[Difference]:
    """Rounds of the same number follow the same seed: there, all designs must answer alike."""
    by_design = {
        design.name: cells[LOAD, design.name, workload].rounds
        for design in scenario.designs
        if (LOAD, design.name, workload) in cells
    }
    if not by_design:
        return []
    hashes = {design: tuple(observed.answers_hash for observed in rounds) for design, rounds in by_design.items()}
    # What most designs answer stands; a majority of one against one leaves the simpler in the right.
    first, *others = by_design
    usual = Counter(hashes.values()).most_common(1)[0][0]
    right = first if hashes[first] == usual else next(d for d in others if hashes[d] == usual)
    found = []
    for design in by_design:
        original = scenario.design(design).edits
        against = original if hashes.get(original) == usual else right
        both = [
            (a.answers, b.answers)
            for a, b in zip(by_design[against], by_design[design], strict=True)
            if a.answers_hash and b.answers_hash
        ]
        if any(a and b and a != b for a, b in zip(hashes[against], hashes[design], strict=True)):
            found.append(difference(design, against, workload, dict(place), both))
    return found


def faults_struck(scenario: Scenario, cells: Mapping[CellKey, Cell]) -> tuple[FaultRecord, ...]:
    """For every planned fault, how often it was planned and how often it was counted where it strikes."""
    found: dict[tuple[str, str], FaultRecord] = {}
    for (name, design, _), cell in cells.items():
        if name == LOAD:
            continue
        experiment = next(e for e in scenario.experiments if e.name == name)
        by_timeline = Counter(step.fault for step in experiment.timeline if step.fault)
        for fault, planned in (Counter(experiment.faults) + by_timeline).items():
            before = found.get((fault, design), FaultRecord(fault, design, 0, 0))
            struck = sum(observed.struck.count(fault) for observed in cell.rounds)
            found[fault, design] = FaultRecord(
                fault, design, before.planned + planned * len(cell.rounds), before.injected + struck
            )
    return tuple(found.values())


def moving_parts(facts: DesignFacts, cells: Mapping[CellKey, Cell]) -> DesignFacts:
    """The design's facts with its processes, tables and queues as they were really started under load."""
    rounds = [
        o for (name, design, _), cell in cells.items() if (name, design) == (LOAD, facts.name) for o in cell.rounds
    ]
    return replace(
        facts,
        processes=max((observed.processes for observed in rounds), default=0),
        tables=max((observed.tables for observed in rounds), default=0),
        queues=max((observed.queues for observed in rounds), default=0),
    )


def data_hash(workload: str, cells: Mapping[CellKey, Cell]) -> str:
    return min(_seen(cells, workload, "data_hash"), default="")


def _seen(cells: Mapping[CellKey, Cell], workload: str, what: str) -> set[str]:
    seen = {getattr(o, what) for (_, _, w), cell in cells.items() if w == workload for o in cell.rounds}
    return seen - {""}
