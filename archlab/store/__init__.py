"""Stores runs, predictions and answers in one SQLite file in the user's data folder.

A run is recorded whole or not at all, also when archlab is killed. Reading needs sqlite3 only; sqlite-utils, which
takes longer to import than most commands take, is imported where something is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from archlab.learn.prediction import Prediction
from archlab.learn.quiz import Answer
from archlab.run import Run
from archlab.store import reading, rows
from archlab.store.errors import CannotWrite, Damaged, NewerDatabase, StoreError
from archlab.store.opening import (
    DATABASE,
    Lock,
    cache_folder,
    connect,
    damage,
    data_folder,
    explained,
    refuse_strangers,
    reset,
    set_aside,
)
from archlab.store.reading import Recorded

if TYPE_CHECKING:
    import sqlite3

    from sqlite_utils import Database

__all__ = [
    "CannotWrite",
    "NewerDatabase",
    "Recorded",
    "Store",
    "StoreError",
    "cache_folder",
    "data_folder",
    "reset",
]

_Result = TypeVar("_Result")


class Store:
    """The open record. Use it as a context manager, and for no longer than it is needed.

    ``say`` is told, in a sentence, when a damaged database had to be set aside. Every method raises StoreError, with
    one sentence, when the record cannot be used; nothing is then half recorded.
    """

    def __init__(self, path: Path, say: Callable[[str], None] | None = None) -> None:
        self.path = path
        self.notices: list[str] = []
        """What was said, oldest first."""
        self._say = say
        self._lock: Lock | None = None
        self._connection: sqlite3.Connection | None = None

    @classmethod
    def open(cls, home: Path | None = None, say: Callable[[str], None] | None = None) -> Store:
        """The record in ``home`` (None: ARCHLAB_HOME, else the user's data folder), made if it is not there.

        Raises CannotWrite, or NewerDatabase for a file that a newer archlab wrote, which stays as it is.
        """
        store = cls(data_folder(home) / DATABASE, say)
        store._do(lambda connection: None)
        return store

    @staticmethod
    def cache(home: Path | None = None) -> Path:
        """The folder for data sets that can be made again. Raises CannotWrite."""
        return cache_folder(home)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        try:
            if self._connection is not None:
                self._connection.close()
        finally:
            self._connection = None
            if self._lock is not None:
                self._lock.release()
            self._lock = None

    def save(self, run: Run, prediction_id: int | None = None) -> int:
        """Records a run, and that it answers a prediction, in one transaction; returns the run's number.

        Numbers count from 1. ``run.run_id`` is ignored.
        """

        def write(db: Database) -> int:
            run_id = _insert(db, "runs", {**rows.row(run), "valid": run.valid})
            for name in rows.PARTS:
                parts = [{"run_id": run_id, **rows.row(part)} for part in getattr(run, name)]
                if parts:
                    db.table(name).insert_all(parts)
            for trace in run.traces:
                of_trace = _insert(db, "traces", {"run_id": run_id, **rows.row(trace)})
                spans = [{"of_trace": of_trace, **rows.row(span)} for span in trace.spans]
                if spans:
                    db.table("spans").insert_all(spans)
            if prediction_id is not None:
                db.execute("UPDATE predictions SET run_id = ? WHERE id = ?", [run_id, prediction_id])
            return run_id

        def check(connection: sqlite3.Connection) -> None:
            if found := damage(connection):  # never write into what is damaged already
                raise Damaged(found)

        self._do(check)
        return self._write(write)

    def load(self, run_id: int, traces: bool = True) -> Run:
        """The run as it was saved, without its thousands of spans if they are not wanted. Raises UsageError when there
        is none of that number."""
        return self._do(lambda connection: reading.run(connection, run_id, traces))

    def runs(self, limit: int = 20) -> list[Run]:
        """The newest ``limit`` runs in full, the newest first."""

        def read(connection: sqlite3.Connection) -> list[Run]:
            found = connection.execute("SELECT id FROM runs ORDER BY id DESC LIMIT ?", [limit]).fetchall()
            return [reading.run(connection, run_id) for (run_id,) in found]

        return self._do(read)

    def latest(
        self, scenario: str, wanted: Callable[[Run], bool] = lambda run: True, traces: bool = True
    ) -> Run | None:
        """The newest run of a scenario that is ``wanted``, or None."""

        def read(connection: sqlite3.Connection) -> Run | None:
            found = connection.execute("SELECT id FROM runs WHERE scenario = ? ORDER BY id DESC", [scenario])
            for (run_id,) in found:
                if wanted(run := reading.run(connection, run_id, traces)):
                    return run
            return None

        return self._do(read)

    def history(self, limit: int = 20) -> list[Recorded]:
        """The newest ``limit`` runs, the newest first."""

        return self._do(lambda connection: reading.history(connection, limit))

    def predict(
        self,
        scenario: str,
        workload: str,
        design: str | None,
        confidence: int,
        knobs: Mapping[str, float] | None = None,
    ) -> int:
        """Records a prediction before anything is measured; returns its number, for ``save``.

        ``design`` is the one that will be enough, None for "none of them"; ``confidence`` is in percent, 50 to 100.
        """
        prediction = Prediction(design, workload, confidence)
        columns = {**rows.row(prediction), "scenario": scenario, "knobs": rows.dump(dict(knobs or {})), "made": _now()}
        return self._write(lambda db: _insert(db, "predictions", columns))

    def answer(self, answer: Answer) -> int:
        """Records an answer to a question of a quiz; returns its number."""
        return self._write(lambda db: _insert(db, "answers", rows.row(answer)))

    def answers(self, scenario: str | None = None) -> list[Answer]:
        """Every answer, or those to one scenario's questions; oldest first."""

        def read(connection: sqlite3.Connection) -> list[Answer]:
            found = reading.rows_of(
                connection, "SELECT * FROM answers WHERE scenario = coalesce(?, scenario) ORDER BY id", scenario
            )
            return [rows.thing(Answer, answer) for answer in found]

        return self._do(read)

    def _do(self, action: Callable[[sqlite3.Connection], _Result]) -> _Result:
        """Does it on the open connection; once more on a new database when the old one turns out to be damaged."""
        try:
            return self._try(action)
        except Damaged as error:
            self.close()
            said = set_aside(self.path, str(error))
            if said is not None:
                self.notices.append(said)
                if self._say is not None:
                    self._say(said)
            try:
                return self._try(action)
            except Damaged as again:
                raise StoreError(f"{self.path} is damaged ({again}): nothing was recorded.") from again

    def _try(self, action: Callable[[sqlite3.Connection], _Result]) -> _Result:
        try:
            if self._connection is None:
                refuse_strangers(self.path)  # before the lock is made: a stranger's folder stays as it is
                self._lock = Lock(self.path.parent)
                self._lock.shared()
                self._connection = connect(self.path)
            with explained(self.path):
                return action(self._connection)
        except BaseException:  # Ctrl-C too: a lock that stays behind would keep others waiting
            if self._connection is None:
                self.close()
            raise

    def _write(self, write: Callable[[Database], _Result]) -> _Result:
        from sqlite_utils import Database

        def transaction(connection: sqlite3.Connection) -> _Result:
            connection.execute("BEGIN IMMEDIATE")  # a lock taken later could find that another archlab was faster
            try:
                result = write(Database(connection, execute_plugins=False))
                connection.execute("COMMIT")
                return result
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

        return self._do(transaction)


def _insert(db: Database, table: str, columns: Mapping[str, Any]) -> int:
    number = db.table(table).insert(dict(columns)).last_pk
    return int(str(number))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
