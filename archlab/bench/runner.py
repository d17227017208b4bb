"""Plans and executes a run: designs interleaved in rounds, each in a fresh process. Nothing here judges or prints."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import platform
import shutil
import sqlite3
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from archlab import __version__, catalog, loading
from archlab.bench import data_sets, rounds
from archlab.bench.length import OVERHEAD, length, said_beforehand
from archlab.bench.machine_watch import Watch
from archlab.bench.measurements import (
    LOAD,
    Cell,
    CellKey,
    Situation,
    at_every_place,
    events,
    of_the_traced_pass,
    settled,
    together,
)
from archlab.bench.plan import (
    QUICK_END,
    ROUNDS,
    Place,
    Plan,
    Round,
    at_place,
    due,
    every_entry,
    goes_on,
    in_order,
    traced_place,
    traced_quickly,
)
from archlab.bench.progress import Notice, Progress, Tell, Traced
from archlab.bench.rounds import Observed, Task
from archlab.bench.traced_pass import stalled, tracing_cost, with_untraced
from archlab.bench.validity import data_hash, faults_struck, moving_parts, objections, yields_what_it_declares
from archlab.catalog import cost
from archlab.lab import broker, containment, forking
from archlab.lab.broker_address import BrokerAddress
from archlab.lab.setting import Setting, struck_in
from archlab.run import Run, Trace, WorkloadFacts
from archlab.scenario import Design, Scenario, ScenarioError, Workload

ROUND = "archlab.bench.round_process:run_round"
PRELOADED = ("archlab.bench.round_process", "archlab.bench.seeding_process")
ROUND_LIMIT = 30.0
"""Seconds beyond its planned length after which a round that has not ended is ended."""
QUICK_LIMIT = 10.0
"""The same for a quick look."""
PATIENCE = 10.0
"""Seconds beyond its planned length after which a person is told that a round does not end."""
TRACED_PASSES = 3
"""At most, where a machine stalls in one after the other."""
MOST_SHOWN = 12
"""Designs whose traces are recorded."""


def execute(plan: Plan, cache: Path | None, tell: Tell) -> Run:
    """Runs the plan and returns what was recorded, not judged yet. Without a ``cache`` data sets are not kept.

    Raises ScenarioError when a design or an experiment fails, and when the broker that was given cannot be used. Either
    way, all that it started has ended.
    """
    scenario = plan.scenario
    product = broker.product(plan.broker) if "broker" in scenario.needs else None
    warm(scenario)
    began, started = time.monotonic(), datetime.now(UTC)
    with _scratch() as scratch, containment.adopting(), Watch() as watch:
        bench = _Bench(plan, cache, scratch, tell)
        if long := said_beforehand(plan, bench.length):
            tell(Notice(long))
        traced = bench.traced_pass()
        traces = tuple(trace for observed in traced.values() for trace in observed.traces)
        blank = _blank(plan, started, traces, product)
        tell(Traced(blank))
        situations: dict[Situation, dict[CellKey, Cell]] = defaultdict(lambda: defaultdict(Cell))
        schedule = every_entry(plan)
        first_pass = time.monotonic()
        number = done = 0
        while goes_on(plan, number, time.monotonic() - began, first_pass - began):
            batch = in_order([entry for entry in schedule if due(entry, plan, number)], number)
            planned = done + len(batch) * max(1, ROUNDS - number)
            for entry in batch:
                tell(_progress(done, planned, first_pass, entry))
                done += 1
                if bench.has_no_time_for(entry, time.monotonic() - began):
                    continue
                watch.sample_speed()
                name = entry.experiment.name if entry.experiment else LOAD
                cell = situations[entry.workload.name, entry.place][name, entry.design, entry.workload.name]
                if entry.is_load and settled(cell, rounds.load_of(scenario, name).connections):
                    continue
                cell.rounds.append(bench.run(replace(entry, number=number)))
            if number == 0 and not bench.left_out and not bench.invalid:
                yields_what_it_declares(plan, situations)
            number += 1
        tell(Progress(1, 1, 0.0, ""))
    cells = together(situations)
    traced_at = [(workload.name, place) for workload, place in bench.traced_at]
    untraced = together({situation: situations[situation] for situation in traced_at})
    faults = faults_struck(scenario, cells)
    invalid = [*bench.invalid, *objections(scenario, {}, faults), *watch.complaints]
    for (_, place), of_situation in situations.items():
        invalid += objections(scenario, of_situation, (), place)
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
        workloads=tuple(WorkloadFacts(w.name, w.says, scenario.settings(w, plan.turned)) for w in scenario.workloads),
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


class _Bench:
    """Executes rounds one at a time, and ends what it started."""

    def __init__(self, plan: Plan, cache: Path | None, scratch: Path, tell: Tell) -> None:
        self.plan = plan
        self.scratch = scratch
        self.invalid: list[str] = []
        self._cache = cache
        self._source = catalog.source(catalog.reference(plan.scenario))
        self._data: dict[tuple[Any, ...], Path] = {}
        self._hung: dict[str, str] = {}
        """Designs of which a round did not end, and the reason: further rounds would not end either."""
        self._count = 0
        self._tell = tell
        self._known = containment.children()
        self.length = length(plan, self._setting(plan.scenario.workloads[0], f"{plan.seed}:length"), scratch)
        self.left_out: dict[str, None] = {}
        """What a quick look had no time for, each once."""
        self._begun: dict[str, None] = {}
        self.left: dict[str, None] = {}
        """What designs started by themselves and left running, in sentences, each once."""

    def has_no_time_for(self, entry: Round, passed: float) -> bool:
        """Whether a quick look leaves an experiment out, ``passed`` seconds after its start: on all designs or none."""
        if not self.plan.quick or entry.experiment is None:
            return False
        what = f"{entry.experiment.name} at {entry.workload.name}"
        if what not in self._begun:
            designs = sum(entry.experiment.done_to(d.name, entry.workload.name) for d in self.plan.scenario.designs)
            ends = passed + designs * (self.length.of(entry) + OVERHEAD)
            (self._begun if ends <= QUICK_END else self.left_out)[what] = None
        return what in self.left_out

    @property
    def no_time_for(self) -> tuple[str, ...]:
        return (f"this quick look had no time for {', '.join(self.left_out)}",) if self.left_out else ()

    def _setting(self, workload: Workload, seed: str, traced: bool = False) -> Setting:
        knobs = self.plan.scenario.settings(workload, self.plan.turned)
        address = BrokerAddress(self.plan.broker, foreign=True) if self.plan.broker else None
        return Setting(self._source, workload.name, knobs, seed, self.scratch, traced, broker=address)

    def _data_for(self, workload: Workload, design: str) -> Path:
        key = workload.name, tuple(workload.settings.items()), design
        if key not in self._data:
            scenario, setting = self.plan.scenario, self._setting(workload, f"{self.plan.seed}:data")
            own = self.scratch / "data"
            try:
                self._data[key] = data_sets.ready(scenario, scenario.design(design), setting, self._cache or own)
            except OSError:  # the cache cannot be written, or its disk is full: the data are for this run alone
                self._data[key] = data_sets.ready(scenario, scenario.design(design), setting, own)
        return self._data[key]

    def traced_pass(self) -> dict[tuple[str, str], Observed]:
        """Every design once at the workload that is shown, recorded. Its figures are used for nothing else.

        A quick look traces only what a screen shows side by side.
        """
        scenario = self.plan.scenario
        return {
            (design.name, workload.name): self._trace(at_place(workload, place), design)
            for workload, place in self.traced_at
            for design in self._traced([d for d in scenario.designs if d.asked_at(workload.name)])
        }

    @property
    def traced_at(self) -> list[tuple[Workload, Place]]:
        """The workload that is shown, and the place of it."""
        workloads = self.plan.scenario.workloads
        shown = [w for w in workloads if w.name == self.plan.scenario.shown_workload] or list(workloads[:1])
        return [(workload, traced_place(self.plan, workload)) for workload in shown]

    def _trace(self, workload: Workload, design: Design) -> Observed:
        """The pass of one design; once more where it shows nothing but a stall of the machine."""
        for _ in range(TRACED_PASSES):
            observed = self.run(Round(workload, design.name, None, 0), traced=True)
            if not stalled(observed, self.plan.scenario.load.connections):
                break
        return observed

    def _traced(self, designs: list[Design]) -> list[Design]:
        if self.plan.quick:
            return traced_quickly(designs)
        return designs[:MOST_SHOWN]

    def run(self, entry: Round, traced: bool = False) -> Observed:
        if entry.design in self._hung:
            return Observed(died=self._hung[entry.design])
        workload = entry.workload
        self._count += 1
        folder = self.scratch / str(self._count)
        folder.mkdir()
        setting = self._setting(workload, f"{self.plan.seed}:{entry.number}:{workload.name}", traced)
        task = Task(
            replace(setting, folder=folder, design=entry.design),
            self._data_for(workload, entry.design),
            entry.design,
            entry.experiment.name if entry.experiment else None,
            rounds.QUICK_REQUESTS if self.plan.quick and entry.in_open_loop else rounds.REQUESTS,
        )
        where = " ".join([workload.name, *(f"with {knob}={value:g}" for knob, value in entry.place)])
        what = f"{entry.design} at {where}" + (f", {entry.experiment.name}" if entry.experiment else "")
        try:
            observed = self._in_process(task, what, self.length.of(entry))
        finally:
            for command in containment.end_adopted(self._known):
                self.left[
                    f"{entry.design} left `{command}` running at {workload.name}: it was ended with its round"
                ] = None
            if self.plan.broker:  # what a round that was ended has left there, now that all its processes are gone
                broker.remove(folder, self.plan.broker)
            shutil.rmtree(folder, ignore_errors=True)
        if observed.failed:
            raise ScenarioError(f"{what} failed: {observed.failed}.")
        if observed.died:
            self.invalid.append(f"{what}: {observed.died}")
        self.invalid += [
            f"{entry.design} listens on {address}, where others can reach it; let it listen on 127.0.0.1"
            for address in observed.reachable
        ]
        return observed

    @property
    def _limit(self) -> float:
        """Seconds beyond its planned length after which a round is ended."""
        return QUICK_LIMIT if self.plan.quick else ROUND_LIMIT

    def _ended(self, wire: Connection, what: str, planned: float) -> bool:
        """Waits for the end of a round, and says when it does not come; false if it has not come in time."""
        limit = self._limit
        if limit <= PATIENCE:
            return wire.poll(planned + limit)
        if wire.poll(planned + PATIENCE):
            return True
        passed, end = planned + PATIENCE, planned + limit
        self._tell(Notice(f"{what} has not ended after {passed:.0f} s; it is ended after {end:.0f} s."))
        return wire.poll(limit - PATIENCE)

    def _in_process(self, task: Task, what: str, planned: float) -> Observed:
        wire, childs_end = multiprocessing.Pipe()
        with wire:
            child = forking.start(ROUND, task, childs_end, name=what)
            try:
                childs_end.close()
                if not self._ended(wire, what, planned):
                    self._hung[task.design] = f"did not end within {planned + self._limit:.0f} s"
                    return Observed(died=self._hung[task.design], struck=struck_in(task.setting.folder))
                observed: Observed = wire.recv()
                return observed
            except EOFError:
                child.join()
                died = f"its process ended unplanned (exit code {child.exitcode})"
                return Observed(died=died, struck=struck_in(task.setting.folder))
            finally:
                containment.end(child)


def _progress(done: int, planned: int, began: float, entry: Round) -> Progress:
    passed = time.monotonic() - began
    left = passed / done * (planned - done) if done else 0.0
    return Progress(done, planned, left, f"{entry.workload.name}: {entry.design}")


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for the rounds, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix=f"archlab-rounds-{os.getpid()}-"))
    try:
        yield folder
    finally:
        end = time.monotonic() + 1
        while folder.exists() and time.monotonic() < end:
            shutil.rmtree(folder, ignore_errors=True)  # what a killed process had started may write for a moment yet
