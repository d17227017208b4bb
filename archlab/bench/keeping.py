"""Keeps a system running after a run: the parent's side."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from archlab.bench.execution import Execution
from archlab.bench.plan import Plan, Round
from archlab.bench.progress import Tell
from archlab.bench.runner import scratch, warm
from archlab.lab import broker, containment, forking
from archlab.scenario import Design, ScenarioError

MAIN = "archlab.bench.kept_process:keep"
PATIENCE = 30.0
"""Seconds within which an action must be done."""


class Kept:
    """``parts`` says of what the system consists, one line each."""

    def __init__(self, wire: Connection, design: str) -> None:
        self._wire = wire
        self._design = design
        self.parts = self._said("its start").split("\n")

    def do(self, action: str) -> str:
        """Does one of the scenario's actions; what there is to say about it."""
        try:
            self._wire.send(action)
        except OSError:
            raise ScenarioError(f"{self._design} has ended.") from None
        return self._said(action)

    def _said(self, what: str) -> str:
        try:
            if not self._wire.poll(PATIENCE):
                raise ScenarioError(f"{self._design}: {what} has not ended after {PATIENCE:g} s.")
            worked, said = self._wire.recv()
        except (EOFError, ConnectionResetError):
            raise ScenarioError(f"{self._design} has ended.") from None
        if not worked:
            raise ScenarioError(f"{self._design}: {what} failed: {said}.")
        return str(said)


@contextlib.contextmanager
def kept(plan: Plan, design: Design, cache: Path | None, tell: Tell) -> Iterator[Kept]:
    """The running system of a design for as long as the ``with`` block, at the workload that is shown."""
    scenario = plan.scenario
    warm(scenario)
    able = [workload for workload in scenario.workloads if design.asked_at(workload.name)]
    workload = next((w for w in able if w.name == scenario.shown_workload), able[-1])
    with scratch() as folder, containment.adopting():
        task = Execution(plan, cache, folder, tell).task(Round(workload, design.name, None, 0))
        wire, childs_end = multiprocessing.Pipe()
        with wire:
            child = forking.start(MAIN, task, childs_end, name=design.name)
            try:
                childs_end.close()
                yield Kept(wire, design.name)
            finally:
                containment.end(child)
                if plan.broker:
                    broker.remove(task.setting.folder, plan.broker)
