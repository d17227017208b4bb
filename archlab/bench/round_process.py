"""The child's side of a round: the whole life of its process."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import math
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from archlab import tracing
from archlab.bench import data_files, load, orphans
from archlab.bench.picked_traces import picked
from archlab.bench.plan import demanded
from archlab.bench.rounds import Observed, Served, Task
from archlab.failure import describe, disk_full
from archlab.lab import declared, listening
from archlab.lab.broker import Broker
from archlab.lab.errors import ProcessDied
from archlab.lab.lab import Lab
from archlab.lab.process import Process
from archlab.lab.setting import struck_in
from archlab.run import Trace
from archlab.scenario import Request, Sample, Scenario, ScenarioError

WARM_UP = 4
"""Requests served before measuring starts: statements are compiled and caches filled."""
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
    others = listening.beyond_loopback()
    try:
        running = lab.started(design)
        if any(isinstance(part, Broker) for part in lab.parts) and "broker" not in scenario.needs:
            raise ScenarioError(f'design {task.design} uses a broker: say so with needs=("broker",) in the scenario')
        lab.ready()
        observed = (
            _serve(scenario, task, lab, running)
            if task.experiment is None
            else _experiment(scenario, task, lab, running)
        )
        lab.check()
        reachable = tuple(listening.ours({i: a for i, a in listening.beyond_loopback().items() if i not in others}))
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


def moving(started: Sequence[Process | Broker]) -> int:
    """How many processes a design consists of: those that it started, and the round's own, unless that only asks."""
    parts = [process for process in started if process.of_design]
    return len(parts) + (not any(process.asked_from_outside for process in parts))


def _experiment(scenario: Scenario, task: Task, lab: Lab, running: Any) -> Observed:
    experiment = next(e for e in scenario.experiments if e.name == task.experiment)
    assert experiment.run is not None
    return Observed(samples=_checked(scenario, experiment.run(lab, running)))


def _checked(scenario: Scenario, samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """The samples, once each is a number for a metric that the scenario declares."""
    known = {metric.name for metric in scenario.metrics}
    checked = tuple(samples)
    for sample in checked:
        if sample.metric not in known:
            raise ScenarioError(
                f"a sample names {sample.metric!r}, which is no metric (choose from: {', '.join(known)})"
            )
        if not isinstance(sample.value, (int, float)) or math.isnan(sample.value):
            raise ScenarioError(f"a sample of {sample.metric} is not a number ({sample.value!r})")
        _check_place(sample)
    return checked


def _check_place(sample: Sample) -> None:
    """Raises ScenarioError unless the sample's place is plain data: it is compared, recorded, and shown."""
    for key, value in sample.at.items():
        plain = value is None or isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value))
        if not (isinstance(key, str) and plain):
            raise ScenarioError(
                f"a sample of {sample.metric} has the place {key!r}: {value!r}; "
                "`at` takes names with plain values: a string, a number, True, False or None"
            )


def _serve(scenario: Scenario, task: Task, lab: Lab, running: Any) -> Observed:
    workload = scenario.workload(task.setting.workload)
    asked = task.requests + WARM_UP
    schedule = [_named(request, running) for request in scenario.load.requests(lab, asked)]
    if len(schedule) < asked:
        raise ScenarioError(
            f"the schedule of the scenario has too few requests: it was asked for {asked} of every operation, "
            f"and made {len(schedule)} in all"
        )
    if lab.recorder:
        steps = {name: shown for name, shown in scenario.design(task.design).steps.items() if hasattr(running, name)}
        for name, shown in ({request.operation: request.operation for request in schedule} | steps).items():
            setattr(running, name, lab.recorder.wrap(shown, getattr(running, name)))
    for request in schedule[:WARM_UP]:
        getattr(running, request.operation)(*request.arguments)
    begin = schedule[WARM_UP].due
    requests = [Request(r.due - begin, r.operation, r.arguments) for r in schedule[WARM_UP:]]
    counts = {o: sum(r.operation == o for r in requests) for o in {r.operation for r in requests}}
    before: set[int] = set()
    if lab.recorder:
        lab.wait_for_consumers()  # what follows from the warm-up is no part of the load
        before = {record[1] for record in lab.recorder.records}
        lab.recorder.records.clear()
    gc.freeze()  # what was made before the load is not searched for garbage during it
    bounds = early_stop(demanded(scenario, workload, task.setting.knobs), workload.name, counts)
    if lab.recorder and not workload.closed:  # what is shown must not be a matter of when the watching ended
        bounds = load.Bounds(bounds.seconds, counts, TRACED_PATIENCE)
    began = perf_counter_ns()
    if scenario.load.connections > 1 and not workload.closed:
        done = load.open_loop_by([_served_by(running)] * scenario.load.connections, requests)
    else:
        serve = load.closed_loop if workload.closed else load.open_loop
        done = serve(requests, running, bounds)
    ended = perf_counter_ns()
    samples: tuple[Sample, ...] = ()
    if scenario.load.afterwards is not None and not lab.recorder:
        samples = _checked(scenario, scenario.load.afterwards(lab, running, done.answers))
    answers = ""
    if workload.closed and not done.stopped_early:
        answers = hashlib.sha256(repr(scenario.answers(lab, running)).encode()).hexdigest()
    traces: tuple[Trace, ...] = ()
    orphaned = None
    if lab.recorder:
        lab.close(finish=True)
        traces = picked(scenario, task, done, lab)
        records = [record for _, record in tracing.collect(lab.folder)]
        orphaned = orphans.share(records, lab.recorder.records, set(counts), before, (began, ended))
    horizon = 0.0 if workload.closed else requests[-1].due * len(requests) / max(1, len(requests) - 1)
    return Observed(
        tuple(of_operation(o, done, counts[o] / horizon if horizon else 0.0) for o in sorted(counts)),
        samples,
        traces=traces,
        answers_hash=answers,
        orphans=orphaned,
    )


def _named(request: Any, running: Any) -> Request:
    """The request, once it is found to name an operation of the design."""
    operation = request.operation if isinstance(request, Request) else None
    if isinstance(operation, str) and callable(getattr(running, operation, None)):
        return request  # type: ignore[no-any-return]  # only a Request has an operation here
    raise ScenarioError(
        f"the schedule of the scenario made {request!r}, which names no operation of the design; "
        "a request is Request(due, operation, arguments), due in seconds"
    )


def early_stop(scenario: Scenario, workload: str, counts: Mapping[str, int]) -> load.Bounds:
    """What must happen before a round can stop early: more requests over the bound than any quantile allows.

    Of several requirements on one operation the loosest bound and the smallest quantile stand, so that a round never
    stops while one of them is open. One on the service time keeps its rounds going: latency says nothing about it.
    """
    seconds: dict[str, float] = {}
    quantiles: dict[str, float] = {}
    for requirement in scenario.requirements:
        metric = scenario.metric(requirement.metric)
        operation = metric.operation
        if operation is None or operation not in counts or not requirement.demanded_in(workload):
            continue
        upper = metric.of == "latency" and requirement.at_most is not None
        bound = requirement.bound if upper else load.NEVER
        seconds[operation] = max(bound, seconds.get(operation, 0.0))
        quantiles[operation] = min(metric.quantile, quantiles.get(operation, 1.0))
    return load.Bounds(seconds, {o: math.floor((1 - q) * counts[o] + 1e-9) for o, q in quantiles.items()})


def _served_by(running: Any) -> Callable[[Request], Any]:
    return lambda request: getattr(running, request.operation)(*request.arguments)


def of_operation(operation: str, done: load.Done, rate: float) -> Served:
    """One operation's requests: latency from when each was due, service from when it was taken up."""
    rows = [i for i, request in enumerate(done.requests) if request.operation == operation]
    finished = [i for i in rows if done.finished[i] < load.NEVER]
    return Served(
        operation,
        tuple(done.finished[i] - done.due[i] for i in rows),
        tuple(done.finished[i] - done.started[i] for i in finished),
        rate,
    )


def _perhaps_alone() -> contextlib.AbstractContextManager[None]:
    """When archlab has been ended, the folder and the wire are gone a moment before its processes are."""
    return contextlib.suppress(FileNotFoundError, BrokenPipeError)


def _last_words(folder: Path) -> str:
    return "".join(f": {path.read_text(encoding='utf-8')}" for path in sorted(folder.glob("failed-*.txt")))
