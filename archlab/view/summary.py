"""Draws the table above the verdict: each design at each workload in one cell, with its cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from archlab.run import DesignFacts, Run
from archlab.scenario import Scenario
from archlab.view import bill, facts, units
from archlab.view.page import DIM, HEAD, Page, pad

GAP = 2
COST = 16
"""Cells for ``174, 2 processes``."""
NARROW = 60
"""Below this width a cell has its mark and its word only, and the cost stands in the report."""

CAPTIONED = 100
"""From this width on the table says what each workload is; else it would not fit a screen of 24 lines."""

Choices = list[tuple[str, str]]
"""Ways to say the same with their styles, the longest first."""


def draw(page: Page, run: Run, scenario: Scenario | None = None) -> Iterator[Text]:
    """A header, a line for each design, and what each workload is."""
    names = [w.name for w in run.workloads if facts.demands(run, w.name)]
    if not names:
        return
    designs = facts.in_order(run)
    narrow = page.width < NARROW
    first = min(max(len(d.name) for d in designs), page.width // 3)
    costs = [_cost(run, scenario, d) for d in designs]
    last = 0 if narrow else max(len("cost"), *(min(COST, len(c[0][0])) for c in costs))
    room = page.width - first - (last + GAP if last else 0)
    each = max(4, room // len(names) - GAP)
    header = [_cell(page, [(name, HEAD)], each) for name in names]
    yield _line(page, pad(Text(), first), header, each, page.text(("cost", HEAD)) if last else None)
    for design, cost in zip(designs, costs, strict=True):
        cells = [_cell(page, _stands(run, name, design.name, scenario, narrow), each) for name in names]
        yield _line(page, _fit(page, design.name, first), cells, each, _cell(page, cost, last) if last else None)
    for w in run.workloads:
        if w.name in names and w.says and page.width >= CAPTIONED:
            yield from page.wrap((f"{w.name}: {w.says}", DIM), indent=2)


def _line(page: Page, name: Text, cells: Sequence[Text], each: int, cost: Text | None) -> Text:
    line = name
    for cell in cells:
        line = line.append(" " * GAP).append_text(pad(cell, each))
    if cost is not None:
        line.append(" " * GAP).append_text(cost)
    line.rstrip()
    return line


def _fit(page: Page, name: str, width: int) -> Text:
    text = page.text((name, HEAD))
    text.truncate(width, overflow="ellipsis" if not page.ascii else "crop")
    return pad(text, width)


def _cell(page: Page, choices: Choices, width: int) -> Text:
    text = page.first_fit(width, *choices)
    text.truncate(width)
    return text


def _stands(run: Run, workload: str, design: str, scenario: Scenario | None, narrow: bool) -> Choices:
    """``★ pays``, ``✗ serves 201 of 594/s``, ``✗ 410 ms``: how a design stands, and the figure that says why."""
    short = facts.stands_as(run, workload, design)
    if narrow or facts.standing(run, workload, design) != "misses":
        return short
    mark, style = facts.MARKS["misses"]
    missed = [r for r in run.requirements if (r.workload, r.design, r.outcome) == (workload, design, "missed")]
    said: list[str] = []
    for r in missed:
        reason = facts.missed_because(run, r)
        served = facts.serves(reason)
        m = facts.behind(run, r)
        if served:
            of = f"{served[0]} of {served[1]}/s"
            said += [f"serves {of}", of, of.replace(",", "")]  # without the groups of thousands where room is short
        elif m is not None and m.value is not None:
            figure = units.measured(m.value, m.unit)
            said += [f"{facts.says(scenario, r.id)}: {figure}", figure]
        else:
            said += [reason, reason.rpartition(": ")[2]]
    return [(f"{mark} {text}", style) for text in said[:3]] + short


def _cost(run: Run, scenario: Scenario | None, design: DesignFacts) -> Choices:
    counts = sorted({facts.lines(run, scenario, design, workload.name) for workload in run.workloads})
    number = f"{counts[0]:,}" if len(counts) < 2 else f"{counts[0]:,}–{counts[-1]:,}"
    lines = f"{number} lines"
    more = f", {bill.processes(design)} processes" if design.processes > 1 else ""
    return [(lines + more, DIM), (f"{number}{more}", DIM), (lines, DIM), (number, DIM)]
