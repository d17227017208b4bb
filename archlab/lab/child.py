"""A process of a round: the parent's side, which starts, kills, pauses, restarts and checks it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlab.lab import containment
from archlab.lab.errors import ProcessDied
from archlab.lab.hogging import HOG, UNHOG

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess


class Child:
    """A process of a round, as its parent holds it."""

    of_design = True
    """Whether it is a moving part of the design, and not of the bench."""
    main: Callable[..., Any] | None = None
    """The function of the scenario that it runs, in its version; None for a part of the bench."""
    workers = 1
    """How many processes do its work."""
    asked_from_outside = False
    """Whether it serves whoever asks: then the process that asks is a client, and no part of the design."""

    def __init__(
        self, launch: Callable[[Connection, str | None], BaseProcess], name: str, crash_at: str | None = None
    ) -> None:
        self.name = name
        self._launch = launch
        self.start(crash_at)

    def start(self, crash_at: str | None = None) -> None:
        """Starts it (again); with ``crash_at`` it dies at that named crash point."""
        self._end_is_planned = crash_at is not None
        self._wire, childs_end = multiprocessing.Pipe()
        self._process = self._launch(childs_end, crash_at)
        childs_end.close()

    def ready(self) -> Any:
        """Waits until it can be used; a process that only takes messages can be used at once."""
        return self

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    def release(self) -> None:
        """Frees what the process reserved for a restart, when there will be no restart."""

    def check(self, patience: float = 0.0) -> None:
        """Raises ProcessDied when it has ended, with whatever exit code, although nobody had planned its end."""
        code = self._process.exitcode
        if self._end_is_planned or code is None:
            return
        if code == 0:
            raise ProcessDied(f"{self.name} ended by itself although nobody stopped it")
        raise ProcessDied(f"{self.name} ended unplanned (exit code {code})")

    def kill(self) -> None:
        """SIGKILL (on Windows: TerminateProcess), then waits until it is gone; it may be paused."""
        self._end_is_planned = True
        containment.end(self._process)
        self._wire.close()

    def exited(self, timeout: float = 10.0) -> int:
        """Waits for its end and returns the exit code, negative for a signal; raises TimeoutError."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise TimeoutError(f"{self.name} is still running after {timeout:g} s")
        return self._process.exitcode

    def stop(self) -> None:
        """Lets it finish what it does and waits for its end (5 s, then kills it). A paused one is resumed first."""
        self._end_is_planned = True
        if hasattr(signal, "SIGCONT"):
            self.resume()
        with contextlib.suppress(OSError):
            self._wire.send(("stop", None, None))
        self._process.join(5)
        self.kill()

    def restart(self) -> Any:
        """Stops it in good order and starts it again; returns it once it can be used."""
        self.stop()
        self.start()
        return self.ready()

    def pause(self) -> None:
        """Stops its execution (SIGSTOP): it keeps its memory, ports and connections, and answers nobody."""
        if not self.alive:
            raise ProcessDied(f"{self.name} has ended, so it cannot be paused; start it first")
        for pid in self.pids:
            pause(pid)

    def resume(self) -> None:
        """Lets a paused one go on (SIGCONT). It makes no difference to one that runs, or that has ended."""
        if self.alive:
            for pid in self.pids:
                resume(pid)

    def hog(self) -> None:
        """Lets something inside it burn CPU time, as a runaway computation does, until ``unhog``.

        A thread of its process computes: what serves requests there gets what Python's switching of threads leaves it.
        """
        if not self.alive:
            raise ProcessDied(f"{self.name} has ended, so it cannot be hogged; start it first")
        self.ready()  # before, nobody in it listens
        for pid in self.pids:
            _signal(pid, HOG)

    def unhog(self) -> None:
        """Ends what ``hog`` began. It makes no difference to one that is not hogged, or that has ended."""
        if self.alive:
            for pid in self.pids:
                _signal(pid, UNHOG)

    @contextlib.contextmanager
    def hogging(self) -> Iterator[None]:
        """``with stock.hogging(): …``"""
        self.hog()
        try:
            yield
        finally:
            self.unhog()

    def memory(self) -> int:
        """Resident bytes. Raises ProcessDied when it has ended, OSError where there is no /proc."""
        if not self.alive:
            raise ProcessDied(f"{self.name} has ended, so it has no memory; start it first")
        return sum(map(memory, self.pids))

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes that do its work."""
        return [self._pid]

    @property
    def _pid(self) -> int:
        assert self._process.pid is not None  # it was started
        return self._process.pid


def pause(pid: int) -> None:
    """SIGSTOP to a process. Raises OSError where there is no such signal."""
    _signal(pid, "SIGSTOP")


def resume(pid: int) -> None:
    """SIGCONT to a process. Raises OSError where there is no such signal."""
    _signal(pid, "SIGCONT")


def memory(pid: int) -> int:
    """Resident bytes of a process. Raises OSError where they cannot be read."""
    file = Path(f"/proc/{pid}/statm")
    if not file.exists():
        raise OSError(f"the memory of process {pid} cannot be read: there is no {file}; measure memory on Linux")
    return int(file.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _signal(pid: int, name: str) -> None:
    number = getattr(signal, name, None)
    if number is None:
        raise OSError(f"this system has no {name}: this can be done on Linux and macOS only")
    os.kill(pid, number)
