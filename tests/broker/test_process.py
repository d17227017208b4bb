"""The broker as a process: quick to start, gone with its parent, a proper end on SIGTERM, clear sentences."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pika
import pytest
from amqp_client import Client, eventually
from amqp_raw import RawClient, method
from pika import spec

from archlab.broker import BrokerError, running_broker


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie that nobody has waited for is not alive.
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
    return not state.startswith("Z") and bool(state.strip())


def test_it_is_gone_when_the_block_ends(tmp_path: Path) -> None:
    with running_broker() as broker:
        pid, port, data = broker.pid, broker.port, broker.data
        assert alive(pid)
    assert not alive(pid)
    assert not data.exists()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    with running_broker(tmp_path, port) as broker:
        assert broker.port == port
        assert broker.url == f"amqp://guest:guest@127.0.0.1:{port}/"
    assert (tmp_path / "broker.sqlite").exists()


def test_it_stays_on_its_port_over_a_restart() -> None:
    with running_broker() as broker:
        port, pid = broker.port, broker.pid
        broker.kill()
        with pytest.raises(BrokerError, match="not running"):
            _ = broker.pid
        broker.restart()
        assert (broker.port, broker.pid != pid) == (port, True)
        broker.restart()
        Client(broker.port).connection.close()


def test_it_listens_on_loopback_only() -> None:
    with running_broker() as broker:
        listening = (
            [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A"]
            if sys.platform.startswith("linux")
            else [f"0100007F:{broker.port:04X}"]
        )
        assert [entry for entry in listening if entry.endswith(f":{broker.port:04X}")] == [
            f"0100007F:{broker.port:04X}"
        ]


PARENT = textwrap.dedent("""
    import os, sys, time
    from archlab.broker import running_broker
    with running_broker() as broker:
        if "--fork" in sys.argv and os.fork() == 0:
            time.sleep(600)  # a sibling that holds the pipe open
        print(broker.pid, broker.data, flush=True)
        time.sleep(600)
""")


@pytest.mark.parametrize("sibling", [False, True], ids=["alone", "another child holds the pipe"])
def test_it_ends_with_its_parent_however_that_ends(sibling: bool) -> None:
    """A kill -9 of the parent cannot be caught; the pipe ends all the same, or else the parent's number changes."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *(["--fork"] if sibling else [])],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    try:
        said, data = parent.stdout.readline().split()
        pid = int(said)
        assert alive(pid)
        parent.kill()
        parent.wait()
        eventually(lambda: not alive(pid), "the end of the broker")
        assert not Path(data).exists()
    finally:
        os.killpg(parent.pid, signal.SIGKILL) if sibling else None
        parent.stdout.close()


def test_sigterm_gives_clients_a_proper_close() -> None:
    """320, as RabbitMQ says it, and what was published before is safe."""
    with running_broker() as broker, RawClient(broker.port) as raw:
        raw.open()
        raw.channel()
        with RawClient(broker.port) as half:  # in the middle of its handshake: cut
            os.kill(broker.pid, signal.SIGTERM)
            closed = raw.read_method()
            assert (closed.reply_code, closed.reply_text) == (
                320,
                "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'",
            )
            assert half.read_all() == b""
        raw.send(method(0, spec.Connection.CloseOk()))
        assert raw.read() is None
        eventually(lambda: not alive(broker.pid), "the end of the broker")


def test_an_interrupt_from_the_keyboard_is_the_parents_to_handle() -> None:
    """Ctrl-C reaches the whole group; the broker stays until the work that uses it has ended."""
    with running_broker() as broker, Client(broker.port) as client:
        os.kill(broker.pid, signal.SIGINT)
        client.channel.queue_declare("q")
        client.publish("q", b"x")
        assert client.drain("q") == [b"x"]


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(BrokerError, match=f"port {port} cannot be used .*in use.*--port"),
            running_broker(port=port),
        ):
            pass
        done = subprocess.run(
            [sys.executable, "-m", "archlab.broker", "--port", str(port)], capture_output=True, text=True
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert re.fullmatch(rf"error: port {port} cannot be used.*\n", done.stderr)


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_is_none(port: int) -> None:
    with pytest.raises(BrokerError, match=f"port {port} cannot be used"), running_broker(port=port):
        pass


def test_in_the_foreground(tmp_path: Path) -> None:
    """It says on standard error where it listens and who may log in, and ends on an interrupt without a traceback."""
    process = subprocess.Popen(
        [sys.executable, "-m", "archlab.broker", "--data", str(tmp_path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        assert found, line
        assert str(tmp_path) in line
        assert "(user guest, password guest)" in line
        with Client(int(found[1])) as client:
            client.channel.queue_declare("q", durable=True)
        process.send_signal(signal.SIGINT)
        out, rest = process.communicate(timeout=15)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in rest


def test_importing_it_is_cheap() -> None:
    """archlab's start-up imports this package: asyncio, pika and SQLite come later."""
    script = (
        "import sys, archlab.broker; print([m for m in ('asyncio', 'pika', 'sqlite3', 'logging') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_client_that_is_connected_when_it_is_killed() -> None:
    with running_broker() as broker, Client(broker.port) as client:
        broker.kill()
        with pytest.raises(pika.exceptions.AMQPError):
            client.connection.process_data_events(10)
