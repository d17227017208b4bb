"""Seeded data, made once per content and then copied: a bounded cache of folders with database files."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import sqlite3
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from archlab.bench import processes, rounds
from archlab.bench.lab import Setting
from archlab.scenario import Scenario, ScenarioError

MOST_BYTES = 300_000_000
"""The cache is trimmed to this size, the longest unused first."""


def ready(scenario: Scenario, setting: Setting, cache: Path) -> Path:
    """The folder with this setting's seeded databases; seeds it where the cache has none.

    The key covers the code that seeds, the knobs, the seed and SQLite's version.
    """
    module = sys.modules[scenario.data.__module__]
    code = Path(str(module.__file__)).read_bytes()
    known = json.dumps([sorted(setting.knobs.items()), setting.seed, sqlite3.sqlite_version])
    key = hashlib.sha256(code + known.encode()).hexdigest()[:24]
    folder = cache / f"{scenario.name}-{key}"
    if folder.exists():
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
        if not folder.exists():  # another archlab may have been faster
            unfinished.replace(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    trim(cache, keep=folder)
    return folder


def trim(cache: Path, keep: Path) -> None:
    """Removes the longest unused data sets until the rest fits; never ``keep``."""
    sized = [(f.stat().st_mtime, sum(p.stat().st_size for p in f.rglob("*")), f) for f in cache.iterdir() if f.is_dir()]
    total = sum(size for _, size, _ in sized)
    for _, size, folder in sorted(sized):
        if total <= MOST_BYTES:
            return
        if folder != keep:
            shutil.rmtree(folder, ignore_errors=True)
            total -= size
