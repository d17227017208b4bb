"""The files of a data set: the databases, and the hash of what all designs share."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from archlab.lab import database

DATA_HASH = "data.sha256"
"""The file beside the databases with the hash of what all designs share."""
OWN_TABLES = "sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"


def tables(path: Path) -> int:
    """How many tables somebody made in a database."""
    with closing(database.connect(path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {OWN_TABLES}").fetchone()[0])
