"""Lists the scenarios for `archlab list`. Reads those of the course without importing them: ten times faster."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.catalog import names

if TYPE_CHECKING:
    from archlab.catalog.named import Entry


@dataclass(frozen=True)
class Listed:
    """One line of the list."""

    name: str
    topic: str = ""
    question: str = ""
    seconds: float | None = None
    """About how long a default run takes."""
    origin: str = "course"
    """``course``, or the distribution that it comes with."""
    problem: str = ""
    """Why it cannot be loaded; empty where it can."""


def listed() -> list[Listed]:
    """The course, then third-party scenarios by name."""
    course = [_read(name) for name in names.course()]
    if not names.entry_points():
        return course
    from archlab.catalog import named

    return course + [_loaded(entry) for entry in named.third_party()]


def _read(name: str) -> Listed:
    """From the text of its ``__init__.py``; loaded where that does not say it all in plain words."""
    try:
        said = _declared(names.course_folder(name) / "__init__.py")
        return Listed(name, str(said["topic"]), str(said["question"]), _number(said["seconds"]))
    except (OSError, SyntaxError, KeyError, ValueError):
        from archlab.catalog import named

        return _loaded(next(entry for entry in named.courses() if entry.name == name))


def _declared(init: Path) -> dict[str, object]:
    """The plain values among the arguments of ``SCENARIO = Scenario(…)``. Raises KeyError without such a line."""
    for line in ast.parse(init.read_bytes()).body:
        match line:
            case ast.Assign(targets=[ast.Name(id="SCENARIO")], value=ast.Call(keywords=keywords)):
                return {k.arg: k.value.value for k in keywords if k.arg and isinstance(k.value, ast.Constant)}
    raise KeyError("SCENARIO")


def _number(value: object) -> float:
    if not isinstance(value, (int, float)):
        raise ValueError(f"{value!r} is not a number")
    return value


def _loaded(entry: Entry) -> Listed:
    scenario = entry.scenario
    if scenario is None:
        return Listed(entry.name, origin=entry.origin, problem=entry.problem)
    return Listed(entry.name, scenario.topic, scenario.question, scenario.seconds, entry.origin)
