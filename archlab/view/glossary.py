"""``archlab explain``: the words used here, one at a time."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from rich.text import Text

from archlab.view.page import DIM, HEAD, Page, Picture
from archlab.view.vocabulary import WORDS, Word


def find(asked: str) -> Word | None:
    """The word, under any of its names; capitals do not matter."""
    wanted = asked.strip().lower()
    return next((w for w in WORDS if wanted in (w.name, *w.also)), None)


def nearest(asked: str) -> list[str]:
    """Up to three words that look like the one asked for."""
    named = {name: w.name for w in WORDS for name in (w.name, *w.also)}
    close = difflib.get_close_matches(asked.strip().lower(), named, n=5, cutoff=0.6)
    return list(dict.fromkeys(named[name] for name in close))[:3]


def explain(asked: str) -> Picture:
    """What a word means, or the words that look like it."""
    return Picture(lambda page: _explain(page, asked))


def words() -> Picture:
    """All words, to choose from."""
    return Picture(lambda page: _words(page))


def _explain(page: Page, asked: str) -> Iterable[Text]:
    word = find(asked)
    if word is None:
        near = nearest(asked)
        hint = f"Did you mean {' or '.join(near)}?" if near else "Type archlab explain for all of them."
        yield from page.wrap(f"There is no entry for {asked!r}. {hint}")
        return
    yield page.text((word.name, HEAD))
    yield from page.wrap(word.means, indent=2)
    if word.see:
        yield from page.wrap(page.text(("see also: ", DIM), (", ".join(word.see), DIM)), indent=2)


def _words(page: Page) -> Iterable[Text]:
    yield from page.wrap("Each of these words is explained by a command such as: archlab explain p95")
    yield from page.wrap(" · ".join(sorted(w.name for w in WORDS)), indent=2)
