"""Imports a scenario's folder as a package, and says in one line why it cannot be imported."""

from __future__ import annotations

import importlib
import os
import re
import sys
import types
from collections.abc import Iterator
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import Path
from typing import Any


def module_name(folder: Path) -> str:
    """The private name that a folder is imported under: the same in every process, and nobody else's."""
    import hashlib

    digest = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:12]
    readable = re.sub(r"\W", "_", folder.name)
    return f"archlab_folder_{digest}_{readable}"


class _Uncached(SourceFileLoader):
    """Compiles what the file says now: Python takes a cached bytecode for it if size and second of the edit agree."""

    def path_stats(self, path: str) -> Any:
        raise OSError("no cache")


def load_package(folder: Path, *, empty: bool = False) -> types.ModuleType:
    """Imports a folder as a package under its private name; again only if a file of it has changed since.

    ``empty`` makes the package without executing its ``__init__``: its modules can then be imported one by one.
    """
    import importlib.util

    name = module_name(folder)
    state = (empty, {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*.py"))})
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__archlab_state__", None) == state:
        return known
    _forget(name)
    importlib.invalidate_caches()  # a file written a moment ago is not in the finder's listing
    init = folder / "__init__.py"
    sys.path_importer_cache[str(folder)] = FileFinder(str(folder), (_Uncached, SOURCE_SUFFIXES))  # for its modules
    spec = importlib.util.spec_from_file_location(
        name, init, loader=_Uncached(name, str(init)), submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        if not empty:
            spec.loader.exec_module(module)
    except BaseException:
        _forget(name)
        raise
    vars(module)["__archlab_state__"] = state
    return module


def _forget(name: str) -> None:
    for loaded in [loaded for loaded in sys.modules if loaded == name or loaded.startswith(f"{name}.")]:
        del sys.modules[loaded]


def reason(error: BaseException) -> str:
    """One line: what was raised, and the file and line of the scenario that it came from."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"syntax error in {Path(error.filename).name}, line {error.lineno}: {error.msg}."
    said = " ".join(str(error).split())
    what = f"importing it raised {type(error).__name__}" + (f": {said}" if said else "")
    archlab, scenarios = (f"{Path(__file__).parent}{os.sep}{inner}" for inner in ("", f"scenarios{os.sep}"))
    places = [
        (file, line)
        for file, line in _raised_at(error)
        if not file.startswith(("<", archlab)) or file.startswith(scenarios)
        if file != importlib.__file__
    ]
    if not places:
        return f"{what}."
    # The outermost file is the scenario's; what it calls in a library says less than the line that calls it.
    folder = Path(places[0][0]).parent
    file, line = next(place for place in reversed(places) if Path(place[0]).is_relative_to(folder))
    return f"{what} ({Path(file).name}, line {line})."


def _raised_at(error: BaseException) -> Iterator[tuple[str, int]]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
