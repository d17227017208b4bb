"""Seeded data, made once per content and then copied: a bounded cache of folders with database files."""

from __future__ import annotations

import hashlib
import importlib
import json
import multiprocessing
import os
import shutil
import sqlite3
import tempfile
from dataclasses import replace
from pathlib import Path

from archlab.bench import processes, rounds
from archlab.bench.lab import Setting
from archlab.scenario import Design, Scenario, ScenarioError

MOST_BYTES = 300_000_000
"""The cache is trimmed to this size, the longest unused first."""


def ready(scenario: Scenario, design: Design, setting: Setting, cache: Path) -> Path:
    """The folder with this setting's databases for ``design``; makes it where the cache has none.

    The key covers the code that fills them, the knobs, the seed and SQLite's version.
    """
    known = json.dumps([sorted(setting.knobs.items()), setting.seed, sqlite3.sqlite_version])
    code = _code(scenario.data.__module__)
    seeded = _kept(scenario, setting, cache, code + known.encode(), None, None)
    if design.prepare is None:
        return seeded
    package = design.prepare.__module__.rpartition(".")[0]
    code += b"".join(
        _code(module) for module in (design.prepare.__module__, *(f"{package}.{m}" for m in design.modules))
    )
    return _kept(scenario, setting, cache, code + known.encode(), design.name, seeded)


def _code(module: str) -> bytes:
    return Path(str(importlib.import_module(module).__file__)).read_bytes()


def _kept(
    scenario: Scenario, setting: Setting, cache: Path, content: bytes, design: str | None, seeded: Path | None
) -> Path:
    folder = cache / "-".join([scenario.name, *([design] if design else []), hashlib.sha256(content).hexdigest()[:24]])
    if (folder / rounds.DATA_HASH).exists():
        os.utime(folder)
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="seeding-", dir=cache))
    try:
        failed = _seed(replace(setting, folder=unfinished), design, seeded)
        if failed:
            raise ScenarioError(f"the data of {' for '.join(filter(None, [scenario.name, design]))}: {failed}.")
        if not folder.exists():  # another archlab may have been faster
            unfinished.replace(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    trim(cache, keep=(folder, seeded))
    return folder


def _seed(setting: Setting, design: str | None, seeded: Path | None) -> str:
    """Fills the setting's folder in a process of its own; what failed, or an empty string."""
    wire, childs_end = multiprocessing.Pipe()
    with wire:
        child = processes.start(rounds.seed_data, setting, childs_end, design, seeded, name=f"seed {setting.scenario}")
        childs_end.close()
        try:
            failed: str = wire.recv()
            return failed
        except EOFError:
            return "the process that seeds it ended"
        finally:
            child.kill()
            child.join()


def trim(cache: Path, keep: tuple[Path | None, ...] = ()) -> None:
    """Removes the longest unused data sets until the rest fits; never one of ``keep``."""
    sized = [(f.stat().st_mtime, sum(p.stat().st_size for p in f.rglob("*")), f) for f in cache.iterdir() if f.is_dir()]
    total = sum(size for _, size, _ in sized)
    for _, size, folder in sorted(sized):
        if total <= MOST_BYTES:
            return
        if folder not in keep:
            shutil.rmtree(folder, ignore_errors=True)
            total -= size
