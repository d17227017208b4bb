"""Loads another version of a design: the scenario's folder, copied into the round's folder and patched."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from archlab import loading
from archlab.scenario import ScenarioError

if TYPE_CHECKING:
    from archlab.lab.lab import Lab
    from archlab.scenario import Design


def module(design: Design, into: Path) -> ModuleType:
    """The module that defines ``design``. Of a version it comes from a copy of its folder, below ``into``, with the
    change applied.

    A change is a patch: ``changes/<change>/<design>.patch``, or ``changes/<design>.patch`` for the change request ("").
    """
    return _after(importlib.import_module(design.start.__module__), design, into)


def function(build: Callable[..., Any], design: Design, into: Path) -> Callable[..., Any]:
    """A function of a scenario as it is in a version of the design; ``into`` as for ``module``."""
    found: Callable[..., Any] = getattr(_after(importlib.import_module(build.__module__), design, into), build.__name__)
    return found


def _after(own: ModuleType, design: Design, into: Path) -> ModuleType:
    if design.change is None:
        return own
    original = Path(str(own.__file__)).parent
    target = into / "versions" / f"{design.name}-{design.change or 'change'}"
    if not target.exists():
        patched(original, patch(original, design.edits or design.name, design.change), target)
    package = loading.load_package(target, empty=True)
    return importlib.import_module(f"{package.__name__}.{Path(str(own.__file__)).stem}")


def started(design: Design, lab: Lab) -> Any:
    """The running design."""
    if design.change is None:
        return design.start(lab)
    return getattr(module(design, lab.folder), design.start.__qualname__)(lab)


def patch(folder: Path, design: str, change: str) -> Path:
    """Where a change of a design is kept. An edited design keeps its original's: ask with ``design.edits``."""
    return folder / "changes" / change / f"{design}.patch"


def patched(folder: Path, change: Path, target: Path) -> None:
    """Copies a scenario's folder to ``target`` and applies the patch there; raises ScenarioError if it does not fit."""
    import logging

    import patch_ng  # type: ignore[import-untyped]  # it has no annotations

    logging.getLogger("patch_ng").setLevel(logging.ERROR)
    if not change.is_file():
        raise ScenarioError(f"there is no patch {change.name} in {change.parent.name}.")
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("__pycache__"))
    found = patch_ng.fromfile(str(change))
    for item in found.items if found else ():
        _move(item, target)
    if not found or not found.apply(root=str(target)):
        shutil.rmtree(target, ignore_errors=True)
        raise ScenarioError(f"the patch {change.parent.name}/{change.name} does not fit {folder.name}.")


def _move(item: Any, target: Path) -> None:
    """Lets the hunks of a file begin where their lines are: in an edited copy they stand elsewhere than they stood."""
    file = target / item.source.decode().removeprefix("a/")
    lines = file.read_bytes().splitlines() if file.is_file() else []
    for hunk in item.hunks:
        old = [line[1:].rstrip(b"\r\n") for line in hunk.text if line[:1] in (b" ", b"-")]
        found = [i + 1 for i in range(len(lines) - len(old) + 1) if lines[i : i + len(old)] == old]
        if found:
            hunk.startsrc = min(found, key=lambda line: abs(line - hunk.startsrc))


def place(build: Callable[..., Any]) -> tuple[str, str, str]:
    """Where another process finds a function: the folder of a version (or ""), its module, its name."""
    package = build.__module__.partition(".")[0]
    file = getattr(sys.modules.get(package), "__file__", None)
    folder = str(Path(file).parent) if file and package.startswith("archlab_folder_") else ""
    return folder, build.__module__, build.__qualname__


def loaded(place: tuple[str, str, str]) -> ModuleType:
    """The module at a place, in any process."""
    package = place[1].partition(".")[0]
    if place[0] and package not in sys.modules:
        loading.load_package(Path(place[0]), empty=place[1] != package)  # it may stand in the __init__ itself
    return importlib.import_module(place[1])
