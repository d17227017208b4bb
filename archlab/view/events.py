"""Draws what was done to the system during a load, and what failed and recovered, in order of time."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from archlab.run import Event, Run
from archlab.view import facts
from archlab.view.page import BAD, DIM, GOOD, HEAD, Page

STYLES = {"done": HEAD, "fails": BAD, "recovers": GOOD, "seen": ""}
"""Each kind of event and its colour. The words beside it carry the meaning."""
GAP = 2
"""Cells between a design and what happened to it."""


def draw(page: Page, run: Run) -> Iterable[Text]:
    """A section for every load with a timeline, a line for every design; nothing where there was none."""
    sections = dict.fromkeys((e.experiment, e.workload) for e in run.events)
    for number, (experiment, workload) in enumerate(sections):
        yield from [Text()] if number else []
        yield from page.heading("WHY IT HAPPENED", (f"{experiment}, {workload} · one round of each design", DIM))
        found = {
            d.name: [e for e in run.events if (e.experiment, e.workload, e.design) == (experiment, workload, d.name)]
            for d in facts.in_order(run)
        }
        shown = {design: events for design, events in found.items() if events}
        label = max(map(len, shown)) + GAP
        for design, events in shown.items():
            yield from page.wrap(_in_order(page, events), (f"{design:<{label}}", HEAD), label)


def _in_order(page: Page, events: Iterable[Event]) -> Text:
    """``0.40 s e-mail stops · 0.43 s first checkout fails``."""
    told = Text()
    for event in events:
        told.append_text(page.text((" · " if told.plain else "", DIM), (f"{event.t:.2f} s ", DIM)))
        told.append_text(page.text((event.says, STYLES[event.kind])))
    return told
