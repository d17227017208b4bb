"""What CONTRIBUTING.md says about the scenarios that it shows is true of them: every block of code is executed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archlab import catalog
from archlab.bench.plan import Plan
from archlab.bench.runner import execute
from archlab.judge import judge, standing
from archlab.run import Run

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
SMALLEST, _, LARGER = TEXT.partition("### The smallest scenario that runs")[2].partition("### A scenario over HTTP")


def blocks(text: str, language: str) -> list[str]:
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return found


def written(folder: Path, code: str) -> str:
    """The folder of a scenario, written as the text says."""
    folder.mkdir()
    (folder / "__init__.py").write_text(code, encoding="utf-8")
    return str(folder)


@pytest.fixture(scope="module")
def lookup(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("example") / "lookup", blocks(SMALLEST, "python")[0])


def run(folder: str, cache: Path, quick: bool) -> Run:
    """A quick look, or five rounds: as few as a verdict needs."""
    scenario = catalog.find(folder)
    plan = Plan(scenario, {}, quick=quick, seconds=None if quick else 1.0)
    return judge(scenario, execute(plan, cache, lambda event: None))


def test_the_smallest_scenario_comes_to_the_verdict_that_the_text_says(lookup: str, tmp_path: Path) -> None:
    assert "In calm, scan is enough; under pressure it falls behind, and index pays." in SMALLEST
    judged = run(lookup, tmp_path, quick=False)
    assert judged.valid, judged.invalid_reasons
    assert [standing(judged, "calm", design) for design in ("scan", "index")] == ["enough", "self-inflicted"]
    assert [standing(judged, "pressure", design) for design in ("scan", "index")] == ["misses", "pays"]
    assert [(claim.id, claim.outcome) for claim in judged.claims] == [("index-pays", "held")]
    scanned = judged.measured("find_p95", "scan", "pressure")
    assert scanned is not None
    assert scanned.note.startswith("falls behind")


def test_a_quick_look_at_it_shows_and_leaves_open_what_the_text_says(lookup: str, tmp_path: Path) -> None:
    judged = run(lookup, tmp_path, quick=True)
    assert judged.valid, judged.invalid_reasons
    assert [standing(judged, "pressure", design) for design in ("scan", "index")] == ["misses", "uncertain"]
    verdict = judged.verdict("calm")
    assert verdict is not None
    assert verdict.design == "scan"


def test_the_workload_along_a_knob_flips_as_the_text_says(tmp_path: Path) -> None:
    assert "its verdict flips from `scan` to `index`" in SMALLEST
    whole, added = blocks(SMALLEST, "python")
    place = "    workloads=(\n"
    assert place in whole
    folder = written(tmp_path / "lookup", whole.replace(place, f"{place}        {added.strip()},\n"))
    judged = run(folder, tmp_path, quick=False)
    assert judged.valid, judged.invalid_reasons
    assert judged.flips("growing")
    assert [(v.at, v.design) for v in judged.verdicts_along] == [
        ({"customers": 100}, "scan"),
        ({"customers": 200_000}, "index"),
    ]


@pytest.fixture(scope="module")
def signup(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run of the scenario that uses every part: five rounds of it."""
    home = tmp_path_factory.mktemp("larger")
    folder = home / "signup"
    path = written(folder, "\n\n\n".join(blocks(LARGER, "python")))
    (folder / "changes" / "polite").mkdir(parents=True)
    (folder / "changes" / "polite" / "direct.patch").write_text(blocks(LARGER, "diff")[0], encoding="utf-8")
    return run(path, home / "cache", quick=False)


def test_the_larger_scenario_comes_to_the_verdict_that_the_text_says(signup: Run) -> None:
    assert "`direct` and `pooled` fail sign-ups then, `jobs` is enough" in " ".join(LARGER.split())
    assert signup.valid, signup.invalid_reasons
    stands = [standing(signup, "pressure", design.name) for design in signup.designs]
    assert stands == ["misses", "misses", "pays", "self-inflicted"]
    assert [(claim.id, claim.outcome) for claim in signup.claims] == [
        ("mails-can-wait", "held"),
        ("waits-for-the-provider", None),
        ("mail-is-slow", None),
    ]


def test_its_modelled_claim_tells_its_value_and_its_counts_bring_cases(signup: Run) -> None:
    _, modelled, reported = signup.claims
    assert (modelled.formula, modelled.evidence) == (
        "sign-ups a second ≤ 1000 ÷ rtt",
        "at most 2000 a second at 0.5 ms",
    )
    assert reported.source.startswith("https://")
    for design in ("direct", "jobs"):
        found = signup.measured("broken", design, "calm", {"provider": "killed", "feature": "mail at once"})
        assert found is not None
        assert (found.value, found.cases) == (1, ("user 2000 signed up, and no mail was sent",))
    for design, point in (("jobs", "between mail and mark"), ("events", "between mail and ack")):
        twice = signup.measured("duplicated", design, "calm", {"crash_point": point})
        assert twice is not None
        assert twice.cases == ("duplicated: 1000",)


def test_its_faults_were_injected_and_told_in_order(signup: Run) -> None:
    planned = {(fault.name, fault.injected >= fault.planned > 0) for fault in signup.faults}
    assert planned == {
        ("provider down", True),
        ("provider back", True),
        ("between mail and mark", True),
        ("between mail and ack", True),
    }
    kinds = {d.name: [event.kind for event in signup.events if event.design == d.name] for d in signup.designs}
    assert kinds["direct"] == ["done", "fails", "done", "recovers"]
    assert kinds["jobs"] == ["done", "done", "seen"]


def test_its_parts_were_counted_and_its_places_measured(signup: Run) -> None:
    parts = {design.name: (design.processes, design.queues) for design in signup.designs}
    assert parts == {"direct": (1, 0), "pooled": (2, 0), "jobs": (2, 0), "events": (3, 1)}
    assert str(signup.environment["broker"]).startswith("archlab")
    for design, point in (("jobs", "between mail and mark"), ("events", "between mail and ack")):
        lost = signup.measured("lost", design, "calm", {"crash_point": point})
        twice = signup.measured("duplicated", design, "calm", {"crash_point": point})
        assert lost is not None and twice is not None
        assert (lost.value, twice.value) == (0, 1), "at least once: the mail was sent, and nobody knew"
    renewed = signup.measured("broken", "direct", "calm", {"provider": "renewed", "feature": "sign up"})
    assert renewed is not None and renewed.value == 0
    memory = signup.measured("memory", "direct", "calm")
    assert memory is not None and (memory.value or 0) > 1_000_000
    orphans = signup.measured("orphans", "events", "pressure")
    assert orphans is not None and orphans.value == 0
    assert {m.at["t"] for m in signup.all_measured("outstanding", "jobs", "calm")}


def test_adding_a_scenario_takes_seven_steps_at_the_most() -> None:
    steps = re.findall(r"^(\d)\. \*\*", TEXT.partition("## Adding a scenario")[2], re.MULTILINE)
    assert steps == [str(number) for number in range(1, len(steps) + 1)]
    assert len(steps) <= 7
