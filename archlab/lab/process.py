"""A design's own processes, as their parent holds them."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from archlab.lab import containment, forking
from archlab.lab.errors import ProcessDied

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from archlab.lab.setting import Setting
    from archlab.tracing import Recorder


class Process:
    """A design's own process, as its parent holds it."""

    of_design = True
    """Whether it is a moving part of the design, and not of the bench."""
    asked_from_outside = False
    """Whether it serves whoever asks: then the process that asks is a client, and no part of the design."""

    def __init__(
        self, launch: Callable[[Connection, str | None], BaseProcess], name: str, recorder: Recorder | None
    ) -> None:
        self.name = name
        self._launch = launch
        self._recorder = recorder
        self.start()

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
        """Gives back what it holds for a next start, of which there will be none."""

    def check(self, patience: float = 0.0) -> None:
        """Raises ProcessDied when it has failed although nobody had planned its end."""
        if not self._end_is_planned and self._process.exitcode not in (None, 0):
            raise ProcessDied(f"{self.name} ended unplanned (exit code {self._process.exitcode})")

    def send(self, message: Any) -> None:
        """Sends a small picklable message. To a dead process it is lost, as on any wire."""
        carried = self._recorder.carried() if self._recorder else None
        with contextlib.suppress(OSError):  # a broken pipe, or the wire that kill() has closed
            self._wire.send(("message", carried, message))

    def wait_until(self, position: int, timeout: float = 10.0) -> None:
        """Blocks until the process has said ``reached(p)`` with p ≥ ``position``.

        Raises ProcessDied when it ends before, TimeoutError after ``timeout`` seconds.
        """
        try:
            self._wire.send(("wait", None, position))
            while self._wire.poll(timeout):
                if self._wire.recv() >= position:
                    return
        except (EOFError, OSError):
            raise ProcessDied(f"{self.name} ended (exit code {self.exited()}) before it reached {position}") from None
        raise TimeoutError(f"{self.name} did not reach {position} within {timeout:g} s")

    def kill(self) -> None:
        """SIGKILL (on Windows: TerminateProcess), then waits until it is gone."""
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
        """Lets it finish what it does and waits for its end (5 s, then kills it)."""
        self._end_is_planned = True
        with contextlib.suppress(OSError):
            self._wire.send(("stop", None, None))
        self._process.join(5)
        self.kill()


def start(setting: Setting, main: Callable[..., None], name: str, recorder: Recorder | None) -> Process:
    """Starts a process; see ``Lab.spawn``."""

    def launch(wire: Connection, crash_at: str | None) -> BaseProcess:
        place = (main.__module__, main.__qualname__)
        return forking.start("archlab.lab.spawned_process:run", setting, place, name, wire, crash_at, name=name)

    return Process(launch, name, recorder)
