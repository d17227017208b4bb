"""Runs the main function of a process that a design spawned, with its inbox: the child's side."""

from __future__ import annotations

import contextlib
import sys
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from archlab.failure import describe
from archlab.lab import versions
from archlab.lab.lab import Lab
from archlab.lab.setting import Setting

if TYPE_CHECKING:
    from archlab.tracing import Recorder


class Stopped(SystemExit):
    """Raised by ``Inbox.receive`` when the parent asked for the end."""


class Inbox:
    """What a process of a design reads its messages from."""

    def __init__(self, wire: Connection, recorder: Recorder | None) -> None:
        self._wire = wire
        self._recorder = recorder
        self._position = -1
        self._open: Any = None
        self._waiting: list[int] = []

    def receive(self, timeout: float | None = None) -> Any:
        """The next message, or None after ``timeout`` seconds (None: waits for ever)."""
        if self._recorder and self._open is not None:  # who asks for the next message has dealt with the last one
            self._recorder.end(self._open, "process", {"messaging.operation.type": "process"})
            self._open = None
        while self._wire.poll(timeout):
            try:
                kind, carried, content = self._wire.recv()
            except EOFError:
                raise Stopped(0) from None
            if kind == "stop":
                raise Stopped(0)
            if kind == "wait":
                self._waiting.append(content)
                self._answer()
                continue
            if self._recorder:
                self._recorder.follow(carried)
                self._open = self._recorder.begin()
            return content
        return None

    def reached(self, position: int) -> None:
        """Says that everything up to ``position`` is done and visible, and wakes those who wait for it."""
        self._position = max(self._position, position)
        self._answer()

    def _answer(self) -> None:
        if any(self._position >= wanted for wanted in self._waiting):
            self._wire.send(self._position)
            self._waiting = [wanted for wanted in self._waiting if wanted > self._position]


def run(setting: Setting, place: tuple[str, str, str], name: str, wire: Connection, crash_at: str | None) -> None:
    """The life of a process that a design spawned: ``place`` is where its main function is found."""
    setting.source()  # makes a folder's modules importable here too
    main = getattr(versions.loaded(place), place[2])
    lab = Lab(setting, name, crash_at)
    try:
        main(lab, Inbox(wire, lab.recorder))
    except Stopped:
        pass
    except (Exception, KeyboardInterrupt) as error:  # the latter can only be its own: Ctrl-C is archlab's
        with _perhaps_alone():
            (setting.folder / f"failed-{name}.txt").write_text(describe(error), encoding="utf-8")
        sys.exit(1)
    finally:
        with _perhaps_alone():
            lab.close(finish=lab.recorder is not None)


def _perhaps_alone() -> contextlib.AbstractContextManager[None]:
    """When archlab has been ended, the folder and the wire are gone a moment before its processes are."""
    return contextlib.suppress(FileNotFoundError, BrokenPipeError)
