"""A design, its own copy, and one whose every request does 30 % more: for the judge to be judged by."""

from __future__ import annotations

from typing import Any

from archlab.scenario import Design, Knob, Load, Metric, Request, Requirement, Scenario, Workload


class One:
    """Counts as far as it is told."""

    share = 1.0

    def __init__(self, lab: Any) -> None:
        self.steps = range(int(lab.knobs.steps * self.share))

    def count(self, number: int) -> int:
        total = number
        for step in self.steps:
            total ^= step
        return total

    def answer(self) -> str:
        return "counted"


class Copy(One):
    """The same under another name."""


class Slower(One):
    """30 % more to do."""

    share = 1.3


def requests(lab: Any, n: int) -> list[Request]:
    return [Request(i / 500, "count", (lab.random.randrange(1000),)) for i in range(n)]


KNOBS = (Knob("steps", 4000, 1, 1_000_000, "steps", "what one request does", "a profiler"),)

SCENARIO = Scenario(
    name="twins",
    topic="",
    question="Can the judge tell a design from its copy?",
    problem="",
    say_it="",
    knobs=KNOBS,
    metrics=(
        # A margin of nothing: nobody is excused by a difference that is too small to notice.
        Metric("count_time", "one request", "s", 0.0, operation="count", quantile=0.5, of="service"),
        Metric("count_p95", "95 of 100 requests", "s", 0.0, operation="count"),
    ),
    requirements=(Requirement("in-time", "count_p95", 0.5, "s", "count, 95 %", "somebody waits for it"),),
    workloads=(Workload("calm", "back to back", closed=True), Workload("pressure", "on a schedule")),
    designs=(
        Design("one", "one", "baseline", "it counts", One),
        Design("copy", "its copy", "alternative", "it counts", Copy),
        Design("slower", "30 % slower", "alternative", "it counts", Slower),
    ),
    load=Load(requests),
    answers=lambda lab, running: running.answer(),
    data=lambda lab: lab.database().execute("CREATE TABLE numbers (number INTEGER)"),
    shown=("count",),
)
