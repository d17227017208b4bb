"""Draws the screen of ``archlab run``: first the traces, then the figures and the verdict."""

from __future__ import annotations

from collections.abc import Container, Iterable

from rich.text import Text

from archlab.run import Run
from archlab.scenario import Scenario
from archlab.view import (
    events,
    grid,
    ledger,
    series,
    summary,
    units,
    verdict,
    waterfall,
)
from archlab.view.next_steps import more, next_steps
from archlab.view.page import BAD, DIM, HEAD, Page, Picture, pad


def header(name: str, question: str, right: str = "") -> Picture:
    """``cqrs · Do reads and writes need different models?``, and at the right edge what is known about the run."""
    return Picture(lambda page: _header(page, name, question, page.text((right, DIM))))


def traces(run: Run, scenario: Scenario | None = None) -> Picture:
    """Requests of each design, side by side: what can be shown before anything is measured."""
    return Picture(lambda page: _traces(page, run, scenario))


def _traces(page: Page, run: Run, scenario: Scenario | None) -> list[Text]:
    drawn = list(waterfall.draw(page, run, scenario))
    apart = "Traces come from separate requests; the figures below are untraced."
    return [*drawn, *page.wrap((apart, DIM))] if drawn else []


def figures(
    run: Run,
    scenario: Scenario | None = None,
    predicted: str | None = None,
    confidence: int = 0,
    done: Container[str] = (),
) -> Picture:
    """What was seen, then the table, the verdict, the prediction, trust, claims and what next; for an invalid run only
    why it is one. ``done`` are commands that need not be offered again.

    It follows the traces of a run that has just ended, so it opens with what the header could not know yet.
    """

    def draw(page: Page) -> Iterable[Text]:
        known = facts_line(page, run)
        yield from [pad(known, page.width, "right")] if page.width >= 80 else page.wrap(known)
        yield Text()
        yield from _figures(page, run, scenario, predicted, confidence, done)

    return Picture(draw)


def whole(run: Run, scenario: Scenario | None = None, predicted: str | None = None, confidence: int = 0) -> Picture:
    """A recorded run on one screen."""

    def draw(page: Page) -> Iterable[Text]:
        yield from header_of(page, run)
        yield Text()
        drawn = _traces(page, run, scenario)
        yield from drawn
        yield from [Text()] if drawn else []
        yield from _figures(page, run, scenario, predicted, confidence)

    return Picture(draw)


def facts_line(page: Page, run: Run) -> Text:
    """``run 12 · VALID · 9.6 s · 2 cores · seed 1``."""
    known = [f"run {run.run_id}"] if run.run_id is not None else ["not recorded"]
    known.append("VALID" if run.valid else "INVALID")
    known.append(units.duration(run.seconds))
    cores = run.environment.get("cpu_count")
    if isinstance(cores, int):
        known.append(units.count(cores, "core"))
    known.append(f"seed {run.seed}")
    known += [f"{knob}={value:g}" for knob, value in run.turned.items()]
    line = Text()
    for i, fact in enumerate(known):
        style = f"{HEAD} {BAD}" if fact == "INVALID" else DIM
        line.append_text(page.text((" · " if i else "", DIM), (fact, style)))
    return line


def header_of(page: Page, run: Run) -> list[Text]:
    """The header of a recorded run, with all that is known about it."""
    return _header(page, run.scenario, run.question, facts_line(page, run))


def _header(page: Page, name: str, question: str, right: Text) -> list[Text]:
    left = page.text((name, HEAD), f" · {question}")
    if right.plain and left.cell_len + right.cell_len + 2 <= page.width:
        left.append(" " * (page.width - left.cell_len - right.cell_len)).append_text(right)
        return [left]
    return [*page.wrap(left), *(page.wrap(right) if right.plain else [])]


def _figures(
    page: Page,
    run: Run,
    scenario: Scenario | None,
    predicted: str | None,
    confidence: int,
    done: Container[str] = (),
) -> Iterable[Text]:
    if not run.valid:
        yield from verdict.trust(page, run, scenario)
        yield Text()
        yield from next_steps(page, run, scenario)
        yield Text()
        yield from verdict.invalid(page, run, scenario)
        return
    for picture in (grid, ledger, series):
        drawn = list(picture.draw(page, run, scenario))
        yield from [*drawn, Text()] if drawn else []
    happened = list(events.draw(page, run))
    yield from [*happened, Text()] if happened else []
    yield from summary.draw(page, run, scenario)
    yield from verdict.verdict(page, run, scenario)
    yield from verdict.borders(page, run, scenario)
    if predicted is not None:
        yield from verdict.you_said(page, run, predicted, confidence, scenario)
    yield from verdict.say_it(page, scenario)
    yield from verdict.trust(page, run, scenario, brief=True)
    yield from verdict.claims(page, run, scenario, brief=True)
    yield from more(page, run)
    yield from next_steps(page, run, scenario, done)
