"""Draws questions with numbered options, the feedback on an answer, and the score."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import dedent

from rich.text import Text

from archlab.learn.quiz import Option, Question
from archlab.view import units
from archlab.view.folding import fold
from archlab.view.page import BAD, DIM, GOOD, HEAD, UNSURE, Page, Picture

INDENT = 6


def question(asked: Question, options: Sequence[Option], number: int, total: int, topic: str = "") -> Picture:
    """The stem, what there is to look at, then the options by number, in the order given (the caller shuffles)."""

    def draw(page: Page) -> Iterable[Text]:
        yield from page.heading(f"Question {number} of {total}", (topic, DIM))
        for paragraph in asked.stem.strip().split("\n"):
            yield from page.wrap(paragraph.strip())
        if asked.picture:
            yield Text()
            yield from _picture(page, asked)
        yield Text()
        for at, option in enumerate(options, 1):
            yield from page.wrap(option.text, (f"  {at}", HEAD), 5)
        yield Text()

    return Picture(draw)


def _picture(page: Page, asked: Question) -> Iterable[Text]:
    """Code or output as it is, indented; then where it is from."""
    indent = " " * min(4, page.width // 8)
    for line in dedent(asked.picture.strip("\n")).split("\n"):
        for part in fold(page.text(line), page.width - len(indent)):
            yield Text(indent).append_text(part)
    if asked.source:
        yield from page.wrap((f"from {asked.source}", DIM), indent, len(indent))


def feedback(asked: Question, options: Sequence[Option], chosen: int, confidence: int | None = None) -> Picture:
    """What was chosen with its rebuttal, then the right one with the explanation, then the others with theirs."""

    def draw(page: Page) -> Iterable[Text]:
        right = options.index(asked.right)
        if chosen != right:
            yield from _option(page, "✗", chosen, options[chosen], options[chosen].rebuttal, BAD)
            yield from page.wrap((f"The misconception: {options[chosen].misconception}.", DIM), " " * INDENT, INDENT)
        yield from _option(page, "✓", right, options[right], asked.explain, GOOD)
        for at, option in enumerate(options):
            if at not in (chosen, right):
                yield from _option(page, " ", at, option, option.rebuttal, DIM)
        if chosen != right:
            sure = f"You were {confidence} % sure. " if confidence is not None else ""
            yield from page.wrap(f"{sure}You will be asked this again before anything that you answered right.")
        if asked.see:
            yield from page.with_command("See it happen:", asked.see)
        yield Text()

    return Picture(draw)


def _option(page: Page, mark: str, at: int, option: Option, beside: str, style: str) -> Iterable[Text]:
    """``✗  2  "Its text"`` and what there is to say about it, below."""
    yield from page.wrap((f'"{option.text}"', style), page.text((f"{mark}  {at + 1}", style)), INDENT)
    yield from page.wrap((beside, DIM if style == DIM else ""), " " * INDENT, INDENT)


def hint(clue: str) -> Picture:
    return Picture(lambda page: page.wrap((clue, UNSURE), ("Hint: ", UNSURE), INDENT))


def summary(
    right: int, total: int, sure_and_wrong: int = 0, brier: float | None = None, confident: int = 0, again: str = ""
) -> Picture:
    """``6 of 8 right``; the confident errors; the Brier score and over how many answers; how to repeat what was wrong.

    ``confident`` is the number of answers that were given with a confidence, ``again`` a command or nothing.
    """

    def draw(page: Page) -> Iterable[Text]:
        if not total:
            yield from page.wrap("No question was answered.")
            return
        style = f"{HEAD} {GOOD}" if right == total else HEAD
        told = f" {units.count(sure_and_wrong, 'wrong answer')} that you were sure of." if sure_and_wrong else ""
        yield from page.wrap(page.text((f"{right} of {total} right.", style), told))
        if brier is not None:
            over = units.count(confident, "answer with a confidence", "answers with a confidence")
            scored = f"Brier score {brier:.2f} over {over} (0 is perfect, 0.25 is a guess at 50 %)."
            yield from page.with_command(scored, "archlab explain brier")
        if again:
            yield from page.with_command("What was wrong is asked first next time:", again)

    return Picture(draw)


def not_a_confidence(option: str, typed: str, allowed: range) -> Picture:
    span = f"from {allowed.start} to {allowed.stop - 1} percent"
    told = f"A confidence goes {span}; {typed!r} does not. Type {option} alone, or {option} 80."
    return Picture(lambda page: page.wrap((told, UNSURE)))


def not_an_option(typed: str, options: int) -> Picture:
    told = f"{typed!r} is not an option. Type a number from 1 to {options}."
    return Picture(lambda page: page.wrap((told, UNSURE)))
