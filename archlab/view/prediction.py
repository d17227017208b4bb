"""Draws the problem and the designs to choose from, before anything is measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.text import Text

from archlab.scenario import Design, Requirement, Scenario, Workload
from archlab.view import facts, units
from archlab.view.page import DIM, HEAD, Page, Part, Picture, table


def question(
    scenario: Scenario, workload: Workload, choices: Sequence[Design], turned: Mapping[str, float] | None = None
) -> Picture:
    """The problem, what is demanded of it, and the designs by number, simplest first. The answer is not given away.

    ``turned`` are the knobs that the person set: what is demanded may depend on them.
    """
    return Picture(lambda page: _question(page, scenario, workload, choices, turned or {}))


def _required(r: Requirement) -> str:
    """``page, 95 % within 100 ms``, as people say it; ``wrong totals ≤ 0`` for what is no time."""
    if r.at_most is not None and r.at_least is None and r.unit == "s":
        return f"{r.says} within {units.figure(r.at_most, r.unit)}"
    return f"{r.says} {units.bound(r.at_most, r.unit, r.at_least)}"


def _question(
    page: Page, scenario: Scenario, workload: Workload, choices: Sequence[Design], turned: Mapping[str, float]
) -> Iterable[Text]:
    paragraph = " ".join(scenario.problem.split("\n")) if page.width < 80 else scenario.problem
    for line in paragraph.strip().split("\n"):
        yield from page.wrap(line.strip())
    yield Text()
    knobs = scenario.settings(workload, turned)
    demanded = [r for r in scenario.requirements if r.demanded_in(workload.name, knobs)]
    if demanded:
        asked = "; ".join(map(_required, demanded))
        yield from page.wrap(asked + ".", ("Required", HEAD), 10)
    yield from page.wrap(scenario.caption(workload, turned), (workload.name.capitalize().replace("_", " "), HEAD), 10)
    yield Text()
    yield from page.wrap((f"Which is the simplest design that is enough for {facts.words(workload.name)}?", HEAD))
    rows: list[Sequence[Part]] = [
        ((f"{number}", HEAD), design.name, (design.title, DIM)) for number, design in enumerate(choices, start=1)
    ]
    yield from table(page, rows, align=">", indent=2)
    yield Text()
