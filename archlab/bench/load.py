"""Load: requests on a schedule (open loop) or back to back (closed loop), without coordinated omission.

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

from archlab.scenario import Request

NEVER = float("inf")
SPIN = 0.0003
"""Seconds before a request is due at which a worker stops sleeping and watches the clock: sleep overshoots by less."""


@dataclass
class Done:
    """What a load observed. ``due``, ``started`` and ``finished`` are seconds on one clock, one entry a request, in the
    order of the schedule; ``finished`` is infinite for a request that nobody finished."""

    requests: Sequence[Request]
    due: list[float] = field(default_factory=list)
    started: list[float] = field(default_factory=list)
    finished: list[float] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    stopped_early: bool = False


@dataclass
class Bounds:
    """Upper bounds on latency by operation (seconds), and how many requests may be over each before a round is lost."""

    seconds: dict[str, float]
    allowed: dict[str, int]
    patience: float = 0.0
    """How long to go on, at the least, after the last request was due."""

    def still_open(self, operation: str) -> bool:
        return self.allowed.get(operation, -1) >= 0

    def over(self, operation: str) -> bool:
        """Counts one request over its bound; true once no operation's outcome in this round can change any more."""
        self.allowed[operation] -= 1
        return all(left < 0 for left in self.allowed.values())


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


def closed_loop(requests: Sequence[Request], design: Any, bounds: Bounds) -> Done:
    """Serves the requests back to back. Those of an operation whose bound is already lost are skipped as unfinished."""
    found = Calls(design, bounds)
    calls, arguments_of = [found[request.operation] for request in requests], [r.arguments for r in requests]
    seen: list[Any] = []
    record, clock = seen.extend, time.perf_counter
    stopped_early = False
    for (call, bound), arguments in zip(calls, arguments_of, strict=True):
        begin = clock()
        answer = call(*arguments)
        end = clock()
        record((begin, end, answer))
        if end - begin > bound:
            following = len(seen) // 3
            lost = requests[following - 1].operation
            bounds.over(lost)
            if not bounds.still_open(lost):
                for i in range(following, len(calls)):
                    if requests[i].operation == lost:
                        calls[i] = _skipped, NEVER
                        stopped_early = True
    started, finished, answers = seen[0::3], seen[1::3], seen[2::3]
    if stopped_early:
        finished = [NEVER if answer is _skipped else end for end, answer in zip(finished, answers, strict=True)]
        answers = [answer for answer in answers if answer is not _skipped]
    return Done(requests, started, started, finished, answers, stopped_early)


def open_loop(requests: Sequence[Request], design: Any, bounds: Bounds) -> Done:
    """Serves the requests by one worker, first come first served, each from when it is due.

    Ends early once the outcome of the round cannot change, and at the latest when the last request would be over every
    bound: what is unfinished then counts as over.
    """
    found = Calls(design, bounds)
    calls, arguments_of = [found[request.operation] for request in requests], [r.arguments for r in requests]
    seen: list[Any] = []
    record, clock, sleep = seen.extend, time.perf_counter, time.sleep
    stopped_early = False
    origin = clock() + 0.005
    due_at = [origin + request.due for request in requests]
    latest = due_at[-1] + max(bounds.patience, max(bounds.seconds.values(), default=NEVER))
    for (call, bound), arguments, due in zip(calls, arguments_of, due_at, strict=True):
        now = clock()
        if now < due:
            if due - now > SPIN:
                sleep(due - now - SPIN)
            while (now := clock()) < due:
                pass
        answer = call(*arguments)
        end = clock()
        record((now, end, answer))
        if end - due > bound and (bounds.over(requests[len(seen) // 3 - 1].operation) or end > latest):
            stopped_early = True
            break
    started, finished, answers = seen[0::3], seen[1::3], seen[2::3]
    if stopped_early:
        missing = [NEVER] * (len(requests) - len(answers))
        started += missing
        finished += missing
    return Done(requests, due_at, started, finished, answers, stopped_early)


def open_loop_by(workers: Sequence[Callable[[Request], Any]], requests: Sequence[Request]) -> Done:
    """Serves the requests by several workers (a thread and a connection each), taken in the order they fall due.

    What a worker raises ends the load and is raised here.
    """
    done = Done(requests)
    count = len(requests)
    started, finished = [NEVER] * count, [NEVER] * count
    answers: list[Any] = [None] * count
    clock, sleep = time.perf_counter, time.sleep
    origin = clock() + 0.02
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
    done.due, done.started, done.finished, done.answers = due_at, started, finished, answers
    return done
