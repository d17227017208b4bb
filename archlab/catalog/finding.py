"""Finds the scenario that a person typed: a name in the catalogue, or a folder.

Nothing is ever loaded from the current folder by itself.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from archlab import loading
from archlab.catalog import named, names
from archlab.scenario import Scenario, ScenarioError, UsageError


def find(name: str) -> Scenario:
    """The scenario of that name; or the folder, if ``name`` is a path (has a separator or starts with a dot).

    A folder goes by its own name. One that ``copy_scenario`` made is judged beside its original.
    Raises UsageError when there is none, ScenarioError when it cannot be loaded; each is one sentence.
    """
    if name.startswith(".") or "/" in name or os.sep in name:
        return _from_path(name)
    return named.by_name(name)


def source(reference: str) -> Callable[[], Scenario]:
    """Loads the scenario of that reference. It can be pickled: this is what every process of a round is given."""
    return functools.partial(find, reference)


def _from_path(path: str) -> Scenario:
    try:
        folder = Path(path).expanduser().resolve()
    except RuntimeError:  # ~nobody
        folder = Path(path).resolve()
    if not folder.exists():
        raise UsageError(
            f"there is no folder {path}. `archlab new {_free_name(folder)} --from {names.course()[0]}` makes one."
        )
    if not folder.is_dir():
        raise UsageError(f"{path} is a file: a scenario is a folder. Try {Path(path).parent}{os.sep}.")
    if not (folder / "__init__.py").is_file():
        raise ScenarioError(f"{path} is not a scenario: it has no __init__.py that defines SCENARIO.")
    for name in names.course():
        # The same code under two module names would be two sets of classes that do not know each other.
        if folder == names.course_folder(name):
            return named.by_name(name)
    from archlab.catalog import copies  # few name a folder, and `archlab list` need not wait for it

    copied = copies.copied_from(folder)
    if copied is None:
        return _from_folder(folder, path)
    mended = copies.judged_beside_original(folder, copied, load=lambda: _from_folder(folder, path))
    return named.consistent(mended, path)


def _free_name(folder: Path) -> str:
    """What a copy could be called that was to be in ``folder``: its name, if a copy can have it here."""
    from archlab.catalog import copies

    usable = folder.parent == Path.cwd() and copies.usable(folder.name)
    return folder.name if usable else "mine"


def _from_folder(folder: Path, path: str) -> Scenario:
    try:
        module = loading.load_package(folder)
    except (Exception, SystemExit) as error:
        raise ScenarioError(f"{path} cannot be loaded: {loading.reason(error)}") from error
    return replace(
        named.declared(module, "SCENARIO", path), name=folder.name, folder=str(folder), typed=named.typed(folder)
    )
