"""Draws a metric with two keys of place as a table: rows × columns, with a mark or a number in each cell.

One glance: a column of bad marks is something that a design lacks, a row of them is something that was forgotten. The
title, the marks and what they mean come from the scenario.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from archlab.run import Run
from archlab.scenario import Grid, Metric, Scenario
from archlab.view import facts, units
from archlab.view.page import BAD, DIM, HEAD, UNSURE, Page, pad

GAP = 2
"""Cells between designs."""
NARROWEST_LABEL = 14


@dataclass(frozen=True)
class _Cells:
    """Every value by design, row and column, and how wide the widest of them is."""

    view: Grid
    values: Mapping[tuple[str, str, str], float]
    rows: Sequence[str]
    columns: Sequence[str]
    each: int
    """Characters of one cell."""

    @property
    def width(self) -> int:
        return len(self.columns) * (self.each + 1) - 1


def draw(page: Page, run: Run, scenario: Scenario | None = None) -> Iterable[Text]:
    for metric in scenario.metrics if scenario else ():
        if isinstance(metric.view, Grid):
            yield from _grid(page, run, metric, metric.view)


def _grid(page: Page, run: Run, metric: Metric, view: Grid) -> Iterable[Text]:
    workload = facts.widest_workload(run, metric.name)
    found = [
        m
        for m in run.measurements
        if (m.metric, m.workload) == (metric.name, workload) and m.by_round and {view.rows, view.columns} <= m.at.keys()
    ]
    if not found:
        return
    worst = max if metric.better == "lower" else min
    values: dict[tuple[str, str, str], float] = {}
    for m in found:
        key = m.design, str(m.at[view.rows]), str(m.at[view.columns])
        values[key] = worst([*m.by_round, *([values[key]] if key in values else [])])
    rows, columns = (list(dict.fromkeys(str(m.at[key]) for m in found)) for key in (view.rows, view.columns))
    each = max(len(page.spell(_shown(view, value)[0])) for value in values.values())
    cells = _Cells(view, values, rows, columns, each)
    designs = [d.name for d in facts.in_order(run) if any(key[0] == d.name for key in values)]
    title = view.title or f"{metric.says}: {view.rows} × {view.columns}"
    yield from page.wrap(page.text((title, HEAD), (f"  {workload}", DIM)))
    label = min(max(len(row) for row in (*rows, view.total)) + 2, max(NARROWEST_LABEL, page.width // 3))
    for some in _fitting(designs, cells.width, page.width - label):
        yield from _block(page, cells, some, label)
    seen = [mark for value, mark in view.marks.items() if value in values.values()]
    legend = [f"{mark.sign} {mark.means}" for mark in seen]
    names = [f"{letter} {name}" for letter, name in zip(_letters(columns), columns, strict=True)]
    yield from page.entries([(entry, DIM) for entry in (*legend, *names)], indent=2)


def _fitting(designs: Sequence[str], width: int, room: int) -> list[list[str]]:
    """The designs in as few lines as they fit in."""
    lines: list[list[str]] = []
    left = -1
    for design in designs:
        needs = max(width, len(design))
        if left < needs:
            lines.append([])
            left = room
        lines[-1].append(design)
        left -= needs + GAP
    return lines


def _block(page: Page, cells: _Cells, designs: Sequence[str], label: int) -> Iterable[Text]:
    room = [max(cells.width, len(design)) + GAP for design in designs]
    letters = " ".join(f"{letter:>{cells.each}}" for letter in _letters(cells.columns))
    names, heads = Text(" " * label), Text(" " * label)
    for design, cell in zip(designs, room, strict=True):
        names.append_text(pad(page.text((design, HEAD)), cell))
        heads.append_text(pad(page.text((letters, DIM)), cell))
    yield names
    yield heads
    for row in cells.rows:
        shown = row if len(row) < label else row[: label - 1 - len(page.spell("…"))] + "…"
        line = pad(page.text(shown), label)
        for design, cell in zip(designs, room, strict=True):
            line.append_text(pad(_marks(page, cells, design, row), cell))
        yield line
    if not cells.view.total:
        return
    line = pad(page.text((cells.view.total, DIM)), label)
    for design, cell in zip(designs, room, strict=True):
        total = _total(cells, design)
        line.append_text(pad(page.text((units.number(total), BAD if total else DIM)), cell))
    yield line


def _total(cells: _Cells, design: str) -> float:
    """How many cells have a bad mark, and the sum of those that are numbers."""
    total = 0.0
    for (of, _, _), value in cells.values.items():
        if of == design:
            mark = cells.view.marks.get(value)
            total += value if mark is None else mark.good is False
    return total


def _marks(page: Page, cells: _Cells, design: str, row: str) -> Text:
    marks = Text()
    for i, column in enumerate(cells.columns):
        value = cells.values.get((design, row, column))
        sign, style = ("", "") if value is None else _shown(cells.view, value)
        marks.append_text(page.text((" " if i else "", ""), pad(page.text((sign, style)), cells.each, "right")))
    return marks


def _shown(view: Grid, value: float) -> tuple[str, str]:
    """A value as its mark, else as a number; with its colour."""
    mark = view.marks.get(value)
    if mark is None:
        return units.number(value), ""
    return mark.sign, {True: DIM, False: BAD, None: UNSURE}[mark.good]


def _letters(columns: Sequence[str]) -> list[str]:
    """One letter a column, each its own: the first of its name that none before it has."""
    taken: list[str] = []
    for column in columns:
        choices = [c.upper() for c in column if c.isalnum()] + [str(n) for n in range(10)]
        taken.append(next((c for c in choices if c not in taken), "?"))
    return taken
