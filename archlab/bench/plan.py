"""Plans a run: which designs, workloads and experiments, in how many rounds, in which order. Pure."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from archlab.lab.broker_address import BrokerUrl
from archlab.scenario import Design, Experiment, Scenario, Workload

ROUNDS = 5
"""A percentile bound is judged by at least five rounds."""
CLOSED_ROUNDS = 20
"""A closed loop is cheap: as long as there is time it goes round this often, to tell small differences from noise."""
ROUNDS_SECONDS = 11.0
"""When that much has passed, closed loops have gone round often enough."""
QUICK_ROUNDS = 1
"""With --quick, of an open loop and of an experiment: enough for a look. A closed loop keeps its five."""
QUICK_SECONDS = 4.5
"""With --quick, when that much has passed nothing goes round once more: what is open then is said to be uncertain."""
QUICK_END = 7.5
"""With --quick no experiment is begun that would end later, on all designs: what was left out is said."""
TIMES = ("latency", "service")
"""What a quantile is taken of."""
LOAD_ROUNDS = 3
"""Of a load with a timeline, where no quantile of its requests is judged: a bound on one value a round needs three."""


@dataclass(frozen=True)
class Plan:
    """What somebody asked to be run."""

    scenario: Scenario
    turned: Mapping[str, float]
    seed: int = 1
    quick: bool = False
    seconds: float | None = None
    """Go on with further rounds until this much time has passed (``--for``)."""
    broker: BrokerUrl | None = None
    """The broker that a person gave (``--broker``); without one every round that asks for a broker starts its own."""


Place = tuple[tuple[str, float], ...]
"""The knob and its value at which a workload is served, where it is served at several; else empty."""


@dataclass(frozen=True)
class Round:
    """One entry of the plan: ``experiment`` None is the workload's load."""

    workload: Workload
    """With its knobs as they are at the place."""
    design: str
    experiment: Experiment | None
    number: int
    place: Place = ()

    @property
    def is_load(self) -> bool:
        return self.experiment is None or self.experiment.is_load

    @property
    def alone(self) -> bool:
        return self.experiment is None or self.experiment.is_load or self.experiment.alone

    @property
    def in_open_loop(self) -> bool:
        """Whether requests are served when they are due: as the load of an experiment is in every workload."""
        return not self.workload.closed if self.experiment is None else self.experiment.is_load


def every_entry(plan: Plan) -> list[Round]:
    """One pass over all designs and workloads, and the experiments that are done to them."""
    scenario = plan.scenario
    entries = [
        Round(at_place(workload, place), design.name, experiment, 0, place)
        for workload in scenario.workloads
        for place in places(workload, plan.turned)
        for experiment in (None, *scenario.experiments)
        for design in scenario.designs
        if design.asked_at(workload.name) and (experiment is None or experiment.done_to(design.name, workload.name))
        if experiment is not None or shares_load_of(plan, workload, design) is None
    ]
    # A quick look may run out of time for experiments, never for a workload's load.
    judged = {scenario.metric(requirement.metric).experiment for requirement in scenario.requirements}
    return sorted(entries, key=lambda entry: _urgency(entry, judged)) if plan.quick else entries


def shares_load_of(plan: Plan, workload: Workload, design: Design) -> Workload | None:
    """The earlier workload whose load a design serves in exactly the same way; None where there is none.

    Both are closed loops that differ in nothing but knobs that designs do not see, and demand the same of their load.
    """
    if not workload.closed or workload.along:
        return None
    for other in plan.scenario.workloads:
        if other is workload:
            return None
        alike = other.closed and not other.along and design.asked_at(other.name)
        if alike and _as_served(plan, other) == _as_served(plan, workload):
            return other
    return None


def _as_served(plan: Plan, workload: Workload) -> tuple[dict[str, float], list[str]]:
    """All that the load of a closed loop depends on: the knobs that designs see, and what may end it early."""
    scenario, knobs = plan.scenario, plan.scenario.settings(workload, plan.turned)
    unseen = {knob.name for knob in scenario.knobs if knob.demand}
    of_load = [r.id for r in demanded(scenario, workload, knobs).requirements if scenario.metric(r.metric).operation]
    return {name: value for name, value in knobs.items() if name not in unseen}, of_load


def _urgency(entry: Round, judged: Container[str]) -> int:
    """The workload's own load first, then the experiments whose load is judged, then other loads."""
    if entry.experiment is None:
        return 0
    if entry.experiment.is_load:
        return 1 if entry.experiment.name in judged else 2
    return 3


def places(workload: Workload, turned: Mapping[str, float]) -> list[Place]:
    """Where a workload is served: at every value of its knob, or at the one that a person turned it to."""
    for knob, values in workload.along.items():
        return [((knob, value),) for value in ((turned[knob],) if knob in turned else values)]
    return [()]


def at_place(workload: Workload, place: Place) -> Workload:
    return replace(workload, settings={**workload.settings, **dict(place)})


def traced_place(plan: Plan, workload: Workload) -> Place:
    """Where the traced pass is made: at the workload's own setting of the knob, else at the first value."""
    able, own = places(workload, plan.turned), plan.scenario.settings(workload, plan.turned)
    return next((place for place in able if all(own[knob] == value for knob, value in place)), able[0])


def demanded(scenario: Scenario, workload: Workload, knobs: Mapping[str, float]) -> Scenario:
    """The scenario with the requirements alone that a workload demands with these settings, where it is served."""
    place = {knob: knobs[knob] for knob in workload.along}
    kept = tuple(r for r in scenario.requirements if r.demanded_in(workload.name, knobs) and r.reaches(place))
    return replace(scenario, requirements=kept)


def goes_on(plan: Plan, number: int, passed: float, before: float) -> bool:
    """Whether there is a pass ``number``; ``passed`` seconds since the start, ``before`` of them before the first."""
    if plan.quick:
        return number < QUICK_ROUNDS or (number < ROUNDS and passed < QUICK_SECONDS)
    if number < ROUNDS:
        return True
    if plan.seconds is not None:
        return passed + (passed - before) / number < plan.seconds
    return number < CLOSED_ROUNDS and passed < ROUNDS_SECONDS


def due(entry: Round, plan: Plan, number: int) -> bool:
    """Whether an entry of the schedule takes part in pass ``number``."""
    if number >= ROUNDS and plan.seconds is None:
        # What is served at several values costs as many times as much: five rounds of each are enough to judge it.
        return entry.experiment is None and entry.workload.closed and not entry.place
    if plan.quick and entry.experiment is not None and not entry.experiment.quick:
        return False
    if entry.experiment is None and number > 0 and plan.seconds is None and _counts_alone(entry, plan):
        return False
    if entry.experiment is not None and (rounds := rounds_of(entry.experiment, plan.scenario)) is not None:
        return number < (QUICK_ROUNDS if plan.quick else rounds)
    return not plan.quick or number < QUICK_ROUNDS or (entry.workload.closed and not entry.in_open_loop)


def _counts_alone(entry: Round, plan: Plan) -> bool:
    """Whether a load is only counted, in its own workload and in those that share it."""
    design = plan.scenario.design(entry.design)
    others = [w for w in plan.scenario.workloads if design.asked_at(w.name) and w.name != entry.workload.name]
    shares = [w for w in others if (s := shares_load_of(plan, w, design)) is not None and s.name == entry.workload.name]
    return all(only_counted(w, plan) for w in (entry.workload, *shares))


def only_counted(workload: Workload, plan: Plan) -> bool:
    """Whether all that a workload demands is counted: what is the same in every round needs one."""
    scenario, knobs = plan.scenario, plan.scenario.settings(workload, plan.turned)
    judged = [scenario.metric(r.metric) for r in demanded(scenario, workload, knobs).requirements]
    return bool(judged) and all(metric.counted for metric in judged)


def rounds_of(experiment: Experiment, scenario: Scenario) -> int | None:
    """In how many rounds it is done; None for as often as the bench goes round."""
    if experiment.rounds is not None or not experiment.is_load:
        return experiment.rounds
    judged = {requirement.metric for requirement in scenario.requirements}
    timed = any(m.name in judged and m.experiment == experiment.name and m.of in TIMES for m in scenario.metrics)
    return ROUNDS if timed else LOAD_ROUNDS


def in_order(batch: list[Round], number: int) -> list[Round]:
    """A B, then B A: a drift of the machine's speed meets every design alike."""
    return batch if number % 2 == 0 else batch[::-1]


def traced_quickly(designs: Sequence[Design]) -> list[Design]:
    """The two simplest, the pattern, and what was edited with its original: no screen shows more side by side."""
    shown = {name for d in designs if d.edits for name in (d.name, d.edits)}
    return [d for place, d in enumerate(designs) if place < 2 or d.role == "pattern" or d.name in shown]
