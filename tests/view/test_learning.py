"""Questions, predictions, words, the course: what a learner sees between the runs."""

import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from archlab import catalog
from archlab.learn.quiz import Option, Question
from archlab.scenario import Word
from archlab.view import course, glossary, history, home, prediction, quiz
from archlab.view.course import Topic
from archlab.view.vocabulary import WORDS

WIDTHS = [20, 40, 60, 80, 100, 120]

OPTIONS = (
    Option("Two databases", misconception="CQRS is two databases", rebuttal="One database can serve both."),
    Option("A query of its own", right=True),
    Option("A projector", misconception="a process is a reason", rebuttal="That is a process, not a reason."),
)
ASKED = Question("q", "Why?", "It adds up where the rows are.", OPTIONS)
QUESTION = "Do reads and writes need different models?"

TOPICS = [
    Topic("cqrs", "19 · CQRS", QUESTION, 12, last_run=12, outcome="calm: crud", right=6, answered=8, questions=8),
    Topic("middleware", "20 · Middleware", "Where do the concerns live that every request has?", 20),
    Topic("mine", problem="syntax error in __init__.py, line 3: invalid syntax.", origin="acme 1.2"),
]


def fits(text: str, width: int) -> bool:
    return all(cell_len(line) <= width for line in text.split("\n"))


# The quiz.


def test_a_question_shows_every_option_by_number(samples):
    text = samples.render(quiz.question(ASKED, OPTIONS, 1, 8, "cqrs"), 80)
    assert "Question 1 of 8" in text
    assert [line.split()[0] for line in text.split("\n") if line.startswith("  ")] == ["1", "2", "3"]


CODE = (
    "def page(self, seller):\n    rows = self.shop.execute(SELECT_ORDERS + 'WHERE o.seller = ?', (seller,)).fetchall()"
)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_question_and_its_feedback_fit_and_lose_nothing(samples, width, ascii_only):
    """Also the lines of code that a question may show."""
    asked = replace(ASKED, picture=CODE, source="crud.py", see="archlab run cqrs")
    for picture in (
        quiz.question(asked, OPTIONS, 1, 8, "cqrs"),
        *(quiz.feedback(asked, OPTIONS, n, 80) for n in range(3)),
    ):
        text = samples.render(picture, width, ascii_only)
        assert fits(text, width)
        assert not ascii_only or text.isascii()
    squeezed = "".join(samples.render(quiz.question(asked, OPTIONS, 1, 8), width).split())
    assert "".join(CODE.split()) in squeezed and "fromcrud.py" in squeezed


def test_a_wrong_answer_stands_beside_its_rebuttal_then_the_right_one_then_the_others(samples):
    told = samples.render(quiz.feedback(replace(ASKED, see="archlab run cqrs"), OPTIONS, 0, 90), 80)
    assert [line.strip() for line in told.strip().split("\n")] == [
        '✗  1  "Two databases"',
        "One database can serve both.",
        "The misconception: CQRS is two databases.",
        '✓  2  "A query of its own"',
        "It adds up where the rows are.",
        '3  "A projector"',
        "That is a process, not a reason.",
        "You were 90 % sure. You will be asked this again before anything that you",
        "answered right.",
        "See it happen: archlab run cqrs",
    ]


def test_a_right_answer_still_rebuts_the_others(samples):
    text = samples.flowing(samples.render(quiz.feedback(ASKED, OPTIONS, 1), 80))
    assert '✓ 2 "A query of its own" It adds up where the rows are.' in text
    assert '1 "Two databases" One database can serve both.' in text and "✗" not in text and "again" not in text


def test_the_summary_tells_confident_errors_and_over_how_many_answers_the_score_is(samples):
    text = samples.flowing(samples.render(quiz.summary(6, 8, 1, 0.21, 5, "archlab quiz cqrs"), 120))
    assert text.strip() == (
        "6 of 8 right. 1 wrong answer that you were sure of. "
        "Brier score 0.21 over 5 answers with a confidence (0 is perfect, 0.25 is a guess at 50 %). "
        "archlab explain brier "
        "What was wrong is asked first next time: archlab quiz cqrs"
    )
    assert "No question was answered." in samples.render(quiz.summary(0, 0), 80)


# The prediction.


def test_the_problem_is_stated_without_the_answer(samples):
    scenario = samples.scenario()
    text = samples.render(prediction.question(scenario, scenario.workloads[1], scenario.designs), 100)
    assert "A marketplace." in text and "page, 95 % within 100 ms" in text and "100/s of 5,000 orders" in text
    assert [f"  {n}  {d.name}" in text for n, d in enumerate(scenario.designs, 1)] == [True] * 4
    assert not any(mark in text for mark in "✓✗★")


# The glossary.


COURSE = {**glossary.OWN, **{entry.name: entry.scenario.words for entry in catalog.courses()}}
"""The words of archlab and of the scenarios that come with it."""


def test_every_name_means_one_word_and_every_reference_is_kept():
    """archlab's own words refer to its own; those of a scenario to these and to each other."""
    words = [word for some in COURSE.values() for word in some]
    names = [name for w in words for name in (w.name, *w.also)]
    assert len(names) == len(set(names))
    assert all(glossary.find(other) for w in WORDS for other in w.see)
    for of, some in COURSE.items():
        assert all(glossary.find(other, {**glossary.OWN, of: some}) for w in some for other in w.see)
    assert all(name == name.lower() for name in names)


EXPLAINED = (
    "p95, interval, noise floor, open loop, closed loop, coordinated omission, falls behind, round, border, crossing, "
    "verdict, requirement, claim, steelman, misuse, baseline, workload, knob, self-inflicted, pays, enough, misses, "
    "uncertain, outbox, projection, staleness, read-your-own-writes, observer effect, span, trace, waterfall, invalid, "
    "inconclusive, margin, noticeable, scenario, design, metric, bound, fault, bill, change request, seed, n, busy, "
    "wait, hole, holes, region, work alone, not asked, tracing, at once"
)


@pytest.mark.parametrize("word", EXPLAINED.split(", "))
def test_the_words_of_the_screens_are_explained(word):
    assert len(glossary.find(word, COURSE)) == 1
    assert glossary.find(word.upper(), COURSE) == glossary.find(word, COURSE)


def test_a_scenario_adds_words_and_archlab_knows_none_of_a_topic(samples):
    own = {**glossary.OWN, "queues": (Word("Prefetch", "How many messages are on their way.", also=("qos",)),)}
    for asked in ("prefetch", "QOS"):
        told = samples.flowing(samples.render(glossary.explain(asked, own)))
        assert "Prefetch queues How many messages are on their way." in told
    assert glossary.nearest("prefech", own) == ["Prefetch"]
    assert "of queues: Prefetch" in samples.flowing(samples.render(glossary.words(own)))
    for of_a_topic in ("hole", "outbox", "projection", "staleness", "read-your-own-writes"):
        assert not glossary.find(of_a_topic)


def test_a_word_that_two_topics_use_is_told_of_both(samples):
    both = {**glossary.OWN, "a": (Word("round", "A lap."),)}
    told = samples.flowing(samples.render(glossary.explain("round", both)))
    assert "One fresh start of a design" in told and "round a A lap." in told


def test_an_unknown_word_gets_the_nearest():
    assert glossary.nearest("verdit") == ["verdict"]
    assert glossary.nearest("zzzz") == []


@given(st.text(max_size=40))
def test_explain_answers_whatever_is_asked(word):
    assert glossary.find(word) or len(glossary.nearest(word)) <= 3


# The course.


def test_the_list_has_one_line_a_scenario_and_says_why_one_failed():
    lines = course.listing(TOPICS, 100)
    assert len(lines) == len(TOPICS)
    assert lines[0].split() == [
        "cqrs",
        "19",
        "·",
        "CQRS",
        *["Do", "reads", "and", "writes", "need", "different", "models?"],
    ]
    assert "not loaded" in lines[2] and "syntax error in __init__.py, line 3" in lines[2] and "acme 1.2" in lines[2]
    assert [len(line.split("  ")[0]) for line in lines]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_list_fits_and_is_ascii_where_it_must_be(width):
    for lines in (course.listing(TOPICS[:2], width, True), course.durations(TOPICS[:2], width, True)):
        assert all(line.isascii() and len(line) <= width for line in lines) or width < 40


def test_durations_leave_out_what_cannot_be_run():
    assert course.durations(TOPICS) == [
        "1  cqrs        12 s  Do reads and writes need different models?",
        "2  middleware  20 s  Where do the concerns live that every request has?",
    ]


def test_next_is_what_was_not_done_yet():
    done = replace(TOPICS[0], right=8)
    assert course.next_step([done, *TOPICS[1:]])[0] == "archlab run middleware"
    assert course.next_step([done])[0] == "archlab compare"
    assert course.next_step([Topic("cqrs", last_run=1, right=2, answered=2, questions=8)])[0] == "archlab quiz cqrs"
    assert course.next_step([])[0] == "archlab list"


def test_open_mistakes_come_before_anything_new():
    assert course.next_step(TOPICS) == ("archlab quiz cqrs", "2 questions to answer again")


def test_the_list_needs_no_rich():
    """``archlab list`` must be instant."""
    code = "import sys, archlab.view.course; sys.exit(any(name.split('.')[0] == 'rich' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_home_shows_what_was_done_and_what_is_next(samples):
    text = samples.flowing(samples.render(home.home(TOPICS), 100))
    assert "calm: crud" in text
    assert "1 of 2 topics run" in text and "run 12 · 6 of 8 right" in text and "not yet run" in text
    assert "✗ mine: syntax error" in text and "NEXT archlab quiz cqrs" in text


# History.


def past(run):
    """The line of a run."""
    asked = [claim.outcome for claim in run.claims if claim.outcome is not None]
    verdicts = history.told(run.verdicts, run.invalid_reasons)
    held = asked.count("held")
    return history.Past(12, run.scenario, run.started, run.seconds, run.valid, verdicts, held, len(asked), run.quick)


def test_history_tells_verdicts_or_why_a_run_is_invalid(samples):
    text = samples.flowing(samples.render(history.history([past(make()) for make in samples.all]), 120))
    assert "calm: crud · pressure: queries · far_views: projection" in text
    assert "pressure: uncertain" in text and "pressure: none" in text
    assert "INVALID" in text and "the machine was suspended for 41 s" in text
    assert "archlab run" in samples.render(history.history([]))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_all_of_it_fits(samples, width, ascii_only):
    scenario = samples.scenario()
    pictures = [
        quiz.question(replace(ASKED, stem="Why does a query of its own help – under pressure?"), OPTIONS, 1, 8, "cqrs"),
        quiz.feedback(ASKED, OPTIONS, 0, 90),
        quiz.summary(6, 8, 1, 0.21, 5, "archlab quiz cqrs"),
        quiz.not_an_option("é", 3),
        quiz.not_a_confidence("c", "200", range(1, 101)),
        prediction.question(scenario, scenario.workloads[1], scenario.designs),
        glossary.words(),
        *(glossary.explain(w.name) for w in WORDS),
        home.home(TOPICS),
        history.history([past(make()) for make in samples.all]),
    ]
    for picture in pictures:
        text = samples.render(picture, width, ascii_only)
        assert fits(text, width), text
        assert "\x1b" not in text
        assert not ascii_only or text.isascii()
