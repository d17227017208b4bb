"""A private RabbitMQ node: it serves on loopback alone, and nothing of it is left, however archlab went."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archlab.lab import amqp, rabbitmq_node
from archlab.lab.broker_address import BrokerUrl
from archlab.lab.errors import BrokerFailed

PATIENCE = 20.0
"""Seconds after which something that must happen counts as not happening."""


@pytest.fixture
def installed() -> None:
    """On a laptop without RabbitMQ this is skipped; in CI it must be there."""
    if "CI" not in os.environ and rabbitmq_node._server() is None:
        pytest.skip("no rabbitmq-server here")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where nodes of these tests have their folders."""
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place


def running(folder: Path) -> list[bytes]:
    """Processes whose command line or environment names a folder: a node, its epmd, and what they started."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in (process / "environ").read_bytes() + (process / "cmdline").read_bytes():
                found.append((process / "cmdline").read_bytes())
    return [command for command in found if b"beam" in command or b"epmd" in command or b"rabbitmq" in command]


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc")
def test_a_node_serves_and_nothing_is_left(installed: None, folder: Path) -> None:
    with rabbitmq_node.running() as url:
        assert amqp.product(url).startswith("RabbitMQ ")
        assert url.host == "127.0.0.1"
        assert url.reveal() not in str(url)
        assert not any(url.reveal().split("@")[0].split(":")[-1].encode() in command for command in running(folder))
        assert len(running(folder)) >= 3
        listening = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout.splitlines()
        pids = {pid.name for pid in Path("/proc").glob("[0-9]*") if _of(pid, folder)}
        own = [line.split()[3] for line in listening if any(f"pid={pid}," in line for pid in pids)]
        assert own
        assert all(address.startswith(("127.", "[::1]")) for address in own)
    assert running(folder) == []
    assert list(folder.iterdir()) == []


def _of(process: Path, folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return str(folder).encode() in (process / "environ").read_bytes()
    return False


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc")
def test_a_kill_of_archlab_leaves_no_node(installed: None, folder: Path) -> None:
    holds = (
        "from archlab.lab import rabbitmq_node\nwith rabbitmq_node.running():\n    print('up', flush=True)\n    input()"
    )
    archlab = subprocess.Popen([sys.executable, "-c", holds], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert archlab.stdout is not None
    assert archlab.stdin is not None
    assert archlab.stdout.readline() == "up\n"
    archlab.send_signal(signal.SIGKILL)
    archlab.wait()
    archlab.stdin.close()
    archlab.stdout.close()
    eventually(lambda: running(folder) == [] and not list(folder.iterdir()))


def test_where_it_is_not_installed_it_is_said_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(rabbitmq_node, "HOMES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert rabbitmq_node.main() == 1
    said = json.loads(capsys.readouterr().out)["error"]
    assert "rabbitmq-server is not installed" in said
    assert "apt install rabbitmq-server" in said


@pytest.mark.skipif(shutil.which("epmd") is None, reason="no Erlang here")
def test_where_it_does_not_start_its_own_reason_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path
) -> None:
    server = tmp_path / "rabbitmq-server"
    server.write_text("#!/bin/sh\necho 'BOOT FAILED: error: the disk is full' >&2\nexit 3\n", encoding="utf-8")
    server.chmod(0o755)
    started: list[subprocess.Popen[bytes]] = []
    answer = rabbitmq_node._start(server, str(shutil.which("epmd")), folder, started)
    for process in started:
        process.kill()
        process.wait()
    assert "exit code 3" in answer["error"]
    assert "the disk is full" in answer["error"]


def test_a_failure_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/true")
    with (
        pytest.raises(BrokerFailed, match="a private RabbitMQ cannot be started: its guard ended"),
        rabbitmq_node.running(),
    ):
        pass


def test_a_user_without_permissions_is_found_out_before_a_run(rabbitmq_url: BrokerUrl) -> None:
    def control(*command: str) -> None:
        subprocess.run(["rabbitmqctl", "-q", *command], check=True, capture_output=True)

    with contextlib.suppress(subprocess.CalledProcessError):  # what a test that was ended left
        control("delete_user", "archlab-bare")
    control("add_user", "archlab-bare", "secret")
    control("set_permissions", "archlab-bare", "^nothing$", "^nothing$", "^nothing$")
    try:
        with pytest.raises(BrokerFailed, match="rabbitmqctl set_permissions") as failed:
            amqp.product(BrokerUrl.parse("amqp://archlab-bare:secret@127.0.0.1:5672/"))
        assert "secret" not in str(failed.value)
    finally:
        control("delete_user", "archlab-bare")


def test_a_given_broker_that_goes_away_is_named(tmp_path: Path) -> None:
    """Whatever fails because of it says less."""
    from archlab import catalog
    from archlab.lab.broker import Broker
    from archlab.lab.broker_address import BrokerAddress
    from archlab.lab.errors import ProcessDied
    from archlab.lab.setting import Setting

    address = BrokerAddress(BrokerUrl.parse("amqp://user:secret@127.0.0.1:1/"), foreign=True)
    setting = Setting(catalog.source("cqrs"), "calm", {}, "1", tmp_path, broker=address)
    with pytest.raises(ProcessDied, match="takes no connections any more") as died:
        Broker(setting, address, None).check()
    assert "secret" not in str(died.value)
