"""Executes the steps of a timeline while a load is served, and records the events that it observes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from archlab.bench import load
from archlab.failure import describe
from archlab.lab.lab import Lab
from archlab.lab.setting import SEEN
from archlab.run import Event
from archlab.scenario import ScenarioError, Step

Happened = tuple[float, Literal["done", "fails", "recovers", "seen"], str]
"""Seconds after the first request was due, what kind of event, and what it says."""


class Timeline:
    """Does the steps at their moments, in a thread beside the load. ``origin`` is when the first request is due."""

    def __init__(self, steps: Sequence[Step], lab: Lab, running: Any, origin: float) -> None:
        self.begun: list[tuple[float, Step]] = []
        """Each step that was done, and when it began: its effects come after that."""
        self.origin = origin
        self._steps, self._lab, self._running = steps, lab, running
        self._failed: ScenarioError | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._do, name="timeline", daemon=True)
        self._thread.start()

    def done(self) -> bool:
        """Whether the last step was done, or a step failed: then the load may end."""
        return not self._thread.is_alive()

    def end(self) -> None:
        """Waits for the last step. Raises ScenarioError, which names the step, when one failed."""
        self._thread.join()
        if self._failed is not None:
            raise self._failed

    def abandon(self) -> None:
        """For a load that failed: leaves out what was not begun, and waits for what was."""
        self._over.set()
        self._thread.join()

    def _do(self) -> None:
        for step in self._steps:
            if self._over.wait(max(0.0, self.origin + step.at - time.perf_counter())):
                return
            begun = time.perf_counter() - self.origin
            try:
                step.do(self._lab, self._running)
            except BaseException as error:  # sys.exit too: it would end this thread without a word
                self._failed = ScenarioError(f"the step {step.says!r} at {step.at:g} s: {describe(error)}")
                return
            self.begun.append((begun, step))
            if step.fault:
                self._lab.struck(step.fault)


def events(
    experiment: str, lab: Lab, done: load.Done, begun: Sequence[tuple[float, Step]], bounds: Mapping[str, float]
) -> tuple[Event, ...]:
    """What happened in one round, in the order of time. ``bounds`` are on the latency, in seconds by operation."""
    origin = done.due[0]
    happened: list[Happened] = [(at, "done", step.says) for at, step in begun]
    happened += [(at - origin, "seen", says) for at, says in _seen(lab) if at >= origin]
    for operation in dict.fromkeys(request.operation for request in done.requests):
        happened += _of_operation(operation, done, begun[0][0], bounds.get(operation, load.NEVER))
    design, workload = lab.setting.design, lab.setting.workload
    return tuple(Event(experiment, design, workload, *each) for each in _said_once(sorted(happened)))


def _of_operation(operation: str, done: load.Done, after: float, bound: float) -> Iterator[Happened]:
    """The first request that was not served in time after the first step, and the first one that was served again.

    A request is late when its bound has passed, and has failed when its answer was there; one is served again when its
    answer is there. So nothing stands before what it follows from.
    """
    origin, stepped = done.due[0], done.due[0] + after
    rows = [i for i, request in enumerate(done.requests) if request.operation == operation]
    asked = [i for i in rows if done.finished[i] < load.NEVER]
    bad = [i in done.failed or done.finished[i] - done.due[i] > bound for i in asked]
    begin = next((n for n, i in enumerate(asked) if done.finished[i] >= stepped), len(asked))
    if begin and bad[begin - 1]:  # a design that was late already was not made late by the step
        begin, stepped = 0, origin
    if True not in bad[begin:]:
        return
    name = operation.replace("_", " ")
    first = asked[bad.index(True, begin)]
    why = done.failed.get(first)
    late = f"over {bound * 1000:g} ms" if bound < 1 else f"over {bound:g} s"
    says = late if why is None else f"fails: {why}" if why else "fails"
    at = max(stepped, done.due[first] + bound) if why is None else done.finished[first]
    yield at - origin, "fails", f"first {name} {says}"
    served = asked[len(bad) - bad[::-1].index(True) :]
    if served:
        yield max(at, done.finished[served[0]]) - origin, "recovers", f"{name} is served again"


def _seen(lab: Lab) -> Iterator[tuple[float, str]]:
    """What the scenario's code said that it saw, in any process of the round; on the clock of the load."""
    log = lab.folder / SEEN
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else ():
        at, says = json.loads(line)
        yield at, says


def _said_once(happened: Iterable[Happened]) -> Iterator[Happened]:
    """Without what is only said again while nothing else happens."""
    before = ""
    for each in happened:
        if each[2] != before:
            yield each
        before = each[2]
