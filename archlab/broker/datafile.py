"""The data file: one SQLite database in the data folder, opened, locked, checked, and set aside where it is damaged."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from pathlib import Path

from archlab.broker.errors import BrokerError
from archlab.broker.spill import MESSAGE_TABLE

log = logging.getLogger("archlab.broker")

FILE_NAME = "broker.sqlite"
VERSION = 1

_SCHEMA = f"""
CREATE TABLE exchange (name TEXT PRIMARY KEY, type TEXT, auto_delete INTEGER, internal INTEGER, arguments BLOB);
CREATE TABLE queue (id INTEGER PRIMARY KEY, name TEXT UNIQUE, auto_delete INTEGER, arguments BLOB,
                    delivered_up_to INTEGER NOT NULL DEFAULT 0);
CREATE TABLE binding (source TEXT, kind TEXT, destination TEXT, routing_key TEXT, arguments BLOB,
                      PRIMARY KEY (source, kind, destination, routing_key, arguments));
{MESSAGE_TABLE};
PRAGMA user_version = {VERSION};
"""


class DataFile:
    """The database in `folder`, held exclusively.

    Raises BrokerError where the folder cannot be used. A damaged file is set aside, and another one begun.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / FILE_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error
        try:
            self.connection = self._open()
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise self._unusable("another broker is running on it") from error
            raise self._unusable(str(error)) from error
        except sqlite3.DatabaseError:
            self._put_aside()
            self.connection = self._open()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=0)
        try:
            # Exclusive: a second broker on the same folder is told so, and no shared memory file is needed.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise self._unusable(
                    f"a newer archlab wrote it, in format {version}, and this one reads up to {VERSION}",
                    "upgrade with `pip install --upgrade archlab` or choose another folder with --data",
                )
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA journal_size_limit = 8388608")
            connection.execute("PRAGMA cache_size = -2000")  # KiB
            if version == 0:
                connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
            elif connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("the file is malformed")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("COMMIT")
            # A file descriptor of SQLite's write-ahead log. Had now: when clients have used them all up it is too late.
            self._log = os.open(self._path.with_name(FILE_NAME + "-wal"), os.O_RDONLY)
        except BaseException:
            connection.close()
            raise
        return connection

    def _unusable(self, why: str, then: str = "choose another folder with --data") -> BrokerError:
        return BrokerError(f"the data folder {self._folder} cannot be used: {why}; {then}")

    def begin_anew(self) -> None:
        """Sets the file aside, whose content makes no sense though SQLite can read it, and begins without it."""
        self.close()
        self._put_aside()
        self.connection = self._open()

    def sync(self) -> None:
        """What is committed is on the disk when this returns. Raises OSError."""
        # What SQLite itself does on commit under `synchronous = FULL`, here only where somebody waits for it.
        os.fsync(self._log)

    def close(self) -> None:
        os.close(self._log)
        self.connection.close()

    def _put_aside(self) -> None:
        aside = self._path.with_name(f"{FILE_NAME}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        for suffix in ("", "-wal"):
            part = self._path.with_name(FILE_NAME + suffix)
            try:
                part.rename(aside.with_name(aside.name + suffix))
            except FileNotFoundError:
                pass  # there is no log where the broker ended well
            except OSError as error:
                raise self._unusable(f"its file is damaged, and cannot be set aside ({error.strerror})") from error
        log.warning("the data file %s is damaged: set aside as %s, beginning without it", self._path, aside)
