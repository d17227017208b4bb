"""Draws requests of each design side by side: where their time went, and whether they stayed within the bound.

A design that keeps up shows one request: its wait in the queue first (░), then the bars of its work from the left edge
again. One that falls behind shows how its queue grows: its first request, its last, and some in between, each with its
wait and its work. ┃ is the operation's own bound. A bar that runs beyond it ends in ▶; where that breaks the bound, its
figure is marked ↑.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.text import Text

from archlab.run import DesignFacts, Run, Trace, Waits
from archlab.scenario import Scenario
from archlab.view import facts, panes, units
from archlab.view.page import BAD, DIM, HEAD, Page, bar, pad

MOST_STEPS = 6
"""Steps of one request on the screen; the smallest of more than that are summed up in one row."""

MOST_WORK = 3
"""Steps that are named below a queue."""

THREE_PANES, TWO_PANES, BARS = 100, 80, 50
"""The fewest columns for three panes, for two, and for bars at all."""

BETWEEN = " │ "

_FIGURE = 9
"""Cells for a figure with its unit, and the arrow of one that runs beyond the bound."""


@dataclass(frozen=True)
class Row:
    """One bar: ``start`` and ``length`` in seconds; ``waiting`` is time in which nobody works on the request."""

    name: str
    start: float
    length: float
    waiting: bool = False
    waited: float = 0.0
    """Of a whole request: how much of its length it waited."""
    judged: bool = True
    """Whether the bound is about it: how long until others have seen what was done is no part of the latency."""

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
    scale: float
    """Seconds at the right edge: the operation's own bound, or the longest of its bars."""
    bounded: bool


@dataclass(frozen=True)
class Waterfall:
    workload: str
    designs: tuple[DesignFacts, ...]
    blocks: tuple[Block, ...]
    work: tuple[tuple[Row, ...], ...]
    """Of every design that falls behind, the work of a request of its first operation, and the longest steps of it."""
    slowest: bool

    @property
    def bounded(self) -> bool:
        return any(block.bounded for block in self.blocks)


def waterfall(run: Run, most: int, scenario: Scenario | None = None) -> Waterfall | None:
    """What the picture shows, as data; None where the run has no traces."""
    workload = facts.shown_workload(run, scenario)
    operations = facts.shown_operations(run, workload, scenario)
    designs = panes.panes(run, workload, most, scenario)
    traces = [facts.traces_of(run, operation, workload, designs) for operation in operations]
    shown = [t for operation in traces for t in operation if t is not None]
    if not shown:
        return None
    queues = [panes.queue(run, workload, d.name) for d in designs]
    blocks = []
    for i, operation in enumerate(operations):
        bound = facts.trace_bound(run, scenario, operation, workload)
        later = any(facts.seen_after(t) is not None for t in run.traces if t.operation == operation)
        queued = i == 0 or any(t is not None and t.wait > (bound or t.latency) / 100 for t in traces[i])
        rows = [
            () if t is None else _rows(t, queue.get(operation), i == 0, later, queued)
            for t, queue in zip(traces[i], queues, strict=True)
        ]
        name = facts.words(operation).upper()
        title = (name if " " in name else f"ONE {name}") + (", until it is seen" if later else "")
        longest = max((row.start + row.length for pane in rows for row in pane), default=0.0)
        blocks.append(Block(title, tuple(rows), bound or longest or 1.0, bound is not None))
    work = tuple(_work(t) if t and queue else () for t, queue in zip(traces[0], queues, strict=True))
    slowest = any(t.picked == "slowest" for t in shown)
    return Waterfall(workload, tuple(designs), tuple(blocks), work, slowest)


def _work(trace: Trace) -> tuple[Row, ...]:
    """A request's work as a whole, and its longest steps."""
    steps = sorted((Row(name, start, own) for name, start, own in facts.step_times(trace)), key=lambda row: -row.length)
    return (Row("work", 0.0, trace.root.end - trace.root.start), *steps[:MOST_WORK])


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def _queued(waits: Waits, detailed: bool) -> list[Row]:
    """The first request, the last, and in detail those in between; each from when it was due until it was served."""
    chosen = waits.requests if detailed else (waits.requests[0], waits.requests[-1])
    return [Row(_ordinal(number), 0.0, latency, waited=wait) for number, wait, latency in dict.fromkeys(chosen)]


def _rows(trace: Trace, queue: Waits | None, detailed: bool, later: bool, queued: bool) -> tuple[Row, ...]:
    """The queue that grows; or the wait, then the work (every step, or as a whole). Then how long until others have
    seen it."""
    rows = [Row("wait", 0.0, trace.wait, waiting=True)] if queued and not queue else []
    root = trace.root
    work = root.end - root.start
    if queue:
        rows += _queued(queue, detailed)
    elif detailed:
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
        rows.append(Row("seen", 0.0, facts.seen_after(trace) or 0.0, waiting=True, judged=False))
    return tuple(rows)


def draw(page: Page, run: Run, scenario: Scenario | None = None) -> Iterable[Text]:
    most = 3 if page.width >= THREE_PANES else 2
    picture = waterfall(run, most, scenario)
    if picture is None:
        return
    for i, block in enumerate(picture.blocks):
        yield from _title(page, run, picture, block, first=i == 0)
        if page.width >= TWO_PANES:
            yield from _side_by_side(page, run, picture, block, first=i == 0)
        else:
            yield from _stacked(page, run, picture, block, first=i == 0)
    yield from _not_shown(page, run, picture)


def _title(page: Page, run: Run, picture: Waterfall, block: Block, first: bool) -> list[Text]:
    """What the block shows; and at the right edge, above ┃, the bound at which its scale ends."""
    situation = next((w.says for w in run.workloads if w.name == picture.workload), "")
    where = f"  {picture.workload}" + (f": {situation}" if situation else "")
    slowest = " (the slowest)" if picture.slowest and first else ""
    title = page.wrap(page.text((block.title + slowest, HEAD), where if first else ""))
    edge = f"{'bound ' if block.bounded else ''}{units.duration(block.scale)}"
    if page.width < BARS:
        return [*title, *page.wrap((f"{edge}, ↑ is beyond it", DIM))] if block.bounded else title
    ends = page.text((f"{edge}┃", DIM))
    width, count = _pane_width(page, picture), len(picture.designs) if page.width >= TWO_PANES else 1
    begins = count * width + (count - 1) * len(BETWEEN) - ends.cell_len
    if title[-1].cell_len + 2 > begins:
        title.append(Text())
    return [*title[:-1], pad(title[-1], begins).append_text(ends)]


def _pane_width(page: Page, picture: Waterfall) -> int:
    count = len(picture.designs)
    return (page.width - len(BETWEEN) * (count - 1)) // count if page.width >= TWO_PANES else page.width


def _side_by_side(page: Page, run: Run, picture: Waterfall, block: Block, first: bool) -> Iterable[Text]:
    width = _pane_width(page, picture)
    if first:
        yield _join(page, [_name(page, run, picture.workload, d, width) for d in picture.designs])
    label = _label_width(picture, width)
    columns = [[_bar(page, row, block, width, label) for row in rows] for rows in block.panes]
    for i, lines in enumerate(columns) if first else ():
        lines += _working(page, picture, i, width)
    for i in range(max(map(len, columns))):
        empty = pad(page.text(("┃", DIM)), width, "right")
        yield _join(page, [lines[i] if i < len(lines) else empty for lines in columns])


def _stacked(page: Page, run: Run, picture: Waterfall, block: Block, first: bool) -> Iterable[Text]:
    label = _label_width(picture, page.width)
    for i, (design, rows) in enumerate(zip(picture.designs, block.panes, strict=True)):
        yield _name(page, run, picture.workload, design, page.width) if first else page.text((design.name, HEAD))
        for row in rows:
            yield _bar(page, row, block, page.width, label)
        yield from _working(page, picture, i, page.width) if first else []


def _working(page: Page, picture: Waterfall, place: int, width: int) -> list[Text]:
    """``work 4.1 ms: SELECT 2.5, objects 0.71``: where the time of a request goes, beside its wait in a queue."""
    if not picture.work[place]:
        return []
    whole, *steps = picture.work[place]
    figures, unit = units.alike([row.length for row in picture.work[place]])
    named = ", ".join(f"{row.name} {figure}" for row, figure in zip(steps, figures[1:], strict=True))
    said = f"{whole.name} {figures[0]} {unit}" + (f": {named}" if named else "")
    edge = page.text(("┃", DIM) if page.width >= BARS else "")
    lines = Page(width - 2, page.ascii).wrap((said, DIM), indent=2)
    return [pad(line, width - 1).append_text(edge) for line in lines]


def _name(page: Page, run: Run, workload: str, design: DesignFacts, width: int) -> Text:
    """``crud: its queue grows 0.5 s every second``, and how the design stands where there is room for it."""
    behind, queue = panes.falls_behind(run, workload, design.name), panes.waits(run, workload, design.name)
    said = [""]
    if behind is not None:
        said = [": keeps up"]
    if behind and queue is not None:
        grows = f"{queue.grows:.1g} s"
        said = [f": its queue grows {grows} {each} second" for each in ("every", "a")]
        said += [f": queue +{grows} a second", ": falls behind"]
        said = said if queue.busy >= 1 and queue.grows > 0 else said[-1:]
    choices = [page.text((design.name, HEAD), one) for one in said]
    name = page.first_fit(width, *choices)
    name.truncate(width)
    marks = facts.stands_as(run, workload, design.name) if run.requirements else [("", "")]
    mark = page.first_fit(width - name.cell_len - 1, *marks)
    if name.cell_len + 1 + mark.cell_len > width:
        return pad(name, width)
    return pad(name, width - mark.cell_len).append_text(mark)


def _label_width(picture: Waterfall, width: int) -> int:
    longest = max((len(row.name) for block in picture.blocks for rows in block.panes for row in rows), default=0)
    return max(4, min(longest, width - _FIGURE - 10 if width >= 30 else width - _FIGURE - 1))


def _bar(page: Page, row: Row, block: Block, width: int, label: int) -> Text:
    """``SELECT     5.1 ms  ▌          ┃`` in ``width`` cells."""
    cells = width - label - 2 - _FIGURE if page.width >= BARS else 0
    name = page.spell(row.name)
    name = name if len(name) <= label else name[: label - 1] + page.spell("…")[:1]
    beyond = row.start + row.length > block.scale * (1 + 1e-9)
    broken = beyond and block.bounded and row.judged
    figure = page.text((row.figure + (" ↑" if broken else ""), BAD if broken else ""))
    line = page.text(name.ljust(label))
    if not cells:
        return line.append_text(pad(figure, width - line.cell_len, "right"))
    line.append_text(pad(figure, _FIGURE, "right")).append(" ")
    filled = "░" if row.waiting else "█"
    drawn = bar(page, row.start / block.scale, row.length / block.scale, cells, filled)
    waited = min(cells, int(row.waited / block.scale * cells))
    line.append(bar(page, 0.0, 1.0, waited, "░") if waited else "", DIM)
    line.append(drawn[waited:], DIM if row.waiting else "")
    return line.append_text(page.text(("▶", BAD if broken else DIM) if beyond else ("┃", DIM)))


def _join(page: Page, drawn: Sequence[Text]) -> Text:
    line = Text()
    for i, pane in enumerate(drawn):
        line.append_text(page.text((BETWEEN, DIM)) if i else Text()).append_text(pane)
    return line


def _not_shown(page: Page, run: Run, picture: Waterfall) -> list[Text]:
    names = [d.name for d in facts.in_order(run) if d not in picture.designs]
    if not names:
        return []
    told = page.text((f"Not shown: {units.listed(names)}.", DIM))
    if run.run_id is None or not any(t.design in names for t in run.traces):
        return page.wrap(told)
    return page.with_command(told, f"Every trace: archlab trace {run.run_id}")
