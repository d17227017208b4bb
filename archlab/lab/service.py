"""An HTTP service of a design, the parent's side: started, waited for, killed, restarted, replaced.

Each is a process of its own on an ephemeral loopback port. The parent binds the port, so nobody else can take it; a
service that is down refuses connections; one that comes back comes back where it was.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlab.lab import forking, logs, versions
from archlab.lab.child import Child
from archlab.lab.client import Client
from archlab.lab.errors import ProcessDied, ServiceFailed
from archlab.lab.ports import bound

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from archlab.lab.setting import Setting
    from archlab.tracing import Recorder

PRELOADED = [
    "anyio._backends._asyncio",
    "archlab.lab.service",
    "archlab.lab.service_process",
    "archlab.lab.supervisor_process",
    "archlab.lab.versions",
    "asyncio",
    "concurrent.futures.thread",
    "encodings.idna",
    "patch_ng",
    "uvicorn.lifespan.on",
    "uvicorn.loops.asyncio",
    "uvicorn.protocols.http.h11_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
]
"""Imported once in the server that services are forked from."""
PATIENCE = 20.0
"""Seconds within which a service must be ready."""
LETS_GO = 2.0
"""Seconds that a killed process is given until its sockets are closed."""

Launch = Callable[[socket.socket, Connection, "str | None"], "BaseProcess"]


class Service(Child):
    """A design's service. It is being started when this is made; ``client`` and ``ready`` wait until it serves."""

    asked_from_outside = True
    workers = 1

    def __init__(self, launch: Launch, name: str, log: Path, recorder: Recorder | None, crash_at: str | None) -> None:
        self._serve = launch
        self._log = log
        self._own = recorder
        self._reserved = bound(name, 0)
        self.port: int = self._reserved.getsockname()[1]
        self._client: Client | None = None
        super().__init__(lambda wire, crash_at: self._launched(wire, crash_at), name, crash_at)

    def start(self, crash_at: str | None = None) -> None:
        """Starts it (again), on the same port; with ``crash_at`` it dies at that named crash point."""
        self._ready, self._ended = False, crash_at is not None
        super().start(crash_at)

    def ready(self) -> Service:
        """Waits until it serves. Raises ServiceFailed when it does not."""
        if self._ready:
            return self
        try:
            if not self._wire.poll(PATIENCE):
                raise ServiceFailed(f"service {self.name} did not start within {PATIENCE:g} s{self._last_words()}")
            said, why = self._wire.recv()
        except (EOFError, ConnectionResetError):
            said, why = "failed", f"it ended with {_exit(self.exited())}"
        if said != "ready":
            self._ended = True
            raise ServiceFailed(f"service {self.name} did not start: {why}{self._last_words()}")
        self._ready = True
        return self

    @property
    def client(self) -> Client:
        if self._client is None:
            self._client = Client(self.ready().port, self.name, recorder=self._own)
        return self._client

    def kill(self) -> None:
        """SIGKILL, in the middle of whatever it does."""
        self._ended = True
        super().kill()

    def stop(self) -> None:
        """Lets it end its requests and their background tasks, and waits for its end (5 s, then kills it)."""
        self._ended = True
        super().stop()

    def release(self) -> None:
        """Gives its port back, and closes the connections to it."""
        self._reserved.close()
        if self._client is not None:
            self._client.close()

    def check(self, patience: float = 0.0) -> None:
        """Raises ProcessDied when it is gone, or goes within ``patience`` seconds, although nobody ended it."""
        if patience and not self._ended:
            self._process.join(patience)
        if not self._ended and not self.alive:
            raise ProcessDied(f"service {self.name} ended unplanned with {_exit(self.exited())}{self._last_words()}")

    def log(self) -> list[dict[str, Any]]:
        """What it has logged, all its lives together."""
        return logs.read([self._log])

    def _launched(self, wire: Connection, crash_at: str | None) -> BaseProcess:
        # The parent keeps no listening socket of its own: a connection to a dead service must be refused.
        with self._listener() as listener:
            listener.listen(1024)
            return self._serve(listener, wire, crash_at)

    def _listener(self) -> socket.socket:
        """A socket on its port; waits for workers that were killed just now, which may not have let go of theirs."""
        deadline = time.monotonic() + LETS_GO
        while True:
            try:
                return bound(self.name, self.port)
            except ServiceFailed:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.002)

    def _last_words(self) -> str:
        said = logs.last_words(self._log)
        return f". Its last log lines: {said}" if said else ""


class Supervised(Service):
    """A service of several workers behind one address. One that dies is replaced, until the service is ended.

    ``kill``, ``pause``, ``hog`` and the like are done to all workers.
    """

    def __init__(
        self, launch: Launch, name: str, log: Path, recorder: Recorder | None, crash_at: str | None, workers: int
    ) -> None:
        self.workers = workers
        super().__init__(launch, name, log, recorder, crash_at)

    def start(self, crash_at: str | None = None) -> None:
        """Starts them all (again); with ``crash_at`` the first one dies at that named crash point, and is replaced."""
        super().start(crash_at)
        self._end_is_planned = self._ended = False

    @property
    def restarts(self) -> int:
        """How many workers were replaced since the service was started."""
        return self._state()[1]

    def kill_worker(self, worker: int = 0) -> None:
        """SIGKILL to one worker, by its place from 0; another one takes it."""
        os.kill(self.pids[worker], signal.SIGKILL)

    def kill(self) -> None:
        """SIGKILL to all of them; none is replaced."""
        pids = self.pids if self.alive and not self._ended else []
        super().kill()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @property
    def pids(self) -> list[int]:
        return self._state()[0]

    def _state(self) -> tuple[list[int], int]:
        self.ready()
        try:
            self._wire.send(("state", None, None))
            if not self._wire.poll(PATIENCE):
                raise TimeoutError(f"the supervisor of {self.name} did not answer within {PATIENCE:g} s")
            said = self._wire.recv()
        except (EOFError, OSError):
            said = ("failed", "")
        if said[0] == "failed":  # its workers cannot be started any more
            self.exited()
            self.check()
        found: tuple[list[int], int] = said
        return found


def start(
    setting: Setting,
    build: Callable[..., Any],
    name: str,
    recorder: Recorder | None,
    crash_at: str | None = None,
    workers: int = 1,
) -> Service:
    """Starts a service; see ``Lab.service``."""
    place = versions.place(build)
    log = setting.folder / f"log-{name}.jsonl"

    def supervise(listener: socket.socket, wire: Connection, crash_at: str | None) -> BaseProcess:
        main = "archlab.lab.supervisor_process:run"
        return forking.start(main, setting, place, name, workers, listener, wire, crash_at, name=name)

    if workers > 1:
        return Supervised(supervise, name, log, recorder, crash_at, workers)

    def launch(listener: socket.socket, wire: Connection, crash_at: str | None) -> BaseProcess:
        main = "archlab.lab.service_process:serve"
        return forking.start(main, setting, place, name, listener, wire, crash_at, name=name)

    return Service(launch, name, log, recorder, crash_at)


def _exit(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
