"""The broker as a process: in the foreground (`serve`), or as a child of this one (`running_broker`).

Importing this is cheap: asyncio, pika and SQLite are loaded in the broker's own process.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol

from archlab.broker.errors import BrokerError

STOP_TIMEOUT = 10.0  # seconds


class BrokerProcess(Protocol):
    """What a running broker needs of its process: `subprocess.Popen` has all of it."""

    pid: int
    stdin: IO[bytes] | None
    stdout: IO[bytes] | None

    def poll(self) -> int | None: ...
    def kill(self) -> None: ...
    def terminate(self) -> None: ...
    def wait(self, timeout: float | None = None) -> int: ...


class RunningBroker:
    """A broker in a process of its own. `data` outlives a `restart`, so durable queues do."""

    def __init__(self, data: Path, port: int, temporary: bool = False) -> None:
        self.data = data
        self.port = port
        self._temporary = temporary
        self._process: BrokerProcess | None = None

    @property
    def url(self) -> str:
        """For `pika.URLParameters`."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    @property
    def pid(self) -> int:
        """The process id. Raises BrokerError if it does not run."""
        if self._process is None:
            raise BrokerError("the broker is not running: start it with restart()")
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Of a broker that ended by itself, negative for a signal; None while it runs and after `kill` or `stop`."""
        return self._process.poll() if self._process is not None else None

    @property
    def log(self) -> Path:
        """What it had to say, one line each."""
        return self.data / "broker.log"

    def start(self) -> None:
        """Returns when clients can connect. Raises BrokerError with the reason if it does not start."""
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            log = self.log.open("ab")
        except OSError as error:
            raise BrokerError(
                f"the data folder {self.data} cannot be used: {error.strerror}; choose another folder with --data"
            ) from error
        with log:
            self._process, answer = self._launched(log)
        if answer is None:
            answer = {"error": f"the broker ended before it was ready: see {self.log}"}
        if "error" in answer:
            self._forget(self._process)
            raise BrokerError(answer["error"])
        self.port = int(answer["port"])

    def _launched(self, log: IO[bytes]) -> tuple[BrokerProcess, dict[str, Any] | None]:
        """A process that runs `run_child`, and what it answered: its port, an error, or nothing before it ended."""
        import subprocess

        command = [
            sys.executable,
            "-m",
            "archlab.broker",
            "--child",
            "--port",
            str(self.port),
            "--data",
            str(self.data),
        ]
        if self._temporary:
            command.append("--temporary")
        # Its standard input is the pipe that tells it when this process is gone, however that went.
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        assert process.stdout is not None  # asked for above
        line = process.stdout.readline()
        return process, json.loads(line) if line else None

    def kill(self) -> None:
        """SIGKILL: what a crash leaves behind is on disk, nothing else."""
        if self._process is not None:
            self._process.kill()
            self._forget(self._process)

    def stop(self) -> None:
        """SIGTERM: clients get a proper close."""
        if self._process is not None:
            self._process.terminate()
            self._forget(self._process)

    def restart(self) -> None:
        """Starts again on the same port and data folder, after a `stop` if it still runs."""
        self.stop()
        self.start()

    def _forget(self, process: BrokerProcess) -> None:
        self._process = None
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        if _still_runs(process):
            process.kill()
            process.wait()


def _still_runs(process: BrokerProcess) -> bool:
    import subprocess

    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        return True
    return False


@contextlib.contextmanager
def running_broker(data: Path | None = None, port: int = 0) -> Iterator[RunningBroker]:
    """A broker for as long as the `with` block, on a free loopback port unless one is given.

    Without a `data` folder durable queues last as long as the block. Raises BrokerError if it cannot start.
    """
    with contextlib.ExitStack() as stack:
        broker = RunningBroker(data or stack.enter_context(_temporary_folder()), port, temporary=data is None)
        broker.start()
        stack.callback(broker.stop)
        yield broker


def serve(port: int = 0, data: Path | None = None) -> None:
    """Runs the broker in this process until it is interrupted; says on standard error where it listens.

    Raises BrokerError, whose text says what to type next, if it cannot run.
    """
    _prepare()
    from archlab.broker.server import run

    def ready(bound: int) -> None:
        kept = (
            f"durable queues are kept in {data}"
            if data
            else "nothing is kept when it ends: --data DIR keeps durable queues"
        )
        print(
            f"AMQP broker ready on 127.0.0.1:{bound} (user guest, password guest); {kept}", file=sys.stderr, flush=True
        )

    with contextlib.ExitStack() as stack:
        run(port, data or stack.enter_context(_temporary_folder()), ready)


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix=f"archlab-broker-{os.getpid()}-") as folder:
        yield Path(folder)


def run_child(port: int, data: Path, temporary: bool) -> int:
    """What the child of `running_broker` does: says on standard output how it went, in one line of JSON.

    A `temporary` data folder is its parent's to remove, unless that is gone.
    """

    def say(answer: dict[str, object]) -> None:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()

    import signal

    # An interrupt from the keyboard reaches both; the parent decides when the broker may go.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()
    _prepare()
    from archlab.broker.server import run

    try:
        run(port, data, lambda bound: say({"port": bound}), parent_pipe=sys.stdin.fileno())
    except BrokerError as error:
        say({"error": str(error)})
        return 1
    if temporary and os.getppid() != parent:
        import shutil

        shutil.rmtree(data, ignore_errors=True)
    return 0


def _prepare() -> None:
    """What this process needs before it imports the server."""
    import importlib.util
    import types

    # Of pika the broker needs the codec only. Importing the package imports all its clients too, with TLS, which
    # would be a third of the start-up time; so an empty package stands in, whose modules are found as ever.
    found = importlib.util.find_spec("pika")
    if found is not None and "pika" not in sys.modules:
        package = types.ModuleType("pika")
        package.__path__ = list(found.submodule_search_locations or ())
        sys.modules["pika"] = package
    # asyncio does without where there is none.
    sys.modules.setdefault("ssl", None)  # type: ignore[arg-type]  # None is how Python marks a module as absent
    take_over()


def take_over() -> None:
    """Makes this process a broker's own: it logs to standard error, and nobody else reads the files that it writes."""
    import logging

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    os.umask(0o077)  # messages are nobody else's business
