"""Runs of a scenario with a queue, on the embedded broker and RabbitMQ: what is counted, and that nothing is left."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from archlab import __version__, catalog
from archlab.bench import execution
from archlab.bench.plan import Plan
from archlab.bench.runner import execute
from archlab.lab import amqp, declared
from archlab.lab.broker_address import BrokerUrl
from archlab.run import Run
from archlab.scenario import Scenario, ScenarioError

AMQP = Path(__file__).parents[1] / "amqp" / "__init__.py"
PATIENCE = 20.0
"""Seconds after which something that must happen counts as not happening."""
PUBLISHES = '        self.channel.basic_publish("", self.queue, str(number).encode())\n'


@pytest.fixture
def edited(tmp_path: Path) -> Callable[..., Scenario]:
    """``edited((old, new), …)``: the scenario as a new folder, with every old text replaced."""

    def make(*edits: tuple[str, str]) -> Scenario:
        text = AMQP.read_text(encoding="utf-8")
        for old, new in edits:
            assert old in text, f"the scenario has no {old!r}"
            text = text.replace(old, new)
        (tmp_path / "amqp").mkdir()
        (tmp_path / "amqp" / "__init__.py").write_text(text, encoding="utf-8")
        return catalog.find(str(tmp_path / "amqp"))

    return make


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> list[declared.Declared]:
    """Everything that rounds declared, as the bench finds it when a round has ended or was ended."""
    found: list[declared.Declared] = []
    remove = amqp.remove

    def noted(folder: Path, url: BrokerUrl) -> None:
        found.extend(declared.names(folder))
        remove(folder, url)

    monkeypatch.setattr(amqp, "remove", noted)
    return found


OWN = f"archlab-test-{secrets.token_hex(4)}"
"""A virtual host and a user on RabbitMQ that nobody else has, whatever else runs there."""


def control(*command: str) -> str:
    return subprocess.run(["rabbitmqctl", "-q", *command], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def rabbitmq_url(rabbitmq_url: BrokerUrl) -> Iterator[BrokerUrl]:
    """RabbitMQ, in a virtual host that is there for these tests."""
    control("add_vhost", OWN)
    control("set_permissions", "-p", OWN, "guest", ".*", ".*", ".*")
    yield BrokerUrl.parse(f"{rabbitmq_url.reveal()}{OWN}")
    control("delete_vhost", OWN)


def declared_there() -> set[str]:
    """Names of the queues and exchanges of archlab, as RabbitMQ lists them itself."""
    listed = (control(command, "-p", OWN, "name") for command in ("list_queues", "list_exchanges"))
    return {name for names in listed for name in names.split() if name.startswith("archlab-")}


def eventually(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.02)


def run(scenario: Scenario, cache: Path, url: BrokerUrl | None = None, **plan: Any) -> Run:
    return execute(Plan(scenario, {}, quick=True, broker=url, **plan), cache, lambda event: None)


# What a run records


def test_a_run_with_a_queue_is_valid_and_counts_its_parts(broker_url: BrokerUrl | None, cache: Path) -> None:
    """The broker is a process more; the trace crosses the queue; every trace belongs to a request."""
    found = run(catalog.find(str(AMQP.parent)), cache, broker_url)
    assert found.valid, found.invalid_reasons
    assert not [finding for finding in found.findings if "running" in finding]
    parts = {design.name: (design.processes, design.tables, design.queues) for design in found.designs}
    assert parts == {"direct": (1, 1, 0), "queued": (3, 1, 1)}
    shown = [trace for trace in found.traces if trace.design == "queued"]
    assert shown
    for trace in shown:
        assert [span.process for span in trace.spans if span.name == "publish orders"] == ["worker"]
        assert [span.process for span in trace.spans if span.name == "process orders"] == ["consumer"]
        assert [span.process for span in trace.spans if span.name == "INSERT"] == ["consumer"]
    for design in ("direct", "queued"):
        figure = found.measured("orphaned", design, "pressure")
        assert figure is not None
        assert (figure.experiment, figure.value, figure.rounds) == ("load", 0.0, 1)
    product = found.environment["broker"]
    if broker_url is None:
        assert product == f"archlab {__version__} (embedded)"
    else:
        assert product.startswith("RabbitMQ ")


def test_without_the_context_half_of_the_traces_are_orphans(
    edited: Callable[..., Scenario], broker_url: BrokerUrl | None, cache: Path
) -> None:
    """One of the request, and one that the consumer begins."""
    scenario = edited(("carries_context=True", "carries_context=False"))
    found = run(scenario.only(["queued"], ["pressure"]), cache, broker_url)
    figure = found.measured("orphaned", "queued", "pressure")
    assert figure is not None
    assert figure.value is not None
    assert 0.4 < figure.value < 0.6
    for trace in found.traces:
        assert {span.process for span in trace.spans} == {"worker"}


def test_what_a_design_looks_for_by_itself_is_no_orphan(edited: Callable[..., Scenario], cache: Path) -> None:
    """A look at a table, again and again, that no request asked for."""
    looks = "    while True:\n        database.execute('SELECT 1')\n        inbox.receive(0.001)\n"
    scenario = edited(("    broker.consume_until_stopped(channel, inbox)\n", looks))
    found = run(scenario.only(["queued"], ["pressure"]), cache)
    figure = found.measured("orphaned", "queued", "pressure")
    assert figure is not None
    assert figure.value == 0.0


def test_a_scenario_that_needs_no_broker_names_none(tiny: Callable[..., Scenario], cache: Path) -> None:
    """However unreachable the one is that was given."""
    found = run(tiny().only(["scan"], ["calm"]), cache, BrokerUrl.parse("amqp://guest:guest@127.0.0.1:1/"))
    assert found.environment["broker"] is None


def test_a_scenario_that_does_not_say_that_it_needs_a_broker_is_told_to(
    edited: Callable[..., Scenario], cache: Path
) -> None:
    scenario = edited(('    needs=("broker",),\n', ""))
    with pytest.raises(ScenarioError, match=r'design queued uses a broker: say so with needs=\("broker",\)'):
        run(scenario.only(["queued"], ["calm"]), cache)


def test_the_unplanned_end_of_the_broker_is_named(edited: Callable[..., Scenario], cache: Path) -> None:
    """And not the ends that follow from it, of its clients."""
    dies = f"        os.kill(self.broker._pid('killed'), 9) if number == 20 else None\n{PUBLISHES}"
    scenario = edited(
        (PUBLISHES, dies),
        (
            "        broker = lab.broker()\n        self.queue",
            "        self.broker = broker = lab.broker()\n        self.queue",
        ),
        ("from typing import Any\n", "import os\nfrom typing import Any\n"),
    )
    found = run(scenario.only(["queued"], ["calm"]), cache)
    assert not found.valid
    assert all("the broker ended unplanned (exit code -9)" in reason for reason in found.invalid_reasons)


# Nothing is left


def test_what_was_declared_is_removed_round_by_round(rabbitmq_url: BrokerUrl, cache: Path) -> None:
    assert run(catalog.find(str(AMQP.parent)), cache, rabbitmq_url).valid
    assert not declared_there()


@pytest.mark.parametrize(
    "ends", ["raise ValueError", "import time; time.sleep(60)", "import os; os.kill(os.getpid(), 9)"]
)
def test_what_was_declared_is_removed_where_a_round_fails_is_ended_or_dies(
    edited: Callable[..., Scenario],
    rabbitmq_url: BrokerUrl,
    names: list[declared.Declared],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    ends: str,
) -> None:
    monkeypatch.setattr(execution, "ROUND_LIMIT", 2.0)
    scenario = edited((PUBLISHES, f"        {ends}\n"))
    with contextlib.suppress(ScenarioError):
        run(scenario.only(["queued"], ["calm"]), cache, rabbitmq_url)
    if "Value" not in ends:  # there the round removes it itself
        assert names
    assert not declared_there()


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc")
def test_the_embedded_broker_ends_with_its_round_even_where_that_is_killed(
    edited: Callable[..., Scenario], cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scenario = edited((PUBLISHES, "        import os; os.kill(os.getpid(), 9)\n"))
    found = run(scenario.only(["queued"], ["calm"]), cache)
    assert not found.valid

    def left() -> list[bytes]:
        lines = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                lines.append(path.read_bytes())
        return [line for line in lines if str(tmp_path).encode() in line and b"archlab.broker" in line]

    eventually(lambda: not left())


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """An archlab in folders of its own; its output can be read."""
    (tmp_path / "tmp").mkdir()
    with contextlib.ExitStack() as all_of_them:

        def started(*arguments: str, **variables: str) -> subprocess.Popen[str]:
            own = {"ARCHLAB_HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp"), "COLUMNS": "200"}
            pipe = subprocess.PIPE
            archlab = subprocess.Popen(
                [sys.executable, "-m", "archlab", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=pipe,
                stderr=pipe,
                text=True,
                env={**os.environ, **own, **variables},
            )
            all_of_them.enter_context(archlab)
            all_of_them.callback(archlab.kill)
            return archlab

        yield started


def waiting(edited: Callable[..., Scenario]) -> Scenario:
    """A design whose operations do not end."""
    return edited((PUBLISHES, "        import time; time.sleep(60)\n"))


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_leaves_nothing_on_the_broker(
    edited: Callable[..., Scenario], rabbitmq_url: BrokerUrl, start: Callable[..., subprocess.Popen[str]]
) -> None:
    archlab = start("run", waiting(edited).folder, "--no-input", ARCHLAB_BROKER=rabbitmq_url.reveal())
    eventually(declared_there)
    archlab.send_signal(signal.SIGINT)
    assert archlab.wait(PATIENCE) == 130
    assert not declared_there()


# The command line


def test_a_broker_that_cannot_be_used_is_one_sentence_before_anything_is_measured(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    for command in ("run", "check"):
        for how in (["--broker", "amqp://user:secret@127.0.0.1:1/"], []):
            given = {} if how else {"ARCHLAB_BROKER": "amqp://user:secret@127.0.0.1:1/"}
            archlab = start(command, str(AMQP.parent), "--no-input", "--json", *how, **given)
            out, err = archlab.communicate(timeout=60)
            assert archlab.returncode == 1
            assert out == ""
            assert err == (
                "archlab: the broker at amqp://***@127.0.0.1:1/ cannot be used: connection refused. Start it or "
                "correct the URL; without --broker and ARCHLAB_BROKER archlab uses its own.\n"
            )


def test_what_is_no_url_is_wrong_usage(start: Callable[..., subprocess.Popen[str]]) -> None:
    archlab = start("run", str(AMQP.parent), "--broker", "user:secret@host")
    out, err = archlab.communicate(timeout=60)
    assert archlab.returncode == 2
    assert err.startswith("archlab: --broker and ARCHLAB_BROKER take a URL such as amqp://")
    assert "secret" not in out + err


@pytest.fixture
def password(rabbitmq_url: BrokerUrl) -> Iterator[str]:
    """The password of a user that RabbitMQ has for the time being."""
    password = f"pw{secrets.token_hex(12)}"
    control("add_user", OWN, password)
    control("set_permissions", "-p", OWN, OWN, ".*", ".*", ".*")
    yield password
    control("delete_user", OWN)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc")
@pytest.mark.parametrize("fails", ["", "raise ValueError(self.channel.connection, self.broker, self.lab.setting)"])
def test_the_password_is_nowhere(
    edited: Callable[..., Scenario],
    password: str,
    start: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
    fails: str,
) -> None:
    """Not in what is printed or recorded, nor in a command line of any process, whether the run succeeds or fails."""
    scenario = edited(
        (PUBLISHES, f"        {fails}\n{PUBLISHES}"),
        (
            "        broker = lab.broker()\n        self.queue",
            "        self.broker = broker = lab.broker()\n        self.lab = lab\n        self.queue",
        ),
    )
    url = f"amqp://{OWN}:{password}@127.0.0.1:5672/{OWN}"
    archlab = start("run", scenario.folder, "--no-input", "--quick", ARCHLAB_BROKER=url)
    lines: set[bytes] = set()
    while archlab.poll() is None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                lines.add(path.read_bytes())
        for folder, _, files in os.walk(tmp_path / "tmp"):  # the folders of the rounds, as long as they are there
            for path in (Path(folder, file) for file in files):
                with contextlib.suppress(OSError):
                    assert path.is_socket() or password.encode() not in path.read_bytes(), path
        time.sleep(0.01)
    out, err = archlab.communicate()
    assert any(b"forkserver" in line for line in lines)
    assert not any(password.encode() in line for line in lines)
    assert archlab.returncode == (1 if fails else 0), err
    assert ("ValueError" in err) == bool(fails)
    assert fails or "RabbitMQ" in out
    assert password not in out + err
    recorded = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert recorded
    assert not any(password.encode() in path.read_bytes() for path in recorded)


def test_the_document_of_a_run_says_which_broker_it_was(
    start: Callable[..., subprocess.Popen[str]], rabbitmq_url: BrokerUrl
) -> None:
    command = ["run", str(AMQP.parent), "--no-input", "--quick", "--json", "--workload", "calm"]
    for given, product in ({}, "archlab "), ({"ARCHLAB_BROKER": rabbitmq_url.reveal()}, "RabbitMQ "):
        archlab = start(*command, **given)
        out, err = archlab.communicate(timeout=60)
        assert archlab.returncode == 0, err
        assert json.loads(out)["environment"]["broker"].startswith(product)
