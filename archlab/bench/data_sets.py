"""Makes each seeded data set once and copies it for every round; keeps them in a cache of limited size."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib
import json
import multiprocessing
import os
import shutil
import sqlite3
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from archlab import cache as cache_folder
from archlab.bench import data_files
from archlab.failure import disk_full
from archlab.lab import containment, forking
from archlab.lab.setting import Setting
from archlab.scenario import Design, Scenario, ScenarioError

SEED = "archlab.bench.seeding_process:seed_data"
MOST_BYTES = 300_000_000
"""The cache is trimmed to this size, the longest unused first."""
SEED_LIMIT = 60.0
"""Seconds after which the seeding of one data set is ended."""
IN_USE = 600.0
"""Seconds since it was last asked for in which a data set may be in use by another archlab."""


def ready(scenario: Scenario, design: Design, setting: Setting, cache: Path) -> Path:
    """The folder with this setting's databases for ``design``; makes it where the cache has none.

    The key covers the code that fills them with all that lies beside it (it may use any of it), the knobs, the seed
    and SQLite's version. Raises OSError when the cache cannot be written.
    """
    known = json.dumps([sorted(setting.knobs.items()), setting.seed, sqlite3.sqlite_version])
    code = _code_beside(scenario.data.__module__)
    seeded = _kept(scenario, setting, cache, code + known.encode(), None, None)
    if design.prepare is None:
        return seeded
    code += _code_beside(design.prepare.__module__)
    return _kept(scenario, setting, cache, code + known.encode(), design.name, seeded)


def _code_beside(module: str) -> bytes:
    folder = Path(str(importlib.import_module(module).__file__)).parent
    return b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))


def _kept(
    scenario: Scenario, setting: Setting, cache: Path, content: bytes, design: str | None, seeded: Path | None
) -> Path:
    called = [Path(scenario.name).name, *([design] if design else [])]
    folder = cache / "-".join([*called, hashlib.sha256(content).hexdigest()[:24]])
    if (folder / data_files.DATA_HASH).exists():
        with contextlib.suppress(OSError):  # another archlab may be trimming, or it may only be read
            os.utime(folder)
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=cache_folder.UNFINISHED, dir=cache))
    try:
        failed = _seed(replace(setting, folder=unfinished), design, seeded)
        if failed and disk_full(cache):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(cache))
        if failed:
            raise ScenarioError(f"the data of {' for '.join(called)}: {failed}.")
        try:
            unfinished.replace(folder)
        except OSError:
            if not (folder / data_files.DATA_HASH).exists():  # else another archlab was faster
                shutil.rmtree(folder, ignore_errors=True)  # what an interrupted removal left
                unfinished.replace(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    trim(cache, keep=(folder, seeded))
    return folder


def _seed(setting: Setting, design: str | None, seeded: Path | None) -> str:
    """Fills the setting's folder in a process of its own; what failed, or an empty string."""
    wire, childs_end = multiprocessing.Pipe()
    with wire:
        child = forking.start(SEED, setting, childs_end, design, seeded, name="seed")
        try:
            childs_end.close()
            if not wire.poll(SEED_LIMIT):
                return f"seeding did not end within {SEED_LIMIT:g} s"
            failed: str = wire.recv()
            return failed
        except EOFError:
            return "the process that seeds it ended"
        finally:
            containment.end(child)


def trim(cache: Path, keep: tuple[Path | None, ...] = ()) -> None:
    """Removes the longest unused data sets until the rest fits; never one of ``keep``, nor one that was used just now.

    What a killed archlab left half seeded grows old like the rest. What others have put there is never touched.
    """
    sized = [found for folder in cache_folder.data_sets(cache) if (found := _age_and_size(folder))]
    total = sum(size for _, size, _ in sized)
    for used, size, folder in sorted(sized):
        if total <= MOST_BYTES or time.time() - used < IN_USE:
            return
        if folder not in keep:
            shutil.rmtree(folder, ignore_errors=True)
            total -= size


def _age_and_size(folder: Path) -> tuple[float, int, Path] | None:
    """When it was last used, and its bytes; None where it is no folder, or another archlab has just removed it."""
    try:
        if folder.is_dir():
            return folder.stat().st_mtime, sum(path.stat().st_size for path in folder.rglob("*")), folder
    except FileNotFoundError:
        pass
    return None
