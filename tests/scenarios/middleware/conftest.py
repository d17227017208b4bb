"""One run of the scenario for all tests of its claims, and designs of it to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archlab import catalog
from archlab.bench.plan import Plan
from archlab.bench.runner import execute
from archlab.judge import judge
from archlab.lab import forking, service
from archlab.lab.lab import Lab
from archlab.lab.setting import Setting
from archlab.run import Run
from archlab.scenario import Scenario

Start = Callable[..., SimpleNamespace]


@pytest.fixture(scope="session", autouse=True)
def forked_quickly() -> None:
    """Services are forked from a server that has imported what they need, as in a run."""
    forking.warm(service.PRELOADED)


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    return catalog.find("middleware")


@pytest.fixture(scope="session")
def run(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Run:
    cache: Path = tmp_path_factory.mktemp("cache")
    return judge(scenario, execute(Plan(scenario, {}), cache, lambda event: None))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """``start("decorators", concerns=2)``: the API of a design as a real service, with ``lab`` and ``api``."""
    labs: list[Lab] = []

    def make(name: str, reference: str = "middleware", workload: str = "pressure", **turned: float) -> SimpleNamespace:
        loaded = catalog.find(reference)
        folder = tmp_path / f"{len(labs)}"
        folder.mkdir()
        knobs = loaded.settings(loaded.workload(workload), turned)
        setting = Setting(catalog.source(reference), workload, knobs, "1", folder, design=name)
        seeding = Lab(setting)
        loaded.data(seeding)
        seeding.close(finish=True)
        lab = Lab(setting)
        labs.append(lab)
        api: Any = loaded.design(name).start(lab)
        return SimpleNamespace(lab=lab, api=api, folder=folder)

    yield make
    for lab in labs:
        lab.close(finish=True)
