"""Computes how long a run takes, from its schedules, before anything is measured."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from archlab.bench.plan import ROUNDS, Plan, Round, at_place, due, every_entry, places
from archlab.bench.rounds import QUICK_REQUESTS, REQUESTS
from archlab.bench.schedule import seconds_needed
from archlab.lab.lab import Lab
from archlab.lab.setting import Setting
from archlab.scenario import Scenario, Workload

OVERHEAD = 0.15
"""Seconds that a round takes beside what its schedule asks for: its processes are started, its data copied."""
WORTH_SAYING = 30.0
"""Seconds above which a run says beforehand how long it takes."""


@dataclass(frozen=True)
class Length:
    seconds: float
    """Of the whole run, about."""
    schedules: Mapping[str, float]
    """Seconds of the schedule of one round, by workload; 0 for a closed loop."""

    def of(self, entry: Round) -> float:
        """The seconds that a round is planned to take, beside its overhead."""
        if entry.experiment is None:
            return self.schedules[entry.workload.name]
        scheduled = self.schedules[entry.workload.name] if entry.experiment.is_load else 0.0
        return max(seconds_needed(entry.experiment), scheduled)


def length(plan: Plan, setting: Setting, folder: Path) -> Length:
    """The length of a plan. ``setting`` is any setting of the run; ``folder`` is one that may be written."""
    scenario = plan.scenario
    schedules = {
        w.name: max(_schedule(plan, at_place(w, place), setting, folder) for place in places(w, plan.turned))
        for w in scenario.workloads
    }
    planned = Length(0.0, schedules)
    passes = range(ROUNDS)
    rounds = [
        planned.of(entry) + OVERHEAD for number in passes for entry in every_entry(plan) if due(entry, plan, number)
    ]
    return Length(max(sum(rounds), plan.seconds or 0.0), schedules)


def _schedule(plan: Plan, workload: Workload, setting: Setting, folder: Path) -> float:
    if workload.closed:
        return 0.0
    knobs = plan.scenario.settings(workload, plan.turned)
    lab = Lab(replace(setting, workload=workload.name, knobs=knobs, folder=folder, traced=False))
    with suppress(Exception):  # whatever is wrong with a schedule is said by the first round that is to serve it
        requests = plan.scenario.load.requests(lab, QUICK_REQUESTS if plan.quick else REQUESTS)
        return float(max(request.due for request in requests))
    return 0.0


def said_beforehand(plan: Plan, planned: Length) -> str:
    """The sentence for a run that takes long, with what to type for a shorter one; empty for any other."""
    if planned.seconds <= WORTH_SAYING or plan.seconds is not None:
        return ""
    slowest = max(planned.schedules, key=lambda name: planned.schedules[name])
    why = ""
    if planned.schedules[slowest] > 1:
        why = (
            f" At {slowest} the requests of one round are due over {duration(planned.schedules[slowest])}, "
            f"and every design is served in {ROUNDS} rounds."
        )
    shorter = " Raise its rate with --set for a shorter run" if _has_rate(plan.scenario) else ""
    quick = "" if plan.quick else f"{' or add' if shorter else ' Add'} --quick for a first impression"
    return f"this run takes about {duration(planned.seconds)}.{why}{shorter}{quick}{'.' if shorter or quick else ''}"


def _has_rate(scenario: Scenario) -> bool:
    return any(knob.name == "rate" for knob in scenario.knobs)


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
