"""Questions are well formed, asked in the order that teaches, and answered with the rebuttal of what was chosen."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab import catalog
from archlab.learn import quiz
from archlab.learn.quiz import Answer, Option, Question
from archlab.scenario import Load, Scenario, ScenarioError
from archlab.store import Store

SCENARIO = Scenario(
    "tiny", "", "", "", "", (), (), (), (), (), Load(lambda lab, n: []), lambda lab, shop: None, lambda lab: None
)
GOOD = """
[[question]]
id = "stores"
stem = "What must a system have to be called CQRS?"
explain = "Two models; a second store is an option."
[[question.option]]
text = "Separate models for writing and reading"
right = true
[[question.option]]
text = "A database for writes and one for reads"
misconception = "CQRS means two databases"
rebuttal = "Both models may live in one database."
[[question.option]]
text = "A log of events to rebuild state from"
misconception = "CQRS is event sourcing"
rebuttal = "Either works without the other."
"""


def asked(folder: Path, text: str) -> tuple[Question, ...]:
    (folder / "quiz.toml").write_text(text, encoding="utf-8")
    return quiz.questions(replace(SCENARIO, folder=str(folder)))


def test_a_quiz_is_read_as_it_is_written(tmp_path: Path) -> None:
    (question,) = asked(tmp_path, GOOD)
    assert question.id == "stores"
    assert question.right.text == "Separate models for writing and reading"
    assert [option.misconception for option in question.options] == [
        "",
        "CQRS means two databases",
        "CQRS is event sourcing",
    ]
    assert quiz.giveaways([question]) == []


def test_a_scenario_without_a_quiz_has_no_questions(tmp_path: Path) -> None:
    assert quiz.questions(replace(SCENARIO, folder=str(tmp_path))) == ()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('id = "stores"', "", "question 1 has no id."),
        ('stem = "What must a system have to be called CQRS?"', 'stem = " "', "question 'stores' has no stem."),
        ('explain = "Two models; a second store is an option."', "", "question 'stores' has no explain."),
        ("explain =", 'hint = ""\nexplain =', "question 'stores' has no hint."),
        ('rebuttal = "Either works without the other."', "", "question 'stores' option 3 has no rebuttal."),
        ('misconception = "CQRS is event sourcing"', "", "question 'stores' option 3 has no misconception."),
        ("right = true", "right = false", "question 'stores' has 0 right options: mark one with right = true."),
        ("right = true", 'right = "yes"', "question 'stores' has an option whose right is neither true nor false."),
        ("right = true", 'right = true\nwhy = "x"', "question 'stores' option 1 has 'why', which is not known here."),
        (
            "right = true",
            'right = true\nrebuttal = "x"',
            "question 'stores' option 1 has 'rebuttal', which is not known",
        ),
        ("[[question.option]]", "[question.option]", "quiz.toml of tiny cannot be read"),
        ("[[question]]", "x = 1\n[[question]]", "'x' is not known: a quiz has [[question]] only."),
        (
            "A log of events to rebuild state from",
            "A database for writes and one for reads",
            "question 'stores' has the same option twice.",
        ),
    ],
)
def test_what_is_malformed_is_said_in_one_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in GOOD
    with pytest.raises(ScenarioError) as caught:
        asked(tmp_path, GOOD.replace(old, new))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"question": "x"}, "write [[question]] above each"),
        ({"question": [{"id": "a", "stem": "s", "explain": "e", "option": ["x"]}]}, "write [[question.option]]"),
        ({"question": [{"id": "a", "stem": "s", "explain": "e"}]}, "has 0 options: three or four are plausible."),
    ],
)
def test_what_is_no_table_is_said(content: dict[str, Any], sentence: str) -> None:
    assert sentence in quiz.malformed(content)[0]


def test_two_questions_with_one_id_are_said() -> None:
    assert quiz.malformed(tomllib.loads(GOOD * 2)) == [
        "two questions have the id 'stores': answers are recorded by it."
    ]


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (Question("q", "Why?", "", (Option("short", True), Option("All of the above"))), "is no answer but a riddle"),
        (Question("q", "Why?", "", (Option("long " * 20, True), Option("short"))), "by far the longest"),
        (Question("q", "Which is not so?", "", (Option("a", True), Option("b"))), "ask for what is."),
    ],
)
def test_what_gives_the_answer_away_is_said(question: Question, sentence: str) -> None:
    (said,) = quiz.giveaways([question])
    assert sentence in said


def test_every_quiz_of_the_course_is_well_formed_and_gives_nothing_away() -> None:
    for entry in catalog.courses():
        if entry.scenario is not None:
            assert quiz.giveaways(quiz.questions(entry.scenario)) == []


options = st.lists(st.text("abc", min_size=1), min_size=2, max_size=5, unique=True)


@given(options, st.integers())
def test_shuffling_keeps_every_option_and_depends_on_the_seed_alone(texts: list[str], seed: int) -> None:
    question = Question("q", "", "", tuple(Option(text) for text in texts))
    shown = quiz.shuffled(question, seed)
    assert sorted(option.text for option in shown) == sorted(texts)
    assert quiz.shuffled(question, seed) == shown


def test_every_option_comes_first_at_some_seed() -> None:
    question = Question("q", "", "", tuple(Option(text) for text in "abcd"))
    assert {quiz.shuffled(question, seed)[0].text for seed in range(100)} == set("abcd")


@pytest.mark.parametrize(
    "ordered",
    [
        ["4 µs", "0.5 ms", "34 ms", "2 s", "1 min"],
        ["about 10 %", "about 20 %", "90 %"],
        ["−3", "0", "1,400", "17_000"],
        ["1 × as long", "10 × as long", "100 × as long"],
    ],
)
@given(data=st.data())
def test_numbers_are_sorted_whatever_the_seed(ordered: list[str], data: st.DataObject) -> None:
    texts = data.draw(st.permutations(ordered))
    question = Question("q", "", "", tuple(Option(text) for text in texts))
    assert [option.text for option in quiz.shuffled(question, data.draw(st.integers()))] == ordered


def test_options_that_only_begin_with_numbers_are_shuffled() -> None:
    question = Question("q", "", "", (Option("1 database"), Option("2 models"), Option("3 stores")))
    assert len({quiz.shuffled(question, seed) for seed in range(50)}) > 1


def test_a_hint_is_the_authors_or_else_a_misconception_to_beware_of(tmp_path: Path) -> None:
    (question,) = asked(tmp_path, GOOD)
    assert question.clue == "One of the options is wrong because it believes this: CQRS means two databases."
    (question,) = asked(tmp_path, GOOD.replace("explain =", 'hint = "Count the models."\nexplain ='))
    assert question.clue == "Count the models."


def test_a_picture_keeps_its_lines_and_its_indent(tmp_path: Path) -> None:
    lines = "    def page(self):\n        return 1\n"
    (question,) = asked(tmp_path, GOOD.replace("explain =", f"picture = '''\n{lines}'''\nexplain ="))
    assert question.picture == lines.rstrip()


def test_an_answer_is_recorded_as_it_was_given(tmp_path: Path) -> None:
    (question,) = asked(tmp_path, GOOD)
    right, wrong, _ = question.options
    given = [quiz.answered("tiny", question, wrong, 90), quiz.answered("tiny", question, right)]
    assert [answer.misconception for answer in given] == ["CQRS means two databases", None]
    assert [answer.confident_error for answer in given] == [True, False]
    with Store.open(tmp_path / "home") as store:
        for answer in given:
            store.answer(answer)
        assert store.answers() == given
    assert quiz.standing("tiny", [question], given) == quiz.Standing(right=1, answered=1, questions=1)
    assert quiz.calibration(given) == pytest.approx(0.81)
    assert quiz.calibration(given[1:]) is None


QUESTIONS = [Question(f"q{n}", "", "", (Option("a", True), Option("b"))) for n in range(6)]
some_answers = st.lists(
    st.builds(
        lambda number, right, confidence, second: Answer(
            "s", f"q{number}", "", right, None, confidence, f"2026-11-22T10:{second // 60:02}:{second % 60:02}+00:00"
        ),
        st.integers(0, 5),
        st.booleans(),
        st.none() | st.integers(50, 100),
        st.integers(0, 3599),
    ),
    unique_by=lambda answer: answer.answered,
)


@given(some_answers)
def test_the_order_is_errors_then_never_answered_then_the_oldest(answers: list[Answer]) -> None:
    pairs = [("s", question) for question in QUESTIONS]
    ordered = quiz.in_order(pairs, answers)
    assert sorted(pair[1].id for pair in ordered) == [question.id for question in QUESTIONS]
    last = {answer.question: answer for answer in sorted(answers, key=lambda answer: answer.answered)}
    groups = [1 if question.id not in last else 2 if last[question.id].right else 0 for _, question in ordered]
    assert groups == sorted(groups)
    by_group = [[q.id for (_, q), group in zip(ordered, groups, strict=True) if group == wanted] for wanted in range(3)]
    assert by_group[1] == sorted(by_group[1])
    sure = [last[name].confidence or 0 for name in by_group[0]]
    assert sure == sorted(sure, reverse=True)
    when = [last[name].answered for name in by_group[2]]
    assert when == sorted(when)


def test_the_same_id_in_another_scenario_is_another_question() -> None:
    answers = [Answer("other", "q0", "", True, None, None, "2026-11-22T10:00:00+00:00")]
    assert quiz.in_order([("other", QUESTIONS[0]), ("s", QUESTIONS[0])], answers)[0][0] == "s"
    assert quiz.standing("s", QUESTIONS, answers) == quiz.Standing(0, 0, 6)
