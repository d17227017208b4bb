"""Draws answers that differ: the request, the field, both values, since when, how many, a likely cause."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from archlab.run import Difference, Run
from archlab.view import units
from archlab.view.page import DIM, Page

ROOM = 40
"""Characters of a value; of a longer one those around the first that differs."""


def draw(page: Page, run: Run, indent: int = 0, cases: int = 1) -> Iterator[Text]:
    """Every difference of a run, each with its sentence and up to so many ``cases``."""
    for one in run.differences:
        yield from page.wrap(f"{one.sentence}.", indent=indent)
        yield from details(page, run, one, indent, cases)


def details(page: Page, run: Run, one: Difference, indent: int = 0, cases: int = 1) -> Iterator[Text]:
    """``page of seller 17, revenue:   crud 1,240   yours 1,180`` and what else is known."""
    mine = "yours" if _edited(run, one.design) else one.design
    if not one.cases:
        yield from page.wrap("They answer the same requests in another order.", " " * indent, indent)
        return
    for case in one.cases[:cases]:
        right, wrong = values(case["right"], case["wrong"])
        where = ", ".join(part for part in (case["request"], case["field"]) if part)
        lines = page.wrap(f"{where}:", " " * indent, indent)
        both = page.text((f"{one.against} ", DIM), right, (f"   {mine} ", DIM), wrong)
        if lines[-1].cell_len + 3 + both.cell_len <= page.width:
            lines[-1].append("   ").append_text(both)
        else:
            lines += page.wrap(both, " " * (indent + 2), indent + 2)
        yield from lines
    yield from page.wrap(since(one), " " * indent, indent)
    if guess := guessed(one, mine):
        yield from page.wrap(guess, " " * indent, indent)


def brief(one: Difference) -> str:
    """All of it in a line: ``page of seller 17, revenue: crud 1,240, crud-mine 1,180; 3 of 60 answers differ``."""
    if not one.cases:
        return "they answer in another order"
    case = one.cases[0]
    right, wrong = values(case["right"], case["wrong"])
    where = ", ".join(part for part in (case["request"], case["field"]) if part)
    perhaps = f"; perhaps {one.kind}" if one.kind else ""
    return f"{where}: {one.against} {right}, {one.design} {wrong}; {since(one)}{perhaps}"


def since(one: Difference) -> str:
    """``first seen after order 4711 was placed; 3 of 60 answers differ``."""
    after = one.cases[0]["after"] if one.cases else ""
    counted = f"{one.differ:,} of {units.count(one.of, 'answer')} {'differs' if one.differ == 1 else 'differ'}"
    return f"first seen after {after}; {counted}" if after else counted


def guessed(one: Difference, mine: str) -> str:
    """What may be wrong, where every difference fits it; empty where nothing does."""
    after = one.cases[0]["after"] if one.cases else ""
    subject = "Your answer" if mine == "yours" else f"The answer of {mine}"
    if one.kind == "stale":
        missed = f": it does not show yet that {after}" if after else f": it is what {one.against} answered before"
        return f"{subject} may be stale{missed}."
    if one.kind == "rounded":
        return f"{subject} may be rounded: each figure is that of {one.against} with fewer digits."
    if one.kind == "missing":
        return f"{subject} may lack something: {one.against} has a value where there is none."
    return ""


def values(right: Any, wrong: Any) -> tuple[str, str]:
    """Both as they are shown: numbers with thousands apart, long texts from shortly before they differ."""
    one, other = _told(right), _told(wrong)
    if max(len(one), len(other)) <= ROOM:
        return one, other
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(0, same - ROOM // 4)
    return _part(one, start), _part(other, start)


def _told(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def _part(text: str, start: int) -> str:
    end = start + ROOM
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")


def _edited(run: Run, design: str) -> bool:
    return any(d.name == design and d.edits for d in run.designs)
