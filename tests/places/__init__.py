"""A small scenario for the tests of figures with a place: five values are read far away, one by one or at once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from archlab.scenario import (
    Design,
    Experiment,
    Grid,
    Knob,
    Ledger,
    Load,
    Mark,
    Metric,
    Request,
    Requirement,
    Sample,
    Scenario,
    Series,
    Workload,
)

VALUES = 5


class Reader:
    """Reads five values, each call a round trip away; what it lost, kept and queued is made up."""

    calls = VALUES
    copies: ClassVar[Mapping[str, Mapping[str, int]]] = {
        "orders": {"write": 3, "read": 0},
        "stock": {"write": 1, "read": 2},
    }
    lost: ClassVar[Mapping[str, int]] = {"before send": 0, "after send": 2}
    duplicated: ClassVar[Mapping[str, int]] = {"before send": 0, "after send": 0}
    depths = (0, 40, 20, 3)

    def __init__(self, lab: Any) -> None:
        self.round_trip = lab.knobs.rtt / 1000

    def read(self) -> list[int]:
        for _ in range(self.calls):
            time.sleep(self.round_trip)
        return list(range(VALUES))


class OneByOne(Reader):
    """A call for each value."""


class AtOnce(Reader):
    """One call for all of them."""

    calls = 1
    copies: ClassVar[Mapping[str, Mapping[str, int]]] = {
        "orders": {"write": 3, "read": 3},
        "stock": {"write": 3, "read": 2},
    }
    lost: ClassVar[Mapping[str, int]] = {"before send": 0, "after send": 0}
    duplicated: ClassVar[Mapping[str, int]] = {"before send": 0, "after send": 1}
    depths = (0, 10, 5, 0)


def requests(lab: Any, n: int) -> list[Request]:
    return [Request(i / 1000, "read") for i in range(n)]


def data(lab: Any) -> None:
    lab.database().execute("CREATE TABLE numbers (number INTEGER)")


def answers(lab: Any, design: Reader) -> list[int]:
    return design.read()


def counted(lab: Any, design: Reader) -> Iterable[Sample]:
    for table, by_kind in design.copies.items():
        for kind, copies in by_kind.items():
            yield Sample("copies", copies, {"table": table, "access": kind})


def crashed(lab: Any, design: Reader) -> Iterable[Sample]:
    for point in design.lost:
        yield Sample("lost", design.lost[point], {"crash_point": point})
        yield Sample("duplicated", design.duplicated[point], {"crash_point": point})


def queued(lab: Any, design: Reader) -> Iterable[Sample]:
    for t, depth in enumerate(design.depths):
        yield Sample("depth", depth, {"t": t / 2})


LEDGER = "effects by crash point"
SCENARIO = Scenario(
    name="places",
    topic="0 · Places",
    question="Are five values read one by one or at once?",
    problem="One.\nTwo.",
    say_it="Near by it does not matter.",
    knobs=(Knob("rtt", 0, 0, 100, "ms", "round trip", "ping", assumed=True),),
    metrics=(
        Metric("read_p95", "reading five values", "s", 0.001, operation="read"),
        Metric("read_time", "reading five values", "s", 0.001, operation="read", quantile=0.5, of="service"),
        Metric(
            "copies",
            "copies kept",
            "copies",
            0.5,
            "higher",
            counted=True,
            view=Grid("table", "access", "copies by table and access", {0: Mark("✗", "no copy", good=False)}, "copies"),
        ),
        Metric("lost", "effects lost", "effects", 0.5, counted=True, view=Ledger("crash_point", "lost", LEDGER)),
        Metric(
            "duplicated",
            "effects done twice",
            "effects",
            0.5,
            counted=True,
            view=Ledger("crash_point", "duplicated", LEDGER),
        ),
        Metric("depth", "messages waiting", "messages", 1, counted=True, view=Series("t", "queue depth")),
    ),
    requirements=(
        Requirement("in-time", "read_p95", 0.012, "s", "read, 95 %", "people wait", ("pressure",)),
        Requirement(
            "nothing-lost-late",
            "lost",
            0,
            "effects",
            "lost after sending",
            "paid",
            ("calm",),
            at={"crash_point": "after send"},
        ),
        Requirement(
            "little-lost-early",
            "lost",
            1,
            "effects",
            "lost before",
            "unpaid",
            ("calm",),
            at={"crash_point": "before send"},
        ),
        Requirement("copies-kept", "copies", None, "copies", "copies kept", "disks die", ("calm",), at_least=2),
        Requirement("copies-few", "copies", 3, "copies", "copies at most", "disks cost", ("calm",)),
        Requirement(
            "drains",
            "depth",
            5,
            "messages",
            "queue empty",
            "far away it piles up",
            ("calm",),
            at={"t": 1.5},
            when=lambda knobs: knobs.rtt > 1,
        ),
    ),
    workloads=(
        Workload("calm", "near by", closed=True),
        Workload("pressure", "over a network", closed=True, along={"rtt": (0, 4, 30)}),
    ),
    designs=(
        Design("one-by-one", "a call for each", "baseline", "Simple.", OneByOne),
        Design("at-once", "one call for all", "pattern", "One round trip.", AtOnce),
    ),
    load=Load(requests),
    answers=answers,
    data=data,
    experiments=(
        Experiment("counted", counted, ("calm",), rounds=1),
        Experiment("crashed", crashed, ("calm",), rounds=1),
        Experiment("queued", queued, ("calm",), rounds=1),
    ),
    shown=("read",),
)
