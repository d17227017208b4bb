"""Shows some cases behind a count that a requirement judges: not only how many totals are wrong, but which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from rich.text import Text

from archlab.run import Run
from archlab.scenario import Scenario
from archlab.view import facts, units
from archlab.view.page import DIM, HEAD, Page

SHOWN = 3
"""Cases on a screen; a document has all that are recorded."""


@dataclass(frozen=True)
class Counted:
    """A requirement that a design misses by a count, and some of what was counted."""

    design: str
    workload: str
    requirement: str
    """Its id."""
    says: str
    figure: str
    """``3 totals``."""
    place: str
    """Where, for a metric of several places."""
    cases: tuple[str, ...]


def counted(run: Run, scenario: Scenario | None = None) -> Iterator[Counted]:
    """One for each requirement that is not met and has cases, in the order of the run."""
    for r in run.requirements:
        m = facts.behind(run, r)
        if r.outcome != "met" and m is not None and m.cases:
            figure, place = units.figure(m.value, m.unit), facts.place(m.at, scenario)
            yield Counted(r.design, r.workload, r.id, facts.says(scenario, r.id), figure, place, m.cases)


def to_json(one: Counted) -> dict[str, object]:
    return {key: value for key, value in asdict(one).items() if key not in ("says", "figure")}


def draw(page: Page, run: Run, scenario: Scenario | None = None, shown: int = SHOWN) -> Iterator[Text]:
    """``queries at pressure · wrong totals 3`` and below it some of them."""
    found = list(counted(run, scenario))
    if found:
        yield from page.wrap(("SOME OF WHAT WAS COUNTED", HEAD))
    for one in found:
        where = f" ({one.place})" if one.place else ""
        yield from page.wrap(f"{one.design} at {one.workload} · {one.says}{where}: {one.figure}")
        for case in one.cases[:shown]:
            yield from page.wrap((f"• {case}", DIM), indent=2)
