"""Draws every figure that has no picture of its own: each metric of each workload, by place, with its interval."""

from __future__ import annotations

from archlab.run import Measurement, Run
from archlab.scenario import Scenario
from archlab.view import facts, units
from archlab.view.columns import Cell, Row, Section
from archlab.view.page import DIM


def sections(run: Run, scenario: Scenario | None = None) -> list[Section]:
    """One section a workload; a metric that has a grid, a ledger or a series is shown there."""
    metrics = {m.name: m for m in scenario.metrics} if scenario else {}
    designs = facts.in_order(run)
    found = []
    for w in run.workloads:
        rows: dict[tuple[str, str], dict[str, Measurement]] = {}
        for m in run.measurements:
            metric = metrics.get(m.metric)
            if m.workload == w.name and (metric is None or metric.view is None):
                says = metric.says if metric else facts.words(m.metric)
                rows.setdefault((says, facts.place(m.at, scenario)), {})[m.design] = m
        if rows:
            drawn = [
                Row(", ".join(filter(None, label)), [_cell(by_design.get(d.name)) for d in designs])
                for label, by_design in rows.items()
            ]
            found.append(Section(w.name, w.says, [[("", "")] for _ in designs], drawn))
    return found


def _cell(m: Measurement | None) -> Cell:
    if m is None:
        return [(units.NOTHING, DIM)]
    if m.value is None:
        return [(m.note.partition(":")[0] or units.NOTHING, DIM)]
    return [(units.interval(m.value, m.low, m.high, m.unit), ""), (units.measured(m.value, m.unit), "")]
