"""``archlab claims`` and ``archlab explain``, as they are typed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from archlab import catalog
from archlab.cli import app
from archlab.run import ClaimOutcome, Run
from archlab.scenario import UsageError
from archlab.store import Store
from tests.store.test_store import a_run, old_file


@pytest.fixture(autouse=True)
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with two runs: 1 judged the claims of now, 2 is older and of a scenario that is gone."""
    home = tmp_path / "home"
    monkeypatch.setenv("ARCHLAB_HOME", str(home))
    with Store.open(home) as store:
        store.save(judged(a_run(1)))
        store.save(a_run(2, scenario="gone"))
    return home


def judged(run: Run) -> Run:
    outcomes = [
        ClaimOutcome(c.id, c.text, c.kind, "held" if c.judge else None, "seen", formula=c.formula, source=c.source)
        for c in catalog.find("cqrs").claims
    ]
    return replace(run, claims=tuple(outcomes), quick=False, turned={})


def typed(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.exception
    return " ".join(result.output.split())


def refused(*arguments: str) -> str:
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, UsageError)
    return str(error)


def test_without_a_name_every_scenario_is_told_with_its_own_latest_run() -> None:
    said = typed("claims")
    assert "cqrs · 14 of 14 held on this machine, run 1," in said
    assert "middleware · 15 claims, and no run yet that judges them" in said
    for scenario in map(catalog.find, ("cqrs", "middleware")):
        assert all(" ".join(claim.text.split()) in said for claim in scenario.claims)


def test_a_run_can_be_named_although_its_scenario_is_gone() -> None:
    assert "`archlab list` does not know gone: this is what was recorded." in typed("claims", "2")


@pytest.mark.parametrize("number", ["3", "99999999999999999999999"])
def test_a_run_that_does_not_exist_is_said_to_be_none(number: str) -> None:
    assert "there is no run" in refused("claims", number)
    assert "archlab history" in refused("claims", number)


def test_a_scenario_that_does_not_exist_is_said_to_be_none() -> None:
    assert "there is no scenario 'cqr'. Did you mean cqrs?" in refused("claims", "cqr")


def test_a_run_of_an_older_archlab_says_that_its_claims_were_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is one that the first version of the tables wrote; its one run judged the claims ``c`` and ``r``."""
    old_file(tmp_path / "old")
    monkeypatch.setenv("ARCHLAB_HOME", str(tmp_path / "old"))
    said = typed("claims", "cqrs")
    assert said.startswith("cqrs · none judged, run 1,")
    assert "Run 1 judged other claims than cqrs has now. New: faster, start-simple," in said
    assert "No longer taught: c, r." in said
    assert "To judge them now: archlab run cqrs" in said
    assert "The claims of cqrs have changed since run 1." in typed("claims", "1")


def test_the_document_has_what_the_screen_has() -> None:
    document = json.loads(CliRunner().invoke(app, ["claims", "cqrs", "--json"]).output)
    (told,) = document["scenarios"]
    assert (document["schema"], told["scenario"], told["run_id"], told["valid"]) == (1, "cqrs", 1, True)
    by_id = {claim["id"]: claim for claim in told["claims"]}
    assert (by_id["faster"]["outcome"], by_id["faster"]["evidence"]) == ("held", "seen")
    assert "store_distance" in by_id["distance"]["formula"]
    assert by_id["cautious"]["source"].startswith("https://")


def test_no_spans_are_read(recorded: Path) -> None:
    """A run has thousands of them, and claims need none."""
    import sqlite3
    from contextlib import closing

    before = typed("claims", "1")
    with closing(sqlite3.connect(recorded / "archlab.db")) as record:
        record.execute("UPDATE spans SET attributes = 'no JSON'")
        record.commit()
    assert typed("claims", "1") == before


# The words


@pytest.mark.parametrize("words", [("noise", "floor"), ("Noise  Floor",), ("noise floor",)])
def test_a_word_of_several_terms_needs_no_quotes(words: tuple[str, ...]) -> None:
    assert typed("explain", *words).startswith("noise floor How much the simplest design differs from itself")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("faster", "faster cqrs, a claim Under pressure a page without entities"),
        ("distance", "It is modelled: orders a second ≤ 1000 ÷ (2 × store_distance)."),
        ("cautious", "It is reported by others: https://martinfowler.com"),
        ("totals-right", "Required: wrong totals ≤ 0, because people are paid by these figures."),
        ("found by id", "found-by-id middleware, a requirement Required at pressure:"),
        ("page_p95", "page_p95 cqrs, a metric Page, 95 %, in seconds."),
        ("page p95", "A difference of less than 10 ms is not noticeable."),
        ("lines found", "Higher is better."),
    ],
)
def test_claims_requirements_and_metrics_are_explained(asked: str, says: str) -> None:
    assert says in typed("explain", *asked.split())


def test_a_name_with_several_meanings_has_them_all() -> None:
    said = typed("explain", "border")
    assert said.startswith("border The value of a knob at which the verdict changes")
    assert "border middleware, a claim" in said


@pytest.mark.parametrize(
    ("asked", "near"),
    [("fastr", "faster"), ("totals rigt", "totals-right"), ("pge_p95", "page_p95"), ("nois flor", "noise floor")],
)
def test_an_unknown_word_suggests_near_ones(asked: str, near: str) -> None:
    said = refused("explain", *asked.split())
    assert said.startswith(f"{asked!r} is not explained here. Did you mean:")
    assert near in said


def test_every_id_of_the_course_can_be_asked_for_and_is_listed() -> None:
    listed = typed("explain")
    for scenario in map(catalog.find, ("cqrs", "middleware")):
        ids = [claim.id for claim in scenario.claims] + [r.id for r in scenario.requirements]
        for name in (*ids, *(metric.name for metric in scenario.metrics)):
            assert name in listed
            assert f"{name} {scenario.name}, a " in typed("explain", name)
