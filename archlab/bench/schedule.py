"""Asks the scenario for the schedule of a load, and checks that it is correct and long enough."""

from __future__ import annotations

import math
from typing import Any

from archlab.lab.lab import Lab
from archlab.scenario import Experiment, Load, Request, ScenarioError

WARM_UP = 4
"""Requests served before measuring starts: statements are compiled and caches filled."""
AFTER_THE_LAST_STEP = 0.3
"""Seconds for which a load goes on at least after the last step of its timeline: what it leads to is seen."""
LONGEST = 100_000
"""Requests of every operation that a schedule is asked for at most."""


TRACED_SECONDS = 0.3
"""How long the traced pass of an open loop asks: a queue that grows is seen to do so."""
TRACED_MORE = 20
"""How many times the requests of a round it asks for that, at most."""


def schedule(
    load: Load, asked: int, lab: Lab, running: Any, seconds: float = 0.0
) -> tuple[list[Request], list[Request]]:
    """What is served before measuring starts, and what is measured: at least ``asked`` requests of every operation, for
    at least ``seconds``; the first of the measured ones is due at 0.

    Raises ScenarioError where the scenario makes something else.
    """
    at_first = lab.random.getstate()
    asked += WARM_UP
    while True:
        made = [_named(request, running) for request in load.requests(lab, asked)]
        if len(made) < asked:
            raise ScenarioError(
                f"the schedule of the scenario has too few requests: it was asked for {asked} of every operation, "
                f"and made {len(made)} in all"
            )
        begin = made[WARM_UP].due
        lasts = made[-1].due - begin
        if lasts >= seconds:
            return made[:WARM_UP], [Request(r.due - begin, r.operation, r.arguments) for r in made[WARM_UP:]]
        if asked >= LONGEST:
            raise ScenarioError(
                f"the schedule of the scenario is too short: it lasts {lasts:g} s with {asked} requests of every "
                f"operation, and must last {seconds:g} s; make requests due later"
            )
        # Hardly longer than it must be: the whole round waits for its end.
        gaps = asked - WARM_UP - 1
        longer = math.ceil(gaps * seconds / lasts) + WARM_UP + 1 if lasts > 0 else 2 * asked
        asked = min(LONGEST, max(asked + 1, longer))
        lab.random.setstate(at_first)  # the longer schedule begins like the shorter one


def traced_schedule(load: Load, asked: int, lab: Lab, running: Any) -> tuple[list[Request], list[Request]]:
    """The schedule of a round, made longer where it is too short to see whether a queue grows."""
    at_first = lab.random.getstate()
    _, requests = schedule(load, asked, lab, running)
    lab.random.setstate(at_first)
    return schedule(load, asked, lab, running, min(TRACED_SECONDS, TRACED_MORE * requests[-1].due))


def seconds_needed(experiment: Experiment) -> float:
    """How long the schedule of a load with a timeline lasts at least."""
    last = experiment.timeline[-1].at + AFTER_THE_LAST_STEP if experiment.timeline else 0.0
    return max(experiment.seconds, last)


def _named(request: Any, running: Any) -> Request:
    """The request, once it is found to name an operation of the design."""
    operation = request.operation if isinstance(request, Request) else None
    if isinstance(operation, str) and callable(getattr(running, operation, None)):
        return request  # type: ignore[no-any-return]  # only a Request has an operation here
    raise ScenarioError(
        f"the schedule of the scenario made {request!r}, which names no operation of the design; "
        "a request is Request(due, operation, arguments), due in seconds"
    )
