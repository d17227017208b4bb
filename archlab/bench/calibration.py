"""Sets the request rates that depend on the machine, from what a design serves in a short closed loop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from archlab.bench.execution import Execution
from archlab.bench.plan import Plan, Round
from archlab.bench.rounds import Served
from archlab.scenario import Calibrated, Workload


def calibrated(bench: Execution) -> Plan:
    """The plan with the rates for this machine. One that a person turned, or whose design takes no part, stays."""
    scenario = bench.plan.scenario
    workloads = tuple(replace(w, settings={k: _here(bench, w, k) for k in w.settings}) for w in scenario.workloads)
    return replace(bench.plan, scenario=replace(scenario, workloads=workloads))


def _here(bench: Execution, workload: Workload, name: str) -> float:
    scenario, value = bench.plan.scenario, workload.settings[name]
    if not isinstance(value, Calibrated) or name in bench.plan.turned:
        return value
    if all(design.name != value.design for design in scenario.designs):
        return value
    observed = bench.run(Round(workload, value.design, None, 0), back_to_back=True)
    rate = served_a_second(observed.served)
    knob = next(knob for knob in scenario.knobs if knob.name == name)
    return value.here(rate, knob.low, knob.high) if rate else value


def served_a_second(served: Sequence[Served]) -> float:
    """Requests a second that one client is served back to back, by the median of every operation; 0 if none was."""
    done = [s.services for s in served if s.services]
    seconds = math.fsum(len(services) * median(services) for services in done)
    return sum(map(len, done)) / seconds if seconds else 0.0
