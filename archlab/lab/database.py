"""SQLite as every design gets it: one file, WAL, the same pragmas, optionally at a distance."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON")
"""The same for every design. NORMAL: a commit survives the process, and is lost only with the power."""


def connect(path: Path, round_trip: float = 0.0) -> Any:
    """Opens ``path`` in autocommit mode (the caller writes BEGIN and COMMIT); waits up to 10 s for a lock.

    With a ``round_trip`` (seconds) every statement first waits that long: a store that is elsewhere.
    """
    connection = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return DistantConnection(connection, round_trip) if round_trip > 0 else connection


class DistantConnection:
    """A connection whose every statement is one round trip; ``executemany`` is one as a whole.

    BEGIN travels with the statement after it, as drivers that pipeline send it.
    """

    def __init__(self, connection: sqlite3.Connection, round_trip: float) -> None:
        self._connection = connection
        self._round_trip = round_trip

    def execute(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> sqlite3.Cursor:
        if not sql.startswith("BEGIN"):
            time.sleep(self._round_trip)
        return self._connection.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any]) -> sqlite3.Cursor:
        time.sleep(self._round_trip)
        return self._connection.executemany(sql, parameters)

    def executescript(self, sql: str) -> sqlite3.Cursor:
        time.sleep(self._round_trip)
        return self._connection.executescript(sql)

    def close(self) -> None:
        self._connection.close()
