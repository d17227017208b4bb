"""Draws what was lost, repeated or reordered: crash points × designs, for each workload."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from archlab.run import Measurement, Run
from archlab.scenario import Ledger, Scenario
from archlab.view import columns, facts, units
from archlab.view.columns import Cell, Row, Section
from archlab.view.page import BAD, DIM, GOOD, Page

EXACT = "exact"

Entries = Sequence[tuple[str, str]]
"""Metric and what it counts: ("lost_effects", "lost")."""


def draw(page: Page, run: Run, scenario: Scenario | None = None) -> Iterable[Text]:
    tables: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for metric in scenario.metrics if scenario else ():
        if isinstance(metric.view, Ledger):
            tables.setdefault((metric.view.rows, metric.view.title), []).append((metric.name, metric.view.entry))
    drawn = 0
    for (rows, title), entries in tables.items():
        sections = [s for w in run.workloads if (s := _section(run, w.name, w.says, rows, entries)).rows]
        if sections:
            heading = title or facts.words(rows)
            yield from [Text()] if drawn else []
            drawn += 1
            yield from columns.draw(page, heading, "", [d.name for d in facts.in_order(run)], sections)


def _section(run: Run, workload: str, says: str, key: str, entries: Entries) -> Section:
    named = dict(entries)
    found = [m for m in run.measurements if m.workload == workload and m.metric in named and key in m.at]
    designs = facts.in_order(run)
    rows = [
        Row(row, [_cell([m for m in found if m.design == d.name and str(m.at[key]) == row], entries) for d in designs])
        for row in dict.fromkeys(str(m.at[key]) for m in found)
    ]
    return Section(workload, says, [[("", "")] for _ in designs], rows)


def _cell(found: Sequence[Measurement], entries: Entries) -> Cell:
    """``2 lost, 1 duplicated`` of the worst round, ``exact`` where nothing is counted, ``–`` where it was not tried."""
    counted = {}
    for name, entry in entries:
        values = [max(m.by_round) for m in found if m.metric == name and m.by_round]
        if values:
            counted[entry] = max(values)
    if not counted:
        return [(units.NOTHING, DIM)]
    wrong = [(units.number(value), entry) for entry, value in counted.items() if value]
    if not wrong:
        return [(EXACT, GOOD)]
    told = ", ".join(f"{value} {entry}" for value, entry in wrong)
    short = ", ".join(f"{value} {entry[:4]}" for value, entry in wrong)
    return [(told, BAD), (told, BAD), (short, BAD)]
