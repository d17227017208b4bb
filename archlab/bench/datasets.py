"""Seeded data, made once per content and then copied: a bounded cache of folders with database files."""

from __future__ import annotations

import contextlib
import hashlib
import json
import multiprocessing
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from archlab.bench import processes, rounds
from archlab.bench.lab import Setting
from archlab.scenario import Scenario, ScenarioError

MOST_BYTES = 300_000_000
"""The cache is trimmed to this size, the longest unused first."""
IN_USE = 600.0
"""Seconds since it was last asked for in which a data set may be in use by another archlab."""


def ready(scenario: Scenario, setting: Setting, cache: Path) -> Path:
    """The folder with this setting's seeded databases; seeds it where the cache has none.

    The key covers the code beside the function that seeds (it may use all of it), the knobs, the seed and SQLite's
    version.
    """
    beside = Path(str(sys.modules[scenario.data.__module__].__file__)).parent
    code = b"".join(path.read_bytes() for path in sorted(beside.glob("*.py")))
    known = json.dumps([sorted(setting.knobs.items()), setting.seed, sqlite3.sqlite_version])
    key = hashlib.sha256(code + known.encode()).hexdigest()[:24]
    folder = cache / f"{scenario.name}-{key}"
    if folder.exists():
        with contextlib.suppress(FileNotFoundError):  # another archlab may be trimming
            os.utime(folder)
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="seeding-", dir=cache))
    try:
        wire, childs_end = multiprocessing.Pipe()
        with wire:
            child = processes.start(
                rounds.seed_data, replace(setting, folder=unfinished), childs_end, name=f"seed {scenario.name}"
            )
            childs_end.close()
            try:
                failed = wire.recv()
            except EOFError:
                failed = "the process that seeds it ended"
            finally:
                child.kill()
                child.join()
        if failed:
            raise ScenarioError(f"the data of {scenario.name} could not be seeded: {failed}.")
        try:
            unfinished.replace(folder)
        except OSError:
            if not folder.exists():  # else another archlab was faster
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    trim(cache, keep=folder)
    return folder


def trim(cache: Path, keep: Path) -> None:
    """Removes the longest unused data sets until the rest fits; never ``keep``, nor one that was used just now.

    What a killed archlab left half seeded grows old like the rest.
    """
    sized = [found for folder in cache.iterdir() if (found := _age_and_size(folder))]
    total = sum(size for _, size, _ in sized)
    for used, size, folder in sorted(sized):
        if total <= MOST_BYTES or time.time() - used < IN_USE:
            return
        if folder != keep:
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
