"""Picks the traces to show: of the requests that were served, for each operation the median one and the slowest."""

from __future__ import annotations

from archlab import tracing
from archlab.bench import load
from archlab.bench.rounds import Task
from archlab.lab.lab import Lab
from archlab.run import Trace
from archlab.scenario import Scenario
from archlab.statistics import median


def picked(scenario: Scenario, task: Task, done: load.Done, lab: Lab) -> tuple[Trace, ...]:
    """For every operation that is shown, of the requests served, the one nearest the median latency and the slowest."""
    assert lab.recorder is not None
    records = tracing.collect(lab.folder)
    picked = []
    for operation in scenario.shown:
        rows = [i for i, request in enumerate(done.requests) if request.operation == operation]
        served = [i for i in rows if done.finished[i] < load.NEVER and i not in done.failed]
        if not served:
            continue
        starts = sorted((record[4], record[1]) for _, record in records if record[3] is None and record[0] == operation)
        # A worker serves in order: an operation's requests and its root spans stand in the same one.
        trace_of = dict(zip(rows, (trace for _, trace in starts), strict=False))

        def latency(i: int) -> float:
            return done.finished[i] - done.due[i]

        middle = median([latency(i) for i in served])
        slowest = max(served, key=latency)
        nearest = min(served, key=lambda i: abs(latency(i) - middle))
        for index, how in ((nearest, "median"), (slowest, "slowest")):
            spans = tracing.spans_of(trace_of[index], records, int(done.due[index] * 1e9))
            wait = done.started[index] - done.due[index]
            picked.append(Trace(task.design, task.setting.workload, operation, wait, spans, how))  # type: ignore[arg-type]  # "median" and "slowest" above
    return tuple(picked)
