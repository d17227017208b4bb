"""Whether a scenario contradicts itself: every finding is one sentence that a scenario's author can act on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations, pairwise
from typing import get_args

from archlab import source
from archlab.scenario import (
    Better,
    Claim,
    Design,
    Experiment,
    Knob,
    Load,
    MeasuredOf,
    Metric,
    Requirement,
    Role,
    Scenario,
    ScenarioError,
    Step,
    Workload,
)

TUPLES: dict[str, type] = {
    "knobs": Knob,
    "metrics": Metric,
    "requirements": Requirement,
    "workloads": Workload,
    "designs": Design,
    "experiments": Experiment,
    "claims": Claim,
    "shown": str,
}
"""The tuples of a Scenario and what each holds."""


PARTS = ("services", "broker")
"""What a scenario may need of the lab."""
RESERVED = ("load",)
"""Names of experiments that the bench uses for its own."""


def check(scenario: Scenario) -> list[str]:
    """What is wrong with a scenario, one sentence each; empty when it is consistent. Runs nothing of it."""
    wrong = list(_types(scenario))
    if wrong:  # what follows would stumble over them
        return wrong
    for part in (_names, _needs, _knobs, _metrics, _requirements, _workloads, _designs, _experiments, _claims):
        wrong.extend(part(scenario))
    return wrong


def _types(scenario: Scenario) -> Iterator[str]:
    for name, kind in TUPLES.items():
        things = getattr(scenario, name)
        if not isinstance(things, tuple):
            hint = f" A tuple of one needs a comma: ({kind.__name__}(…),)." if isinstance(things, kind) else ""
            yield f"{name} must be a tuple of {kind.__name__}, not {type(things).__name__}.{hint}"
            continue
        for thing in things:
            if not isinstance(thing, kind):
                yield f"{name} must hold only {kind.__name__}, not {thing!r}."
    if not isinstance(scenario.load, Load):
        yield f"load must be a Load, not {scenario.load!r}."
    elif scenario.load.connections < 1:
        yield f"load has {scenario.load.connections} connections: it needs at least one."
    for name in ("answers", "data"):
        if not callable(getattr(scenario, name)):
            yield f"{name} must be a function, not {getattr(scenario, name)!r}."


def _names(scenario: Scenario) -> Iterator[str]:
    kinds: dict[str, Iterable[str]] = {
        "knobs": (thing.name for thing in scenario.knobs),
        "metrics": (thing.name for thing in scenario.metrics),
        "requirements": (thing.id for thing in scenario.requirements),
        "workloads": (thing.name for thing in scenario.workloads),
        "designs": (thing.name for thing in scenario.designs),
        "experiments": (thing.name for thing in scenario.experiments),
        "claims": (thing.id for thing in scenario.claims),
    }
    if not scenario.name:
        yield "it has no name."
    for kind, names in kinds.items():
        seen: set[str] = set()
        for name in names:
            if not name:
                yield f"one of its {kind} has no name."
            elif name in seen:
                yield f"two of its {kind} are called {name!r}: names are how everything else refers to them."
            seen.add(name)


def _needs(scenario: Scenario) -> Iterator[str]:
    for part in scenario.needs:
        if part not in PARTS:
            yield f"needs names {part!r}, which is no part of the lab. {_choose(PARTS)}"


def _knobs(scenario: Scenario) -> Iterator[str]:
    for knob in scenario.knobs:
        if not knob.low <= knob.default <= knob.high:
            yield (
                f"knob {knob.name}: its default {knob.default:g} is outside its range, {knob.low:g} to {knob.high:g}."
            )


def _metrics(scenario: Scenario) -> Iterator[str]:
    for metric in scenario.metrics:
        if not 0 < metric.quantile < 1:
            yield f"metric {metric.name}: quantile is a share between 0 and 1 (0.95), not {metric.quantile:g}."
        if metric.noticeable < 0:
            yield f"metric {metric.name}: noticeable is a margin, never negative ({metric.noticeable:g})."
        if metric.better not in get_args(Better):
            yield f"metric {metric.name}: better is 'lower' or 'higher', not {metric.better!r}."
        kinds = get_args(MeasuredOf)
        if metric.of not in kinds:
            yield f"metric {metric.name}: of is one of {', '.join(kinds)}, not {metric.of!r}."
        elif metric.of in ("service", "failures") and metric.operation is None:
            yield f"metric {metric.name} is of {metric.of!r} and names no operation whose requests it measures."
        elif metric.of in ("utilisation", "orphans") and metric.operation is not None:
            yield f"metric {metric.name} is of {metric.of!r}, which is about all operations: leave operation out."
        loads = [experiment.name for experiment in scenario.experiments if experiment.is_load]
        yield from _known(
            f"metric {metric.name}", "load experiment", [metric.experiment] * bool(metric.experiment), loads
        )


def _requirements(scenario: Scenario) -> Iterator[str]:
    units = {metric.name: metric.unit for metric in scenario.metrics}
    workloads = [workload.name for workload in scenario.workloads]
    for requirement in scenario.requirements:
        subject = f"requirement {requirement.id}"
        if requirement.metric not in units:
            yield f"{subject} bounds {requirement.metric!r}, which is no metric. {_choose(units)}"
        elif requirement.unit != units[requirement.metric]:
            yield f"{subject} is in {requirement.unit!r}, its metric in {units[requirement.metric]!r}."
        yield from _known(subject, "workload", requirement.workloads, workloads)
        yield from _never_measured(scenario, requirement)
    for one, other in combinations(scenario.requirements, 2):
        both = [name for name in workloads if one.demanded_in(name) and other.demanded_in(name)]
        if one.metric == other.metric and both:
            # The shares over a bound are recorded once a metric: the second bound would be judged by the first's.
            yield f"requirements {one.id} and {other.id} both bound {one.metric!r} in {both[0]}: keep the tighter one."


def _never_measured(scenario: Scenario, requirement: Requirement) -> Iterator[str]:
    """An experiment's load is measured where it is done; elsewhere nothing could be judged."""
    measured = next((m.experiment for m in scenario.metrics if m.name == requirement.metric), "")
    for experiment in (e for e in scenario.experiments if e.name == measured):
        where = experiment.workloads or [w.name for w in scenario.workloads]
        for name in (w.name for w in scenario.workloads if requirement.demanded_in(w.name) and w.name not in where):
            yield (
                f"requirement {requirement.id} is demanded in {name}, where {measured} is not done: "
                f"give it workloads=({', '.join(repr(w) for w in where)},)."
            )


def _workloads(scenario: Scenario) -> Iterator[str]:
    knobs = {knob.name: knob for knob in scenario.knobs}
    names = [workload.name for workload in scenario.workloads]
    for needed, why in (("calm", "the problem absent"), ("pressure", "the problem present")):
        if needed not in names:
            yield f"it has no workload {needed!r} ({why})."
    if scenario.shown_workload not in names:
        yield f"shown_workload is {scenario.shown_workload!r}, which is no workload. {_choose(names)}"
    for workload in scenario.workloads:
        for name, value in workload.settings.items():
            knob = knobs.get(name)
            if knob is None:
                yield f"workload {workload.name} sets {name!r}, which is no knob. {_choose(knobs)}"
            elif isinstance(value, bool) or not isinstance(value, (int, float)):
                yield f"workload {workload.name} sets {name} to {value!r}, which is not a number."
            elif not knob.low <= value <= knob.high:
                yield (
                    f"workload {workload.name} sets {name} to {value:g}, outside its range, "
                    f"{knob.low:g} to {knob.high:g}."
                )
            elif isinstance(knob.default, int) and value != value // 1:
                yield f"workload {workload.name} sets {name} to {value:g}, which is not a whole number."


def _designs(scenario: Scenario) -> Iterator[str]:
    if not scenario.designs:
        yield "it has no designs."
    elif all(design.role != "baseline" for design in scenario.designs):
        yield "none of its designs is the baseline."
    for design in scenario.designs:
        if design.role not in get_args(Role):
            yield f"design {design.name}: role is one of {', '.join(get_args(Role))}, not {design.role!r}."
        yield from _known(f"design {design.name}", "workload", design.workloads, [w.name for w in scenario.workloads])
        if not callable(design.start):
            yield f"design {design.name}: start must be callable with a Lab, not {design.start!r}."
            continue
        try:
            source.sources(design)
        except ScenarioError as error:
            yield str(error)


def _experiments(scenario: Scenario) -> Iterator[str]:
    for experiment in scenario.experiments:
        subject = f"experiment {experiment.name}"
        if experiment.name in RESERVED:
            yield f"{subject}: this name is the bench's own, for what the workload's load measures. Take another."
        yield from _known(subject, "design", experiment.designs, [design.name for design in scenario.designs])
        yield from _known(subject, "workload", experiment.workloads, [w.name for w in scenario.workloads])
        if experiment.is_load:
            yield from _load_experiment(experiment)
        elif not callable(experiment.run):
            yield f"{subject}: run must be a function, not {experiment.run!r}."
        elif experiment.seconds:
            yield f"{subject} has seconds, and is no load: give it a load or a timeline."
        if experiment.rounds is not None and experiment.rounds < 1:
            yield f"{subject} is done in {experiment.rounds} rounds: it needs at least one."
        for fault, times in experiment.faults.items():
            if times < 1:
                yield f"{subject} plans the fault {fault!r} {times} times: a planned fault strikes at least once."


def _load_experiment(experiment: Experiment) -> Iterator[str]:
    subject = f"experiment {experiment.name}"
    if experiment.run is not None:
        yield f"{subject} has both run and a load: leave one out (Load.afterwards yields further samples)."
    if experiment.load is not None and not isinstance(experiment.load, Load):
        yield f"{subject}: load must be a Load, not {experiment.load!r}."
    elif experiment.load is not None and experiment.load.connections < 1:
        yield f"{subject}: its load has {experiment.load.connections} connections: it needs at least one."
    if experiment.seconds < 0:
        yield f"{subject}: seconds is how long its schedule lasts, never negative ({experiment.seconds:g})."
    timeline = experiment.timeline
    if not isinstance(timeline, tuple) or not all(isinstance(step, Step) for step in timeline):
        yield f"{subject}: timeline must be a tuple of Step, not {timeline!r}."
        return
    for step in timeline:
        if step.at < 0:
            yield f"{subject}: the step {step.says!r} is at {step.at:g} s, before the load begins."
        if not callable(step.do):
            yield f"{subject}: the step {step.says!r} must do a function of lab and design, not {step.do!r}."
        if not step.says:
            yield f"{subject}: the step at {step.at:g} s does not say what happens."
        if step.fault and step.fault in experiment.faults:
            yield f"{subject} plans the fault {step.fault!r} in a step and in faults: leave it out of faults."
    for one, following in pairwise(timeline):
        if following.at < one.at:
            yield f"{subject}: the step {following.says!r} is before {one.says!r}: steps stand in the order of time."


def _claims(scenario: Scenario) -> Iterator[str]:
    for claim in scenario.claims:
        if claim.kind == "measured" and not callable(claim.judge):
            yield f"claim {claim.id} is measured but has no judge: a function of the run that returns a Finding."
        if claim.kind == "reported" and not claim.source:
            yield f"claim {claim.id} is reported by others but names no source."


def _known(subject: str, kind: str, named: Iterable[str], names: list[str]) -> Iterator[str]:
    for name in named:
        if name not in names:
            yield f"{subject} names the {kind} {name!r}, which does not exist. {_choose(names)}"


def _choose(names: Iterable[str]) -> str:
    return f"Choose from: {', '.join(names) or 'none'}."
