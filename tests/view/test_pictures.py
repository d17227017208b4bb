"""A few pictures as a whole, to be looked at when they change.

Written anew by ``ARCHLAB_PICTURES=write python -m pytest tests/view/test_pictures.py``; then read the difference.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from archlab.view import claims, compare, home, lesson, quiz, report, run_screen, trace
from tests.view.test_claims import RECORDED, TAUGHT, counting
from tests.view.test_differences import differing
from tests.view.test_learning import ASKED, CODE, OPTIONS, TOPICS

PICTURES = Path(__file__).parent / "pictures"


def whole(samples):
    return run_screen.whole(samples.run(), samples.scenario(), "projection", 70)


def claimed(samples):
    """Every kind of claim, and a count with its cases."""
    run = counting(replace(samples.run(), run_id=12, claims=RECORDED))
    return claims.picture([claims.of_scenario(replace(samples.scenario(), claims=TAUGHT), run, None, "5 min ago")])


def differs(samples):
    """An edited design that answers differently."""
    run = differing(samples.with_edit(), design="queries-mine")
    return run_screen.figures(run, replace(samples.scenario(), typed="./mine"))


PICTURED = replace(ASKED, picture=CODE, source="crud.py", see="archlab show cqrs --code")
"""A question with lines of code to read."""


def knobs(samples):
    return lesson.knobs(samples.scenario().knobs, samples.scenario().workloads)


CASES = {
    **{f"question-{w}": (lambda s: quiz.question(PICTURED, OPTIONS, 3, 8, "19 · CQRS"), w, False) for w in (40, 80)},
    **{f"answered-{w}": (lambda s: quiz.feedback(PICTURED, OPTIONS, 0, 80), w, False) for w in (40, 80)},
    "answered-80-ascii": (lambda s: quiz.feedback(PICTURED, OPTIONS, 1), 80, True),
    "score-80": (lambda s: quiz.summary(6, 8, 1, 0.21, 5, "archlab quiz cqrs"), 80, False),
    "home-40": (lambda s: home.home(TOPICS), 40, False),
    "home-80": (lambda s: home.home(TOPICS), 80, False),
    "home-120-ascii": (lambda s: home.home(TOPICS), 120, True),
    "knobs-80": (knobs, 80, False),
    "run-100": (whole, 100, False),
    "run-80": (whole, 80, False),
    "run-40": (whole, 40, False),
    "run-100-ascii": (whole, 100, True),
    "uncertain-100": (lambda s: run_screen.whole(s.uncertain(), s.scenario(), "queries", 60), 100, False),
    "invalid-80": (lambda s: run_screen.whole(s.invalid(), s.scenario()), 80, False),
    "other-100": (lambda s: run_screen.whole(s.third_party()), 100, False),
    "compare-100": (
        lambda s: compare.course([compare.Compared("cqrs", "19 · CQRS", s.with_misuse(), s.scenario())], "2 h old"),
        100,
        False,
    ),
    "topic-120": (lambda s: compare.topic(s.run(), s.scenario()), 120, False),
    "claims-80": (claimed, 80, False),
    "claims-40": (claimed, 40, False),
    "claims-120-ascii": (claimed, 120, True),
    "differs-80": (differs, 80, False),
    **{f"report-{w}": (lambda s: report.picture(s.run(), s.scenario()), w, False) for w in (40, 80)},
    "report-120-ascii": (lambda s: report.picture(s.run(), s.scenario()), 120, True),
    "report-invalid-80": (lambda s: report.picture(s.invalid(), s.scenario()), 80, False),
    "trace-100": (lambda s: trace.traces(s.run(), s.run().traces[-2:]), 100, False),
}


@pytest.mark.parametrize("name", CASES)
def test_picture(name, samples):
    draw, width, ascii_only = CASES[name]
    drawn = "\n".join(line.rstrip() for line in samples.render(draw(samples), width, ascii_only).split("\n"))
    path = PICTURES / f"{name}.txt"
    if os.environ.get("ARCHLAB_PICTURES") == "write":
        PICTURES.mkdir(exist_ok=True)
        path.write_text(drawn, encoding="utf-8")
    assert drawn == path.read_text(encoding="utf-8")
