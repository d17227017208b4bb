"""Prints the scenarios as plain lines. ``archlab list`` must be instant, so nothing here imports Rich."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archlab.neutral import printable
from archlab.view import units
from archlab.view.signs import plain, shorten


@dataclass(frozen=True)
class Topic:
    """One scenario, and what somebody has done with it so far."""

    name: str
    topic: str = ""
    question: str = ""
    seconds: float = 0.0
    """About how long a default run takes."""
    problem: str = ""
    """Why it cannot be loaded; empty where it can."""
    origin: str = "course"
    """``course``, or the distribution that it comes with."""
    last_run: int | None = None
    outcome: str = ""
    """The last run's verdicts: ``calm: crud · pressure: queries``."""
    right: int = 0
    answered: int = 0
    questions: int = 0
    """Questions answered rightly, answered at all, and there are."""


def listing(topics: Iterable[Topic], width: int = 100, ascii_only: bool = False) -> list[str]:
    """One line a scenario: its name, topic and question, or why it could not be loaded."""
    known = list(topics)
    rows = []
    for t in known:
        if t.problem:
            rows.append((t.name, "✗ not loaded", f"{t.problem} ({t.origin})" if t.origin != "course" else t.problem))
        else:
            rows.append((t.name, t.topic, t.question + (f"  ({t.origin})" if t.origin != "course" else "")))
    return _lines(rows, width, ascii_only) or ["No scenario is installed."]


def durations(topics: Iterable[Topic], width: int = 100, ascii_only: bool = False) -> list[str]:
    """What can be run, by number, and about how long each takes."""
    usable = [topic for topic in topics if not topic.problem]
    rows = [(f"{number}  {t.name}", f"{t.seconds:.0f} s", t.question) for number, t in enumerate(usable, 1)]
    return _lines(rows, width, ascii_only) or ["There is nothing to run."]


def _lines(rows: Sequence[tuple[str, str, str]], width: int, ascii_only: bool) -> list[str]:
    """Aligned columns; the last one is shortened to the line, except where it says why something failed."""
    rows = [(printable(name), printable(middle), printable(last)) for name, middle, last in rows]
    spelled = [tuple(plain(cell) if ascii_only else cell for cell in row) for row in rows]
    first = max((len(row[0]) for row in spelled), default=0)
    second = max((len(row[1]) for row in spelled), default=0)
    lines = []
    for (name, middle, last), row in zip(spelled, rows, strict=True):
        line = f"{name:<{first}}  {middle:<{second}}  "
        room = width - len(line)
        if row[1] == "✗ not loaded" or len(last) <= room:
            lines.append((line + last).rstrip())
        elif room >= 20:
            short = shorten(last, room if not ascii_only else room - 2)
            lines.append(line + (plain(short) if ascii_only else short))
        else:
            lines.append(line.rstrip() if len(line.rstrip()) <= width else f"{name}")
    return lines


def progress(topic: Topic) -> str:
    """``run 12 · 6 of 8 right``: what was done, or that nothing was."""
    done = []
    if topic.last_run is not None:
        done.append(f"run {topic.last_run}")
    if topic.answered:
        done.append(f"{topic.right} of {topic.answered} right")
    return " · ".join(done) or "not yet run"


def next_step(topics: Iterable[Topic]) -> tuple[str, str]:
    """The command to type next, and why: answer again what was wrong, then run what was not run, then answer what was
    not answered, then compare."""
    usable = [t for t in topics if not t.problem]
    for t in usable:
        if t.answered > t.right:
            return f"archlab quiz {t.name}", f"{units.count(t.answered - t.right, 'question')} to answer again"
    for t in usable:
        if t.last_run is None:
            return f"archlab run {t.name}", t.question
        if t.answered < t.questions:
            return f"archlab quiz {t.name}", f"{units.count(t.questions - t.answered, 'question')} not answered yet"
    if not usable:
        return "archlab list", "why nothing can be run"
    return "archlab compare", "when does complexity pay?"
