"""Scenarios to measure in tests: copies of the tiny one, made faster, with edits. And archlab as a person starts it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
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


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the test's own, with a short name: sockets are made below it, and their paths have 104 characters."""
    return tmp_path_factory.mktemp("t")


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


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def start(tmp_path: Path, home: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """``start("run", "cqrs", VARIABLE=value)``: an archlab with folders of its own; its output can be read."""
    (tmp_path / "tmp").mkdir()
    with contextlib.ExitStack() as all_of_them:

        def started(*arguments: str, before: str = "", **variables: str) -> subprocess.Popen[str]:
            environment = {**os.environ, "ARCHLAB_HOME": str(home), "TMPDIR": str(tmp_path / "tmp"), **variables}
            command = [sys.executable, "-m", "archlab", *arguments]
            if before:  # a shell's redirections
                command = ["sh", "-c", f'exec "$@" {before}', "sh", *command]
            pipe = subprocess.PIPE
            archlab = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=tmp_path, env=environment
            )
            all_of_them.enter_context(archlab)
            all_of_them.callback(archlab.kill)
            return archlab

        yield started


@pytest.fixture
def archlab(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., tuple[int, str, str]]:
    """The same, run to its end: its exit code, stdout and stderr."""

    def run(*arguments: str, **how: str) -> tuple[int, str, str]:
        process = start(*arguments, **how)
        out, err = process.communicate(timeout=60)
        assert "Traceback" not in out + err
        return process.returncode, out, err

    return run
