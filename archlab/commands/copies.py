"""``archlab new``: makes a copy of a scenario to edit."""

from __future__ import annotations

from pathlib import Path

from archlab import catalog
from archlab.commands.terminal import tell
from archlab.scenario import Design, Scenario
from archlab.source import sources


def new(folder: Path, original: str) -> None:
    scenario = catalog.find(original)
    catalog.copy_scenario(scenario, folder)
    tries = next((why for command, why in scenario.try_next if command.startswith("archlab new ")), "")
    first = _first(scenario, tries)
    typed = catalog.typed(folder.resolve())
    tell(f"{folder} is a copy of {original}.")
    tell(f"  open first  {folder / sources(first)[0].name}  ({first.name}: {first.title})")
    if tries:
        tell(f"  try         {tries}")
    tell("Then type one of these:")
    tell(f"  archlab run {typed} --watch    measures briefly at every save")
    tell(f"  archlab run {typed}            the whole run, with its verdict")


def _first(scenario: Scenario, tries: str) -> Design:
    """The design to begin with: the one that the author proposes to change, else the simplest."""
    return next((design for design in scenario.designs if design.name in tries), scenario.designs[0])
