"""What every scenario of the course teaches is well formed: quiz, lesson, problem, and what is offered to type next."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from archlab import catalog, source
from archlab.catalog import lint
from archlab.learn import quiz
from archlab.scenario import Scenario

COURSE = ("cqrs", "middleware", "events", "microservices")
SECTIONS = (
    "The problem",
    "Intuition",
    "Why it exists",
    "When",
    "When not",
    "The failure mode if misused",
    "In production",
    "Say it",
    "Sources",
)
HEAVY = {
    "sqlite3",
    "sqlite_utils",
    "multiprocessing",
    "asyncio",
    "json.tool",
    "http.client",
    "starlette",
    "uvicorn",
    "limits",
    "anyio",
    "pika",
}


@pytest.fixture(params=COURSE)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return catalog.find(request.param)


@pytest.fixture
def lesson(scenario: Scenario) -> str:
    return Path(scenario.folder, "lesson.md").read_text(encoding="utf-8")


def test_these_are_the_course() -> None:
    assert tuple(entry.name for entry in catalog.courses()) == COURSE


def test_the_scenario_is_consistent(scenario: Scenario) -> None:
    assert lint.check(scenario) == []


def test_questions_are_few_and_give_nothing_away(scenario: Scenario) -> None:
    asked = quiz.questions(scenario)
    assert 8 <= len(asked) <= 12
    assert quiz.giveaways(asked) == []


NOT_SIMPLY_THE_SIMPLEST = {
    "cqrs": {
        "pattern": ("far-store", "two-commits"),
        "it depends on this figure": ("which-figure", "more-readers"),
    },
    "middleware": {
        "pattern": ("unknown-path", "lost-lines", "many-teams"),
        "it depends on this figure": ("limit-in-memory", "which-is-shorter"),
    },
    "events": {
        "pattern": ("others-listen", "fact-or-command"),
        "it depends on this figure": ("which-figure", "queue-is-no-capacity"),
    },
    "microservices": {
        "pattern": ("five-teams-one-shop", "blast-table", "deployment-paths"),
        "it depends on this figure": ("which-figure",),
    },
}
"""Questions whose right answer is the pattern, or names the figure on which it depends."""


def test_the_simplest_design_is_not_always_the_answer(scenario: Scenario) -> None:
    """Who learns only that patterns are self-inflicted has learnt one more dogma: a third of the answers say else."""
    asked = quiz.questions(scenario)
    of = NOT_SIMPLY_THE_SIMPLEST[scenario.name]
    assert {name for names in of.values() for name in names} <= {question.id for question in asked}
    assert 3 * sum(len(names) for names in of.values()) >= len(asked)
    assert all(of.values())


def test_three_questions_show_something_real_to_read(scenario: Scenario) -> None:
    """Lines of the scenario's own source, word for word and in one piece; or what a run shows (see test_quiz)."""
    shown = [question for question in quiz.questions(scenario) if question.picture]
    assert len(shown) >= 3
    for question in shown:
        assert len(question.picture.split("\n")) <= 10
        file = Path(scenario.folder, question.source)
        if file.suffix == ".py":
            assert f"\n{question.picture}\n" in file.read_text(encoding="utf-8"), question.id
        else:
            assert question.source == f"archlab run {scenario.name}"


def test_every_question_has_a_hint_and_shows_its_answer_in_archlab(scenario: Scenario) -> None:
    for question in quiz.questions(scenario):
        assert question.hint and question.see.startswith("archlab "), question.id


def test_options_are_plausible_alike(scenario: Scenario) -> None:
    """Three or four of like length; each wrong one is a misconception and a rebuttal that no other shares."""
    wrong = [option for question in quiz.questions(scenario) for option in question.options if not option.right]
    assert len({option.misconception for option in wrong}) == len({option.rebuttal for option in wrong}) == len(wrong)
    for question in quiz.questions(scenario):
        lengths = sorted(len(option.text) for option in question.options)
        assert 3 <= len(lengths) <= 4
        assert lengths[-1] <= 1.4 * lengths[0], question.id


def test_the_quiz_knows_no_machine(scenario: Scenario) -> None:
    """A card that is asked again in weeks, on another machine, keeps the relation and not the figure."""
    text = Path(scenario.folder, "quiz.toml").read_text(encoding="utf-8")
    assert not re.search(r"\d\s*(ms|µs|s|%|×)\b", text)


def test_the_lesson_goes_from_the_problem_to_the_sources(lesson: str) -> None:
    assert re.findall(r"^## (.*)$", lesson, re.MULTILINE) == list(SECTIONS)


def test_the_lesson_begins_with_a_story_of_three_sentences_and_a_figure(lesson: str) -> None:
    story = lesson.split("## The problem")[1].strip().split("\n\n")[0]
    assert len(re.findall(r"[a-z]\.(?=\s|$)", story)) == 3
    assert re.search(r"\d", story)


def test_the_code_in_the_lesson_is_the_code_that_runs(scenario: Scenario, lesson: str) -> None:
    """Each piece stands below the name of its file, and is in it line by line; two pieces show what differs."""
    pieces = re.findall(r"^# (\w+\.py)\n(.*?)(?=^# \w+\.py|\Z)", "\n".join(blocks(lesson)), re.M | re.S)
    assert len(pieces) >= 2
    for file, piece in pieces:
        text = [line.strip() for line in Path(scenario.folder, file).read_text(encoding="utf-8").split("\n")]
        there = [line for line in text if line]
        assert len([line for line in piece.split("\n") if line]) <= 12
        for part in re.split(r"\n{2,}", piece.strip()):  # between two functions others may be left out
            shown = [line.strip() for line in part.split("\n")]
            assert any(there[at : at + len(shown)] == shown for at in range(len(there))), f"{file}: {shown[0]}"


def blocks(lesson: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", lesson, re.MULTILINE | re.DOTALL)


def test_the_lesson_names_every_claim_that_is_measured(scenario: Scenario, lesson: str) -> None:
    named = set(re.findall(r"`([a-z-]+)`", lesson))
    assert {claim.id for claim in scenario.claims if claim.kind == "measured"} <= named


def test_the_lesson_ends_with_what_the_scenario_says_and_names_no_figure_of_a_machine(
    scenario: Scenario, lesson: str
) -> None:
    assert scenario.say_it in lesson
    assert not re.search(r"\d\s*(ms|µs|%|×)", lesson)


def test_the_problem_fits_the_prediction_screen(scenario: Scenario) -> None:
    lines = scenario.problem.split("\n")
    assert len(lines) == 5
    assert all(0 < len(line) <= 80 for line in lines)


def test_what_is_demanded_fits_beside_its_bound(scenario: Scenario) -> None:
    """A label names what is counted or timed: with "at most" and the bound behind it, it is to make sense."""
    assert max(len(requirement.says) for requirement in scenario.requirements) <= 26


def test_the_change_request_is_a_sentence_whose_first_words_tell(scenario: Scenario) -> None:
    """What stands before its colon is a row of the bill: "to show the discount"."""
    assert re.fullmatch(r"[A-Z][a-z]+ [^:]{,26}: .*\.", scenario.change_request)


def test_what_is_offered_next_can_be_typed(scenario: Scenario) -> None:
    for command, question in scenario.try_next:
        assert question.endswith(("?", "./mine"))
        for turned in re.findall(r"--set (\S+)", command):
            scenario.turn(turned)


def test_a_design_explains_itself_and_is_short(scenario: Scenario) -> None:
    """What it is, what it is good at, when it fails, what it costs."""
    for design in scenario.designs:
        said = import_module(design.start.__module__).__doc__ or ""
        assert re.search(r"^Good at: .*^Fails when: .*^Costs: ", said, re.MULTILINE | re.DOTALL), design.name
        assert source.lines([source.sources(design)[0]]) <= 160, design.name


def test_designs_never_import_each_other(scenario: Scenario) -> None:
    modules = {design.start.__module__.rpartition(".")[2] for design in scenario.designs}
    for design in scenario.designs:
        text = source.sources(design)[0].read_text(encoding="utf-8")
        assert not [
            name for name in modules if re.search(rf"^from \.{name} import|^from \. import .*\b{name}\b", text, re.M)
        ]


@pytest.mark.parametrize("name", COURSE)
def test_listing_stays_instant(name: str) -> None:
    """Nothing heavy is imported with the scenario: what a design needs it imports where it needs it."""
    code = f"import sys, archlab.scenarios.{name}; print(*sorted({HEAVY} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
