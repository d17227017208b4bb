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


def closed_loop(requests: Sequence[Request], design: Any, bounds: Bounds) -> Done:
    """Serves the requests back to back. Those of an operation whose bound is already lost are skipped as unfinished."""
    done = Done(requests)
    started, finished, answers = done.started, done.finished, done.answers
    clock = time.perf_counter
    for request in requests:
        operation, arguments = request.operation, request.arguments
        call = getattr(design, operation)
        bound = bounds.seconds.get(operation, NEVER)
        if bound < NEVER and not bounds.still_open(operation):
            started.append(clock())
            finished.append(NEVER)
            done.stopped_early = True
            continue
        begin = clock()
        answer = call(*arguments)
        end = clock()
        started.append(begin)
        finished.append(end)
        answers.append(answer)
        if end - begin > bound:
            bounds.over(operation)
    done.due = started
    return done


def open_loop(requests: Sequence[Request], design: Any, bounds: Bounds) -> Done:
    """Serves the requests by one worker, first come first served, each from when it is due.

    Ends early once the outcome of the round cannot change, and at the latest when the last request would be over every
    bound: what is unfinished then counts as over.
    """
    done = Done(requests)
    started, finished, answers = done.started, done.finished, done.answers
    clock, sleep = time.perf_counter, time.sleep
    # Looked up beforehand: the loop holds nothing but the calls and the clock.
    calls = [getattr(design, request.operation) for request in requests]
    limits = [bounds.seconds.get(request.operation, NEVER) for request in requests]
    origin = clock() + 0.005
    done.due = due_at = [origin + request.due for request in requests]
    latest = due_at[-1] + max(bounds.patience, max(bounds.seconds.values(), default=NEVER))
    for request, call, due, bound in zip(requests, calls, due_at, limits, strict=True):
        now = clock()
        if now < due:
            if due - now > SPIN:
                sleep(due - now - SPIN)
            while (now := clock()) < due:
                pass
        answer = call(*request.arguments)
        end = clock()
        started.append(now)
        finished.append(end)
        answers.append(answer)
        if end - due > bound and (bounds.over(request.operation) or end > latest):
            done.stopped_early = True
            break
    missing = len(requests) - len(finished)
    started.extend([NEVER] * missing)
    finished.extend([NEVER] * missing)
    return done


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
