"""``archlab quiz``: asks, judges at once, answers every misconception, and remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archlab import catalog
from archlab.commands.terminal import answer_to, console, print_json, recording
from archlab.scenario import UsageError
from archlab.signals import ended_cleanly

if TYPE_CHECKING:
    from rich.console import Console

    from archlab.learn.quiz import Answer, Option, Question

ENDS = ("q", "quit")
SURE = range(1, 101)
"""How sure one can be of an answer, in percent; of one among four one may well be less than half sure."""


def quiz(name: str | None, no_input: bool, as_json: bool) -> None:
    """Asks every question, those first that need it most; q or the end of input ends it."""
    from archlab.learn import quiz as questions
    from archlab.view import quiz as view

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
        for number, (scenario, question) in enumerate(ordered, 1):
            options = questions.shuffled(question, seed)
            texts = [option.text for option in options]
            screen.print(view.question(question.stem, texts, number, len(ordered), topics[scenario]))
            if no_input:
                continue
            chosen = _choose(screen, options)
            if chosen is None:
                break
            index, confidence = chosen
            answer = questions.answered(scenario, question, options[index], confidence)
            given.append(answer)
            # Recorded at once: who leaves in the middle keeps what was answered.
            with recording() as store:
                if store:
                    store.answer(answer)
            screen.print(_feedback(question, options, index, confidence))
    if given:
        wrong = [answer for answer in given if not answer.right]
        sure = sum(1 for answer in wrong if answer.confident_error)
        named = f" {scenarios[0].typed or scenarios[0].name}" if name else ""
        again = f"What was wrong is asked again before what was right: archlab quiz{named}" if wrong else ""
        score = questions.calibration(given)
        screen.print(view.summary(len(given) - len(wrong), len(given), sure, score, again))


def _choose(screen: Console, options: tuple[Option, ...]) -> tuple[int, int | None] | None:
    """The option's index and how sure somebody is of it, in percent; None to end."""
    from archlab.view import quiz as view

    last = "abcdefgh"[len(options) - 1]
    while True:
        try:
            typed = answer_to(screen, f"Your answer (a–{last}; how sure, if you like: a 80; q ends): ").lower()
        except EOFError:
            screen.print()
            return None
        letter, _, sure = typed.partition(" ")
        if letter in ENDS:
            return None
        sure = sure.strip().rstrip("%").strip()
        index = "abcdefgh"[: len(options)].find(letter) if len(letter) == 1 else -1
        number = int(sure) if sure.isdecimal() else None
        if index < 0:
            screen.print(view.not_an_option(typed, len(options)))
        elif sure and number not in SURE:
            screen.print(view.not_a_confidence(letter, sure, SURE))
        else:
            return index, number


def _feedback(question: Question, options: tuple[Option, ...], chosen: int, confidence: int | None) -> object:
    from archlab.view import quiz as view

    return view.feedback(
        [option.text for option in options],
        chosen,
        next(i for i, option in enumerate(options) if option.right),
        [option.rebuttal for option in options],
        question.explain,
        [option.misconception for option in options],
        confidence,
    )


def _print_json(ordered: list[tuple[str, Question]], seed: int) -> None:
    """The questions in the order in which they would be asked, without what is right."""
    from archlab.learn import quiz as questions

    listed = [
        {
            "scenario": scenario,
            "id": question.id,
            "stem": question.stem,
            "options": [option.text for option in questions.shuffled(question, seed)],
        }
        for scenario, question in ordered
    ]
    print_json({"schema": 1, "questions": listed})
