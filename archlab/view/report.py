"""The report of a run: all that was recorded of it, in sections with a sentence each that says what it shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text

from archlab.run import Comparison, Run
from archlab.scenario import Scenario
from archlab.view import bill, claims, columns, events, facts, grid, ledger, requirements, run_screen, series, verdict
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
            yield from _section(page, "THE VERDICT", "What is enough.", _verdict(page, run, scenario))
        else:
            yield from _section(page, "INVALID", "Why nothing is judged.", verdict.invalid(page, run, scenario))
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
            "What each workload asks for, each design's figure, and how far inside it is.",
            table,
        )
    cost = columns.draw(page, "", "simplest first →", designs, [bill.section(run, scenario)])
    yield "COST", "What each design is made of, and what one change costs in it.", cost
    for title, says, view in (
        ("GRID", "The same request at several places: what works where.", grid),
        ("LEDGER", "What became of every operation while faults struck.", ledger),
        ("SERIES", "One figure over time.", series),
    ):
        yield title, says, view.draw(page, run, scenario)
    yield (
        "COMPARISONS",
        "One figure of two designs by rounds, with its interval.",
        _comparisons(page, run, scenario),
    )
    yield "CLAIMS", "Every sentence that is taught, and what this run says about it.", _claims(page, run, scenario)
    yield "HOW FAR TO TRUST THIS", "Noise, rounds, faults that struck.", verdict.trust(page, run, scenario)
    yield "WHAT WAS DONE", "Events of the run, in the order of time.", events.draw(page, run)


def _claims(page: Page, run: Run, scenario: Scenario | None) -> list[Text]:
    return claims.picture([claims.of_run(run, scenario)]).lines(page)


def _comparisons(page: Page, run: Run, scenario: Scenario | None) -> Iterator[Text]:
    for c in run.comparisons:
        yield from page.wrap(_compared(c, facts.place(c.at, scenario)))


def _compared(c: Comparison, place: str) -> str:
    where = f"{c.workload}, {place}" if place else c.workload
    return f"{c.metric} in {where}: {c.a} ÷ {c.b} {c.ratio:.3g} ({c.low:.3g} to {c.high:.3g}) · {c.outcome}"
