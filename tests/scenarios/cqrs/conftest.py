"""Labs for the designs of cqrs: real SQLite files, real processes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from archlab import catalog
from archlab.bench import runner
from archlab.lab.lab import Lab
from archlab.lab.setting import Setting
from archlab.scenario import Design, Scenario

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
    ready: dict[object, Path] = {}

    def make(name: str, scenario: str = "cqrs", seed: str = "1", **turned: float) -> SimpleNamespace:
        loaded = catalog.find(scenario)
        knobs = {knob.name: knob.default for knob in loaded.knobs} | turned
        design, folder = loaded.design(name), Path(tempfile.mkdtemp(dir=tmp_path))
        setting = Setting(catalog.source(scenario), "calm", knobs, seed, folder)
        key = (name, scenario, seed, *sorted(knobs.items()))
        if key not in ready:
            ready[key] = Path(tempfile.mkdtemp(dir=tmp_path))
            fill(loaded, design, replace(setting, folder=ready[key]))
        shutil.copytree(ready[key], folder, dirs_exist_ok=True)
        lab = Lab(setting)
        labs.append(lab)
        return SimpleNamespace(lab=lab, design=design.start(lab), close=lambda: lab.close(finish=True))

    yield make
    for lab in labs:
        lab.close(finish=True)


def fill(scenario: Scenario, design: Design, setting: Setting) -> None:
    """What a run does once: seeds the data, then makes the tables that this design alone keeps."""
    for make in (scenario.data, design.prepare):
        if make is not None:
            lab = Lab(setting)
            make(lab)
            lab.close(finish=True)
