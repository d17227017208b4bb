"""Draws one recorded trace in full: every span below its caller, with start, duration and process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.text import Text

from archlab.run import Run, Span, Trace
from archlab.view import facts, units
from archlab.view.page import DIM, HEAD, UNSURE, Page, Picture, bar, pad

FOLDED = 4
"""So many calls of the same name in a row are shown as one line with their number."""

_QUERY = "db.query.text"


@dataclass(frozen=True)
class Node:
    """One line of the tree: a span, or several alike in a row. Times in seconds since the work began."""

    depth: int
    name: str
    start: float
    end: float
    busy: float
    times: int
    process: str
    says: str = ""


def traces(run: Run, traces_shown: Sequence[Trace]) -> Picture:
    """The traces of a run, one below the other."""
    return Picture(lambda page: _traces(page, run, traces_shown))


def _traces(page: Page, run: Run, traces_shown: Sequence[Trace]) -> Iterable[Text]:
    number = f"run {run.run_id}" if run.run_id is not None else "not recorded"
    yield from page.heading(f"{run.scenario} · {run.question}", (f"{number} · seed {run.seed}", DIM))
    for trace in traces_shown:
        yield Text()
        yield from _trace(page, trace)
    if not traces_shown:
        yield from page.wrap("This run has no such trace.")
        return
    yield Text()
    yield from page.wrap((_observed(run), DIM))


def _observed(run: Run) -> str:
    cost = (
        "" if run.tracing_cost is None else f" Tracing adds {units.percent(max(0.0, run.tracing_cost))} to a request."
    )
    return f"Traces come from separate requests; the figures of the run are untraced.{cost}"


def _trace(page: Page, trace: Trace) -> Iterable[Text]:
    title = f"{facts.words(trace.operation)}  {trace.design}, {trace.workload}"
    root = trace.root
    aside = f"the {trace.picked} request: {units.duration(trace.wait)} wait + {units.duration(root.end - root.start)}"
    yield from page.heading(title, (aside, DIM))
    nodes = tree(trace)
    until = max(max(node.end for node in nodes), 1e-9)
    here = trace.root.process
    names = [f"{'  ' * node.depth}{node.name}" + (f" × {node.times:,}" if node.times > 1 else "") for node in nodes]
    widest = min(max(map(len, names)), max(12, page.width // 3))
    cells = page.width - widest - 24
    far = any(node.process != here for node in nodes)
    processes = max(len(node.process) for node in nodes) + 2 if far else 0
    cells = cells - processes if cells - processes >= 10 else 0
    for node, name in zip(nodes, names, strict=True):
        line = pad(page.text((name, HEAD if node.depth == 0 else "")), widest)
        line.append_text(pad(page.text((f"+{units.duration(node.start)}", DIM)), 11, "right"))
        line.append_text(pad(page.text(units.duration(node.busy)), 10, "right"))
        if cells:
            length = (node.end - node.start) / until
            drawn = bar(page, node.start / until, length, cells, "█" if node.depth else "─")
            line.append("  ").append(drawn, UNSURE if node.process != here else "" if node.depth else DIM)
        if far and page.width >= 50:
            line.append_text(page.text((f" {node.process}", DIM)))
        yield line
        if len(node.says.split()) > 2 and page.width >= 60:
            yield from page.wrap((node.says, DIM), indent=2 * node.depth + 2)


def tree(trace: Trace) -> list[Node]:
    """Depth first, in order of start; what was called many times in a row is one line."""
    children: dict[str | None, list[Span]] = {}
    known = {s.span_id for s in trace.spans}
    for s in trace.spans:
        parent = s.parent_id if s.parent_id in known or s is trace.root else trace.root.span_id
        children.setdefault(parent, []).append(s)
    nodes: list[Node] = []
    began = trace.root.start

    def visit(spans: Sequence[Span], depth: int) -> None:
        spans = sorted(spans, key=lambda s: s.start)
        at = 0
        while at < len(spans):
            alike = 1
            while at + alike < len(spans) and _alike(spans[at], spans[at + alike]):
                alike += 1
            group = spans[at : at + alike] if alike >= FOLDED else spans[at : at + 1]
            nodes.append(_node(group, depth, began))
            visit([child for s in group for child in children.get(s.span_id, ())], depth + 1)
            at += len(group)

    visit([trace.root], 0)
    return nodes


def _alike(a: Span, b: Span) -> bool:
    return (a.name, a.process, a.attributes.get(_QUERY)) == (b.name, b.process, b.attributes.get(_QUERY))


def _node(group: Sequence[Span], depth: int, began: float) -> Node:
    first = group[0]
    busy = sum(s.end - s.start for s in group)
    says = " ".join(str(first.attributes.get(_QUERY, "")).split())
    until = max(s.end for s in group) - began
    return Node(depth, first.name, max(0.0, first.start - began), until, busy, len(group), first.process, says)
