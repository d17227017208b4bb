"""Checks that a scenario does not contradict itself. Each finding is a sentence that its author can act on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations, pairwise
from typing import get_args

from archlab import source
from archlab.failure import describe
from archlab.scenario import (
    Better,
    Claim,
    Design,
    Experiment,
    Grid,
    Knob,
    Ledger,
    Load,
    MeasuredOf,
    Metric,
    Requirement,
    Role,
    Scenario,
    ScenarioError,
    Series,
    Step,
    Word,
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
    "needs": str,
    "words": Word,
}
"""The tuples of a Scenario and what each holds."""


PARTS = ("services", "broker")
"""What a scenario may need of the lab."""
KINDS = ("measured", "modelled", "reported")
FORMULA = "give it formula='rate <= 1 / (2 * round trip)', and here, a function of the run that computes it"
RESERVED = ("load",)
"""Names of experiments that the bench uses for its own."""


def check(scenario: Scenario) -> list[str]:
    """What is wrong with a scenario, one sentence each; empty when it is consistent. Runs nothing of it."""
    wrong = list(_types(scenario)) or list(_numbers(scenario))
    if wrong:  # what follows would stumble over them
        return wrong
    for part in (_names, _needs, _knobs, _metrics, _requirements, _workloads, _designs, _experiments, _claims):
        wrong.extend(part(scenario))
    return wrong


def advice(scenario: Scenario) -> list[str]:
    """What keeps a scenario from no run, and its readers from something that they are owed."""
    without = [claim.id for claim in scenario.claims if claim.kind == "modelled" and not claim.formula]
    return [f"claim {name} is modelled and shows its formula in source only: {FORMULA}." for name in without]


def _types(scenario: Scenario) -> Iterator[str]:
    for name, kind in TUPLES.items():
        things = getattr(scenario, name)
        if not isinstance(things, tuple):
            one = repr(things) if kind is str else f"{kind.__name__}(…)"
            hint = f" A tuple of one needs a comma: ({one},)." if isinstance(things, kind) else ""
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
        "words": (thing.name for thing in scenario.words),
    }
    if not scenario.name:
        yield "it has no name."
    for kind, names in kinds.items():
        seen: set[str] = set()
        for name in names:
            if not name:
                yield f"one of its {kind} has no name."
            elif name in seen:
                yield f"two of its {kind} are called {name!r}: a name must be unique."
            seen.add(name)


NUMBERS: dict[str, tuple[str, ...]] = {
    "knobs": ("default", "low", "high"),
    "metrics": ("noticeable", "quantile"),
    "requirements": ("at_most", "at_least"),
}
"""The fields of each kind that must be numbers; a bound may be None."""


def _numbers(scenario: Scenario) -> Iterator[str]:
    for kind, fields in NUMBERS.items():
        for thing in getattr(scenario, kind):
            called = getattr(thing, "name", getattr(thing, "id", ""))
            for name in fields:
                yield from _number(f"{kind.removesuffix('s')} {called}", name, thing)
    for experiment in scenario.experiments:
        for step in experiment.timeline if isinstance(experiment.timeline, tuple) else ():
            if isinstance(step, Step):
                yield from _number(f"the step {step.says!r} of experiment {experiment.name}", "at", step)


def _number(subject: str, name: str, thing: object) -> Iterator[str]:
    value = getattr(thing, name)
    missing = value is None and name.startswith("at_")
    if not missing and (isinstance(value, bool) or not isinstance(value, (int, float))):
        yield f"{subject}: {name} is a number, not {value!r}."


def _needs(scenario: Scenario) -> Iterator[str]:
    for part in scenario.needs:
        if part not in PARTS:
            yield f"needs names {part!r}, which is not a part of the lab. {_choose(PARTS)}"


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
        if metric.view is not None and not isinstance(metric.view, (Grid, Ledger, Series)):
            yield f"metric {metric.name}: view is a Grid, a Ledger or a Series, not {metric.view!r}."
        for mark in metric.view.marks.values() if isinstance(metric.view, Grid) else ():
            if len(mark.sign) != 1:
                yield f"metric {metric.name}: the sign of a mark is one character, not {mark.sign!r}."
        yield from _measured_in(scenario, metric)


def _measured_in(scenario: Scenario, metric: Metric) -> Iterator[str]:
    """Whether the load that a metric is measured in is one of the scenario's."""
    subject = f"metric {metric.name}"
    if metric.experiment in RESERVED:
        yield f"{subject} is taken from the workload's load where it names no experiment: leave it out."
    elif metric.experiment:
        loads = [experiment.name for experiment in scenario.experiments if experiment.is_load]
        yield from _known(subject, "load experiment", [metric.experiment], loads)


def _requirements(scenario: Scenario) -> Iterator[str]:
    units = {metric.name: metric.unit for metric in scenario.metrics}
    workloads = [workload.name for workload in scenario.workloads]
    for requirement in scenario.requirements:
        subject = f"requirement {requirement.id}"
        for key, value in requirement.at.items():
            if not (value is None or isinstance(value, (str, int, float))):
                yield f"{subject}: at[{key!r}] is a plain value, a string or a number, not {value!r}."
        if requirement.metric not in units:
            yield f"{subject} bounds {requirement.metric!r}, which is not a metric. {_choose(units)}"
        elif requirement.unit != units[requirement.metric]:
            yield f"{subject} is in {requirement.unit!r}, its metric in {units[requirement.metric]!r}."
        yield from _known(subject, "workload", requirement.workloads, workloads)
        yield from _bounds(requirement)
        yield from _condition(scenario, requirement)
        yield from _never_measured(scenario, requirement)
    timed = [m.name for m in scenario.metrics if m.operation and m.of in ("latency", "service")]
    for one, other in combinations(scenario.requirements, 2):
        both = [w.name for w in scenario.workloads if _demanded(scenario, one, w) and _demanded(scenario, other, w)]
        shared = one.at.keys() & other.at.keys()
        if one.metric != other.metric or not both or any(one.at[key] != other.at[key] for key in shared):
            continue
        # The shares of requests over a bound are recorded once a place: the second would be judged by the first's.
        if one.metric in timed or (one.at_most is None) == (other.at_most is None):
            yield (
                f"requirements {one.id} and {other.id} both bound {one.metric!r} in {both[0]}: keep the tighter one, "
                "or give each a place of its own with `at`."
            )


def _bounds(requirement: Requirement) -> Iterator[str]:
    low, high = requirement.at_least, requirement.at_most
    if low is None and high is None:
        yield f"requirement {requirement.id} has no bound: give it at_most or at_least."
    elif low is not None and high is not None and low > high:
        yield f"requirement {requirement.id}: no value is at least {low:g} and at most {high:g}."


def _condition(scenario: Scenario, requirement: Requirement) -> Iterator[str]:
    """Whether ``when`` can be asked about the settings of every workload."""
    if requirement.when is None:
        return
    if not callable(requirement.when):
        yield f"requirement {requirement.id}: when must be a function of the knobs, not {requirement.when!r}."
        return
    for workload in scenario.workloads:
        try:
            requirement.demanded_in(workload.name, scenario.settings(workload, {}))
        except Exception as error:
            yield f"requirement {requirement.id}: when cannot be asked in {workload.name}: {describe(error)}."


def _demanded(scenario: Scenario, requirement: Requirement, workload: Workload) -> bool:
    """Whether a workload demands it with its own settings; one whose condition fails is told of elsewhere."""
    try:
        return requirement.demanded_in(workload.name, scenario.settings(workload, {}))
    except Exception:
        return False


def _never_measured(scenario: Scenario, requirement: Requirement) -> Iterator[str]:
    """An experiment's load is measured where it is done; elsewhere nothing could be judged."""
    measured = next((m.experiment for m in scenario.metrics if m.name == requirement.metric), "")
    for experiment in (e for e in scenario.experiments if e.name == measured):
        where = experiment.workloads or [w.name for w in scenario.workloads]
        asked = [w.name for w in scenario.workloads if _demanded(scenario, requirement, w)]
        for name in (name for name in asked if name not in where):
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
    if scenario.lines and not any(m.name == scenario.lines and m.counted for m in scenario.metrics):
        yield f"lines is {scenario.lines!r}, which is no counted metric of the scenario."
    if scenario.shown_workload not in names:
        yield f"shown_workload is {scenario.shown_workload!r}, which is not a workload. {_choose(names)}"
    for workload in scenario.workloads:
        for name, value in workload.settings.items():
            knob = knobs.get(name)
            if knob is None:
                yield f"workload {workload.name} sets {name!r}, which is not a knob. {_choose(knobs)}"
            elif isinstance(value, bool) or not isinstance(value, (int, float)):
                yield f"workload {workload.name} sets {name} to {value!r}, which is not a number."
            elif not knob.low <= value <= knob.high:
                yield (
                    f"workload {workload.name} sets {name} to {value:g}, outside its range, "
                    f"{knob.low:g} to {knob.high:g}."
                )
            elif isinstance(knob.default, int) and value != value // 1:
                yield f"workload {workload.name} sets {name} to {value:g}, which is not a whole number."
        try:
            scenario.caption(workload, {})
        except (LookupError, ValueError, AttributeError, TypeError) as error:
            yield f"workload {workload.name}: says cannot be shown with the knobs: {describe(error)}."
        yield from _along(workload, knobs)


def _along(workload: Workload, knobs: Mapping[str, Knob]) -> Iterator[str]:
    subject = f"workload {workload.name}"
    if len(workload.along) > 1:
        yield f"{subject} is served along {' and '.join(workload.along)}: it can be served along one knob."
    for name, values in workload.along.items():
        knob = knobs.get(name)
        if knob is None:
            yield f"{subject} is served along {name!r}, which is not a knob. {_choose(knobs)}"
            continue
        if not isinstance(values, tuple) or len(set(values)) < 2:
            yield f"{subject} is served along {name} and needs a tuple of at least two values of it, not {values!r}."
            continue
        for value in values:
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                yield f"{subject} is served at {name}={value!r}, which is not a number."
            elif not knob.low <= value <= knob.high:
                yield f"{subject} is served at {name}={value:g}, outside its range, {knob.low:g} to {knob.high:g}."
            elif isinstance(knob.default, int) and value != value // 1:
                yield f"{subject} is served at {name}={value:g}, which is not a whole number."


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
            yield f"{subject}: this name is reserved for what the workload's load measures. Choose another name."
        yield from _known(subject, "design", experiment.designs, [design.name for design in scenario.designs])
        yield from _known(subject, "workload", experiment.workloads, [w.name for w in scenario.workloads])
        if experiment.is_load:
            yield from _load_experiment(experiment)
        elif not callable(experiment.run):
            yield f"{subject}: run must be a function, not {experiment.run!r}."
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
        if claim.kind == "modelled" and not (claim.formula or claim.source):
            yield f"claim {claim.id} is modelled but has no formula: {FORMULA}."
        if claim.kind != "modelled" and (claim.formula or claim.here):
            yield f"claim {claim.id} has a formula and is {claim.kind}: say kind='modelled', or leave the formula out."
        if claim.here is not None and not callable(claim.here):
            yield f"claim {claim.id}: here must be a function of the run that returns a sentence, not {claim.here!r}."
        if claim.kind not in KINDS:
            yield f"claim {claim.id}: kind is one of {', '.join(KINDS)}, not {claim.kind!r}."


def _known(subject: str, kind: str, named: Iterable[str], names: list[str]) -> Iterator[str]:
    for name in named:
        if name not in names:
            yield f"{subject} names the {kind} {name!r}, which does not exist. {_choose(names)}"


def _choose(names: Iterable[str]) -> str:
    return f"Choose from: {', '.join(names) or 'none'}."
