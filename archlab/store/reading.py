"""Reads runs back from their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from archlab.learn.prediction import Prediction
from archlab.run import ClaimOutcome, Run, Span, Trace, Verdict
from archlab.scenario import UsageError
from archlab.store import rows

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True)
class Recorded:
    """One line of the history."""

    run_id: int
    scenario: str
    started: str
    """UTC, ISO 8601."""
    seconds: float
    seed: int
    quick: bool
    invalid_reasons: tuple[str, ...]
    turned: Mapping[str, float]
    verdicts: tuple[Verdict, ...]
    held: int
    """Claims that were held, of ``claims`` that were judged."""
    claims: int
    prediction: Prediction | None

    @property
    def valid(self) -> bool:
        return not self.invalid_reasons


def rows_of(connection: sqlite3.Connection, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    """What a query finds, each row by its columns' names."""
    cursor = connection.execute(sql, parameters)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, values, strict=True)) for values in cursor]


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Several reads see one state, whatever another archlab writes meanwhile."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def run(connection: sqlite3.Connection, run_id: int, with_traces: bool = True) -> Run:
    """The run as it was saved. Raises UsageError when there is none of that number."""
    with snapshot(connection):
        found = rows_of(connection, "SELECT * FROM runs WHERE id = ?", run_id)
        if not found:
            raise UsageError(f"there is no run {run_id}. `archlab history` lists what was recorded.")
        parts = {name: _parts(connection, name, kind, run_id) for name, kind in rows.PARTS.items()}
        traces = tuple(
            rows.thing(Trace, trace, spans=_spans(connection, trace["id"]))
            for trace in rows_of(connection, "SELECT * FROM traces WHERE run_id = ? ORDER BY id", run_id)
            if with_traces
        )
    return replace(rows.thing(Run, found[0], **parts, traces=traces, run_id=None), run_id=run_id)


def _parts(connection: sqlite3.Connection, table: str, kind: type, run_id: int) -> tuple[Any, ...]:
    found = rows_of(connection, f"SELECT * FROM {table} WHERE run_id = ? ORDER BY id", run_id)
    return tuple(rows.thing(kind, columns) for columns in found)


def _spans(connection: sqlite3.Connection, of_trace: int) -> tuple[Span, ...]:
    found = rows_of(connection, "SELECT * FROM spans WHERE of_trace = ? ORDER BY id", of_trace)
    return tuple(rows.thing(Span, columns) for columns in found)


def prediction(connection: sqlite3.Connection, run_id: int) -> Prediction | None:
    """What was predicted for a run, or None."""
    found = rows_of(connection, "SELECT * FROM predictions WHERE run_id = ? ORDER BY id", run_id)
    return rows.thing(Prediction, found[-1]) if found else None


def history(connection: sqlite3.Connection, limit: int) -> list[Recorded]:
    """The newest runs, the newest first."""
    with snapshot(connection):
        found = rows_of(connection, "SELECT * FROM runs ORDER BY id DESC LIMIT ?", limit)
        return [_recorded(connection, run) for run in found]


def _recorded(connection: sqlite3.Connection, run: Mapping[str, Any]) -> Recorded:
    outcomes = [claim.outcome for claim in _parts(connection, "claims", ClaimOutcome, run["id"])]
    return Recorded(
        run["id"],
        run["scenario"],
        run["started"],
        run["seconds"],
        run["seed"],
        bool(run["quick"]),
        tuple(rows.load(run["invalid_reasons"])),
        rows.load(run["turned"]),
        _parts(connection, "verdicts", Verdict, run["id"]),
        outcomes.count("held"),
        len(outcomes) - outcomes.count(None),
        prediction(connection, run["id"]),
    )
