"""Figures with a place, measured for real: compared, required, judged, recorded and shown place by place."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from archlab import catalog
from archlab.bench import plan
from archlab.bench.plan import Plan
from archlab.bench.runner import execute
from archlab.judge import judge
from archlab.run import Run
from archlab.scenario import Scenario, ScenarioError
from archlab.store import Store
from archlab.view import compare, report, run_screen

FOLDER = str(Path(__file__).parent)
Judged = tuple[Scenario, Run]


def measured(home: Path, turned: dict[str, float]) -> Judged:
    scenario = catalog.find(FOLDER)
    return scenario, judge(scenario, execute(Plan(scenario, turned), home / "cache", lambda event: None))


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    """One run, judged; calm goes round five times only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "CLOSED_ROUNDS", plan.ROUNDS)
        yield measured(tmp_path_factory.mktemp("places"), {})


def shown(scenario: Scenario, run: Run, width: int, topic: bool = False) -> str:
    out = io.StringIO()
    pictures = (
        [compare.topic(run, scenario)] if topic else [run_screen.whole(run, scenario), report.picture(run, scenario)]
    )
    Console(file=out, width=width, color_system=None).print(*pictures)
    return out.getvalue()


def test_lint_finds_nothing_wrong_with_places() -> None:
    assert catalog.check(catalog.find(FOLDER)) == []


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        (
            'at={"crash_point": "after send"}',
            'at={"crash_point": "afer send"}',
            "requirement nothing-lost-late is about crash_point='afer send', and lost is measured at "
            "crash_point='before send', crash_point='after send' in calm.",
        ),
        (
            'Series("t", "queue',
            'Series("time", "queue',
            "metric depth is shown by 'time', and no sample of it has that",
        ),
        ('Grid("table", ', 'Grid("tables", ', "metric copies is shown by 'tables', and no sample of it has that"),
    ],
)
def test_a_place_that_no_sample_has_ends_the_run_and_says_where_the_samples_are(
    tmp_path: Path, was: str, now: str, said: str
) -> None:
    text = (Path(FOLDER) / "__init__.py").read_text(encoding="utf-8")
    assert was in text
    (tmp_path / "places").mkdir()
    (tmp_path / "places" / "__init__.py").write_text(text.replace(was, now), encoding="utf-8")
    scenario = catalog.find(str(tmp_path / "places"))
    with pytest.raises(ScenarioError, match=re.escape(said)):
        execute(Plan(scenario, {}), tmp_path / "cache", lambda event: None)


def test_every_value_of_the_knob_is_measured_in_at_least_five_rounds_and_says_where(judged: Judged) -> None:
    _, run = judged
    assert run.valid, run.invalid_reasons
    times = [m for m in run.measurements if (m.metric, m.workload) == ("read_time", "pressure")]
    assert {(m.design, m.at["rtt"]) for m in times} == {(d.name, rtt) for d in run.designs for rtt in (0, 4, 30)}
    assert {m.rounds for m in times} == {5}
    by_place = {rtt: run.measured("read_time", "one-by-one", "pressure", {"rtt": rtt}) for rtt in (0, 4)}
    assert by_place[4] is not None
    assert (by_place[4].value or 0) > 0.019, "five round trips of 4 ms"
    assert by_place[0] is not None
    assert (by_place[0].value or 1) < 0.1 * (by_place[4].value or 0)


def test_a_round_stops_early_by_the_place_where_it_is(judged: Judged) -> None:
    """Far away the fourth late request settles it, and the rest is not asked; near by all sixty are."""
    _, run = judged
    near, far = (run.measured("read_p95", "at-once", "pressure", {"rtt": rtt}) for rtt in (0, 30))
    assert near is not None
    assert not near.note
    assert far is not None
    assert far.note.startswith("unfinished")
    assert min(far.over) == 1


def test_the_verdict_flips_along_the_knob_and_all_values_together_have_one(judged: Judged) -> None:
    _, run = judged
    along = {v.at["rtt"]: (v.status, v.design) for v in run.verdicts_along}
    assert along == {0: ("sufficient", "one-by-one"), 4: ("sufficient", "at-once"), 30: ("none", None)}
    assert run.flips("pressure")
    assert not run.flips("calm")
    whole = run.verdict("pressure")
    assert whole is not None
    assert whole.status == "none", "nothing is enough at every value"
    missed = run.required("read_p95", "at-once", "pressure")
    assert missed is not None
    assert (missed.outcome, missed.at) == ("missed", {"rtt": 30})
    assert any("depends on rtt" in finding for finding in run.findings)
    assert run.to_json()["verdicts"]["pressure"]["flips"] is True


def test_designs_are_compared_at_equal_places(judged: Judged) -> None:
    _, run = judged
    far = run.compared("read_time", "pressure", "one-by-one", "at-once", {"rtt": 4})
    assert far is not None
    assert far.outcome == "worse"
    assert far.low > 3, "five round trips against one"
    places = [c.at["rtt"] for c in run.all_compared("read_time", "pressure", "one-by-one", "at-once")]
    assert sorted(places) == [0, 4, 30]
    with pytest.raises(LookupError, match="places: say which one is meant"):
        run.compared("read_time", "pressure", "one-by-one", "at-once")


def test_a_requirement_is_judged_where_it_is_about_and_from_the_side_that_it_names(judged: Judged) -> None:
    _, run = judged
    found = {
        (r.id, r.design): (r.outcome, dict(r.at), r.at_most, r.at_least)
        for r in run.requirements
        if r.workload == "calm"
    }
    after, before = {"crash_point": "after send"}, {"crash_point": "before send"}
    assert found["nothing-lost-late", "one-by-one"] == ("missed", after, 0, None)
    assert found["nothing-lost-late", "at-once"] == ("met", after, 0, None)
    assert found["little-lost-early", "one-by-one"] == ("met", before, 1, None)
    assert found["copies-kept", "one-by-one"][0] == "missed"
    assert found["copies-kept", "at-once"][0] == "met"
    assert found["copies-kept", "at-once"][2:] == (None, 2)
    assert found["copies-few", "one-by-one"][0] == "met", "the other side of the same metric, in the same workload"
    assert not [key for key in found if key[0] == "drains"], "near by nobody demands it"


def test_what_is_demanded_on_a_condition_is_demanded_when_a_person_turns_the_knob(tmp_path: Path) -> None:
    """And the value that is typed takes the place of the values along the knob."""
    _, run = measured(tmp_path, {"rtt": 2})
    drains = {r.design: (r.outcome, dict(r.at)) for r in run.requirements if r.id == "drains"}
    assert drains == {"one-by-one": ("met", {"t": 1.5}), "at-once": ("met", {"t": 1.5})}
    assert {v.at["rtt"] for v in run.verdicts_along} == {2}
    assert not run.flips("pressure")
    assert run.measured("read_time", "at-once", "pressure", {"rtt": 2}) is not None


def test_a_run_with_places_comes_back_from_the_store_as_it_was(judged: Judged, tmp_path: Path) -> None:
    _, run = judged
    with Store(tmp_path / "home") as store:
        back = store.load(store.save(run))
    assert (back.measurements, back.comparisons, back.requirements) == (
        run.measurements,
        run.comparisons,
        run.requirements,
    )
    assert (back.verdicts, back.verdicts_along) == (run.verdicts, run.verdicts_along)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("topic", [False, True])
def test_grid_ledger_series_and_the_flip_are_on_the_screen(judged: Judged, width: int, topic: bool) -> None:
    scenario, run = judged
    text = shown(scenario, run, width, topic)
    flowing = " ".join(text.split())
    assert max(map(len, text.splitlines())) <= width
    for said in ("copies by table and access", "effects by crash point", "queue depth", "max 40", "exact", "2 lost"):
        assert said in flowing, text
    if not topic:
        assert "pressure: it depends on rtt: one-by-one at 0 ms, at-once at 4 ms, none at 30 ms" in flowing
    assert "≥ 2 copies" in flowing
