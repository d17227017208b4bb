"""``archlab claims``: every sentence with what a run has to say about it, and never an outcome of another sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archlab.run import ClaimOutcome
from archlab.scenario import Claim, Finding
from archlab.view import cases, claims


def judge(run):
    return Finding("held", "")


TAUGHT = (
    Claim("faster", "A page is faster.", judge),
    Claim("distance", "Distance costs.", kind="modelled", formula="rate ≤ 1 / (2 × r)", source="two round trips"),
    Claim("cautious", "Be cautious.", kind="reported", source="Fowler 2011"),
    Claim("a-very-long-name-of-a-claim", "It is long.", judge),
)
RECORDED = (
    ClaimOutcome("faster", "A page is faster.", "measured", "held", "crud 19 × queries (17–21)", cases=("page 3",)),
    ClaimOutcome(
        "distance", "Distance costs.", "modelled", None, "100/s at 5 ms", "", "rate ≤ 1 / (2 × r)", "two round trips"
    ),
    ClaimOutcome("cautious", "Be cautious.", "reported", None, "Fowler 2011", source="Fowler 2011"),
    ClaimOutcome("a-very-long-name-of-a-claim", "It is long.", "measured", "refuted", "it is short"),
)


@pytest.fixture
def scenario(samples):
    return replace(samples.scenario(), claims=TAUGHT)


@pytest.fixture
def run(samples):
    return replace(samples.run(), run_id=12, claims=RECORDED, quick=False, turned={})


def drawn(samples, *listed, width=80):
    return samples.render(claims.picture(listed), width)


def test_each_kind_shows_what_it_rests_on(samples, scenario, run):
    text = drawn(samples, claims.of_scenario(scenario, run, None, "5 min ago"))
    assert text.startswith("cqrs · 1 of 2 held on this machine, run 12, 5 min ago")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "held faster A page is faster." in lines
    assert lines[lines.index("held faster A page is faster.") + 1 :][:2] == ["crud 19 × queries (17–21)", "• page 3"]
    assert "modelled distance Distance costs." in lines
    assert "formula: rate ≤ 1 / (2 × r)" in lines
    assert "here: 100/s at 5 ms" in lines
    assert "source: Fowler 2011" in lines
    assert lines.count("two round trips") == lines.count("source: Fowler 2011") == 1


def test_without_a_run_every_sentence_is_told_with_what_to_type(samples, scenario):
    text = drawn(samples, claims.of_scenario(scenario, None))
    assert "no run yet that judges them\nTo judge them now: archlab run cqrs\n" in text
    assert "not judged  faster" in text and "held" not in text
    assert "formula: rate ≤ 1 / (2 × r)" in text and "here:" not in text


def test_an_outcome_of_an_earlier_sentence_is_not_told_of_the_present_one(samples, scenario, run):
    """A reworded claim was not judged, a new one neither; one that is gone is named."""
    then = (replace(RECORDED[0], text="A page is quick."), *RECORDED[1:3], replace(RECORDED[3], id="gone"))
    old = replace(run, claims=then, environment={"archlab": "0.0.9"})
    listed = claims.of_scenario(scenario, old)
    assert [(line.id, line.outcome) for line in listed.lines if line.kind == "measured"] == [
        ("faster", None),
        ("a-very-long-name-of-a-claim", None),
    ]
    text = samples.flowing(drawn(samples, listed))
    assert text.startswith("cqrs · none judged, run 12")
    assert "Run 12 (archlab 0.0.9) judged other claims than cqrs has now." in text
    assert "New: a-very-long-name-of-a-claim. Reworded: faster. No longer taught: gone." in text
    assert "not judged yet: run 12 judged other words" in text
    assert "not judged yet: run 12 does not know it" in text
    assert "To judge them now: archlab run cqrs" in text


def test_what_was_not_judged_is_not_counted_as_not_held(samples, scenario, run):
    text = drawn(samples, claims.of_scenario(scenario, replace(run, claims=RECORDED[:1])))
    assert text.startswith("cqrs · 1 of 1 held on this machine, 1 not judged, run 12")


def test_a_run_is_told_as_it_was_recorded_and_what_has_changed_since(samples, scenario, run):
    then = (replace(RECORDED[0], text="A page is quick."), *RECORDED[1:])
    listed = claims.of_run(replace(run, claims=then), scenario, "2 d ago")
    text = samples.flowing(drawn(samples, listed))
    assert "A page is quick." in text and "A page is faster." not in text
    assert "have changed since run 12" in text and "Reworded: faster." in text
    assert listed.lines[0].outcome == "held"


def test_a_run_whose_scenario_is_gone_is_told_from_the_record(samples, run):
    text = samples.flowing(drawn(samples, claims.of_run(run, None)))
    assert "`archlab list` does not know cqrs: this is what was recorded." in text
    assert "A page is faster." in text


def test_a_record_of_before_formulas_shows_its_source_once_and_claims_no_value(samples, scenario, run):
    old = replace(run, claims=(RECORDED[0], replace(RECORDED[1], evidence="two round trips", formula="")))
    for listed in (claims.of_scenario(scenario, old), claims.of_run(old, scenario)):
        text = drawn(samples, listed)
        assert text.count("two round trips") == 1
        assert "here:" not in text


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"quick": True}, "Run 12 may leave claims open: it is a quick look."),
        ({"turned": {"page_rows": 20_000}}, "Run 12 may leave claims open: you set page_rows = 20000."),
        ({"invalid_reasons": ("it slept",)}, "Run 12 is invalid, so nothing in it is judged: it slept."),
    ],
)
def test_a_run_that_is_not_whole_says_so_and_where_a_whole_one_is(samples, scenario, run, changed, says):
    text = samples.flowing(drawn(samples, claims.of_scenario(scenario, replace(run, **changed), 9)))
    assert f"{says} The latest run of everything: archlab claims 9" in text
    assert "latest run" not in drawn(samples, claims.of_scenario(scenario, replace(run, **changed), 12))
    assert "latest run" not in drawn(samples, claims.of_scenario(scenario, run, 9))


def test_what_an_edited_design_refutes_stands_behind_the_rest(samples, scenario, run):
    mine = replace(RECORDED[0], id="faster-mine", outcome="refuted", edited="crud-mine", evidence="with crud-mine …")
    listed = claims.of_scenario(scenario, replace(run, claims=(*RECORDED, mine)))
    assert [(line.id, line.edited) for line in listed.lines][-1] == ("faster-mine", "crud-mine")
    assert "1 of 2 held" in drawn(samples, listed)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_it_fits_and_no_sentence_is_lost(samples, scenario, run, width):
    text = drawn(samples, claims.of_scenario(scenario, run), width=width)
    assert max(map(len, text.splitlines())) <= width
    for claim in TAUGHT:
        assert claim.text in samples.flowing(text)
        assert claim.id in text


def counting(run):
    """A run with a design that misses a requirement by a count, of which two cases are known."""
    r = replace(run.requirements[0], id="totals-right", metric="wrong", at_most=0, outcome="missed", why="", at={})
    m = replace(
        run.measurements[0],
        metric="wrong",
        unit="totals",
        value=7.0,
        design=r.design,
        workload=r.workload,
        cases=("seller 3: 4 shown, 5 true", "seller 9: none shown, 1 true"),
    )
    return replace(run, requirements=(r,), measurements=(m,))


def test_a_count_that_a_requirement_judges_shows_some_of_its_cases(samples, scenario, run):
    counted = counting(run)
    text = drawn(samples, claims.of_scenario(scenario, counted))
    r = counted.requirements[0]
    assert f"{r.design} at {r.workload} · totals right: 7 totals\n" in text
    assert "  • seller 3: 4 shown, 5 true\n  • seller 9: none shown, 1 true" in text
    (document,) = claims.to_json(claims.of_scenario(scenario, counted))["counts"]
    assert document["cases"] == counted.measurements[0].cases


def test_what_is_met_has_no_cases_to_show(samples, scenario, run):
    counted = counting(run)
    met = replace(counted, requirements=(replace(counted.requirements[0], outcome="met"),))
    assert list(cases.counted(met, scenario)) == []
