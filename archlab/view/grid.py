"""The consistency grid: rows × columns by design, found by probing: · where it holds, ✗ where it does not.

It is drawn for every metric that declares a ``pivot``. One glance: a column of ✗ is a concern that a design lacks, a
row of ✗ an endpoint that was forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from archlab.run import Run
from archlab.scenario import Grid, Metric, Scenario
from archlab.view.page import BAD, DIM, HEAD, UNSURE, Page, pad

HOLDS, HOLE, STOPPED, NOT_ASKED = "·", "✗", "t", " "
GAP = 2
"""Cells between designs."""
NARROWEST_LABEL = 14

Cells = dict[tuple[str, str, str], float]
"""By design, row and column: 0 where it holds, 1 where it does not, in between where a test stops it."""


def draw(page: Page, run: Run, scenario: Scenario | None = None) -> Iterable[Text]:
    for metric in scenario.metrics if scenario else ():
        if isinstance(metric.view, Grid):
            yield from _grid(page, run, metric, (metric.view.rows, metric.view.columns))


def _grid(page: Page, run: Run, metric: Metric, pivot: tuple[str, str]) -> Iterable[Text]:
    row_key, column_key = pivot
    workload = _largest(run, metric.name)
    found = [m for m in run.measurements if (m.metric, m.workload) == (metric.name, workload) and m.by_round]
    if not found:
        return
    cells: Cells = {(m.design, str(m.at[row_key]), str(m.at[column_key])): max(m.by_round) for m in found}
    rows = list(dict.fromkeys(str(m.at[row_key]) for m in found))
    columns = list(dict.fromkeys(str(m.at[column_key]) for m in found))
    designs = [d.name for d in sorted(run.designs, key=lambda d: d.order) if any(key[0] == d.name for key in cells)]
    says = f"{workload}: {_plural(row_key)} × {_plural(column_key)}, found by probing"
    yield from page.wrap(page.text(("THE GRID", HEAD), f"  {says}"))
    width = len(columns) * 2 - 1
    label = min(max(len(row) for row in rows) + 2, max(NARROWEST_LABEL, page.width // 3))
    for some in _fitting(designs, width, page.width - label):
        yield from _block(page, cells, rows, columns, some, label, width)
    legend = [f"{HOLDS} holds", f"{HOLE} does not"]
    if any(0 < hole < 1 for hole in cells.values()):
        legend.append(f"{STOPPED} stopped by its own test")
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


def _block(
    page: Page,
    cells: Cells,
    rows: Sequence[str],
    columns: Sequence[str],
    designs: Sequence[str],
    label: int,
    width: int,
) -> Iterable[Text]:
    room = [max(width, len(design)) + GAP for design in designs]
    letters = " ".join(_letters(columns))
    names, heads = Text(" " * label), Text(" " * label)
    for design, cell in zip(designs, room, strict=True):
        names.append_text(pad(page.text((design, HEAD)), cell))
        heads.append_text(pad(page.text((letters, DIM)), cell))
    yield names
    yield heads
    for row in rows:
        shown = row if len(row) < label else row[: label - 1 - len(page.spell("…"))] + "…"
        line = pad(page.text(shown), label)
        for design, cell in zip(designs, room, strict=True):
            line.append_text(pad(_marks(page, cells, design, row, columns), cell))
        yield line
    line = pad(page.text(("holes", DIM)), label)
    for design, cell in zip(designs, room, strict=True):
        holes = sum(hole == 1 for (d, _, _), hole in cells.items() if d == design)
        line.append_text(pad(page.text((str(holes), BAD if holes else DIM)), cell))
    yield line


def _marks(page: Page, cells: Cells, design: str, row: str, columns: Sequence[str]) -> Text:
    marks = Text()
    for i, column in enumerate(columns):
        hole = cells.get((design, row, column))
        mark, style = _mark(hole)
        marks.append_text(page.text((" " if i else "", ""), (mark, style)))
    return marks


def _mark(hole: float | None) -> tuple[str, str]:
    if hole is None:
        return NOT_ASKED, ""
    return (HOLE, BAD) if hole == 1 else (STOPPED, UNSURE) if hole else (HOLDS, DIM)


def _largest(run: Run, metric: str) -> str:
    """The workload at which most cells were probed."""
    probed = [m.workload for m in run.measurements if m.metric == metric]
    return max(dict.fromkeys(probed), key=probed.count, default="")


def _letters(columns: Sequence[str]) -> list[str]:
    """One letter a column, each its own: the first of its name that none before it has."""
    taken: list[str] = []
    for column in columns:
        choices = [c.upper() for c in column if c.isalnum()] + [str(n) for n in range(10)]
        taken.append(next((c for c in choices if c not in taken), "?"))
    return taken


def _plural(word: str) -> str:
    return f"{word}s"
