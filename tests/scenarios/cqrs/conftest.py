"""Labs for the designs of cqrs: real SQLite files, real processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archlab import catalog
from archlab.bench.lab import Lab, Setting
from archlab.scenario import Scenario

Start = Callable[..., SimpleNamespace]


@pytest.fixture
def scenario() -> Scenario:
    return catalog.find("cqrs")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """``start("crud", page_rows=10)``: a seeded shop of its own, with ``lab`` and ``design``."""
    labs: list[Lab] = []

    def make(name: str, scenario: str = "cqrs", seed: str = "1", **turned: float) -> SimpleNamespace:
        loaded = catalog.find(scenario)
        knobs = {knob.name: knob.default for knob in loaded.knobs} | turned
        folder = tmp_path / f"{len(labs)}"
        folder.mkdir()
        setting = Setting(scenario, "calm", knobs, seed, folder)
        seeding = Lab(setting)
        loaded.data(seeding)
        seeding.close()
        lab = Lab(setting)
        labs.append(lab)
        design: Any = loaded.design(name).start(lab)
        return SimpleNamespace(lab=lab, design=design, close=lab.close)

    yield make
    for lab in labs:
        lab.close()
