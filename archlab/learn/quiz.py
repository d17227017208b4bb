"""Reads and checks the questions of a scenario: each wrong option names a misconception and its rebuttal.

``quiz.toml`` in the scenario's folder::

    [[question]]
    id = "two-databases"
    stem = "What must a system have to be called CQRS?"
    explain = "Separate models for commands and queries; a second store is an option, not the pattern."

    [[question.option]]
    text = "Separate models for writing and reading"
    right = true

    [[question.option]]
    text = "A database for writes and one for reads"
    misconception = "CQRS means two databases"
    rebuttal = "Both models may live in one database; the second store is bought when a bound is missed."

A question may also have a ``hint``, a ``picture`` (some lines of code, of a trace or of a grid, shown as they are) with
its ``source`` (a file of the scenario, or the command that printed it), and a command with which to ``see`` the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archlab.scenario import Scenario, ScenarioError

SURE = 75
"""From this confidence on, in percent, a wrong answer is a confident error, and comes back before other errors."""

TIMES = {"ns": 1e-9, "µs": 1e-6, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
NUMBER = re.compile(r"(?:about |around |≈ ?|~ ?)?([-−]?\d[\d,_ ]*(?:\.\d+)?)\s*(.*)", re.DOTALL)

RIDDLE = re.compile(r"\b(all|none|both) of (the above|these|them)\b", re.IGNORECASE)
NEGATIVE = re.compile(r"\b[Ww](hich|hat)\b[^.?]*\b(not|except)\b|\b(NOT|EXCEPT)\b")


@dataclass(frozen=True)
class Option:
    text: str
    right: bool = False
    misconception: str = ""
    """What somebody believes who chooses it; empty for the right one."""
    rebuttal: str = ""


@dataclass(frozen=True)
class Question:
    id: str
    stem: str
    """Answerable before the options are seen."""
    explain: str
    options: tuple[Option, ...]
    hint: str = ""
    picture: str = ""
    """Lines that the stem is about, shown as they are."""
    source: str = ""
    """Where the picture is from: a file of the scenario, or a command."""
    see: str = ""
    """A command that shows the answer in a run."""

    @property
    def clue(self) -> str:
        """What to tell somebody who asks for a hint: the author's, else the first of the misconceptions."""
        wrong = next(option for option in self.options if not option.right)
        return self.hint or f"One of the options is wrong because it believes this: {wrong.misconception}."

    @property
    def right(self) -> Option:
        return next(option for option in self.options if option.right)


@dataclass(frozen=True)
class Answer:
    """One answer that somebody gave."""

    scenario: str
    question: str
    """Its id in the scenario's quiz."""
    option: str
    """The text that was chosen."""
    right: bool
    misconception: str | None
    """What a wrong option shows; None when the answer is right."""
    confidence: int | None
    """Percent, or None where nobody was asked."""
    answered: str
    """UTC, ISO 8601."""

    @property
    def confident_error(self) -> bool:
        return not self.right and self.confidence is not None and self.confidence >= SURE


@dataclass(frozen=True)
class Standing:
    """How far somebody is with a scenario's questions, counting the last answer to each."""

    right: int
    answered: int
    questions: int


def questions(scenario: Scenario) -> tuple[Question, ...]:
    """The questions in the order of the file; none where the scenario has no quiz.

    Raises ScenarioError when the file is malformed: its first finding.
    """
    import tomllib

    file = Path(scenario.folder) / "quiz.toml"
    if not file.is_file():
        return ()
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ScenarioError(f"quiz.toml of {scenario.name} cannot be read: {' '.join(str(error).split())}.") from None
    wrong = malformed(content)
    if wrong:
        raise ScenarioError(f"quiz.toml of {scenario.name}: {wrong[0]}")
    return tuple(_question(asked) for asked in content.get("question", []))


def _question(asked: Mapping[str, Any]) -> Question:
    texts = {name: value.strip("\n").rstrip() for name, value in asked.items() if name != "option"}
    return Question(**texts, options=tuple(Option(**option) for option in asked["option"]))


def malformed(content: Mapping[str, Any]) -> list[str]:
    """What keeps a quiz from being asked, one sentence each."""
    asked = content.get("question", [])
    if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
        return ["the questions are tables: write [[question]] above each."]
    wrong = [f"{key!r} is not known: a quiz has [[question]] only." for key in content if key != "question"]
    seen: set[str] = set()
    for number, one in enumerate(asked, start=1):
        name = one.get("id")
        called = f"question {name!r}" if isinstance(name, str) and name else f"question {number}"
        wrong.extend(f"{called} {problem}" for problem in _malformed_question(one))
        if isinstance(name, str) and name in seen:
            wrong.append(f"two questions have the id {name!r}: answers are recorded by it.")
        seen.add(str(name))
    return wrong


def _malformed_question(asked: Mapping[str, Any]) -> Iterator[str]:
    given = [key for key in ("hint", "picture", "source", "see") if key in asked]
    yield from _texts(asked, needed=("id", "stem", "explain", *given), others=("option",))
    options = asked.get("option", [])
    if not isinstance(options, list) or not all(isinstance(option, dict) for option in options):
        yield "has options that are no tables: write [[question.option]] above each."
        return
    if not 2 <= len(options) <= 5:
        yield f"has {len(options)} options: three or four are plausible."
    rights = [option.get("right") for option in options if "right" in option]
    if any(not isinstance(right, bool) for right in rights):
        yield "has an option whose right is neither true nor false."
    elif rights.count(True) != 1:
        yield f"has {rights.count(True)} right options: mark one with right = true."
    texts = [str(option.get("text")) for option in options]
    if len(set(texts)) < len(texts):
        yield "has the same option twice."
    for number, option in enumerate(options, start=1):
        # The right one refutes nothing, a wrong one is a misconception with its rebuttal.
        wrong = option.get("right") is not True
        needed = ("text", "misconception", "rebuttal") if wrong else ("text",)
        yield from (f"option {number} {problem}" for problem in _texts(option, needed, others=("right",)))


def _texts(table: Mapping[str, Any], needed: Iterable[str], others: Iterable[str]) -> Iterator[str]:
    for key in needed:
        if not isinstance(table.get(key), str) or not table[key].strip():
            yield f"has no {key}."
    for key in table:
        if key not in (*needed, *others):
            yield f"has {key!r}, which is not known here."


def giveaways(asked: Iterable[Question]) -> list[str]:
    """What lets somebody who knows nothing find the right option, or misread the question, one sentence each."""
    said = []
    for question in asked:
        name = f"question {question.id!r}"
        longest = max(len(option.text) for option in question.options if not option.right)
        if len(question.right.text) > max(1.5 * longest, longest + 20):
            said.append(f"{name}: the right option is by far the longest, which gives it away.")
        riddles = [option.text for option in question.options if RIDDLE.search(option.text)]
        said.extend(f"{name}: {text!r} is no answer but a riddle, and options are shuffled." for text in riddles)
        if NEGATIVE.search(question.stem):
            said.append(f"{name}: its stem asks for what is not so; ask for what is.")
    return said


def shuffled(question: Question, seed: object) -> tuple[Option, ...]:
    """The options as they are shown: numbers from small to large, anything else in an order that the seed decides."""
    import random

    sizes = [_size(option.text) for option in question.options]
    if None not in sizes and len({unit for size in sizes if size for unit in size[1:]}) == 1:
        order = sorted(range(len(sizes)), key=lambda n: sizes[n] or (0.0, ""))
        return tuple(question.options[n] for n in order)
    options = list(question.options)
    random.Random(f"{seed}:{question.id}").shuffle(options)
    return tuple(options)


def _size(text: str) -> tuple[float, str] | None:
    """``"about 1,400 ms"`` → (1.4, "time"); the number and the unit. None for what is no number."""
    found = NUMBER.fullmatch(text.strip())
    if not found:
        return None
    digits, unit = found.groups()
    number = float(re.sub("[,_ ]", "", digits).replace("−", "-"))
    unit = unit.strip().rstrip(".")
    return (number * TIMES[unit], "time") if unit in TIMES else (number, unit)


def answered(scenario: str, question: Question, option: Option, confidence: int | None = None) -> Answer:
    """The answer to record: the option that somebody chose just now, and how sure they were (percent)."""
    from datetime import UTC, datetime

    return Answer(
        scenario,
        question.id,
        option.text,
        option.right,
        None if option.right else option.misconception,
        confidence,
        datetime.now(UTC).isoformat(timespec="milliseconds"),
    )


def in_order(asked: Iterable[tuple[str, Question]], answers: Iterable[Answer]) -> list[tuple[str, Question]]:
    """(Scenario, question) pairs in the order to ask them, by the last answer to each.

    First errors, the surest first; then what was never answered, as the quiz has it; then what was right, the longest
    ago first.
    """
    last = _last(answers)

    def key(numbered: tuple[int, tuple[str, Question]]) -> tuple[int, int, int]:
        number, (scenario, question) = numbered
        if (scenario, question.id) not in last:
            return 1, 0, number
        when, answer = last[scenario, question.id]
        return (2, 0, when) if answer.right else (0, -(answer.confidence or 0), when)

    return [pair for _, pair in sorted(enumerate(asked), key=key)]


def standing(scenario: str, asked: Sequence[Question], answers: Iterable[Answer]) -> Standing:
    """How far somebody is. Questions that the quiz no longer has do not count."""
    last = _last(answers)
    given = [last[scenario, question.id][1] for question in asked if (scenario, question.id) in last]
    return Standing(sum(answer.right for answer in given), len(given), len(asked))


def calibration(answers: Iterable[Answer]) -> float | None:
    """The mean Brier score of the answers that were given with a confidence; None when none was."""
    from archlab.learn.prediction import brier

    scores = [brier(answer.confidence, answer.right) for answer in answers if answer.confidence is not None]
    return sum(scores) / len(scores) if scores else None


def _last(answers: Iterable[Answer]) -> dict[tuple[str, str], tuple[int, Answer]]:
    """The last answer to each question, and its place among all by time."""
    by_time = sorted(answers, key=lambda answer: answer.answered)
    return {(answer.scenario, answer.question): (place, answer) for place, answer in enumerate(by_time)}
