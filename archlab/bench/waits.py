"""How long the requests of the traced pass waited: whether a queue grew, and by how much every second."""

from __future__ import annotations

from collections.abc import Sequence

from archlab.bench import load
from archlab.bench.measurements import utilisation
from archlab.bench.rounds import Observed, Task
from archlab.run import Waits
from archlab.scenario import Scenario
from archlab.statistics import median

SHOWN = 5
"""So many requests of each operation are kept: the first, the last, and others in between, each as many times further
on than the one before. So a queue is seen to grow within the bound and beyond it."""


def waits(scenario: Scenario, task: Task, done: load.Done, observed: Observed) -> tuple[Waits, ...]:
    """The waits of every operation that is shown and was served at all."""
    busy = utilisation(observed, scenario.load.connections)
    found = []
    for operation in scenario.shown:
        rows = [i for i, request in enumerate(done.requests) if request.operation == operation]
        served = [
            (number, done.started[i], done.started[i] - done.due[i], done.finished[i] - done.due[i])
            for number, i in enumerate(rows, 1)
            if done.finished[i] < load.NEVER and i not in done.failed
        ]
        if not served:
            continue
        kept = sorted({round(len(served) ** (step / (SHOWN - 1))) for step in range(SHOWN)})
        requests = tuple((number, wait, latency) for number, _, wait, latency in (served[nth - 1] for nth in kept))
        grows = growth([started for _, started, _, _ in served], [wait for _, _, wait, _ in served])
        found.append(Waits(task.design, task.setting.workload, operation, requests, grows, busy))
    return tuple(found)


def growth(times: Sequence[float], waited: Sequence[float]) -> float:
    """By how much the wait grows every second: from the medians of the first third to those of the last (Tukey's
    resistant line), so that one long request says little. 0 where there are too few requests to tell."""
    third = len(times) // 3
    if not third:
        return 0.0
    seconds = median(times[-third:]) - median(times[:third])
    return (median(waited[-third:]) - median(waited[:third])) / seconds if seconds > 0 else 0.0
