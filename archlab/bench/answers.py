"""Turns the answers of a design into plain fields, so that two designs can be compared value by value."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from archlab.scenario import Answered, Failed, ScenarioError

MOST = 20_000
"""Fields that are kept of one round; what lies beyond is compared by its hash alone."""
LONGEST = 2_000
"""Characters that are kept of a text; the rest is compared by its hash."""
DEEPEST = 20
LARGEST = 2**63
"""A number that is larger is kept as text."""

Value = int | float | str | None
"""Of a field: a finite number, True or False as they are; all else as Python spells it (``'Kettle'``, ``None``). None
stands for a field that is not there."""


@dataclass(frozen=True)
class Reply:
    """The answer to one request, its fields by name."""

    request: str
    after: str
    fields: tuple[tuple[str, Value], ...]


def replies(answers: Any) -> tuple[Reply, ...]:
    """One for each request, in the order in which they were made. Raises ScenarioError for a request that failed:
    designs that fail alike would seem to answer alike."""
    found, room = [], MOST
    for request, answer, after in _requests(answers):
        if isinstance(answer, Failed):
            raise ScenarioError(f"the design failed a request that every design must answer alike ({answer})")
        told = tuple(_fields(answer, "", 0))
        if len(told) > room:
            told = (*told[:room], (f"{len(told) - room:,} further values", _hashed(told[room:])))
        room = max(0, room - len(told))
        found.append(Reply(request, after, told))
    return tuple(found)


def digest(given: Iterable[Reply]) -> str:
    """The same for answers that are alike: the order of a mapping's keys makes no difference, that of requests does."""
    return _hashed([(reply.request, sorted(reply.fields, key=repr)) for reply in given])


def _requests(answers: Any) -> Iterator[tuple[str, Any, str]]:
    """(request, answer, after) of whatever a scenario's ``answers`` returns."""
    if isinstance(answers, Mapping):
        yield from ((str(key), answer, "") for key, answer in answers.items())
    elif isinstance(answers, (list, tuple, Iterator)) and not hasattr(answers, "_fields"):
        for number, answer in enumerate(answers, 1):
            named = isinstance(answer, Answered)
            yield (answer.request, answer.answer, answer.after) if named else (f"answer {number}", answer, "")
    elif isinstance(answers, Answered):
        yield answers.request, answers.answer, answers.after
    else:
        yield "the answer", answers, ""


def _fields(value: Any, path: str, depth: int) -> Iterator[tuple[str, Value]]:
    """``("revenue, DE", 1240)``: the name of a field is the way to it."""
    inside = None if depth == DEEPEST else _inside(value)
    if not inside:
        yield path, _plain(value)
        return
    for name, part in inside:
        yield from _fields(part, f"{path}, {name}" if path else name, depth + 1)


def _inside(value: Any) -> list[tuple[str, Any]] | None:
    """The named parts of a value; None for one that has none."""
    if isinstance(value, Mapping):
        return [(_named(key), part) for key, part in value.items()]
    if is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return list(zip(value._fields, value, strict=True))
    if isinstance(value, (list, tuple)):
        return [(str(number), part) for number, part in enumerate(value, 1)]
    return None


def _named(key: Any) -> str:
    return ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _plain(value: Any) -> Value:
    if isinstance(value, int) and abs(value) < LARGEST:
        return value if type(value) in (int, bool) else repr(value)
    if isinstance(value, int):
        return f"{value:#x}"  # Python spells no number of thousands of digits
    if type(value) is float and math.isfinite(value):
        return value
    listed = isinstance(value, (set, frozenset)) and value
    text = "{" + ", ".join(sorted(map(repr, value))) + "}" if listed else repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… {_hashed(text)}"


def _hashed(value: Any) -> str:
    return hashlib.sha256(repr(value).encode("utf-8", "backslashreplace")).hexdigest()
