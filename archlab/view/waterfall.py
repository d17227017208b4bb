"""One request of each design, side by side on one scale: where its time went, and whether it stayed within the bound.

Every pane's right edge ┃ is the bound. The wait in the queue comes first (░); the bars of the work start again at the
left edge after it. A bar that runs beyond the bound ends in ▶, and its figure is marked ↑.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.text import Text

from archlab.run import DesignFacts, Run, Trace
from archlab.scenario import Scenario
from archlab.view import facts, units
from archlab.view.page import BAD, DIM, HEAD, Page, bar, pad

MOST_STEPS = 6
"""Steps of one request on the screen; the smallest of more than that are summed up in one row."""

THREE_PANES, TWO_PANES, BARS = 100, 80, 50
"""The fewest columns for three panes, for two, and for bars at all."""

_FIGURE = 9
"""Cells for a figure with its unit, and the arrow of one that runs beyond the bound."""


@dataclass(frozen=True)
class Row:
    """One bar: ``start`` and ``length`` in seconds; ``waiting`` is time in which nobody works on the request."""

    name: str
    start: float
    length: float
    waiting: bool = False

    @property
    def figure(self) -> str:
        if self.length > 0:
            return units.duration(self.length)
        return "none" if self.name == "wait" else units.AT_ONCE if self.waiting else units.duration(0)


@dataclass(frozen=True)
class Block:
    """One operation: the rows of every pane. A pane without a trace of it has none."""

    title: str
    panes: tuple[tuple[Row, ...], ...]


@dataclass(frozen=True)
class Waterfall:
    workload: str
    designs: tuple[DesignFacts, ...]
    blocks: tuple[Block, ...]
    scale: float
    """Seconds at the right edge."""
    bounded: bool
    """The right edge is a bound, not merely the longest request."""
    slowest: bool


def waterfall(run: Run, panes: int, scenario: Scenario | None = None) -> Waterfall | None:
    """What the picture shows, as data; None where the run has no traces."""
    workload = facts.shown_workload(run, scenario)
    operations = facts.shown_operations(run, workload, scenario)
    designs = facts.panes(run, workload, panes, scenario)
    traces = [facts.traces_of(run, operation, workload, designs) for operation in operations]
    shown = [t for operation in traces for t in operation if t is not None]
    if not shown:
        return None
    bound = facts.trace_bound(run, scenario, operations[0], workload)
    blocks = []
    for i, operation in enumerate(operations):
        later = any(facts.seen_after(t) is not None for t in run.traces if t.operation == operation)
        queued = i == 0 or any(t is not None and t.wait > (bound or t.latency) / 100 for t in traces[i])
        rows = (_rows(t, i == 0, later, queued) if t is not None else () for t in traces[i])
        name = facts.words(operation).upper()
        title = (name if " " in name else f"ONE {name}") + (", until it is seen" if later else "")
        blocks.append(Block(title, tuple(rows)))
    longest = max(row.start + row.length for block in blocks for rows in block.panes for row in rows)
    slowest = any(t.picked == "slowest" for t in shown)
    return Waterfall(workload, tuple(designs), tuple(blocks), bound or longest or 1.0, bound is not None, slowest)


def _rows(trace: Trace, detailed: bool, later: bool, queued: bool) -> tuple[Row, ...]:
    """The wait, then the work (every step, or as a whole), then how long until others have seen it."""
    rows = [Row("wait", 0.0, trace.wait, waiting=True)] if queued else []
    root = trace.root
    work = root.end - root.start
    if detailed:
        steps = [Row(name, start - root.start, own) for name, start, own in facts.step_times(trace)]
        rest = work - sum(step.length for step in steps)
        if len(steps) > MOST_STEPS:
            kept = sorted(steps, key=lambda step: step.length)[-(MOST_STEPS - 1) :]
            others = [step for step in steps if step not in kept]
            steps = [step for step in steps if step in kept]
            steps.append(Row(f"{len(others)} others", others[0].start, sum(step.length for step in others)))
        if not steps or rest > work / 20:
            steps.append(Row("own code" if steps else facts.words(trace.operation), 0.0, rest))
        rows += steps
    else:
        rows.append(Row(facts.words(trace.operation), 0.0, work))
    if later:
        rows.append(Row("seen", 0.0, facts.seen_after(trace) or 0.0, waiting=True))
    return tuple(rows)


def draw(page: Page, run: Run, scenario: Scenario | None = None) -> Iterable[Text]:
    most = 3 if page.width >= THREE_PANES else 2
    picture = waterfall(run, most, scenario)
    if picture is None:
        return
    for i, block in enumerate(picture.blocks):
        yield from _first_title(page, run, picture, block) if i == 0 else [page.text((block.title, HEAD))]
        if page.width >= TWO_PANES:
            yield from _side_by_side(page, run, picture, block, named=i == 0)
        else:
            yield from _stacked(page, run, picture, block)
    yield from _not_shown(page, run, picture)


def _first_title(page: Page, run: Run, picture: Waterfall, block: Block) -> list[Text]:
    situation = next((w.says for w in run.workloads if w.name == picture.workload), "")
    slowest = " (the slowest)" if picture.slowest else ""
    title = page.text((block.title + slowest, HEAD), f"  {picture.workload}", (f": {situation}" if situation else ""))
    scale = units.duration(picture.scale)
    edge = f"the bound, {scale}" if picture.bounded else scale
    legend = page.text((f"one scale: 0 to ┃ = {edge}" if page.width >= BARS else f"↑ is beyond {edge}", DIM))
    if title.cell_len + legend.cell_len + 2 <= page.width:
        return [pad(title, page.width - legend.cell_len).append_text(legend)]
    aside = [pad(legend, page.width, "right")] if page.width >= TWO_PANES else page.wrap(legend)
    return [*page.wrap(title), *aside]


def _side_by_side(page: Page, run: Run, picture: Waterfall, block: Block, named: bool) -> Iterable[Text]:
    count = len(picture.designs)
    width = (page.width - 3 * (count - 1)) // count
    between = (" │ ", DIM)
    if named:
        yield _join(page, between, [_name(page, run, picture.workload, d, width) for d in picture.designs])
    label = _label_width(picture, width)
    for i in range(max(len(rows) for rows in block.panes)):
        bars = [_bar(page, rows[i] if i < len(rows) else None, picture, width, label) for rows in block.panes]
        yield _join(page, between, bars)


def _stacked(page: Page, run: Run, picture: Waterfall, block: Block) -> Iterable[Text]:
    label = _label_width(picture, page.width)
    for design, rows in zip(picture.designs, block.panes, strict=True):
        yield _name(page, run, picture.workload, design, page.width)
        for row in rows:
            yield _bar(page, row, picture, page.width, label)


def _name(page: Page, run: Run, workload: str, design: DesignFacts, width: int) -> Text:
    name = page.text((design.name, HEAD))
    choices = facts.stands_as(run, workload, design.name) if run.requirements else [("", "")]
    mark = page.first_fit(width - name.cell_len - 1, *choices)
    return pad(name, max(name.cell_len + 1, width - mark.cell_len)).append_text(mark)


def _label_width(picture: Waterfall, width: int) -> int:
    longest = max((len(row.name) for block in picture.blocks for rows in block.panes for row in rows), default=0)
    return max(4, min(longest, width - _FIGURE - 10 if width >= 30 else width - _FIGURE - 1))


def _bar(page: Page, row: Row | None, picture: Waterfall, width: int, label: int) -> Text:
    """``SELECT     ▌          ┃  5.1 ms`` in ``width`` cells; without a row just the edge."""
    cells = width - label - 2 - _FIGURE if page.width >= BARS else 0
    if row is None:
        return pad(page.text(" " * (label + 1 + cells), ("┃", DIM)), width)
    name = page.spell(row.name)
    name = name if len(name) <= label else name[: label - 1] + page.spell("…")[:1]
    beyond = row.start + row.length > picture.scale * (1 + 1e-9)
    figure = page.text((row.figure + (" ↑" if beyond else ""), BAD if beyond and picture.bounded else ""))
    line = page.text(name.ljust(label))
    if cells:
        drawn = bar(page, row.start / picture.scale, row.length / picture.scale, cells, "░" if row.waiting else "█")
        line.append(" ").append(drawn, DIM if row.waiting else "")
        line.append_text(page.text(("▶", BAD if picture.bounded else "") if beyond else ("┃", DIM)))
    return line.append_text(pad(figure, width - line.cell_len, "right"))


def _join(page: Page, between: tuple[str, str], panes: Sequence[Text]) -> Text:
    line = Text()
    for i, pane in enumerate(panes):
        line.append_text(page.text(between) if i else Text()).append_text(pane)
    return line


def _not_shown(page: Page, run: Run, picture: Waterfall) -> list[Text]:
    names = [d.name for d in facts.in_order(run) if d not in picture.designs]
    if not names:
        return []
    traced = [name for name in names if any(t.design == name for t in run.traces)]
    mine = [d.name for _, d in facts.edited(run) if d.name in traced]
    known = run.run_id is not None and traced
    where = f"archlab trace {run.run_id} {shlex.quote((mine or traced)[-1])}" if known else ""
    return page.heading(f"+ {units.count(len(names), 'design')}: {', '.join(names)}", (where, DIM), DIM)
