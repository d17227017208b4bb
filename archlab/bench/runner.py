"""Plans and executes a run: designs interleaved in rounds, each in a fresh process. Nothing here judges or prints."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from archlab import __version__, catalog, loading
from archlab.bench.calibration import calibrated
from archlab.bench.execution import Execution
from archlab.bench.length import said_beforehand
from archlab.bench.machine_watch import Watch
from archlab.bench.measurements import at_every_place, events, of_the_traced_pass, together
from archlab.bench.passes import Passes
from archlab.bench.plan import Plan
from archlab.bench.progress import Notice, Tell, Traced
from archlab.bench.traced_pass import tracing_cost, with_untraced
from archlab.bench.validity import (
    data_hash,
    different_answers,
    faults_struck,
    moving_parts,
    objections,
)
from archlab.catalog import cost
from archlab.lab import broker, containment, forking
from archlab.run import Run, Trace, WorkloadFacts
from archlab.scenario import Scenario

PRELOADED = ("archlab.bench.round_process", "archlab.bench.seeding_process")


def execute(plan: Plan, cache: Path | None, tell: Tell) -> Run:
    """Runs the plan and returns what was recorded, not judged yet. Without a ``cache`` data sets are not kept.

    Raises ScenarioError when a design or an experiment fails, and when the broker that was given cannot be used. Either
    way, all that it started has ended.
    """
    plan = calibrated(plan)
    scenario = plan.scenario
    product = broker.product(plan.broker) if "broker" in scenario.needs else None
    warm(scenario)
    began, started = time.monotonic(), datetime.now(UTC)
    with scratch() as folder, containment.adopting(), Watch() as watch:
        bench = Execution(plan, cache, folder, tell)
        if long := said_beforehand(plan, bench.length):
            tell(Notice(long))
        traced = bench.traced_pass()
        traces = tuple(trace for observed in traced.values() for trace in observed.traces)
        waits = tuple(waited for observed in traced.values() for waited in observed.waits)
        blank = replace(_blank(plan, started, traces, product), waits=waits)
        tell(Traced(blank))
        situations = Passes(bench, watch, began, tell).go()
    cells = together(situations)
    traced_at = [(workload.name, place) for workload, place in bench.traced_at]
    untraced = together({situation: situations[situation] for situation in traced_at})
    faults = faults_struck(scenario, cells)
    invalid = [*bench.invalid, *objections(scenario, {}, faults), *watch.complaints]
    for (_, place), of_situation in situations.items():
        invalid += objections(scenario, of_situation, (), place)
    differences = [
        one
        for (name, place), of_situation in situations.items()
        if scenario.workload(name).closed
        for one in different_answers(scenario, of_situation, name, place)
    ]
    return replace(
        blank,
        seconds=time.monotonic() - began,
        designs=tuple(moving_parts(facts, cells) for facts in blank.designs),
        measurements=(*at_every_place(plan, situations), *of_the_traced_pass(scenario, traced)),
        events=events(cells),
        faults=faults,
        traces=with_untraced(traces, untraced),
        tracing_cost=tracing_cost(traced, scenario.shown, untraced),
        invalid_reasons=tuple(dict.fromkeys(invalid)),
        differences=tuple(differences),
        findings=(*bench.left, *bench.no_time_for),
        data={w.name: data_hash(w.name, cells) for w in scenario.workloads},
    )


def warm(scenario: Scenario) -> None:
    """Starts what processes are forked from, with the scenario's modules imported; worth calling early."""
    modules = {design.start.__module__ for design in scenario.designs}
    if (
        catalog.reference(scenario) != scenario.name
    ):  # only the catalogue loads a folder; a copy's originals are installed
        folder = loading.module_name(Path(scenario.folder))
        modules = {module for module in modules if not module.startswith(folder)}
    needed: list[str] = []
    if "services" in scenario.needs:
        from archlab.lab import service

        needed += service.PRELOADED
    if "broker" in scenario.needs:
        needed += broker.PRELOADED
    forking.warm([*PRELOADED, *needed, *sorted(modules)])


def _blank(plan: Plan, started: datetime, traces: tuple[Trace, ...], product: str | None) -> Run:
    """The run as it is known before anything is measured."""
    scenario = plan.scenario
    return Run(
        scenario=scenario.name,
        topic=scenario.topic,
        question=scenario.question,
        seed=plan.seed,
        started=started.isoformat(timespec="seconds"),
        seconds=0.0,
        workloads=tuple(
            WorkloadFacts(w.name, scenario.caption(w, plan.turned), scenario.settings(w, plan.turned))
            for w in scenario.workloads
        ),
        designs=tuple(replace(facts, promises=scenario.design(facts.name).promises) for facts in cost.facts(scenario)),
        measurements=(),
        faults=(),
        traces=traces,
        environment=environment() | {"broker": product, "code": cost.fingerprint(scenario)},
        quick=plan.quick,
        turned=dict(plan.turned),
    )


def environment() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "broker": None,
        "cpu_count": os.cpu_count(),
        "platform": f"{platform.system()} {platform.machine()}",
        "archlab": __version__,
    }


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for the rounds, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix=f"archlab-rounds-{os.getpid()}-"))
    try:
        yield folder
    finally:
        end = time.monotonic() + 1
        while folder.exists() and time.monotonic() < end:
            shutil.rmtree(folder, ignore_errors=True)  # what a killed process had started may write for a moment yet
