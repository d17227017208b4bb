"""Finds the scenarios that have a name: those of the course, and third-party ones by entry point.

What cannot be loaded is reported and harms nothing else.
"""

from __future__ import annotations

import importlib
import types
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archlab import loading
from archlab.catalog import names
from archlab.catalog.lint import check
from archlab.scenario import Scenario, ScenarioError, UsageError


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
    return [_entry(name, "course") for name in names.course()]


def entries() -> list[Entry]:
    """Every scenario that can be run by name: the course, then third-party scenarios by name."""
    return [*courses(), *third_party()]


def third_party() -> list[Entry]:
    """The scenarios of installed distributions, by name. Of several with one name only the first can be run."""
    listed: list[Entry] = []
    taken = set(names.course())
    for point in names.entry_points():
        origin = f"{point.dist.name} {point.dist.version}" if point.dist else "third party"
        if point.name in taken:
            problem = f"the name {point.name!r} is taken: the first one is used."
            listed.append(Entry(point.name, None, problem, origin))
        else:
            listed.append(_entry(point.name, origin))
        taken.add(point.name)
    return listed


class Inconsistent(ScenarioError):
    """A scenario contradicts itself; ``wrong`` has every contradiction, a sentence each."""

    def __init__(self, message: str, wrong: list[str]) -> None:
        super().__init__(message)
        self.wrong = wrong


def by_name(name: str) -> Scenario:
    """The scenario of that name, never a folder: for names that were recorded, which must not lead to any other code.

    Raises UsageError when the catalogue has none, ScenarioError when it cannot be loaded.
    """
    if name in names.known():
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


def _from_catalogue(name: str) -> Scenario:
    if name in names.course():
        target, attribute = f"{names.COURSE_PACKAGE}.{name}", "SCENARIO"
    else:
        point = next(point for point in names.entry_points() if point.name == name)
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
        raise ScenarioError(f"{called} is not a scenario: it does not define {attribute}.")
    if not isinstance(value, Scenario):
        raise ScenarioError(f"{called} is not a scenario: its {attribute} is a {type(value).__name__}, not a Scenario.")
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

    known = names.known()
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    if Path(name, "__init__.py").is_file():
        hint = f" To run the folder of that name, type {typed(Path(name).resolve())}."
    return f"there is no scenario {name!r}.{hint} Choose from: {', '.join(known)}."
