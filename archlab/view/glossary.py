"""``archlab explain``: the words used here, one at a time. Every scenario may add words of its topic."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from rich.text import Text

from archlab.scenario import Word
from archlab.view.page import DIM, HEAD, Page, Picture
from archlab.view.vocabulary import WORDS

Glossary = Mapping[str, Sequence[Word]]
"""Words by the scenario that they belong to; archlab's own under the empty name."""

OWN: Glossary = {"": WORDS}


def find(asked: str, glossary: Glossary = OWN) -> list[tuple[str, Word]]:
    """(scenario, word) of every word that has this name, archlab's own first; capitals do not matter."""
    wanted = asked.strip().lower()
    return [(of, word) for of, words in glossary.items() for word in words if wanted in _names(word)]


def nearest(asked: str, glossary: Glossary = OWN) -> list[str]:
    """Up to three words that look like the one asked for."""
    named = {name: word.name for words in glossary.values() for word in words for name in _names(word)}
    close = difflib.get_close_matches(asked.strip().lower(), named, n=5, cutoff=0.6)
    return list(dict.fromkeys(named[name] for name in close))[:3]


def explain(asked: str, glossary: Glossary = OWN) -> Picture:
    """What a word means, in every topic that has it."""
    return Picture(lambda page: _explain(page, find(asked, glossary)))


def words(glossary: Glossary = OWN) -> Picture:
    """All words, to choose from."""
    return Picture(lambda page: _words(page, glossary))


def _names(word: Word) -> list[str]:
    return [name.lower() for name in (word.name, *word.also)]


def _explain(page: Page, found: Iterable[tuple[str, Word]]) -> Iterable[Text]:
    for of, word in found:
        yield page.text((word.name, HEAD), (f"  {of}" if of else "", DIM))
        yield from page.wrap(word.means, indent=2)
        if word.see:
            yield from page.wrap(page.text(("see also: ", DIM), (", ".join(word.see), DIM)), indent=2)


def _words(page: Page, glossary: Glossary) -> Iterable[Text]:
    yield from page.wrap("Each of these words is explained by a command such as: archlab explain p95")
    for of, some in glossary.items():
        label = page.text((f"  of {of}: ", DIM)) if of else ""
        if some:
            yield from page.wrap(" · ".join(sorted(word.name for word in some)), label, indent=2)
