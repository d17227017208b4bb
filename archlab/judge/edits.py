"""Judges the claims again with an edited design in place of its original."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archlab.run import Run
from archlab.scenario import Scenario


def in_its_originals_place(scenario: Scenario, run: Run, edited: str) -> tuple[Scenario, Run]:
    """The run as if there were no originals edited but this one, and it had its original's name."""
    original = scenario.design(edited).edits
    designs = tuple(design for design in scenario.designs if not design.edits)
    kept = {design.name: design.name for design in designs} | {edited: original}
    del kept[original]
    renamed: dict[str, Any] = {
        of: tuple(replace(one, **{key: kept[name]}) for one in getattr(run, of) if (name := getattr(one, key)) in kept)
        for of, key in (("designs", "name"), ("measurements", "design"), ("faults", "design"), ("traces", "design"))
    }
    return replace(scenario, designs=designs), replace(run, **renamed)
