"""Supervises the workers of a service behind one address, and replaces those that die: the child's side.

The workers accept on one listening socket: a connection that waits there is taken by whichever worker is free.
"""

from __future__ import annotations

import logging
import sys
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from socket import socket
from typing import TYPE_CHECKING

from archlab.lab import containment, forking, logs
from archlab.lab.setting import Setting

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

ATTEMPTS = 3
"""How often in a row a worker may die before it is ready; then the service has failed."""
GRACE = 5.0
"""Seconds that workers are given to end their requests."""


class Worker:
    """One process that serves; ``serving`` once it has said so."""

    def __init__(self, process: BaseProcess, wire: Connection) -> None:
        self.process = process
        self.wire = wire
        self.serving = False


class Supervisor:
    def __init__(
        self, setting: Setting, place: tuple[str, str, str], name: str, count: int, listener: socket, wire: Connection
    ) -> None:
        self.setting = setting
        self.place = place
        self.name = name
        self.count = count
        self.listener = listener
        self.wire = wire
        self.workers: list[Worker] = []
        self.restarts = 0
        self.failures = 0
        """Workers in a row that died before they served."""

    def run(self, crash_at: str | None) -> None:
        """Starts the workers, the first with ``crash_at``, and replaces them until it is told to stop."""
        try:
            for number in range(self.count):
                self.workers.append(self._start(crash_at if number == 0 else None))
            while self._supervise():
                pass
        finally:
            for worker in self.workers:
                containment.end(worker.process)

    def _start(self, crash_at: str | None = None) -> Worker:
        mine, childs = Pipe()
        main = "archlab.lab.service_process:serve"
        process = forking.start(
            main, self.setting, self.place, self.name, self.listener, childs, crash_at, name=self.name
        )
        childs.close()
        return Worker(process, mine)

    def _supervise(self) -> bool:
        """Deals with what happens next; false when it is over."""
        starting = [worker.wire for worker in self.workers if not worker.serving]
        ready = wait([self.wire, *starting, *(worker.process.sentinel for worker in self.workers)])
        for worker in list(self.workers):
            if worker.wire in ready:
                self._hear(worker)
            if worker.process.sentinel in ready:
                self._replace(worker)
        return self._obey() if self.wire in ready else True

    def _hear(self, worker: Worker) -> None:
        try:
            said, why = worker.wire.recv()
        except (EOFError, OSError):
            return  # it died: its sentinel says so
        if said != "ready":
            self._give_up(why)
        worker.serving, self.failures = True, 0
        if not self.restarts and all(one.serving for one in self.workers):
            self.wire.send(("ready", ""))

    def _replace(self, worker: Worker) -> None:
        containment.end(worker.process)
        worker.wire.close()
        self.failures += not worker.serving
        if self.failures >= ATTEMPTS:
            self._give_up(f"its workers died {ATTEMPTS} times in a row while they were starting")
        self.workers[self.workers.index(worker)] = self._start()
        self.restarts += 1

    def _give_up(self, why: str) -> None:
        logging.getLogger("archlab").error(why)
        self.wire.send(("failed", why))
        sys.exit(1)

    def _obey(self) -> bool:
        try:
            asked = self.wire.recv()[0]
        except (EOFError, OSError):
            return False
        if asked == "state":
            self.wire.send(([worker.process.pid for worker in self.workers], self.restarts))
            return True
        for worker in self.workers:
            worker.wire.send(("stop", None, None))
        for worker in self.workers:
            worker.process.join(GRACE)
        return False


def run(
    setting: Setting,
    place: tuple[str, str, str],
    name: str,
    count: int,
    listener: socket,
    wire: Connection,
    crash_at: str | None,
) -> None:
    logs.write_to(setting.folder / f"log-{name}.jsonl", name)
    Supervisor(setting, place, name, count, listener, wire).run(crash_at)
