"""Questions with lettered options, the feedback on an answer, and how it went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from archlab.view import units
from archlab.view.page import BAD, DIM, GOOD, HEAD, UNSURE, Page, Picture

LETTERS = "abcdefgh"


def question(stem: str, options: Sequence[str], number: int, total: int, topic: str = "") -> Picture:
    """The stem, then the options by letter, in the order given (the caller shuffles)."""

    def draw(page: Page) -> Iterable[Text]:
        yield from page.heading(f"Question {number} of {total}", (topic, DIM))
        for paragraph in stem.strip().split("\n"):
            yield from page.wrap(paragraph.strip())
        yield Text()
        for letter, option in zip(LETTERS, options, strict=False):
            yield from page.wrap(option, (f"  {letter}", HEAD), 5)
        yield Text()

    return Picture(draw)


def feedback(
    options: Sequence[str],
    chosen: int,
    right: int,
    rebuttals: Sequence[str],
    explanation: str,
    misconceptions: Sequence[str] = (),
    confidence: int | None = None,
) -> Picture:
    """Right or not; for a wrong answer the misconception and its rebuttal, then the explanation, then the others.

    ``rebuttals`` and ``misconceptions`` have one entry an option (empty for the right one); ``chosen`` and ``right``
    count from 0.
    """

    def draw(page: Page) -> Iterable[Text]:
        if chosen == right:
            yield from page.wrap(page.text((f"✓ {LETTERS[right]} is right.", GOOD), f" {explanation}"), indent=2)
        else:
            sure = confidence is not None and confidence >= 75
            told = f"✗ {LETTERS[chosen]} is wrong" + (", and you were sure: it will come back soon." if sure else ".")
            name = misconceptions[chosen] if chosen < len(misconceptions) else ""
            yield from page.wrap(page.text((told, BAD), f" {rebuttals[chosen]}"), indent=2)
            if name:
                yield from page.wrap(page.text(("the misconception: ", DIM), name), indent=2)
            yield from page.wrap(page.text((f"✓ {LETTERS[right]}", GOOD), f" {options[right]}"), indent=2)
            yield from page.wrap(explanation, indent=2)
        others = [i for i in range(len(options)) if i not in (chosen, right) and i < len(rebuttals) and rebuttals[i]]
        for i in others:
            yield from page.wrap((rebuttals[i], DIM), (f"  {LETTERS[i]}", DIM), 5)
        yield Text()

    return Picture(draw)


def summary(right: int, total: int, sure_and_wrong: int = 0, brier: float | None = None, again: str = "") -> Picture:
    """``6 of 8 right``, the confident errors, the calibration, and when the next questions are due."""

    def draw(page: Page) -> Iterable[Text]:
        style = GOOD if total and right == total else ""
        told = [f"{right} of {total} right"]
        if sure_and_wrong:
            told.append(f"{units.count(sure_and_wrong, 'confident error')} will come back first")
        if brier is not None:
            told.append(f"Brier score {brier:.2f} (0 is perfect, 0.25 a coin's toss)")
        yield from page.wrap(page.text((told[0], f"{HEAD} {style}".strip()), "".join(f" · {t}" for t in told[1:])))
        if again:
            yield from page.wrap((again, DIM))

    return Picture(draw)


def not_a_confidence(letter: str, typed: str, allowed: range) -> Picture:
    span = f"from {allowed.start} to {allowed.stop - 1} percent"
    told = f"How sure you are goes {span}, not {typed!r}. Type {letter} alone, or {letter} 80."
    return Picture(lambda page: page.wrap((told, UNSURE)))


def not_an_option(page_says: str, options: int) -> Picture:
    return Picture(
        lambda page: page.wrap((f"{page_says!r} is no option. Type a letter from a to {LETTERS[options - 1]}.", UNSURE))
    )
