"""Labs for the designs of cqrs: real SQLite files, real processes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archlab import catalog
from archlab.bench import runner
from archlab.bench.lab import Lab, Setting
from archlab.scenario import Scenario

Start = Callable[..., SimpleNamespace]


@pytest.fixture
def scenario() -> Scenario:
    return catalog.find("cqrs")


@pytest.fixture(scope="session", autouse=True)
def warm() -> None:
    """Processes are forked from a server that has the scenario's modules imported, as in a run."""
    runner.warm(catalog.find("cqrs"))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """``start("crud", page_rows=10)``: a seeded shop of its own, with ``lab`` and ``design``."""
    labs: list[Lab] = []

    def make(name: str, scenario: str = "cqrs", seed: str = "1", **turned: float) -> SimpleNamespace:
        loaded = catalog.find(scenario)
        knobs = {knob.name: knob.default for knob in loaded.knobs} | turned
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        setting = Setting(scenario, "calm", knobs, seed, folder)
        declared = loaded.design(name)
        for fill in (loaded.data, declared.prepare):
            if fill is not None:
                filling = Lab(setting)
                fill(filling)
                filling.close(finish=True)
        lab = Lab(setting)
        labs.append(lab)
        design: Any = declared.start(lab)
        return SimpleNamespace(lab=lab, design=design, close=lambda: lab.close(finish=True))

    yield make
    for lab in labs:
        lab.close(finish=True)
