"""Scenarios to measure in tests: copies of the tiny one, made faster, with edits."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from archlab import catalog
from archlab.lab import forking
from archlab.lab.broker_address import BrokerUrl
from archlab.scenario import Scenario

TINY = Path(__file__).parent / "tiny" / "__init__.py"
FASTER = (("self.pause = 0.001", "self.pause = 0.0004"), ("500.0, 1, 10_000", "2000.0, 1, 10_000"))


@pytest.fixture(scope="session", autouse=True)
def forked_quickly() -> None:
    """Processes are forked from a server that has imported the bench, as in a run."""
    forking.warm([])


@pytest.fixture(scope="session")
def tiny_in() -> Callable[..., Scenario]:
    """``tiny_in(folder, (old, new), …)``: the tiny scenario as a new folder, with every old text replaced."""

    def make(folder: Path, *edits: tuple[str, str]) -> Scenario:
        text = TINY.read_text(encoding="utf-8")
        for old, new in (*FASTER, *edits):
            assert old in text, f"tiny has no {old!r}"
            text = text.replace(old, new)
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").write_text(text, encoding="utf-8")
        return catalog.find(str(folder))

    return make


@pytest.fixture
def tiny(tiny_in: Callable[..., Scenario], tmp_path: Path) -> Callable[..., Scenario]:
    """``tiny((old, new), …)``: the same, in the test's own folder."""
    return lambda *edits: tiny_in(tmp_path / "tiny", *edits)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


RABBITMQ = "amqp://guest:guest@127.0.0.1:5672/"


@pytest.fixture(params=["embedded", "rabbitmq"])
def broker_url(request: pytest.FixtureRequest) -> BrokerUrl | None:
    """The broker that a person gave: none, for the embedded one, or RabbitMQ."""
    return None if request.param == "embedded" else request.getfixturevalue("rabbitmq_url")


@pytest.fixture(scope="session")
def rabbitmq_url() -> BrokerUrl:
    """On a laptop without RabbitMQ its half is skipped; in CI it must be there, and a test fails if it is not."""
    if "CI" not in os.environ:
        try:
            socket.create_connection(("127.0.0.1", 5672), timeout=1).close()
        except OSError:
            pytest.skip("no RabbitMQ on 127.0.0.1:5672")
    return BrokerUrl.parse(RABBITMQ)
