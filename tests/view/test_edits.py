"""How an edited design stands beside its original: what is known, what is not, and never more than that."""

from dataclasses import replace

import pytest

from archlab.run import Comparison
from archlab.view import edits, run_screen, verdict

MINE = "queries-mine"


def compared(run, **outcomes):
    """The run with the edited design compared in these ways: metric → (ratio, outcome), told of the original."""
    made = [Comparison(m, "pressure", "queries", MINE, r, r * 0.9, r * 1.1, o) for m, (r, o) in outcomes.items()]
    return replace(run, comparisons=tuple(made))


def test_what_differs_is_told_and_the_rest_is_alike(samples):
    assert edits.sentences(samples.with_edit(), samples.scenario()) == [
        "queries-mine beside queries at pressure: a page, 1.4 × sooner; nothing else noticeably different."
    ]


@pytest.mark.parametrize("width", [40, 80, 100])
def test_the_verdict_says_it(samples, width):
    text = samples.flowing(samples.render(run_screen.figures(samples.with_edit(), samples.scenario()), width))
    assert "queries-mine beside queries at pressure: a page, 1.4 × sooner;" in text
    assert len(verdict.verdict_sentences(samples.run(), samples.scenario())) == 4


@pytest.mark.parametrize(
    ("ratio", "outcome", "says"),
    [
        (1.4, "worse", "a page, 1.4 × sooner; nothing else noticeably different"),
        (0.5, "better", "a page, 2 × slower; nothing else noticeably different"),
        (1.1, "equivalent", "nothing noticeably different"),
        (3.0, "cannot tell", "this run cannot tell for a page; nothing else noticeably different"),
    ],
)
def test_the_comparison_is_told_of_the_edited_design(samples, ratio, outcome, says):
    run = compared(samples.with_edit(), page_p95=(ratio, outcome), order_p95=(1.0, "equivalent"))
    assert edits.sentences(run, samples.scenario()) == [f"queries-mine beside queries at pressure: {says}."]
    swapped = {"better": "worse", "worse": "better"}
    turned = [
        replace(c, a=c.b, b=c.a, ratio=1 / c.ratio, outcome=swapped.get(c.outcome, c.outcome)) for c in run.comparisons
    ]
    again = replace(run, comparisons=tuple(turned))
    assert edits.sentences(again, samples.scenario()) == edits.sentences(run, samples.scenario())


def measured(run, design, metric, **changes):
    return replace(
        run,
        measurements=tuple(
            replace(m, **changes) if (m.workload, m.design, m.metric) == ("pressure", design, metric) else m
            for m in run.measurements
        ),
    )


def test_figures_that_make_no_ratio_are_told_beside_each_other(samples):
    """A figure of nothing makes no ratio: without a comparison it must not count as alike."""
    run = measured(samples.with_edit(), MINE, "seen", value=0.4, low=0.3, high=0.5)
    (said,) = edits.sentences(run, samples.scenario())
    assert "an order is seen, 400 ms instead of at once" in said


def test_a_design_that_falls_behind_is_no_equal(samples):
    behind = {"value": None, "low": None, "high": None, "note": "falls behind: 29 of 100 a second"}
    run = compared(measured(samples.with_edit(), "queries", "page_p95", **behind))
    (said,) = edits.sentences(run, samples.scenario())
    assert "a page, 39 ms instead of falling behind" in said
    both = measured(run, MINE, "page_p95", **behind)
    (said,) = edits.sentences(both, samples.scenario())
    assert ": both fall behind; nothing else noticeably different." in said


def test_one_round_tells_nothing(samples):
    """As under --quick: there is no comparison, and a single figure each is no evidence of anything."""
    run = compared(samples.with_edit())
    once = replace(run, measurements=tuple(replace(m, rounds=1) for m in run.measurements))
    nothing = ["queries-mine beside queries at pressure: this run cannot tell."]
    assert edits.sentences(once, samples.scenario()) == nothing
    counted = tuple(replace(m, counted=m.name == "seen") for m in samples.scenario().metrics)
    assert edits.sentences(once, replace(samples.scenario(), metrics=counted)) == nothing


def test_a_bound_that_the_edit_decides_comes_first(samples):
    run = samples.with_edit()
    missed = tuple(
        replace(r, outcome="missed") if (r.workload, r.design, r.metric) == ("pressure", "queries", "page_p95") else r
        for r in run.requirements
    )
    (said,) = edits.sentences(replace(run, requirements=missed), samples.scenario())
    assert said.startswith("queries-mine beside queries at pressure: it meets every requirement; a page, 1.4 × sooner;")


def test_an_edit_that_refutes_a_claim_of_its_original_is_not_praised(samples):
    """It may keep every bound with what it gave up for that."""
    run = samples.with_edit()
    missed = tuple(replace(r, outcome="missed") if r.design == "queries" else r for r in run.requirements)
    broken = [replace(claim, id=f"{claim.id}-mine", outcome="refuted", edited=MINE) for claim in run.claims[:2]]
    one = replace(run, requirements=missed, claims=(*run.claims, broken[0]))
    (said,) = edits.sentences(one, samples.scenario())
    assert said.startswith("queries-mine beside queries at pressure: it refutes the claim faster; a page, 1.4 × sooner")
    both = replace(run, requirements=missed, claims=(*run.claims, *broken))
    text = samples.flowing(samples.render(run_screen.figures(both, samples.scenario())))
    assert "at pressure: it refutes the claims faster and start-simple; a page" in text
    assert "it meets every requirement" not in text
    another = replace(one, claims=(*run.claims, replace(broken[0], edited="crud-mine")))
    (said,) = edits.sentences(another, samples.scenario())
    assert "it meets every requirement" in said and "refutes" not in said


def test_without_a_scenario_the_run_alone_is_enough(samples):
    (said,) = edits.sentences(samples.with_edit())
    assert "page p95, 1.4 × sooner" in said


def test_what_did_not_run_is_not_told_of(samples):
    run = samples.with_edit()
    alone = replace(run, designs=tuple(d for d in run.designs if d.name != "queries"))
    assert edits.sentences(alone, samples.scenario()) == []
    assert edits.sentences(replace(run, measurements=(), requirements=()), samples.scenario()) == []
