"""``archlab quiz``: asks questions, explains every option after an answer, and records the answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from archlab import catalog
from archlab.commands.terminal import answer_to, console, print_json, recording
from archlab.scenario import Scenario, UsageError
from archlab.signals import ended_cleanly

if TYPE_CHECKING:
    from rich.console import Console

    from archlab.learn.quiz import Answer, Question

    Chosen = tuple[int, int | None] | Literal["skip", "quit"]
    """The option's index and somebody's confidence in percent; or what else they want."""

WORDS: dict[str, Literal["skip", "quit"]] = {"s": "skip", "skip": "skip", "q": "quit", "quit": "quit"}
SURE = range(1, 101)
"""How sure one can be of an answer, in percent; of one among four one may well be less than half sure."""


def quiz(name: str | None, no_input: bool, as_json: bool) -> None:
    """Asks every question, those first that need it most; q, Ctrl-C or the end of input ends it with the score."""
    from archlab.learn import quiz as questions

    scenarios = [catalog.find(name)] if name else [e.scenario for e in catalog.entries() if e.scenario]
    asked = [(s.name, question) for s in scenarios for question in questions.questions(s)]
    if not asked:
        raise UsageError(f"{name or 'the course'} has no questions yet.")
    with recording() as store:
        before = store.answers() if store else []
    ordered = questions.in_order(asked, before)
    seed = len(before)
    if as_json:
        _print_json(ordered, seed)
        return
    screen = console()
    topics = {scenario.name: scenario.topic for scenario in scenarios}
    given: list[Answer] = []
    with ended_cleanly():
        try:
            _ask_all(screen, ordered, topics, seed, no_input, given)
        except SystemExit:
            screen.print()  # behind the ^C that a terminal shows
            raise
        finally:
            if not no_input:
                _show_score(screen, given, scenarios[0] if name else None)


def _ask_all(
    screen: Console,
    ordered: Sequence[tuple[str, Question]],
    topics: dict[str, str],
    seed: int,
    no_input: bool,
    given: list[Answer],
) -> None:
    """Asks one after the other; every answer is recorded and appended to ``given`` at once."""
    from archlab.learn import quiz as questions
    from archlab.view import quiz as view

    for number, (scenario, question) in enumerate(ordered, 1):
        options = questions.shuffled(question, seed)
        screen.print(view.question(question, options, number, len(ordered), topics[scenario]))
        if no_input:
            continue
        chosen = _choose(screen, len(options), question.clue)
        if chosen == "quit":
            return
        if chosen == "skip":
            continue
        index, confidence = chosen
        answer = questions.answered(scenario, question, options[index], confidence)
        given.append(answer)
        with recording() as store:
            if store:
                store.answer(answer)
        screen.print(view.feedback(question, options, index, confidence))


def _choose(screen: Console, options: int, clue: str) -> Chosen:
    """What somebody answers to a question with so many options. Asks again until it is an answer."""
    from archlab.view import quiz as view

    last = "abcdefgh"[options - 1]
    prompt = f"1–{options} or a–{last}, then your confidence if you like (2 80) · ? hint · s skip · q quit: "
    while True:
        try:
            typed = answer_to(screen, prompt).lower()
        except EOFError:
            screen.print()
            return "quit"
        if typed in WORDS:
            return WORDS[typed]
        if typed == "?":
            screen.print(view.hint(clue))
        elif typed:
            first, *rest = re.split(r"[\s,]+", typed, maxsplit=1)
            index = _index(first, options)
            sure = " ".join(rest).removesuffix("%").strip()
            confidence = int(sure) if sure.isdecimal() else None
            if index is None:
                screen.print(view.not_an_option(typed, options))
            elif sure and confidence not in SURE:
                screen.print(view.not_a_confidence(first, sure, SURE))
            else:
                return index, confidence


def _index(typed: str, options: int) -> int | None:
    """``2`` or ``b`` → 1."""
    known = [str(number) for number in range(1, options + 1)], list("abcdefgh"[:options])
    return next((names.index(typed) for names in known if typed in names), None)


def _show_score(screen: Console, given: Sequence[Answer], scenario: Scenario | None) -> None:
    """How it went so far, and how to see again what was wrong."""
    from archlab.learn import quiz as questions
    from archlab.view import quiz as view

    wrong = sum(not answer.right for answer in given)
    confident = sum(answer.confident_error for answer in given)
    named = f" {scenario.typed or scenario.name}" if scenario else ""
    again = f"archlab quiz{named}" if wrong else ""
    with_confidence = sum(answer.confidence is not None for answer in given)
    brier = questions.calibration(given)
    screen.print(view.summary(len(given) - wrong, len(given), confident, brier, with_confidence, again))


def _print_json(ordered: list[tuple[str, Question]], seed: int) -> None:
    """The questions in the order in which they would be asked, without what is right."""
    from archlab.learn import quiz as questions

    listed = [
        {
            "scenario": scenario,
            "id": question.id,
            "stem": question.stem,
            "picture": question.picture,
            "options": [option.text for option in questions.shuffled(question, seed)],
        }
        for scenario, question in ordered
    ]
    print_json({"schema": 1, "questions": listed})
