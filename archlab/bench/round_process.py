"""Runs one round in its own process: the child's side."""

from __future__ import annotations

import contextlib
import gc
import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from archlab import tracing
from archlab.bench import data_files, load, samples
from archlab.bench.answers import Reply, digest, replies
from archlab.bench.orphans import orphans
from archlab.bench.picked_traces import picked
from archlab.bench.plan import demanded
from archlab.bench.rounds import Observed, Served, Task, load_of
from archlab.bench.schedule import schedule, seconds_needed, traced_schedule
from archlab.bench.timeline import Timeline, events
from archlab.bench.waits import waits
from archlab.cases import bounded
from archlab.failure import describe, disk_full
from archlab.lab import declared, listening
from archlab.lab.broker import Broker
from archlab.lab.child import Child
from archlab.lab.errors import ProcessDied
from archlab.lab.lab import Lab
from archlab.lab.setting import struck_in
from archlab.run import Trace
from archlab.scenario import Experiment, Failed, Request, Sample, Scenario, ScenarioError

BEFORE_THE_FIRST = 0.05
"""Seconds from when a timeline begins until the first request is due: the load is got ready meanwhile."""
DYING = 0.2
"""Seconds that a process whose connections have just ended may take to be gone."""
TRACED_PATIENCE = 0.15
"""Seconds beyond the schedule's end for which the traced pass goes on serving an overloaded design."""


def run_round(task: Task, wire: Connection) -> None:
    """The whole life of a round's process: copy the data, start the design, observe, report, end."""
    try:
        observed = _observe(task)
    except ProcessDied as died:
        observed = Observed(died=f"{died}{_last_words(task.setting.folder)}")
    except ScenarioError as error:
        observed = Observed(failed=str(error).removesuffix("."))
    except BaseException as error:  # sys.exit too: only archlab ends a round
        observed = Observed(failed=describe(error))
    struck = observed.struck or struck_in(task.setting.folder)  # what struck before a round died has struck
    observed = replace(observed, struck=struck)
    home = task.setting.folder.parent.parent
    if (observed.died or observed.failed) and disk_full(home):
        observed = Observed(
            struck=struck, failed=f"the disk of {home} is full; free some space, or set TMPDIR to another folder"
        )
    with _perhaps_alone():
        wire.send(observed)
    wire.close()


def _observe(task: Task) -> Observed:
    scenario = task.setting.source()
    shutil.copytree(task.data, task.setting.folder, dirs_exist_ok=True)
    data_hash = (task.data / data_files.DATA_HASH).read_text()
    lab = Lab(task.setting)
    design = scenario.design(task.design)
    others = listening.beyond_loopback() if task.first else {}
    try:
        running = lab.started(design)
        if any(isinstance(part, Broker) for part in lab.parts) and "broker" not in scenario.needs:
            raise ScenarioError(f'design {task.design} uses a broker: say so with needs=("broker",) in the scenario')
        lab.ready()
        observed = _done_to(running, scenario, task, lab)
        lab.check()
        now = listening.beyond_loopback() if task.first else {}
        reachable = tuple(listening.ours({inode: address for inode, address in now.items() if inode not in others}))
        tables = sum(map(data_files.tables, task.setting.folder.glob("*.db")))
        processes, queues = moving(lab.parts), declared.queues(lab.folder)
    except Exception:
        lab.check(DYING)  # a call that failed because a process is gone says less than why it is gone
        raise
    finally:
        lab.close(finish=False)
    return replace(
        observed,
        struck=struck_in(lab.folder),
        data_hash=data_hash,
        processes=processes,
        tables=tables,
        queues=queues,
        reachable=reachable,
    )


def moving(started: Sequence[Child | Broker]) -> int:
    """How many processes a design consists of: those that it started, and the round's own, unless that only asks."""
    parts = [process for process in started if process.of_design]
    return sum(process.workers for process in parts) + (not any(process.asked_from_outside for process in parts))


def _done_to(running: Any, scenario: Scenario, task: Task, lab: Lab) -> Observed:
    """The workload's load, or what the experiment does."""
    experiment = next((e for e in scenario.experiments if e.name == task.experiment), None)
    if experiment is None or experiment.is_load:
        return _serve(scenario, task, lab, running, experiment)
    assert experiment.run is not None
    seen = samples.checked(scenario, experiment.run, lab, running)
    if not experiment.alone and (timed := [s.metric for s in seen if scenario.metric(s.metric).unit == "s"]):
        raise ScenarioError(
            f"the experiment {experiment.name} yields {timed[0]}, which is a time, and may run beside others: "
            "leave out alone=False"
        )
    return Observed(samples=seen)


def _serve(scenario: Scenario, task: Task, lab: Lab, running: Any, experiment: Experiment | None) -> Observed:
    """Serves the workload's load, or that of an experiment, which follows its schedule in every workload."""
    workload, name = scenario.workload(task.setting.workload), experiment.name if experiment else ""
    closed = workload.closed and experiment is None
    serving = load_of(scenario, name)
    needed = seconds_needed(experiment) if experiment else 0.0
    if lab.recorder and not closed:
        warm_up, requests = traced_schedule(serving, task.requests, lab, running)
    else:
        warm_up, requests = schedule(serving, task.requests, lab, running, needed)
    if lab.recorder:
        steps = {name: shown for name, shown in scenario.design(task.design).steps.items() if hasattr(running, name)}
        for name, shown in ({r.operation: r.operation for r in (*warm_up, *requests)} | steps).items():
            setattr(running, name, lab.recorder.wrap(shown, getattr(running, name)))
    for request in warm_up:
        with contextlib.suppress(Failed):
            getattr(running, request.operation)(*request.arguments)
    counts = {o: sum(r.operation == o for r in requests) for o in {r.operation for r in requests}}
    before: set[int] = set()
    if lab.recorder:
        lab.wait_for_consumers()  # what follows from the warm-up is no part of the load
        before = {record[1] for record in lab.recorder.records}
        lab.recorder.records.clear()
    gc.freeze()  # what was made before the load is not searched for garbage during it
    bounds = early_stop(demanded(scenario, workload, task.setting.knobs), workload.name, counts, name)
    if lab.recorder and not closed:  # what is shown must not be a matter of when the watching ended
        longest = max((s for s in bounds.seconds.values() if s < load.NEVER), default=0.0)
        bounds = load.Bounds(dict.fromkeys(counts, 0.0), dict(counts), max(TRACED_PATIENCE, longest))
    began = perf_counter_ns()
    with _timeline(experiment, lab, running) as timeline:
        origin = timeline.origin if timeline else None
        if timeline:
            # What a step leads to is watched as long as the schedule was made for.
            ends = timeline.origin + needed
            bounds.may_stop = lambda: timeline.done() and time.perf_counter() >= ends
        if closed:
            done = load.closed_loop(requests, running, bounds)
        elif serving.connections > 1:
            done = load.open_loop_by([_served_by(running)] * serving.connections, requests, origin)
        else:
            done = load.open_loop(requests, running, bounds, origin)
    ended = perf_counter_ns()
    seen: tuple[Sample, ...] = ()
    if serving.afterwards is not None and not lab.recorder:
        seen = samples.checked(scenario, serving.afterwards, lab, running, done.answers)
    answers = _answers(scenario, lab, running) if closed and not done.stopped_early else ()
    traces: tuple[Trace, ...] = ()
    orphaned = None
    if lab.recorder:
        lab.close(finish=True)
        traces = picked(scenario, task, done, lab)
        records = [record for _, record in tracing.collect(lab.folder)]
        orphaned = orphans(records, lab.recorder.records, set(counts), before, (began, ended))
    horizon = 0.0 if closed else requests[-1].due * len(requests) / max(1, len(requests) - 1)
    observed = Observed(
        tuple(of_operation(o, done, counts[o] / horizon if horizon else 0.0) for o in sorted(counts)),
        seen,
        traces=traces,
        events=events(name, lab, done, timeline.begun, bounds.seconds) if timeline else (),
        answers=answers,
        answers_hash=digest(answers) if answers else "",
        orphans=orphaned,
    )
    return replace(observed, waits=waits(scenario, task, done, observed)) if lab.recorder and not closed else observed


@contextlib.contextmanager
def _timeline(experiment: Experiment | None, lab: Lab, running: Any) -> Iterator[Timeline | None]:
    """The timeline of an experiment, at work while its load is served; None where it has none."""
    if experiment is None or not experiment.timeline:
        yield None
        return
    timeline = Timeline(experiment.timeline, lab, running, time.perf_counter() + BEFORE_THE_FIRST)
    try:
        yield timeline
    except Exception:
        timeline.abandon()
        timeline.end()  # a step that failed says more than the requests that failed because of it
        raise
    timeline.end()


def _answers(scenario: Scenario, lab: Lab, running: Any) -> tuple[Reply, ...]:
    """What the design answers to what all are asked alike."""
    try:
        return replies(scenario.answers(lab, running))
    except Failed as failed:
        return replies(failed)


def early_stop(scenario: Scenario, workload: str, counts: Mapping[str, int], experiment: str = "") -> load.Bounds:
    """What must happen before a round can stop early: more requests over the bound than any quantile allows.

    Of several requirements on one operation the loosest bound and the smallest quantile stand, so that a round never
    stops while one of them is open. One on the service time keeps its rounds going: latency says nothing about it. One
    on failures does so until more have failed than it allows, and on its own for the whole round: the share is shown.
    """
    seconds: dict[str, float] = {}
    quantiles: dict[str, float] = {}
    failures: dict[str, int] = {}
    for requirement in scenario.requirements:
        metric = scenario.metric(requirement.metric)
        operation = metric.operation
        if operation is None or operation not in counts or not requirement.demanded_in(workload):
            continue
        if metric.experiment != experiment or metric.of not in ("latency", "service", "failures"):
            continue
        if metric.of == "failures":
            share = 1.0 if requirement.at_most is None else requirement.at_most
            failures[operation] = max(math.floor(share * counts[operation] + 1e-9), failures.get(operation, 0))
            continue
        upper = metric.of == "latency" and requirement.at_most is not None
        bound = requirement.bound if upper else load.NEVER
        seconds[operation] = max(bound, seconds.get(operation, 0.0))
        quantiles[operation] = min(metric.quantile, quantiles.get(operation, 1.0))
    allowed = {o: counts[o] for o in failures}
    allowed |= {o: math.floor((1 - q) * counts[o] + 1e-9) for o, q in quantiles.items()}
    return load.Bounds(seconds, allowed, failures=failures)


def _served_by(running: Any) -> Callable[[Request], Any]:
    return lambda request: getattr(running, request.operation)(*request.arguments)


def of_operation(operation: str, done: load.Done, rate: float) -> Served:
    """One operation's requests: latency from when each was due, service from when it was taken up."""
    rows = [i for i, request in enumerate(done.requests) if request.operation == operation]
    spent = {i: done.finished[i] - done.started[i] for i in rows if done.finished[i] < load.NEVER}
    return Served(
        operation,
        tuple(load.NEVER if i in done.failed else done.finished[i] - done.due[i] for i in rows),
        tuple(seconds for i, seconds in spent.items() if i not in done.failed),
        rate,
        tuple(seconds for i, seconds in spent.items() if i in done.failed),
        bounded(f"request {n}: {done.failed[i]}" for n, i in enumerate(rows, 1) if done.failed.get(i)),
    )


def _perhaps_alone() -> contextlib.AbstractContextManager[None]:
    """When archlab has been ended, the folder and the wire are gone a moment before its processes are."""
    return contextlib.suppress(FileNotFoundError, BrokenPipeError)


def _last_words(folder: Path) -> str:
    return "".join(f": {path.read_text(encoding='utf-8')}" for path in sorted(folder.glob("failed-*.txt")))
