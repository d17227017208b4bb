"""Sets rates for the machine at hand, by how fast it does a fixed piece of work that no design takes part in."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import replace
from statistics import median

from archlab.bench.plan import Plan
from archlab.scenario import Calibrated, Scenario

REFERENCE = 0.0004
"""Seconds that the work takes on the machine on which the rates of the course were chosen."""
TIMES = 60
ROWS = 1000


def calibrated(plan: Plan) -> Plan:
    """The plan with its rates for this machine. One that a person turned stays."""
    if not any(isinstance(value, Calibrated) for w in plan.scenario.workloads for value in w.settings.values()):
        return plan
    faster = speed()
    workloads = tuple(
        replace(w, settings={name: _here(plan.scenario, name, value, faster) for name, value in w.settings.items()})
        for w in plan.scenario.workloads
    )
    return replace(plan, scenario=replace(plan.scenario, workloads=workloads))


def _here(scenario: Scenario, name: str, value: float, faster: float) -> float:
    if not isinstance(value, Calibrated):
        return value
    knob = next(knob for knob in scenario.knobs if knob.name == name)
    return value.here(faster, knob.low, knob.high)


def speed() -> float:
    """How many times as fast as the reference this machine is now: reading rows from SQLite and making objects of them,
    the median of many times."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, number INTEGER, text TEXT)")
    database.executemany("INSERT INTO rows VALUES (?, ?, ?)", ((i, i % 7, f"row {i}") for i in range(ROWS)))
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        sum(row.number for row in [_Row(*row) for row in database.execute("SELECT id, number, text FROM rows")])
        took.append(time.perf_counter() - began)
    database.close()
    return REFERENCE / median(took)


class _Row:
    __slots__ = ("key", "number", "text")

    def __init__(self, key: int, number: int, text: str) -> None:
        self.key, self.number, self.text = key, number, text
