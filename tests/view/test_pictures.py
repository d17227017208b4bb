"""A few pictures as a whole, to be looked at when they change.

Written anew by ``ARCHLAB_PICTURES=write python -m pytest tests/view/test_pictures.py``; then read the difference.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from archlab.view import claims, compare, run_screen, trace
from tests.view.test_claims import RECORDED, TAUGHT, counting
from tests.view.test_differences import differing

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


CASES = {
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
