"""``archlab run … --keep``: keeps the system running after the run, with a prompt, until Enter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archlab.commands.terminal import answer_to, console
from archlab.scenario import Design, Scenario, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from archlab.bench.plan import Plan


def chosen(scenario: Scenario) -> Design:
    """The design that stays up: the one that was asked for, else the pattern. Raises UsageError."""
    if not scenario.actions:
        raise UsageError(
            f"{scenario.name} does not support --keep: it offers nothing to try after a run. Leave out --keep."
        )
    if len(scenario.designs) == 1:
        return scenario.designs[0]
    pattern = next((design for design in scenario.designs if design.role == "pattern"), None)
    if pattern is None:
        names = ", ".join(design.name for design in scenario.designs)
        raise UsageError(f"--keep keeps one design running. Name it with --design: {names}.")
    return pattern


def keep(plan: Plan, cache: Path | None) -> None:
    """Starts the system, and does what is typed, until an empty line or the end of input."""
    from archlab.bench.keeping import kept

    design, actions = chosen(plan.scenario), {action.name: action for action in plan.scenario.actions}
    with kept(plan, design, cache, lambda event: None) as system:
        _say(f"{design.name} is running until you press enter:", *(f"  {part}" for part in system.parts), "")
        _say("Type:", *(f"  {name:8} {action.says}" for name, action in actions.items()), "")
        while name := _typed():
            if name in actions:
                _say(*(f"  {line}" for line in system.do(name).split("\n")))
            else:
                _say(f"  {name!r} is not one of the actions. Type one of {', '.join(actions)}, or press enter to end.")


def _typed() -> str:
    try:
        return answer_to(console(), "> ").lower()
    except EOFError:
        return ""


def _say(*lines: str) -> None:
    from archlab.view.page import spelled

    screen = console()
    for line in lines:
        screen.print(spelled(screen, line), markup=False, highlight=False, soft_wrap=True)
