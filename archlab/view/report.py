"""Shows the report of a run: all that was recorded, in sections that each say what they show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text

from archlab.run import Comparison, Run
from archlab.scenario import Scenario
from archlab.view import (
    bill,
    claims,
    columns,
    events,
    facts,
    figures,
    grid,
    ledger,
    requirements,
    run_screen,
    series,
    verdict,
)
from archlab.view.page import DIM, HEAD, UNSURE, Page, Picture


def picture(run: Run, scenario: Scenario | None = None, changed: bool = False) -> Picture:
    """``scenario`` is None where it is not at hand any more: what was recorded is shown all the same. ``changed``:
    its code is not what it was when the run was made."""

    def draw(page: Page) -> Iterator[Text]:
        yield from run_screen.header_of(page, run)
        if changed:
            said = f"The scenario {run.scenario} has changed since run {run.run_id}{claims.made_by(run)}."
            again = f"Figures and outcomes are those of then. For today's: archlab run {run.scenario}"
            yield from page.wrap((f"{said} {again}", UNSURE))
        if run.valid:
            yield from _section(
                page,
                "THE VERDICT",
                "The simplest design that meets every requirement of each workload.",
                _verdict(page, run, scenario),
            )
        else:
            yield from _section(page, "INVALID", "Why this run gives no verdict.", verdict.invalid(page, run, scenario))
        for title, says, lines in _evidence(page, run, scenario):
            drawn = list(lines)
            yield from _section(page, title, says, drawn) if drawn else []

    return Picture(draw)


def _section(page: Page, title: str, says: str, lines: Iterable[Text]) -> Iterator[Text]:
    yield Text()
    yield from page.wrap((title, HEAD))
    yield from page.wrap((says, DIM))
    yield from lines


def _verdict(page: Page, run: Run, scenario: Scenario | None) -> Iterator[Text]:
    yield from verdict.verdict(page, run, scenario)
    yield from verdict.borders(page, run, scenario)
    yield from verdict.say_it(page, scenario)


def _evidence(page: Page, run: Run, scenario: Scenario | None) -> Iterator[tuple[str, str, Iterable[Text]]]:
    designs = [d.name for d in facts.in_order(run)]
    if run.valid:
        table = columns.draw(page, "", "simplest first →", designs, requirements.sections(run, scenario))
        yield (
            "REQUIREMENTS",
            "The bounds of each workload, the figure of each design, and its margin.",
            table,
        )
    cost = columns.draw(page, "", "simplest first →", designs, [bill.section(run, scenario)])
    yield "COST", "What each design consists of, and what the same change costs in each.", cost
    for title, says, view in (
        ("GRID", "What works in which situation.", grid),
        ("LEDGER", "What happened to each operation when a fault was injected.", ledger),
        ("SERIES", "One figure over time, or over the values of a knob.", series),
    ):
        yield title, says, view.draw(page, run, scenario)
    measured = columns.draw(page, "", "", designs, figures.sections(run, scenario))
    yield (
        "FIGURES",
        "All that was measured, with its interval; what has a grid, a ledger or a series is above.",
        measured,
    )
    yield (
        "COMPARISONS",
        "The ratio of the figures of two designs, with its 95 % interval.",
        _comparisons(page, run, scenario),
    )
    yield "CLAIMS", "What the lesson claims, and what this run shows about each claim.", _claims(page, run, scenario)
    yield (
        "HOW FAR TO TRUST THIS",
        "Noise, rounds, injected faults, and what is assumed.",
        verdict.trust(page, run, scenario),
    )
    yield "WHAT WAS DONE", "What happened during the run, in the order of time.", events.draw(page, run)


def _claims(page: Page, run: Run, scenario: Scenario | None) -> list[Text]:
    return claims.picture([claims.of_run(run, scenario)]).lines(page)


def _comparisons(page: Page, run: Run, scenario: Scenario | None) -> Iterator[Text]:
    for c in run.comparisons:
        yield from page.wrap(_compared(c, facts.place(c.at, scenario), scenario))


def _compared(c: Comparison, place: str, scenario: Scenario | None) -> str:
    where = f"{c.workload}, {place}" if place else c.workload
    says = scenario.metric(c.metric).says if scenario else facts.words(c.metric)
    return f"{says} in {where}: {c.a} ÷ {c.b} {c.ratio:.3g} ({c.low:.3g} to {c.high:.3g}) · {c.outcome}"
