"""A running round: the parent's side, which reads its reports and ends it when it takes too long."""

from __future__ import annotations

import math
import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.connection import wait

from archlab.bench.progress import Notice, Tell
from archlab.bench.rounds import Observed, Task
from archlab.lab import containment, forking
from archlab.lab.setting import struck_in

ROUND = "archlab.bench.round_process:run_round"
PATIENCE = 10.0
"""Seconds beyond its planned length after which a person is told that a round does not end."""


class RunningRound:
    """Started at once. ``planned`` and ``limit`` are seconds: its length, and how much longer it may take."""

    def __init__(self, task: Task, what: str, planned: float, limit: float) -> None:
        self.task = task
        self.what = what
        self.longest = planned + limit
        self._wire, childs_end = multiprocessing.Pipe()
        try:
            self._child = forking.start(ROUND, task, childs_end, name=what)
        except BaseException:
            self._wire.close()
            raise
        finally:
            childs_end.close()
        began = time.monotonic()
        self._ends = began + self.longest
        self._said = planned + PATIENCE
        self._to_be_said = began + self._said if limit > PATIENCE else math.inf

    def observed(self) -> Observed:
        """What it sent back; why it sent nothing, where it has died or is late."""
        struck = struck_in(self.task.setting.folder)
        if not self._wire.poll(0):
            return Observed(died=self.hung, struck=struck)
        try:
            observed: Observed = self._wire.recv()
            return observed
        except EOFError:
            self._child.join()
            died = f"its process ended unplanned (exit code {self._child.exitcode})"
            return Observed(died=died, struck=struck_in(self.task.setting.folder))

    @property
    def hung(self) -> str:
        return f"did not end within {self.longest:.0f} s"

    def end(self) -> None:
        containment.end(self._child)
        self._wire.close()

    @property
    def late(self) -> bool:
        return time.monotonic() >= self._ends

    def say_if_slow(self, tell: Tell) -> None:
        if time.monotonic() >= self._to_be_said:
            self._to_be_said = math.inf
            tell(
                Notice(
                    f"{self.what} has not ended after {self._said:.0f} s. archlab ends it after {self.longest:.0f} s."
                )
            )

    @staticmethod
    def first_ended(running: Sequence[RunningRound], tell: Tell) -> RunningRound:
        """Waits until one of them has reported, has died, or is late."""
        while True:
            look = min(min(one._ends, one._to_be_said) for one in running) - time.monotonic()
            ready = wait([one._wire for one in running], max(0.0, look))
            for one in running:
                if one._wire in ready or one.late:
                    return one
                one.say_if_slow(tell)
