"""The tables of the database, readable with SQLite or Datasette: one row for each thing.

A migration, once released, is never edited: it is what made the files that people have. A change is a further one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archlab.store.errors import CannotWrite, NewerDatabase

if TYPE_CHECKING:
    import sqlite3

    from sqlite_utils import Database

APPLICATION = 0x6172636C
"""``PRAGMA application_id``: "arcl". A database without it is somebody else's."""

JSON = str
"""A column that holds a JSON document."""


def tables(db: Database) -> None:
    """Version 1. Every part of a run refers to its row in ``runs``; a span refers to its trace."""

    def part(name: str, columns: dict[str, Any], of: str = "run_id", whole: str = "runs", always: bool = True) -> None:
        table = db.create_table(
            name,
            {"id": int, of: int, **columns},
            pk="id",
            not_null={of} if always else set(),
            foreign_keys=[(of, whole, "id")],
        )
        table.create_index([of])

    runs = {
        "id": int,
        "scenario": str,
        "topic": str,
        "question": str,
        "seed": int,
        "started": str,
        "seconds": float,
        "quick": int,
        "valid": int,
        "invalid_reasons": JSON,
        "noise": float,
        "tracing_cost": float,
        "findings": JSON,
        "turned": JSON,
        "data": JSON,
        "environment": JSON,
    }
    db.create_table("runs", runs, pk="id", not_null={"scenario", "started", "valid"}).create_index(["scenario"])
    part("workloads", {"name": str, "says": str, "settings": JSON})
    counts = ("lines", "modules", "processes", "tables", "queues", "change_files", "change_added", "change_removed")
    part(
        "designs",
        {"name": str, "title": str, "role": str, "order": int, **dict.fromkeys(counts, int), "promises": str},
    )
    part(
        "measurements",
        {
            "experiment": str,
            "design": str,
            "workload": str,
            "metric": str,
            "at": JSON,
            "unit": str,
            "better": str,
            "value": float,
            "low": float,
            "high": float,
            "n": int,
            "rounds": int,
            "by_round": JSON,
            "over": JSON,
            "per_round": int,
            "utilisation": float,
            "note": str,
        },
    )
    part(
        "comparisons",
        {
            "metric": str,
            "workload": str,
            "a": str,
            "b": str,
            "ratio": float,
            "low": float,
            "high": float,
            "outcome": str,
        },
    )
    part(
        "requirements",
        {
            "requirement": str,
            "metric": str,
            "at_most": float,
            "unit": str,
            "workload": str,
            "design": str,
            "outcome": str,
            "why": str,
            "margin": float,
        },
    )
    part("verdicts", {"workload": str, "status": str, "design": str, "candidates": JSON})
    part("claims", {"claim": str, "text": str, "kind": str, "outcome": str, "evidence": str})
    part("faults", {"name": str, "design": str, "planned": int, "injected": int})
    part(
        "traces",
        {"design": str, "workload": str, "operation": str, "wait": float, "picked": str, "untraced": float},
    )
    span = {"trace_id": str, "span_id": str, "parent_id": str, "name": str, "start": float, "end": float}
    part("spans", {**span, "process": str, "attributes": JSON}, of="of_trace", whole="traces")
    part(  # made before its run, which is null until then, and stays null if the run was interrupted
        "predictions",
        {"scenario": str, "workload": str, "design": str, "confidence": int, "knobs": JSON, "made": str},
        always=False,
    )
    db.create_table(
        "answers",
        {
            "id": int,
            "scenario": str,
            "question": str,
            "option": str,
            "right": int,
            "misconception": str,
            "confidence": int,
            "answered": str,
        },
        pk="id",
        not_null={"scenario", "question", "right", "answered"},
    ).create_index(["scenario", "question"])


def views(db: Database) -> None:
    """Version 2: what somebody who opens the file looks for first."""
    db.create_view(
        "latest_verdicts",
        """
        SELECT runs.scenario, verdicts.workload, verdicts.status, verdicts.design, verdicts.candidates,
               runs.id AS run_id, runs.started
        FROM verdicts JOIN runs ON runs.id = verdicts.run_id
        WHERE runs.id = (SELECT max(id) FROM runs AS later WHERE later.scenario = runs.scenario AND later.valid)
        """,
    )
    db.create_view(
        "predictions_and_outcomes",
        """
        SELECT predictions.id, predictions.made, predictions.scenario, predictions.workload, predictions.design,
               predictions.confidence, verdicts.status, verdicts.design AS verdict, predictions.run_id
        FROM predictions LEFT JOIN verdicts
             ON verdicts.run_id = predictions.run_id AND verdicts.workload = predictions.workload
        """,
    )


def places(db: Database) -> None:
    """Version 3: places of comparisons and requirements, verdicts along a knob, what happened in time order, and what
    an edited design is an edit of."""
    db.table("comparisons").add_column("at", JSON)
    db.table("requirements").add_column("at_least", float)
    db.table("requirements").add_column("at", JSON)
    db.table("verdicts").add_column("at", JSON)
    db.table("designs").add_column("edits", str)
    db.table("claims").add_column("edited", str)
    for table in ("comparisons", "requirements", "verdicts"):
        db.execute(f"UPDATE {table} SET at = '{{}}'")
    # Until then an edited design was told by its name.
    db.execute("""
        UPDATE designs SET edits = CASE WHEN name LIKE '%-mine' AND EXISTS (
            SELECT 1 FROM designs AS other WHERE other.run_id = designs.run_id AND designs.name = other.name || '-mine'
        ) THEN substr(name, 1, length(name) - 5) ELSE '' END
    """)
    db.execute("UPDATE claims SET edited = ''")
    verdict = {"workload": str, "status": str, "design": str, "candidates": JSON, "at": JSON}
    event = {"experiment": str, "design": str, "workload": str, "t": float, "kind": str, "says": str}
    for name, columns in (("verdicts_along", verdict), ("events", event)):
        made = db.create_table(
            name,
            {"id": int, "run_id": int, **columns},
            pk="id",
            not_null={"run_id"},
            foreign_keys=[("run_id", "runs", "id")],
        )
        made.create_index(["run_id"])


def evidence(db: Database) -> None:
    """Version 4: some of the cases that were counted, what a claim is computed from or reported by, and answers of
    designs that differ."""
    db.table("measurements").add_column("cases", JSON)
    db.execute("UPDATE measurements SET cases = '[]'")
    for column in ("formula", "source"):
        db.table("claims").add_column(column, str)
    db.table("claims").add_column("cases", JSON)
    # Until then the evidence of what was not measured was its source.
    db.execute("""
        UPDATE claims SET formula = '', source = CASE WHEN kind = 'measured' OR outcome IS NOT NULL
            OR evidence LIKE 'not judged:%' THEN '' ELSE evidence END, cases = '[]'
    """)
    difference = {"design": str, "against": str, "workload": str, "at": JSON, "differ": int, "of": int, "kind": str}
    made = db.create_table(
        "differences",
        {"id": int, "run_id": int, **difference, "cases": JSON},
        pk="id",
        not_null={"run_id"},
        foreign_keys=[("run_id", "runs", "id")],
    )
    made.create_index(["run_id"])


def waits(db: Database) -> None:
    """Version 5: how long the requests of the traced pass waited."""
    columns = {"design": str, "workload": str, "operation": str, "requests": JSON, "grows": float, "busy": float}
    made = db.create_table(
        "waits",
        {"id": int, "run_id": int, **columns},
        pk="id",
        not_null={"run_id"},
        foreign_keys=[("run_id", "runs", "id")],
    )
    made.create_index(["run_id"])


MIGRATIONS: list[Callable[[Database], None]] = [tables, views, places, evidence, waits]
"""The n-th makes version n (``PRAGMA user_version``) of version n - 1."""


def refuse_newer(connection: sqlite3.Connection, path: object) -> int:
    """The version of the schema. Raises NewerDatabase for one that this archlab does not know, CannotWrite for somebody
    else's database."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    # archlab commits its id together with its first table.
    anything = version or application or connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    if anything and application != APPLICATION:
        raise CannotWrite(f"{path} is not archlab's database: nothing is recorded. Set ARCHLAB_HOME to another folder.")
    if version > len(MIGRATIONS):
        raise NewerDatabase(
            f"{path} was written by a newer archlab (version {version} of its tables, this one knows "
            f"{len(MIGRATIONS)}): nothing is recorded. Update archlab, or set ARCHLAB_HOME to another folder."
        )
    return version


def migrate(connection: sqlite3.Connection, path: object) -> None:
    """Brings the tables to this archlab's version, in one transaction. Safe when two archlabs do it at once."""
    if refuse_newer(connection, path) == len(MIGRATIONS):
        return
    from sqlite_utils import Database

    connection.execute("BEGIN IMMEDIATE")
    try:
        version = refuse_newer(connection, path)  # another archlab may have been faster
        db = Database(connection, execute_plugins=False)
        for number, migration in enumerate(MIGRATIONS[version:], start=version + 1):
            migration(db)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
