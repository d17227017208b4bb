"""archlab's own broker, forked from a warm server process, so that it is ready at once."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO, Any

from archlab.broker import BrokerError, RunningBroker
from archlab.broker.process import BrokerProcess, take_over
from archlab.lab import containment, forking

PRELOADED = ["archlab.broker.server", "archlab.lab.forked_broker"]
"""Imported once in the server that the processes of a round are forked from."""


class ForkedBroker(RunningBroker):
    """A broker whose interpreter has imported everything already; apart from that, it is started as any other."""

    def _launched(self, log: IO[bytes]) -> tuple[BrokerProcess, dict[str, Any] | None]:
        wire, childs_end = multiprocessing.Pipe()
        with wire:
            with childs_end:
                process = forking.start(
                    "archlab.lab.forked_broker:main", childs_end, self.port, self.data, self.log, name="broker"
                )
            try:
                return _Process(process), wire.recv()
            except EOFError:
                return _Process(process), None


class _Process:
    """A process of multiprocessing with the names that one of subprocess has."""

    stdin: IO[bytes] | None = None
    stdout: IO[bytes] | None = None

    def __init__(self, process: BaseProcess) -> None:
        assert process.pid is not None  # it was started
        self._process = process
        self.pid = process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        containment.end(self._process)

    def terminate(self) -> None:
        self._process.terminate()

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("broker", timeout or 0.0)
        return self._process.exitcode


def main(wire: Connection, port: int, data: Path, log: Path) -> None:
    """The child: says through the wire on which port it listens, or why it does not."""
    from archlab.broker.server import run

    with log.open("ab") as said:
        os.dup2(said.fileno(), 2)
    take_over()
    try:
        run(port, data, lambda bound: wire.send({"port": bound}))
    except BrokerError as error:
        wire.send({"error": str(error)})
