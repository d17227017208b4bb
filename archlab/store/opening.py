"""Finds and opens the database: folders, locks, damaged files."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from archlab import cache
from archlab.store.errors import CannotWrite, Damaged, NewerDatabase, StoreError

if TYPE_CHECKING:
    import sqlite3

DATABASE = "archlab.db"
SIDECARS = ("-wal", "-shm")
BUSY_SECONDS = 10.0
"""How long one archlab waits for another that is writing."""

LOCK = "archlab.lock"
ELSEWHERE = "Set ARCHLAB_HOME to another folder."
SET_ASIDE = re.compile(r"archlab-damaged-\d{8}-\d{6}(-\d+)?\.db")


def data_folder(home: Path | None = None) -> Path:
    """Where everything is recorded: ``home``, else ARCHLAB_HOME, else the user's data folder. Creates nothing."""
    if home is None and os.environ.get("ARCHLAB_HOME"):
        home = Path(os.environ["ARCHLAB_HOME"])
    if home is not None:
        try:
            return home.expanduser().absolute()
        except RuntimeError as error:  # ~nobody
            raise CannotWrite(f"{home} is not a folder. Set ARCHLAB_HOME to one of your folders.") from error
    import platformdirs

    return platformdirs.user_data_path("archlab", appauthor=False)


def cache_folder(home: Path | None = None) -> Path:
    """The folder for what can be made again, created and marked as such. Raises CannotWrite."""
    folders = _caches(home)
    try:
        folder = cache.made(folders)
    except OSError as error:
        raise cannot_write(folders[0], error) from error
    if folder is None:
        raise CannotWrite(f"{folders[0]} does not belong to archlab. Set ARCHLAB_HOME to one of your folders.")
    return folder


def _caches(home: Path | None) -> tuple[Path, ...]:
    """Where data sets may be kept: the second name is for a folder in which others have taken the first."""
    if home is not None or os.environ.get("ARCHLAB_HOME"):
        return data_folder(home) / "cache", data_folder(home) / "archlab-cache"
    import platformdirs

    usual = platformdirs.user_cache_path("archlab", appauthor=False)
    return usual, usual.with_name(f"{usual.name}-cache")


def reset(home: Path | None = None, everything: bool = False) -> list[Path]:
    """Removes the cached data sets; with ``everything`` the record too, damaged ones included. Says what it removed.

    Raises CannotWrite when something cannot be removed, when another archlab has the database open, or when the
    database is not archlab's: then nothing at all is removed.
    """
    removed: list[Path] = []
    folder = data_folder(home)
    path = folder / DATABASE
    if everything and path.exists():
        with explained(path), suppress(Damaged, NewerDatabase):
            refuse_strangers(path)
            _look(path)
    try:
        for path in _caches(home):
            removed += cache.remove(path)
        path = folder
        if everything and (folder / DATABASE).exists():
            with Lock(folder) as lock:
                lock.exclusive("it cannot be removed")
                aside = [path for path in folder.iterdir() if SET_ASIDE.fullmatch(path.name)]
                for path in sorted((folder / DATABASE, *aside)):
                    for suffix in (*SIDECARS, ""):
                        Path(f"{path}{suffix}").unlink(missing_ok=True)
                    removed.append(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    return removed


def cannot_write(path: Path, error: OSError) -> CannotWrite:
    why = (error.strerror or str(error)).lower()
    return CannotWrite(f"{path} cannot be written ({why}). Set ARCHLAB_HOME to one of your folders.")


class Lock:
    """Shared by whoever has the database open, exclusive for whoever puts it away.

    Renaming a database under an open connection would let that connection, on closing, delete the log of the next one
    (https://www.sqlite.org/howtocorrupt.html). Windows refuses to rename an open file, so nothing is needed there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise cannot_write(folder, error) from error

    def shared(self) -> None:
        if not self._within_time(exclusive=False):
            raise CannotWrite(f"another archlab is repairing the database in {self._folder}. Try again.")

    def exclusive(self, otherwise: str) -> None:
        if not self._within_time(exclusive=True):
            raise CannotWrite(f"another archlab uses the database in {self._folder}: {otherwise}.")

    def _within_time(self, exclusive: bool) -> bool:
        try:
            import fcntl
        except ImportError:
            return True
        end = time.monotonic() + BUSY_SECONDS
        wanted = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        while True:
            try:
                fcntl.flock(self._descriptor, wanted | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() > end:
                    return False
                time.sleep(0.01)  # flock has no time limit of its own
            except OSError:
                return True  # a file system without locks: SQLite's own are all there is

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns what SQLite and the file system raise into one sentence: Damaged or CannotWrite."""
    import sqlite3

    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            raise Damaged(str(error)) from error
        if name == "SQLITE_FULL":
            raise CannotWrite(
                f"the disk is full: nothing was recorded in {path}. Free some space and try again."
            ) from error
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise CannotWrite(f"another archlab keeps {path} busy: nothing was recorded. Try again.") from error
        if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_IOERR")):
            raise CannotWrite(f"{path} cannot be written ({error}): nothing was recorded.") from error
        raise StoreError(f"{path} cannot be used ({error}): nothing was recorded.") from error
    except OverflowError as error:
        raise StoreError(f"a number is too large for SQLite ({error}): nothing was recorded.") from error
    except OSError as error:
        raise cannot_write(path, error) from error


def connect(path: Path) -> sqlite3.Connection:
    """The database, brought to this archlab's version; made if it is not there.

    Raises NewerDatabase before anything of the file is touched, Damaged and CannotWrite.
    """
    import sqlite3

    from archlab.store import schema

    with explained(path):
        _look(path)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            schema.refuse_newer(connection, path)
            _write_ahead(connection)
            schema.migrate(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def refuse_strangers(path: Path) -> None:
    """Raises CannotWrite for a file that was there before archlab was in its folder, and is not archlab's database.

    Where archlab has been before (its lock is there), what cannot be read is archlab's own database, damaged.
    """
    if (path.parent / LOCK).exists():
        return
    try:
        with explained(path):
            _look(path)
    except Damaged as error:
        raise CannotWrite(f"{path} is not archlab's database: nothing is recorded. {ELSEWHERE}") from error


def _look(path: Path) -> None:
    """Raises NewerDatabase, CannotWrite (it is somebody else's) or Damaged without writing a byte, not even what SQLite
    writes to tidy up."""
    import sqlite3

    from archlab.store import schema

    if path.is_dir():
        raise CannotWrite(f"{path} is a folder: nothing is recorded. {ELSEWHERE}")
    if not path.exists() or not path.stat().st_size:
        return
    log = Path(f"{path}-wal")
    # Immutable takes no lock and makes no files, but does not see the log, which may hold the newest of every page.
    way = "mode=ro" if log.exists() and log.stat().st_size else "mode=ro&immutable=1"
    with closing(sqlite3.connect(f"{path.as_uri()}?{way}", uri=True, timeout=BUSY_SECONDS)) as connection:
        try:
            schema.refuse_newer(connection, path)
        except sqlite3.DatabaseError as error:
            # Seen without a lock, a database that another archlab is just writing may look malformed: this waits for
            # the connection that takes one.
            if error.sqlite_errorname == "SQLITE_NOTADB":
                raise


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Readers never wait for the writer. SQLite does not wait by itself when two switch at once."""
    import sqlite3

    end = time.monotonic() + BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return  # whatever it is now: some network file systems cannot do it
        except sqlite3.OperationalError as error:
            if time.monotonic() > end or not error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise
            time.sleep(0.01)


def damage(connection: sqlite3.Connection) -> str:
    """What SQLite finds wrong with the file, in its words; empty when nothing is."""
    found: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    return "" if found == "ok" else " ".join(found.split())


def set_aside(path: Path, why: str) -> str | None:
    """Renames a damaged database, so that a new one can be made; returns the sentence to say.

    None when it turns out not to be damaged: another archlab has mended it meanwhile.
    """
    import sqlite3

    with Lock(path.parent) as lock, explained(path):
        lock.exclusive(f"it is damaged ({why}) and cannot be set aside")
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as connection:
                if not damage(connection):
                    return None
        except sqlite3.DatabaseError as error:
            if not getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
                raise
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        aside = path.with_name(f"archlab-damaged-{stamp}.db")
        number = 1
        while aside.exists():
            number += 1
            aside = path.with_name(f"archlab-damaged-{stamp}-{number}.db")
        for suffix in (*SIDECARS, ""):  # the log first: a new database must never find the log of another
            if Path(f"{path}{suffix}").exists():
                Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
    return f"the database was damaged ({why}): it is now {aside}, and a new one was made."
