"""A small scenario for the tests of the bench: finding a word in a list or in a set. It needs no database."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from archlab.run import Run
from archlab.scenario import (
    Claim,
    Design,
    Experiment,
    Finding,
    Knob,
    Load,
    Metric,
    Request,
    Requirement,
    Sample,
    Scenario,
    Workload,
    held,
    inconclusive,
    refuted,
)


class Scan:
    """Looks at one word after the other; each costs `pause` seconds."""

    def __init__(self, lab: Any) -> None:
        self.words = int(lab.knobs.words)
        self.pause = 0.001

    def find(self, word: int) -> bool:
        time.sleep(self.pause * max(1, word))
        return word < self.words


class Index:
    """Looks at one place."""

    def __init__(self, lab: Any) -> None:
        self.words = int(lab.knobs.words)
        self.ticker = lab.spawn(ticker, "ticker")

    def find(self, word: int) -> bool:
        self.ticker.send(word)
        return word < self.words


def ticker(lab: Any, inbox: Any) -> None:
    seen = 0
    while True:
        inbox.receive()
        seen += 1
        lab.crash_point("counted")
        inbox.reached(seen)


def requests(lab: Any, n: int) -> list[Request]:
    return [Request(i / lab.knobs.rate, "find", (int(lab.knobs.words) - 1,)) for i in range(n)]


def data(lab: Any) -> None:
    lab.database().execute("CREATE TABLE words (word INTEGER)")


def answers(lab: Any, design: Any) -> list[bool]:
    return [design.find(0), design.find(1)]


def ticker_killed(lab: Any, design: Any) -> Iterable[Sample]:
    design.ticker.kill()
    design.ticker.start(crash_at="counted")
    design.ticker.send("word")
    exit_code = design.ticker.exited()
    yield Sample("exit_code", abs(exit_code))


def index_is_enough(run: Run) -> Finding:
    verdict = run.verdict("pressure")
    if verdict is None or verdict.status == "uncertain":
        return inconclusive("no verdict")
    evidence = f"many: {verdict.design}"
    return held(evidence) if verdict.design == "index" else refuted(evidence)


SCENARIO = Scenario(
    name="tiny",
    topic="0 · Tiny",
    question="Do words need an index?",
    problem="One.\nTwo.\nThree.\nFour.\nFive.",
    say_it="An index pays when there is something to index.",
    knobs=(
        Knob("words", 1, 1, 1000, "words", "how many words there are", "wc -w"),
        Knob("rate", 500.0, 1, 10_000, "a second", "lookups", "the access log"),
    ),
    metrics=(
        Metric("find_p95", "95 of 100 lookups", "s", 0.001, operation="find"),
        Metric("find_time", "a lookup", "s", 0.001, operation="find", quantile=0.5, of="service"),
        Metric("exit_code", "the ticker's exit code", "", 1),
    ),
    requirements=(Requirement("in-time", "find_p95", 0.05, "s", "find, 95 %", "people wait for it"),),
    workloads=(
        Workload("calm", "one word", {"words": 1}, closed=True),
        Workload("pressure", "ten words", {"words": 11}),
    ),
    designs=(
        Design("scan", "one after the other", "baseline", "no data structure to keep", Scan),
        Design("index", "one place", "pattern", "everybody does it", Index),
    ),
    load=Load(requests),
    answers=answers,
    data=data,
    experiments=(Experiment("killed", ticker_killed, ("calm",), ("index",), rounds=2, faults={"counted": 1}),),
    claims=(Claim("index-pays", "With many words the index pays.", index_is_enough),),
    shown=("find",),
    shown_workload="pressure",
    seconds=5,
)
