"""Designs of the scenario to ask, on both brokers."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from archlab import catalog
from archlab.lab import broker, forking, service
from archlab.lab.broker_address import BrokerAddress, BrokerUrl
from archlab.lab.lab import Lab
from archlab.lab.setting import Setting
from archlab.scenario import Scenario

Start = Callable[..., SimpleNamespace]


@pytest.fixture(scope="session", autouse=True)
def forked_quickly() -> None:
    """Processes are forked from a server that has imported what they need, as in a run."""
    forking.warm([*service.PRELOADED, *broker.PRELOADED, "archlab.scenarios.microservices.microservices"])


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    return catalog.find("microservices")


@pytest.fixture
def start(tmp_path: Path, broker_url: BrokerUrl | None) -> Iterator[Start]:
    """``start("microservices", effects=1)``: a running design with its ``lab``, on the embedded broker and on RabbitMQ.

    ``reference`` names a copy, whose designs may have been broken on purpose.
    """
    labs: list[Lab] = []
    address = BrokerAddress(broker_url, foreign=True) if broker_url else None

    def make(
        name: str, reference: str = "microservices", workload: str = "pressure", **turned: float
    ) -> SimpleNamespace:
        loaded = catalog.find(reference)
        folder = tmp_path / f"round-{len(labs)}"
        folder.mkdir()
        knobs = loaded.settings(loaded.workload(workload), turned)
        setting = Setting(catalog.source(reference), workload, knobs, "1", folder, design=name, broker=address)
        design = loaded.design(name)
        seeding = Lab(setting)
        loaded.data(seeding)
        if design.prepare:
            design.prepare(seeding)
        seeding.close(finish=True)
        lab = Lab(setting)
        labs.append(lab)
        running = design.start(lab)
        lab.ready()
        package = import_module(loaded.designs[0].start.__module__.rpartition(".")[0])
        return SimpleNamespace(lab=lab, design=running, scenario=loaded, package=package.__name__)

    yield make
    for lab in labs:
        lab.close(finish=False)
    gc.collect()  # connections of a design end with the process of its round, here with the test
