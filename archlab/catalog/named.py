"""The scenarios that have a name: the course, and third-party ones by entry point.

What cannot be loaded is reported and harms nothing else.
"""

from __future__ import annotations

import importlib
import os
import sys
import types
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlab import loading
from archlab.catalog.lint import check
from archlab.scenario import Scenario, ScenarioError, UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

COURSE_PACKAGE = "archlab.scenarios"
ENTRY_POINTS = "archlab.scenarios"
"""The entry point group of third-party scenarios: ``name = "module"`` or ``name = "module:SCENARIO"``."""


@dataclass(frozen=True)
class Entry:
    """One line of the catalogue. Either ``scenario`` is there, or ``problem`` says in one line why it is not."""

    name: str
    scenario: Scenario | None
    problem: str
    origin: str
    """``course``, or the distribution that it comes with."""


def courses() -> list[Entry]:
    """The scenarios of the course, in teaching order."""
    return [_entry(name, "course") for name in course()]


def entries() -> list[Entry]:
    """Every scenario that can be run by name: the course, then third-party scenarios by name."""
    listed = courses()
    for point in _entry_points():
        origin = f"{point.dist.name} {point.dist.version}" if point.dist else "third party"
        if point.name in (entry.name for entry in listed):
            problem = f"the name {point.name!r} is taken: the first one is used."
            listed.append(Entry(point.name, None, problem, origin))
        else:
            listed.append(_entry(point.name, origin))
    return listed


def names() -> list[str]:
    """The names that can be run, in the catalogue's order, without loading any scenario."""
    return list(dict.fromkeys((*course(), *(point.name for point in _entry_points()))))


class Inconsistent(ScenarioError):
    """A scenario contradicts itself; ``wrong`` has every contradiction, a sentence each."""

    def __init__(self, message: str, wrong: list[str]) -> None:
        super().__init__(message)
        self.wrong = wrong


def by_name(name: str) -> Scenario:
    """The scenario of that name, never a folder: for names that were recorded, which must not lead to any other code.

    Raises UsageError when the catalogue has none, ScenarioError when it cannot be loaded.
    """
    if name in names():
        return _from_catalogue(name)
    raise UsageError(_unknown(name))


def reference(scenario: Scenario) -> str:
    """What ``find`` takes to load the same scenario in another process, from any working directory."""
    return _references.get((scenario.folder, scenario.name), scenario.folder or scenario.name)


_references: dict[tuple[str, str], str] = {}
"""The catalogue's name of what was loaded by name; anything else is referred to by its folder."""


def _entry(name: str, origin: str) -> Entry:
    try:
        return Entry(name, _from_catalogue(name), "", origin)
    except ScenarioError as error:
        return Entry(name, None, str(error), origin)


def course() -> tuple[str, ...]:
    course: tuple[str, ...] = importlib.import_module(COURSE_PACKAGE).COURSE
    return course


def _entry_points() -> list[EntryPoint]:
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


def _from_catalogue(name: str) -> Scenario:
    if name in course():
        target, attribute = f"{COURSE_PACKAGE}.{name}", "SCENARIO"
    else:
        point = next(point for point in _entry_points() if point.name == name)
        target, attribute = point.module, point.attr or "SCENARIO"
    try:
        module = importlib.import_module(target)
    except (Exception, SystemExit) as error:  # whatever the code of others raises is their problem, and is reported
        raise ScenarioError(f"{name} cannot be loaded: {loading.reason(error)}") from error
    scenario = declared(module, attribute, name)
    if scenario.name != name:
        raise ScenarioError(f"{name} is inconsistent: its scenario calls itself {scenario.name!r}.")
    scenario = replace(scenario, folder=str(folder_of(module)))
    _references[scenario.folder, name] = name
    return scenario


def typed(folder: Path) -> str:
    """What to type to name a folder here: ``./mine``, ``'./my copy'``."""
    import shlex

    here = Path.cwd()
    inside = folder.is_relative_to(here) and folder != here
    return shlex.quote(f"./{folder.relative_to(here)}" if inside else str(folder))


def declared(module: types.ModuleType, attribute: str, called: str) -> Scenario:
    """The scenario that a module declares, once it is found to be consistent."""
    value: Any = module
    for part in attribute.split("."):
        value = getattr(value, part, None)
    if isinstance(value, types.ModuleType):
        value = getattr(value, "SCENARIO", None)
    if value is None:
        raise ScenarioError(f"{called} is no scenario: it does not define {attribute}.")
    if not isinstance(value, Scenario):
        raise ScenarioError(f"{called} is no scenario: its {attribute} is a {type(value).__name__}, not a Scenario.")
    return consistent(value, called)


def consistent(scenario: Scenario, called: str) -> Scenario:
    wrong = check(scenario)
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise Inconsistent(f"{called} is inconsistent: {wrong[0]}{more}", wrong)
    return scenario


def folder_of(module: types.ModuleType) -> Path:
    return Path(str(module.__file__)).resolve().parent


def _unknown(name: str) -> str:
    import difflib

    known = names()
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    if Path(name, "__init__.py").is_file():
        hint = f" To run the folder of that name, type {typed(Path(name).resolve())}."
    return f"there is no scenario {name!r}.{hint} Choose from: {', '.join(known)}."
