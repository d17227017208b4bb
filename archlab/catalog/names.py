"""Lists the names of scenarios without loading any, because `archlab list` and completion must be instant."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

COURSE_PACKAGE = "archlab.scenarios"
ENTRY_POINTS = "archlab.scenarios"
"""The entry point group of third-party scenarios: ``name = "module"`` or ``name = "module:SCENARIO"``."""


def course() -> tuple[str, ...]:
    """The names of the course, in teaching order."""
    names: tuple[str, ...] = importlib.import_module(COURSE_PACKAGE).COURSE
    return names


def course_folder(name: str) -> Path:
    """The folder of a scenario of the course."""
    return (Path(str(importlib.import_module(COURSE_PACKAGE).__file__)).parent / name).resolve()


def known() -> list[str]:
    """The names that can be run, in the catalogue's order."""
    return list(dict.fromkeys((*course(), *(point.name for point in entry_points()))))


def entry_points() -> list[EntryPoint]:
    """The entry points of installed distributions, by name; those of the current folder are left out."""
    here = Path.cwd()
    folders = [entry for entry in sys.path if entry and Path(entry) != here]
    if not any(_declares_scenarios(Path(folder)) for folder in folders):
        return []  # importlib.metadata takes longer to import than all the rest of `archlab list`
    from importlib.metadata import distributions

    found: dict[tuple[str, str], EntryPoint] = {}
    for distribution in distributions(path=folders):
        for point in distribution.entry_points.select(group=ENTRY_POINTS):
            # A distribution that is met twice on the path counts once, as it does for pip.
            found.setdefault((point.name, distribution.name), point)
    return [found[key] for key in sorted(found)]


def _declares_scenarios(folder: Path) -> bool:
    if not folder.is_dir():
        return folder.is_file()  # a zip file on the path: let importlib.metadata look inside
    try:
        inside = [entry.path for entry in os.scandir(folder) if entry.name.endswith((".dist-info", ".egg-info"))]
    except OSError:
        return False
    for path in inside:
        try:
            if ENTRY_POINTS.encode() in Path(path, "entry_points.txt").read_bytes():
                return True
        except OSError:
            continue
    return False
