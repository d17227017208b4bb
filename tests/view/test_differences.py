"""Answers that differ are shown: which request and field, both values, how many, since when, and perhaps why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archlab.run import Difference
from archlab.view import claims, differences, run_screen
from archlab.view.page import Picture

STALE = {
    "request": "page of seller 17",
    "after": "order 4711 was placed",
    "field": "country DE, revenue",
    "right": 1240,
    "wrong": 1180,
}


def differing(run, design="queries", kind="stale", cases=(STALE,), differ=3, of=60):
    one = Difference(design, "crud", "calm", {}, differ, of, kind, cases)
    return replace(run, differences=(one,), invalid_reasons=(one.sentence,), run_id=12)


def drawn(samples, run, width=80, cases=1):
    return samples.render(Picture(lambda page: differences.draw(page, run, cases=cases)), width)


def test_the_first_case_is_told_with_both_values_and_since_when(samples):
    text = drawn(samples, differing(samples.run()))
    assert text.splitlines() == [
        "queries answers differently from crud at calm, so the comparison would not be",
        "fair.",
        "page of seller 17, country DE, revenue:   crud 1,240   queries 1,180",
        "first seen after order 4711 was placed; 3 of 60 answers differ",
        "The answer of queries may be stale: it does not show yet that order 4711 was",
        "placed.",
    ]


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("rounded", "may be rounded: each figure is that of crud with fewer digits."),
        ("missing", "may lack something: crud has a value where there is none."),
        ("", "answers differ"),
    ],
)
def test_each_kind_has_its_sentence_and_no_kind_has_none(samples, kind, says):
    assert samples.flowing(drawn(samples, differing(samples.run(), kind=kind))).rstrip().endswith(says)


def test_what_is_not_there_is_nothing_and_one_answer_differs(samples):
    case = {**STALE, "after": "", "field": "", "wrong": None}
    text = drawn(samples, differing(samples.run(), kind="", cases=(case,), differ=1))
    assert "page of seller 17:   crud 1,240   queries nothing\n1 of 60 answers differs\n" in text


def test_an_edited_design_is_yours_and_the_invalid_run_says_it(samples):
    run = differing(samples.with_edit(), design="queries-mine")
    text = samples.flowing(samples.render(run_screen.figures(run, samples.scenario()), 80))
    assert "crud 1,240 yours 1,180" in text
    assert "Your answer may be stale" in text
    assert text.index("INVALID queries-mine answers") < text.index("yours 1,180") < text.index("This run is invalid")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_it_fits_with_long_values_that_are_shown_where_they_differ(samples, width):
    same = "'" + "the same words over and over, " * 9
    case = {**STALE, "right": f"{same}and then crud's'", "wrong": f"{same}and then mine'"}
    text = drawn(samples, differing(samples.run(), cases=(case,)), width)
    assert max(map(len, text.splitlines())) <= width
    assert "then crud's" in samples.flowing(text) and "then mine" in samples.flowing(text)


def test_all_of_it_fits_one_sentence_for_whoever_watches(samples):
    (one,) = differing(samples.run()).differences
    assert differences.brief(one) == (
        "page of seller 17, country DE, revenue: crud 1,240, queries 1,180; "
        "first seen after order 4711 was placed; 3 of 60 answers differ; perhaps stale"
    )


def test_of_a_copy_the_next_command_watches_it(samples):
    run = differing(samples.with_edit(), design="queries-mine")
    copy = replace(samples.scenario(), typed="./mine")
    assert "Correct it: archlab run ./mine --watch" in samples.render(run_screen.figures(run, copy), 80)
    assert "Try again: archlab run cqrs" in samples.render(run_screen.figures(run, samples.scenario()), 80)


def test_another_order_of_the_same_requests_is_said_to_be_one(samples):
    text = drawn(samples, differing(samples.run(), cases=(), kind=""))
    assert "They answer the same requests in another order." in text


def test_claims_of_an_invalid_run_show_more_cases(samples):
    cases = tuple({**STALE, "request": f"page of seller {n}"} for n in range(5))
    run = differing(samples.run(), cases=cases)
    text = samples.render(claims.picture([claims.of_run(run, samples.scenario())]), 80)
    assert [f"page of seller {n}" in text for n in range(5)] == [True] * 3 + [False] * 2
