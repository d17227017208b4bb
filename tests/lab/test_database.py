"""SQLite as every design gets it: the same pragmas for all, and a distance that costs one round trip a statement."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archlab.lab import database


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits of distant connections, instead of waiting."""
    waited: list[float] = []
    monkeypatch.setattr(database, "time", SimpleNamespace(sleep=waited.append))
    return waited


@pytest.fixture(params=[0.0, 0.002], ids=["near", "distant"])
def shop(request: pytest.FixtureRequest, tmp_path: Path, trips: list[float]) -> Iterator[Any]:
    connection = database.connect(tmp_path / "shop.db", request.param)
    yield connection
    connection.close()


def test_every_connection_has_the_same_pragmas(shop: Any) -> None:
    """Write-ahead log, a commit that survives the process, foreign keys that are enforced."""
    assert shop.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert shop.execute("PRAGMA synchronous").fetchone() == (1,)
    assert shop.execute("PRAGMA foreign_keys").fetchone() == (1,)
    shop.executescript("CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a REFERENCES a)")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        shop.execute("INSERT INTO b VALUES (1)")


def test_a_reader_sees_what_is_committed_and_is_not_blocked_by_a_writer(shop: Any, tmp_path: Path) -> None:
    shop.execute("CREATE TABLE orders (id INTEGER)")
    other = database.connect(tmp_path / "shop.db")
    shop.execute("BEGIN IMMEDIATE")
    shop.execute("INSERT INTO orders VALUES (1)")
    assert other.execute("SELECT count(*) FROM orders").fetchone() == (0,)
    shop.execute("COMMIT")
    assert other.execute("SELECT count(*) FROM orders").fetchone() == (1,)
    other.close()


def test_a_distant_statement_is_one_round_trip_and_a_batch_is_one_as_a_whole(
    tmp_path: Path, trips: list[float]
) -> None:
    """BEGIN travels with what follows it; reading the rows costs no further trip."""
    shop = database.connect(tmp_path / "shop.db", 0.010)
    assert trips == [], "the pragmas are the bench's, not the design's"
    shop.executescript("CREATE TABLE orders (id INTEGER)")
    assert len(trips) == 1
    shop.execute("BEGIN")
    assert len(trips) == 1
    shop.executemany("INSERT INTO orders VALUES (?)", [(1,), (2,), (3,)])
    assert len(trips) == 2
    shop.execute("COMMIT")
    assert len(trips) == 3
    assert shop.execute("SELECT id FROM orders").fetchall() == [(1,), (2,), (3,)]
    assert trips == [0.010] * 4
    shop.close()


def test_a_database_at_hand_waits_for_nothing(tmp_path: Path, trips: list[float]) -> None:
    """It is SQLite's own connection: in a measured pass nothing stands between it and the design."""
    shop = database.connect(tmp_path / "shop.db")
    assert type(shop) is sqlite3.Connection
    shop.execute("CREATE TABLE orders (id INTEGER)")
    shop.close()
    assert trips == []
