"""THE BILL: what each design costs to read, to run and to change, counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.text import Text

from archlab.run import DesignFacts, Run
from archlab.scenario import Scenario
from archlab.view import facts, units
from archlab.view.page import DIM, HEAD, Page, pad, table


def draw(page: Page, run: Run, scenario: Scenario | None = None, every: bool = False) -> Iterable[Text]:
    """``every`` also counts what all designs have alike."""
    designs = facts.in_order(run)
    if not designs:
        return
    rows: list[tuple[str, list[str]]] = [("lines · processes", [f"{d.lines} · {d.processes}" for d in designs])]
    rows += _where_they_differ(designs, every)
    if any(d.change_files for d in designs):
        rows.append((f"to {scenario.change_request}" if scenario and scenario.change_request else "the change request",
                     [change(d) for d in designs]))  # fmt: skip
    label = min(max(len("THE BILL   ") + 24, page.width * 3 // 8), max(24, page.width - 16 * len(designs)))
    column = (page.width - label) // len(designs)
    if column < 11 or page.width < 60:
        yield from _as_list(page, designs, rows)
        return
    for i, (name, cells) in enumerate(rows):
        left = page.text(("THE BILL   ", HEAD), (name, DIM)) if i == 0 else page.text("  ", (name, DIM))
        if left.cell_len >= label:
            yield from page.wrap(left, indent=2)
            left = Text()
        line = pad(left, label)
        for cell in cells:
            line.append_text(pad(page.first_fit(column - 1, cell, cell.replace("  ", " ")), column))
        yield line


def change(design: DesignFacts) -> str:
    """``4 files +19 −2``: what the change request takes in this design."""
    removed = f" −{design.change_removed}" if design.change_removed else ""
    return f"{units.count(design.change_files, 'file')}  +{design.change_added}{removed}".replace("s  ", "s ")


def _where_they_differ(designs: Sequence[DesignFacts], every: bool) -> list[tuple[str, list[str]]]:
    counted: list[tuple[str, Callable[[DesignFacts], int]]] = [
        ("modules", lambda d: d.modules),
        ("tables", lambda d: d.tables),
        ("queues", lambda d: d.queues),
    ]
    kept = [(name, count) for name, count in counted if every or len({count(d) for d in designs}) > 1]
    if not kept:
        return []
    return [(" · ".join(n for n, _ in kept), [" · ".join(str(count(d)) for _, count in kept) for d in designs])]


def _as_list(page: Page, designs: Sequence[DesignFacts], rows: Sequence[tuple[str, list[str]]]) -> Iterable[Text]:
    yield page.text(("THE BILL", HEAD))
    for name, cells in rows:
        yield from page.wrap((name, DIM), indent=0)
        yield from table(page, [(f"  {d.name}", cell) for d, cell in zip(designs, cells, strict=True)])
