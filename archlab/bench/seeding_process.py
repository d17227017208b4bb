"""Fills an empty folder with the data that every design starts from: the child's side."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

from archlab.bench import data_files
from archlab.failure import describe
from archlab.lab import database
from archlab.lab.lab import Lab
from archlab.lab.setting import Setting


def seed_data(setting: Setting, wire: Connection, design: str | None, seeded: Path | None) -> None:
    """Fills an empty folder with a scenario's data; reports what failed, or an empty string.

    With a ``design`` it adds what this design alone keeps to a copy of ``seeded``.
    """
    try:
        scenario = setting.source()
        if seeded is not None:
            shutil.copytree(seeded, setting.folder, dirs_exist_ok=True)
        fill = scenario.data if design is None else scenario.design(design).prepare
        assert fill is not None
        lab = Lab(setting)
        try:
            fill(lab)
        finally:
            lab.close(finish=True)
        if seeded is None:
            (setting.folder / data_files.DATA_HASH).write_text(_hash(setting.folder))
            wire.send("")
        else:
            wire.send(_changed(seeded, setting.folder))
    except BaseException as error:
        wire.send(describe(error))
    wire.close()


def _hash(folder: Path) -> str:
    """SHA-256 over the databases in a folder: what every design of a fair fight starts from."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.db")):
        digest.update(path.name.encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _changed(seeded: Path, prepared: Path) -> str:
    """What a design's own preparation changed in the data that all designs share; empty when nothing."""
    for path in sorted(seeded.glob("*.db")):
        with closing(database.connect(prepared / path.name)) as connection:
            connection.execute("ATTACH ? AS seeded", (str(path),))
            for (table,) in connection.execute(f"SELECT name FROM seeded.{data_files.OWN_TABLES}").fetchall():
                both = f'SELECT * FROM seeded."{table}"', f'SELECT * FROM main."{table}"'
                for one, other in (both, both[::-1]):
                    if connection.execute(f"{one} EXCEPT {other} LIMIT 1").fetchone():
                        return f"its preparation changes the table {table}, which all designs share"
    return ""
