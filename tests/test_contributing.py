"""What CONTRIBUTING.md says about the scenario that it shows is true of it."""

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
SECTION = TEXT.partition("### The smallest scenario that runs")[2]


@pytest.fixture(scope="module")
def lookup(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder with the scenario, written as the text says."""
    folder = tmp_path_factory.mktemp("example") / "lookup"
    folder.mkdir()
    (code,) = re.findall(r"^```python\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
    (folder / "__init__.py").write_text(code, encoding="utf-8")
    return str(folder)


def run(lookup: str, cache: Path, quick: bool) -> Run:
    """A quick look, or five rounds: as few as a verdict needs."""
    scenario = catalog.find(lookup)
    plan = Plan(scenario, {}, quick=quick, seconds=None if quick else 1.0)
    return judge(scenario, execute(plan, cache, lambda event: None))


def test_the_smallest_scenario_comes_to_the_verdict_that_the_text_says(lookup: str, tmp_path: Path) -> None:
    assert "In calm, scan is enough; under pressure it falls behind, and index pays." in SECTION
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


def test_adding_a_scenario_takes_seven_steps_at_the_most() -> None:
    steps = re.findall(r"^(\d)\. \*\*", TEXT.partition("## Adding a scenario")[2], re.MULTILINE)
    assert steps == [str(number) for number in range(1, len(steps) + 1)]
    assert len(steps) <= 7
