"""Keeps a system running after a run: the child's side, which does what the person asks for."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

from archlab.bench.rounds import Task
from archlab.failure import describe
from archlab.lab.broker import Broker
from archlab.lab.lab import Lab
from archlab.lab.process import Process
from archlab.lab.service import Service
from archlab.scenario import Failed, Scenario

Said = tuple[bool, str]
"""Whether it worked, and what there is to say."""


def keep(task: Task, wire: Connection) -> None:
    """The whole life of its process: starts the design, says of what it consists, does one action after the other."""
    scenario = task.setting.source()
    shutil.copytree(task.data, task.setting.folder, dirs_exist_ok=True)
    lab = Lab(task.setting)
    with contextlib.suppress(EOFError, BrokenPipeError):  # archlab does not listen any more
        try:
            running = lab.started(scenario.design(task.design))
            lab.ready()
        except Exception as error:
            wire.send((False, describe(error)))
        else:
            wire.send((True, "\n".join(_parts(lab))))
            while True:
                wire.send(_done(scenario, wire.recv(), lab, running))
    lab.close(finish=False)


def _done(scenario: Scenario, name: str, lab: Lab, running: Any) -> Said:
    action = next(action for action in scenario.actions if action.name == name)
    try:
        return True, action.do(lab, running)
    except Failed as failed:
        return True, f"it failed: {failed}"
    except Exception as error:
        return False, describe(error)


def _parts(lab: Lab) -> Iterator[str]:
    """What was started, with the address at which somebody can look at it."""
    for part in lab.parts:
        if isinstance(part, Broker):
            yield f"broker at {part.url}"
        elif isinstance(part, Service):
            yield f"{part.name}, HTTP at 127.0.0.1:{part.port}"
        elif isinstance(part, Process):
            yield f"{part.name}, process {part.pids[0]}"
