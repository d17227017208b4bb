"""A trace of an order crosses every service; where one hop does not pass the context on, it falls into pieces."""

from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path

import pytest

from archlab import catalog
from archlab.bench.plan import Plan
from archlab.bench.runner import execute
from archlab.judge import judge
from archlab.run import Run

ORIGINAL = Path(str(import_module("archlab.scenarios.microservices").__file__)).parent
CLAIM = "trace-crosses"


def looked_at(reference: str, cache: Path) -> Run:
    scenario = catalog.find(reference).only(["microservices"], ["pressure"])
    return judge(scenario, execute(Plan(scenario, {}, quick=True), cache, lambda event: None))


@pytest.mark.parametrize("carries", [True, False])
def test_orphans_appear_where_a_hop_drops_the_context(tmp_path: Path, carries: bool) -> None:
    copy = tmp_path / "dropped"
    shutil.copytree(ORIGINAL, copy, ignore=shutil.ignore_patterns("__pycache__"))
    if not carries:
        file = copy / "microservices.py"
        text = file.read_text(encoding="utf-8")
        hop = "carries_context=bool(lab.knobs.context)"
        assert text.count(hop) == 1
        dropped = "carries_context=False"
        file.write_text(text.replace(hop, dropped), encoding="utf-8")
    run = looked_at(str(copy), tmp_path / "cache")
    orphans = run.measured("orphans", "microservices", "pressure")
    assert orphans is not None
    assert (orphans.value == 0) == carries
    (claim,) = [claim for claim in run.claims if claim.id == CLAIM]
    assert claim.outcome == ("held" if carries else "refuted")
