"""Draws a metric over a number, such as a queue's depth over time: one small curve for each design."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from rich.text import Text

from archlab.run import Run
from archlab.scenario import Metric, Scenario, Series
from archlab.view import facts, units
from archlab.view.page import DIM, HEAD, Page, pad

ROWS = 2
"""Lines of a curve."""
MOST_CELLS = 60
BLOCKS, ASCII_BLOCKS = " ▁▂▃▄▅▆▇█", " ...::::#"
"""How a cell is filled from nothing to all of it, in eighths."""

Points = Sequence[tuple[float, float]]
"""(where, value), in the order of where."""


def draw(page: Page, run: Run, scenario: Scenario | None = None) -> Iterable[Text]:
    drawn = 0
    for metric in scenario.metrics if scenario else ():
        if isinstance(metric.view, Series):
            lines = list(_series(page, run, metric, metric.view, _unit(scenario, metric.view.over)))
            yield from [Text()] if lines and drawn else []
            drawn += bool(lines)
            yield from lines


def _unit(scenario: Scenario | None, over: str) -> str:
    """The unit of the axis: a knob's own, else seconds."""
    knobs = {knob.name: knob.unit for knob in scenario.knobs} if scenario else {}
    return knobs.get(over, "s" if over == "t" else "")


def _series(page: Page, run: Run, metric: Metric, view: Series, unit: str) -> Iterable[Text]:
    workload = facts.widest_workload(run, metric.name)
    curves = {d.name: _points(run, metric, d.name, workload, view.over) for d in facts.in_order(run)}
    curves = {design: points for design, points in curves.items() if points}
    if not curves:
        return
    every = [point for points in curves.values() for point in points]
    left, right = min(x for x, _ in every), max(x for x, _ in every)
    bottom, top = min(0.0, *(y for _, y in every)), max(y for _, y in every)
    across, upwards = units.span(left, right, unit), units.span(bottom, top, metric.unit)
    axes = f"{workload} · {facts.words(view.over)} {across} · {upwards}"
    yield from page.wrap(page.text((view.title or metric.says, HEAD), ("  " + axes, DIM)))
    label = min(max(map(len, curves)), page.width // 3) + 2
    cells = min(MOST_CELLS, page.width - label)
    for design, points in curves.items():
        heights = _heights(points, cells, left, right)
        shares = [None if y is None else (y - bottom) / (top - bottom) if top > bottom else 0.0 for y in heights]
        for row in reversed(range(ROWS)):
            name = design if row == ROWS - 1 else ""
            shown = name if len(name) < label else name[: label - 1 - len(page.spell("…"))] + "…"
            line = pad(page.text((shown, HEAD)), label)
            yield line.append(_line(page, shares, row))
        yield from page.wrap((_told(points, metric.unit, unit), DIM), indent=label)


def _points(run: Run, metric: Metric, design: str, workload: str, over: str) -> Points:
    """The values that there are; of several at the same place the worst."""
    worst = max if metric.better == "lower" else min
    found: dict[float, float] = {}
    for m in run.all_measured(metric.name, design, workload):
        x = m.at.get(over)
        if m.value is not None and isinstance(x, (int, float)) and math.isfinite(m.value):
            found[x] = worst(m.value, found.get(x, m.value))
    return sorted(found.items())


def _heights(points: Points, cells: int, left: float, right: float) -> list[float | None]:
    """The value of each cell: the highest of its points, so that no peak is lost; between points a straight line;
    None where the curve has not begun or has ended."""
    width = (right - left) or 1.0

    def cell(x: float) -> int:
        return min(cells - 1, int((x - left) / width * cells))

    heights: list[float | None] = [None] * cells
    for (x, y), (next_x, next_y) in pairwise(points):
        begin, end = cell(x), cell(next_x)
        for between in range(begin + 1, end):
            heights[between] = y + (next_y - y) * (between - begin) / (end - begin)
    for x, y in points:
        at = cell(x)
        before = heights[at]
        heights[at] = y if before is None else max(y, before)
    return heights


def _line(page: Page, shares: Sequence[float | None], row: int) -> str:
    """One line of a curve; whatever was measured is seen, though it is nothing at all."""
    blocks = ASCII_BLOCKS if page.ascii else BLOCKS
    eighths = [0 if share is None else max(1, round(share * ROWS * 8)) for share in shares]
    return "".join(blocks[max(0, min(8, height - row * 8))] for height in eighths).rstrip()


def _told(points: Points, unit: str, over: str) -> str:
    """``first 0 · max 42 at 1.2 s · last 3 messages``."""
    where, most = max(points, key=lambda point: point[1])
    first, highest, last = (units.figure(value, unit) for value in (points[0][1], most, points[-1][1]))
    return f"first {first} · max {highest} at {units.figure(where, over)} · last {last}"
