"""Starts a private RabbitMQ node with its own data, ports, Erlang cookie and epmd, and removes all of it.

The node is the child of a guard, a process of its own that holds a pipe from archlab. When the pipe ends, however
archlab went, the guard ends the node and its epmd, and removes their folder. The guard is
``python -m archlab.lab.rabbitmq_node``.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from archlab.lab.broker_address import BrokerUrl
from archlab.lab.errors import BrokerFailed

PATIENCE = 60.0
"""Seconds within which a node must take connections; usually it takes about five."""
LOOK = 0.1
LOOPBACK = "127.0.0.1"
HOMES = ("/usr/lib/rabbitmq/bin", "/usr/local/sbin", "/opt/homebrew/sbin", "/usr/local/opt/rabbitmq/sbin")
"""Where rabbitmq-server lies beside $PATH. Debian's own on $PATH is a wrapper that uses the system's folders."""
INSTALL = (
    "Install it (Debian, Ubuntu: apt install rabbitmq-server; macOS: brew install rabbitmq), or give the URL of one "
    "that runs; without --broker archlab uses its own."
)


@contextlib.contextmanager
def running() -> Iterator[BrokerUrl]:
    """The URL of a node for as long as the ``with`` block. Raises BrokerFailed with RabbitMQ's own reason."""
    command = [sys.executable, "-m", "archlab.lab.rabbitmq_node"]
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert guard.stdin is not None  # asked for above
    assert guard.stdout is not None
    try:
        answer = json.loads(guard.stdout.readline() or '{"error": "its guard ended"}')
        if "error" in answer:
            raise BrokerFailed(f"a private RabbitMQ cannot be started: {answer['error']}")
        yield BrokerUrl.parse(answer["url"])
    finally:
        guard.stdin.close()
        guard.stdout.close()
        guard.wait()


def main() -> int:
    """The guard's life: starts the node, says where it is, waits for the end of the pipe, and leaves nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server, epmd = _server(), shutil.which("epmd")
    if server is None or epmd is None:
        _say({"error": f"{'rabbitmq-server' if server is None else 'epmd of Erlang'} is not installed. {INSTALL}"})
        return 1
    folder = Path(tempfile.mkdtemp(prefix=f"archlab-rabbitmq-{os.getpid()}-"))
    started: list[subprocess.Popen[bytes]] = []
    try:
        _say(_start(server, epmd, folder, started))
        sys.stdin.read()
    finally:
        for process in reversed(started):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the node with all that it started: it has a session of its own
            process.wait()
        _remove(folder)
    return 0


def _start(server: Path, epmd: str, folder: Path, started: list[subprocess.Popen[bytes]]) -> dict[str, str]:
    port, dist, mapper = _free_ports(3)
    password = secrets.token_hex(16)
    environment = _environment(folder, port, dist, mapper, password)
    log = folder / "startup.log"
    with log.open("wb") as out:
        how: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": out,
            "stderr": out,
            "env": environment,
            "cwd": folder,
        }
        started.append(
            subprocess.Popen([epmd, "-port", str(mapper), "-address", LOOPBACK], start_new_session=True, **how)
        )
        started.append(subprocess.Popen([str(server)], start_new_session=True, **how))
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if started[-1].poll() is not None:
            return {"error": f"it ended with exit code {started[-1].returncode}. {_reason(folder)}"}
        if _answers(port):
            return {"url": f"amqp://archlab:{password}@{LOOPBACK}:{port}/"}
        time.sleep(LOOK)
    return {"error": f"it took no connection within {PATIENCE:.0f} s. {_reason(folder)}"}


def _environment(folder: Path, port: int, dist: int, mapper: int, password: str) -> dict[str, str]:
    """Nothing of the system's own RabbitMQ is used: no folder, no file of its configuration, no plugin, no cookie."""
    config, plugins = folder / "rabbitmq.conf", folder / "enabled_plugins"
    config.write_text(
        f"listeners.tcp.1 = {LOOPBACK}:{port}\ndefault_user = archlab\ndefault_pass = {password}\n"
        "loopback_users = none\n",
        encoding="utf-8",
    )
    plugins.write_text("[].\n", encoding="utf-8")
    cookie = folder / ".erlang.cookie"
    cookie.write_text(secrets.token_hex(16), encoding="utf-8")
    for secret in (config, cookie):
        secret.chmod(0o400)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_"))}
    return {
        **kept,
        "HOME": str(folder),
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "ERL_EPMD_PORT": str(mapper),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "RABBITMQ_CONFIG_FILE": str(config),
        "RABBITMQ_DIST_PORT": str(dist),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_NODENAME": f"archlab-{secrets.token_hex(4)}@localhost",
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }


def _server() -> Path | None:
    for home in HOMES:
        if os.access(found := Path(home, "rabbitmq-server"), os.X_OK):
            return found
    on_path = shutil.which("rabbitmq-server")
    return Path(on_path) if on_path else None


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]


def _answers(port: int) -> bool:
    """Whether it speaks: a listener alone may take connections before the node is up."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return connection.recv(1) == b"\x01"  # the first frame of its answer is a method's
    except OSError:
        return False


def _reason(folder: Path) -> str:
    """What RabbitMQ itself said last that tells why."""
    text = "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in sorted(folder.glob("*.log")))
    lines = [line.strip() for line in text.splitlines() if line.strip(" =\t-#")]
    telling = [line for line in lines if "error" in line.lower() or "fail" in line.lower()] or lines
    return f"RabbitMQ says: {' · '.join(telling[:3])}" if telling else "RabbitMQ said nothing."


def _remove(folder: Path) -> None:
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(LOOK)


def _say(answer: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
