"""Serves requests on a schedule (open loop) or back to back (closed loop), without coordinated omission.

In an open loop a request's latency counts from when it was due, not from when a worker took it up: while a design is
stalled, requests go on falling due. (Tene, "How NOT to Measure Latency".)
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from archlab.scenario import Failed, Request

NEVER = float("inf")
SPIN = 0.0003
"""Seconds before a request is due at which a worker stops sleeping and watches the clock: sleep overshoots by less."""


@dataclass
class Done:
    """What a load observed. ``due``, ``started`` and ``finished`` are seconds on one clock, one entry a request, in the
    order of the schedule; ``finished`` is infinite for a request that nobody finished. ``answers`` are those of the
    requests that were served, in the same order."""

    requests: Sequence[Request]
    due: list[float] = field(default_factory=list)
    started: list[float] = field(default_factory=list)
    finished: list[float] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    stopped_early: bool = False
    failed: dict[int, str] = field(default_factory=dict)
    """Place in the schedule → why, of every request that the design answered with Failed."""


def _at_any_time() -> bool:
    return True


@dataclass
class Bounds:
    """Upper bounds on latency by operation (seconds), and how many requests may be over each before a round is lost.

    A failed request is over every bound.
    """

    seconds: dict[str, float]
    allowed: dict[str, int]
    patience: float = 0.0
    """How long to go on, at the least, after the last request was due."""
    failures: dict[str, int] = field(default_factory=dict)
    """How many may fail, of the operations whose failures are bounded as well."""
    may_stop: Callable[[], bool] = _at_any_time
    """Whether a round may stop yet: not before everything was done to the system that is planned for it."""

    def lost(self, operation: str) -> bool:
        """Whether an operation's outcome in this round cannot change any more."""
        return self.allowed.get(operation, 0) < 0 and self.failures.get(operation, -1) < 0

    def over(self, operation: str, failed: bool = False) -> bool:
        """Counts one request over its bound; true once no operation's outcome in this round can change any more."""
        if operation in self.allowed:
            self.allowed[operation] -= 1
        if failed and operation in self.failures:
            self.failures[operation] -= 1
        return bool(self.allowed) and all(map(self.lost, self.allowed))


class Calls(dict[str, tuple[Callable[..., Any], float]]):
    """Operation → the call, and the bound on its latency: looked up once, so that a loop holds nothing but the calls,
    the clock, and a list that grows by three a request."""

    def __init__(self, design: Any, bounds: Bounds) -> None:
        self._design = design
        self._bounds = bounds

    def __missing__(self, operation: str) -> tuple[Callable[..., Any], float]:
        found = self[operation] = getattr(self._design, operation), self._bounds.seconds.get(operation, NEVER)
        return found


def _skipped(*arguments: Any) -> object:
    """Stands for the calls that are not made any more."""
    return _skipped


def _apart(answers: Sequence[Any]) -> tuple[list[Any], dict[int, str]]:
    """The answers of the requests that were served; and why each of the others failed, by its place."""
    failed = {i: " ".join(str(answer).split()) for i, answer in enumerate(answers) if isinstance(answer, Failed)}
    return [answer for i, answer in enumerate(answers) if i not in failed and answer is not _skipped], failed


def closed_loop(requests: Sequence[Request], design: Any, bounds: Bounds) -> Done:
    """Serves the requests back to back. Those of an operation whose bound is already lost are skipped as unfinished."""
    found = Calls(design, bounds)
    calls, arguments_of = [found[request.operation] for request in requests], [r.arguments for r in requests]
    seen: list[Any] = []
    record, clock = seen.extend, time.perf_counter
    stopped_early = False
    for (call, bound), arguments in zip(calls, arguments_of, strict=True):
        begin = clock()
        try:
            answer = call(*arguments)
        except Failed as failed:
            answer = failed
        end = clock()
        record((begin, end, answer))
        if end - begin > bound or isinstance(answer, Failed):
            following = len(seen) // 3
            operation = requests[following - 1].operation
            bounds.over(operation, isinstance(answer, Failed))
            if bounds.lost(operation):
                for i in range(following, len(calls)):
                    if requests[i].operation == operation:
                        calls[i] = _skipped, NEVER
                        stopped_early = True
    started, finished, answers = seen[0::3], seen[1::3], seen[2::3]
    if stopped_early:
        finished = [NEVER if answer is _skipped else end for end, answer in zip(finished, answers, strict=True)]
    served, why = _apart(answers)
    return Done(requests, started, started, finished, served, stopped_early, why)


def open_loop(requests: Sequence[Request], design: Any, bounds: Bounds, origin: float | None = None) -> Done:
    """Serves the requests by one worker, first come first served, each from when it is due.

    ``origin`` is when the schedule begins (``time.perf_counter``), at once by default. Ends early once the outcome of
    the round cannot change, and at the latest when the last request would be over every bound: what is unfinished then
    counts as over.
    """
    found = Calls(design, bounds)
    calls, arguments_of = [found[request.operation] for request in requests], [r.arguments for r in requests]
    seen: list[Any] = []
    record, clock, sleep = seen.extend, time.perf_counter, time.sleep
    stopped_early = False
    origin = clock() + 0.005 if origin is None else origin
    due_at = [origin + request.due for request in requests]
    latest = due_at[-1] + max(bounds.patience, max(bounds.seconds.values(), default=NEVER))
    for (call, bound), arguments, due in zip(calls, arguments_of, due_at, strict=True):
        now = clock()
        if now < due:
            if due - now > SPIN:
                sleep(due - now - SPIN)
            while (now := clock()) < due:
                pass
        try:
            answer = call(*arguments)
        except Failed as failed:
            answer = failed
        end = clock()
        record((now, end, answer))
        if end - due > bound or isinstance(answer, Failed):
            decided = bounds.over(requests[len(seen) // 3 - 1].operation, isinstance(answer, Failed))
            if (decided or end > latest) and bounds.may_stop():
                stopped_early = True
                break
    started, finished, answers = seen[0::3], seen[1::3], seen[2::3]
    if stopped_early:
        missing = [NEVER] * (len(requests) - len(answers))
        started += missing
        finished += missing
    served, why = _apart(answers)
    return Done(requests, due_at, started, finished, served, stopped_early, why)


def open_loop_by(
    workers: Sequence[Callable[[Request], Any]], requests: Sequence[Request], origin: float | None = None
) -> Done:
    """Serves the requests by several workers (a thread and a connection each), taken in the order they fall due.

    ``origin`` is when the schedule begins, as for ``open_loop``. What a worker raises, other than Failed, ends the load
    and is raised here.
    """
    done = Done(requests)
    count = len(requests)
    started, finished = [NEVER] * count, [NEVER] * count
    answers: list[Any] = [None] * count
    clock, sleep = time.perf_counter, time.sleep
    origin = clock() + 0.02 if origin is None else origin
    due_at = [origin + request.due for request in requests]
    taken = itertools.count()
    failures: list[BaseException] = []

    def serve(call: Callable[[Request], Any]) -> None:
        while (index := next(taken)) < count and not failures:
            pause = due_at[index] - clock()
            if pause > 0:
                sleep(pause)
            started[index] = clock()
            try:
                answers[index] = call(requests[index])
            except Failed as failed:
                answers[index] = failed
            except BaseException as failure:
                failures.append(failure)
                return
            finished[index] = clock()

    threads = [threading.Thread(target=serve, args=(worker,), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    done.due, done.started, done.finished = due_at, started, finished
    done.answers, done.failed = _apart(answers)
    return done
