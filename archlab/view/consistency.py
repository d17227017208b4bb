"""The consistency grid: rows × columns by design, found by probing: · where all is well, ✗ where there is a hole.

It is drawn for every metric that declares a ``pivot``. One glance: a column of ✗ is a concern that a design lacks, a row
of ✗ an endpoint that was forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from archlab.run import Run
from archlab.scenario import Metric, Scenario
from archlab.view.page import BAD, DIM, HEAD, Page, pad

WELL, HOLE, NOT_ASKED = "·", "✗", " "
GAP = 3
"""Cells between designs."""
NARROWEST_LABEL = 14

Cells = dict[tuple[str, str, str], bool]
"""By design, row and column: whether there is a hole."""


def draw(page: Page, run: Run, scenario: Scenario | None = None) -> Iterable[Text]:
    for metric in scenario.metrics if scenario else ():
        if metric.pivot is not None:
            yield from _grid(page, run, metric, metric.pivot)


def _grid(page: Page, run: Run, metric: Metric, pivot: tuple[str, str]) -> Iterable[Text]:
    row_key, column_key = pivot
    workload = _largest(run, metric.name)
    found = [m for m in run.measurements if (m.metric, m.workload) == (metric.name, workload) and m.by_round]
    if not found:
        return
    cells: Cells = {(m.design, str(m.at[row_key]), str(m.at[column_key])): max(m.by_round) > 0 for m in found}
    rows = list(dict.fromkeys(str(m.at[row_key]) for m in found))
    columns = list(dict.fromkeys(str(m.at[column_key]) for m in found))
    designs = [d.name for d in sorted(run.designs, key=lambda d: d.order) if any(key[0] == d.name for key in cells)]
    title = page.text(("THE GRID", HEAD))
    says = f"{workload}: {_plural(row_key)} × {_plural(column_key)}, found by probing"
    legend = page.text((f"{WELL} holds   {HOLE} does not", DIM))
    yield from _title(page, title.append("  ").append_text(page.text((says, DIM))), legend)
    width = len(columns) * 2 - 1
    label = min(max(len(row) for row in rows) + 2, max(NARROWEST_LABEL, page.width // 3))
    per_line = max(1, (page.width - label + GAP) // (max(width, *(len(d) for d in designs)) + GAP))
    for start in range(0, len(designs), per_line):
        yield from _block(page, cells, rows, columns, designs[start : start + per_line], label, width)
    names = "  ".join(f"{letter} {name}" for letter, name in zip(_letters(columns), columns, strict=True))
    yield from page.wrap(page.text((names, DIM)), indent=2)


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
        shown = row if len(row) < label else row[: label - 2] + "…"
        line = pad(page.text(shown), label)
        for design, cell in zip(designs, room, strict=True):
            line.append_text(pad(_marks(page, cells, design, row, columns), cell))
        yield line
    line = pad(page.text(("holes", DIM)), label)
    for design, cell in zip(designs, room, strict=True):
        holes = sum(hole for (d, _, _), hole in cells.items() if d == design)
        line.append_text(pad(page.text((str(holes), BAD if holes else DIM)), cell))
    yield line


def _marks(page: Page, cells: Cells, design: str, row: str, columns: Sequence[str]) -> Text:
    marks = Text()
    for i, column in enumerate(columns):
        hole = cells.get((design, row, column))
        mark, style = (NOT_ASKED, "") if hole is None else (HOLE, BAD) if hole else (WELL, DIM)
        marks.append_text(page.text((" " if i else "", ""), (mark, style)))
    return marks


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


def _title(page: Page, left: Text, right: Text) -> list[Text]:
    if left.cell_len + right.cell_len + 2 <= page.width:
        return [pad(left, page.width - right.cell_len).append_text(right)]
    return [*page.wrap(left), *page.wrap(right)]
