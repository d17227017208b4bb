"""``archlab`` without a command: the course, what was done, what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from archlab.view import units
from archlab.view.course import Topic, next_step, progress
from archlab.view.page import BAD, DIM, GOOD, HEAD, Page, Part, Picture, commands, table

ABOUT = "archlab · when does complexity pay, and when is it self-inflicted?"


def home(topics: Sequence[Topic]) -> Picture:
    return Picture(lambda page: _home(page, topics))


def _home(page: Page, topics: Sequence[Topic]) -> Iterable[Text]:
    course = [t for t in topics if not t.problem]
    done = sum(t.last_run is not None for t in course)
    yield from page.heading(ABOUT, (f"{done} of {units.count(len(course), 'topic')} run", DIM))
    yield Text()
    if page.width < 80:
        for t in course:
            yield from page.wrap(page.text((t.topic or t.name, HEAD), (f"  {t.name}", DIM)), _mark(t), 2)
            yield from page.wrap(t.question, indent=2)
            yield from page.wrap((progress(t), DIM), indent=2)
            if t.outcome:
                yield from page.wrap((t.outcome, DIM), indent=2)
    else:
        rows: list[Sequence[Part]] = []
        for t in course:
            told = page.text(t.question, (f"\n{t.outcome}", DIM)) if t.outcome else t.question
            rows.append((page.text(_mark(t), (t.topic or t.name, HEAD)), (progress(t), DIM), told))
        yield from table(page, rows, gap=3)
    for t in topics:
        if t.problem:
            yield from page.wrap(page.text(("✗ ", BAD), f"{t.name}: {t.problem}"), indent=2)
    yield Text()
    yield from commands(page, "NEXT", _next(topics))


def _mark(topic: Topic) -> tuple[str, str]:
    return ("✓ ", GOOD) if topic.last_run is not None else ("  ", "")


def _next(topics: Sequence[Topic]) -> list[tuple[str, str]]:
    first = next_step(topics)
    others = [
        ("archlab list", "the scenarios, one line each"),
        ("archlab explain verdict", "what a term means"),
        ("archlab --help", "all commands"),
    ]
    return [first, *(other for other in others if other[0] != first[0])]
