"""Chooses what to type after a run: complete commands, each with the question that it answers."""

from __future__ import annotations

import re
from collections.abc import Container

from rich.text import Text

from archlab.run import Run
from archlab.scenario import Scenario
from archlab.view import units
from archlab.view.page import Page, commands

LONGER = "--for 60s"
FEW, WIDE = 2, 100
"""Steps that are offered at once, from this width on; on a narrower page each takes two lines, and one is offered."""
_OF_A_SCENARIO = re.compile(r"^(archlab (?:check|compare|lint|quiz|run|show)) [A-Za-z][\w-]*")
"""A command with the name of a scenario behind it."""


def called(run: Run, scenario: Scenario | None) -> str:
    """What to type to name the scenario."""
    return (scenario and scenario.typed) or run.scenario


def again(run: Run, scenario: Scenario, *more: str) -> str:
    """The command that runs the same once more: the same knobs, designs, workloads and seed, with ``more`` options."""
    options = [f"--set {knob}={value:.15g}" for knob, value in run.turned.items()]
    options += [scenario.narrowed] if scenario.narrowed else []
    options += [f"--seed {run.seed}"] if run.seed != 1 else []
    return " ".join(["archlab run", called(run, scenario), *options, *more])


def more(page: Page, run: Run) -> list[Text]:
    """Where all that was recorded of a run can be seen."""
    recorded = run.run_id is not None
    return commands(page, "MORE", [(f"archlab report {run.run_id}", "every figure, interval and cost")] * recorded)


def next_steps(page: Page, run: Run, scenario: Scenario | None = None, done: Container[str] = ()) -> list[Text]:
    """Commands to type, each with the question that it answers: the first few of those that are not ``done`` yet.

    A scenario that is not at hand cannot be named.
    """
    if scenario is None:
        recorded = (
            [] if run.run_id is None else [(f"archlab trace {run.run_id}", "where does a request spend its time?")]
        )
        return commands(page, "NEXT", recorded)
    steps: list[tuple[str, str]] = []
    unsure = [v for v in run.verdicts if v.status == "uncertain"] if run.valid else []
    if unsure:
        which = units.listed(unsure[0].candidates, "or")
        steps.append((again(run, scenario, LONGER), f"{unsure[0].workload}: {which}?"))
    if scenario.typed:  # a copy: its own name, and no further copy
        typed = scenario.typed.replace("\\", r"\\")  # a backslash means something in what re puts in
        own = [(c, why) for c, why in scenario.try_next if not c.startswith("archlab new")]
        steps += [(_OF_A_SCENARIO.sub(rf"\1 {typed}", c), why) for c, why in own]
    else:
        steps += [(command, why) for command, why in scenario.try_next if command not in done]
    return commands(page, "NEXT", steps[: (FEW if page.width >= WIDE else 1) + bool(unsure)])
