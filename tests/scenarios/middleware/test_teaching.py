"""What the scenario teaches is well formed: the quiz, the lesson, the problem, and what is offered to type next."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from archlab import consistency, evolution
from archlab.learn import quiz
from archlab.scenario import Scenario


def lesson(scenario: Scenario) -> str:
    return Path(scenario.folder, "lesson.md").read_text(encoding="utf-8")


def test_the_scenario_is_consistent(scenario: Scenario) -> None:
    assert consistency.check(scenario) == []


def test_eight_questions_that_give_nothing_away(scenario: Scenario) -> None:
    asked = quiz.questions(scenario)
    assert len(asked) == 8
    assert quiz.giveaways(asked) == []


def test_options_are_plausible_alike(scenario: Scenario) -> None:
    """Three or four of like length; each wrong one is a misconception and a rebuttal that no other shares."""
    wrong = [option for question in quiz.questions(scenario) for option in question.options if not option.right]
    assert len({option.misconception for option in wrong}) == len({option.rebuttal for option in wrong}) == len(wrong)
    for question in quiz.questions(scenario):
        lengths = sorted(len(option.text) for option in question.options)
        assert 3 <= len(lengths) <= 4
        assert lengths[-1] <= 1.4 * lengths[0], question.id


def test_the_quiz_knows_no_machine(scenario: Scenario) -> None:
    text = Path(scenario.folder, "quiz.toml").read_text(encoding="utf-8")
    assert not re.search(r"\d\s*(ms|µs|s|%|×)\b", text)


def test_the_lesson_names_every_claim(scenario: Scenario) -> None:
    named = set(re.findall(r"`([a-z-]+)`", lesson(scenario)))
    assert {claim.id for claim in scenario.claims} <= named


def test_the_lesson_ends_with_what_the_scenario_says_and_names_no_figure_of_a_machine(scenario: Scenario) -> None:
    assert scenario.say_it in lesson(scenario)
    assert not re.search(r"\d\s*(ms|µs|%|×)", lesson(scenario))


def test_the_problem_fits_the_prediction_screen(scenario: Scenario) -> None:
    lines = scenario.problem.split("\n")
    assert len(lines) == 5
    assert all(0 < len(line) <= 80 for line in lines)


def test_what_is_offered_next_can_be_typed(scenario: Scenario) -> None:
    for command, _ in scenario.try_next:
        for turned in re.findall(r"--set (\S+)", command):
            scenario.turn(turned)


def test_a_design_explains_itself_and_is_short(scenario: Scenario) -> None:
    """What it is, what it is good at, when it fails, what it costs; the one that repeats itself is the longest."""
    for design in scenario.designs:
        module = import_module(design.start.__module__)
        assert re.search(r"^Good at: .*^Fails when: .*^Costs: ", module.__doc__ or "", re.MULTILINE | re.DOTALL)
        assert evolution.lines([evolution.sources(design)[0]]) <= 160, design.name


def test_designs_never_import_each_other(scenario: Scenario) -> None:
    modules = {design.start.__module__.rpartition(".")[2] for design in scenario.designs}
    for design in scenario.designs:
        source = evolution.sources(design)[0].read_text(encoding="utf-8")
        assert not [
            name for name in modules if re.search(rf"^from \.{name} import|^from \. import .*\b{name}\b", source, re.M)
        ]


@pytest.mark.parametrize("heavy", ["starlette", "uvicorn", "limits", "anyio", "http.client", "asyncio", "sqlite3"])
def test_listing_stays_instant(heavy: str) -> None:
    """Nothing heavy is imported with the scenario: what a design needs it imports where it needs it."""
    code = f"import sys, archlab.scenarios.middleware; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
