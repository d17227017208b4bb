"""A design's own process that takes messages: the parent's side."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from archlab.lab import forking, versions
from archlab.lab.child import Child
from archlab.lab.errors import ProcessDied

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from archlab.lab.setting import Setting
    from archlab.tracing import Recorder


class Process(Child):
    """A design's own process: it takes messages, and says what it has reached."""

    def __init__(
        self,
        launch: Callable[[Connection, str | None], BaseProcess],
        name: str,
        recorder: Recorder | None,
        crash_at: str | None = None,
    ) -> None:
        self._recorder = recorder
        super().__init__(launch, name, crash_at)

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


def start(
    setting: Setting, main: Callable[..., None], name: str, recorder: Recorder | None, crash_at: str | None = None
) -> Process:
    """Starts a process; see ``Lab.spawn``."""

    place = versions.place(main)

    def launch(wire: Connection, crash_at: str | None) -> BaseProcess:
        return forking.start("archlab.lab.spawned_process:run", setting, place, name, wire, crash_at, name=name)

    return Process(launch, name, recorder, crash_at)
