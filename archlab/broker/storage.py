"""Stores durable exchanges, queues, bindings and messages in one SQLite file.

What happens between two commits is one transaction. A commit on which a publisher's confirm waits is
synced to the disk; any other is handed to the operating system, which is enough to survive a SIGKILL
of the broker, but not the loss of power.
"""

from __future__ import annotations

import heapq
import logging
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from archlab.broker.datafile import DataFile
from archlab.broker.exchange import Binding
from archlab.broker.message import Message
from archlab.broker.queued import Kept, Queued
from archlab.broker.spill import (
    INSERT,
    LAST_POSITION,
    RANGE,
    RETRY_AFTER,
    Row,
    Spill,
    drop_range,
    from_row,
    key,
    merge,
    split,
    to_row,
)
from archlab.broker.table import Table, encode_table, parse_table

log = logging.getLogger("archlab.broker")


class StoredQueue(NamedTuple):
    """A durable queue as it was found: `ready` messages with `octets` of body, up to position `last`."""

    identity: int
    name: str
    auto_delete: bool
    arguments: Table
    delivered_up_to: int
    ready: int
    octets: int
    last: int


class Storage:
    """What is in the data file of a folder. Implements `queued.Store`. Raises BrokerError as `DataFile` does."""

    def __init__(self, folder: Path) -> None:
        self._file = DataFile(folder)
        self._spill = Spill(folder)
        self._disk_full = False
        self._retry_at = 0.0
        # What the next commit writes, in this order.
        self._statements: list[tuple[str, tuple[object, ...]]] = []
        self._inserts: dict[int, Row] = {}
        self._deletes: list[tuple[int]] = []
        self._delivered: dict[int, int] = {}
        self._next_queue: int = (
            1 + self._file.connection.execute("SELECT coalesce(max(id), 0) FROM queue").fetchone()[0]
        )

    def begin_anew(self) -> None:
        """Forgets what was found, which makes no sense, and begins with an empty file."""
        for pending in (self._statements, self._inserts, self._deletes, self._delivered):
            pending.clear()
        self._file.begin_anew()

    # What the broker begins with

    def exchanges(self) -> Iterable[tuple[str, str, bool, bool, Table]]:
        """(name, type, auto_delete, internal, arguments) of every durable exchange."""
        for name, kind, auto_delete, internal, arguments in self._file.connection.execute("SELECT * FROM exchange"):
            yield name, kind, bool(auto_delete), bool(internal), _table(arguments)

    def queues(self) -> Iterable[StoredQueue]:
        for identity, name, auto_delete, arguments, delivered in self._file.connection.execute("SELECT * FROM queue"):
            ready, octets, last = self._file.connection.execute(
                "SELECT count(*), coalesce(sum(length(body)), 0), coalesce(max(id), 0) FROM message "
                "WHERE id BETWEEN ? AND ?",
                (key(identity, 0), key(identity, LAST_POSITION)),
            ).fetchone()
            yield StoredQueue(
                identity, name, bool(auto_delete), _table(arguments), delivered, ready, octets, split(last)[1]
            )

    def bindings(self) -> Iterable[tuple[Binding, Table]]:
        for row in self._file.connection.execute("SELECT * FROM binding ORDER BY rowid"):
            yield Binding(*row), _table(row[4])

    # Topology

    def new_queue(self) -> int:
        """A number for a queue, never given twice."""
        self._next_queue += 1
        return self._next_queue - 1

    def save_queue(self, identity: int, name: str, auto_delete: bool, arguments: Table) -> None:
        self._write(
            "INSERT OR REPLACE INTO queue (id, name, auto_delete, arguments) VALUES (?, ?, ?, ?)",
            identity,
            name,
            auto_delete,
            encode_table(arguments),
        )

    def drop_queue(self, identity: int, durable: bool) -> None:
        self._spill.delete_range(identity, 0, LAST_POSITION)
        if durable:
            self._drop_messages(identity, 0, LAST_POSITION)
            self._delivered.pop(identity, None)
            self._write("DELETE FROM queue WHERE id = ?", identity)

    def save_exchange(self, name: str, kind: str, auto_delete: bool, internal: bool, arguments: Table) -> None:
        self._write(
            "INSERT OR REPLACE INTO exchange VALUES (?, ?, ?, ?, ?)",
            name,
            kind,
            auto_delete,
            internal,
            encode_table(arguments),
        )

    def drop_exchange(self, name: str) -> None:
        self._write("DELETE FROM exchange WHERE name = ?", name)

    def save_binding(self, binding: Binding) -> None:
        self._write("INSERT OR IGNORE INTO binding VALUES (?, ?, ?, ?, ?)", *binding)

    def drop_binding(self, binding: Binding) -> None:
        self._write(
            "DELETE FROM binding WHERE (source, kind, destination, routing_key, arguments) = (?, ?, ?, ?, ?)", *binding
        )

    def _write(self, sql: str, *parameters: object) -> None:
        self._statements.append((sql, parameters))

    # Messages

    @property
    def full(self) -> bool:
        """The disk takes nothing at the moment."""
        return self._disk_full or self._spill.full

    def insert(self, queue: int, queued: Queued) -> None:
        queued.kept = Kept.DURABLE
        self._inserts[key(queue, queued.position)] = to_row(queue, queued)

    def spill(self, queue: int, queued: Queued) -> None:
        self._spill.insert(queue, queued)

    def delete(self, queue: int, queued: Queued) -> None:
        if queued.kept is Kept.SPILLED:
            self._spill.delete(queue, queued)
            return
        row_id = key(queue, queued.position)
        # Inserted and deleted within one transaction: as if it had never been.
        if self._inserts.pop(row_id, None) is None:
            self._deletes.append((row_id,))

    def delete_range(self, queue: int, first: int, last: int) -> None:
        self._spill.delete_range(queue, first, last)
        self._drop_messages(queue, first, last)

    def _drop_messages(self, queue: int, first: int, last: int) -> None:
        low, high = key(queue, first), key(queue, last)
        drop_range(self._inserts, low, high)
        self._write("DELETE FROM message WHERE id BETWEEN ? AND ?", low, high)

    def mark_delivered(self, queue: int, position: int) -> None:
        self._delivered[queue] = position

    def count_return(self, queue: int, queued: Queued) -> None:
        row_id = key(queue, queued.position)
        if row_id in self._inserts:
            self._inserts[row_id] = (*self._inserts[row_id][:-1], queued.returns)
        else:
            self._write("UPDATE message SET returns = ? WHERE id = ?", queued.returns, row_id)

    def load(self, queue: int, after: int, limit: int, octets: int) -> list[Queued]:
        low, high = key(queue, after + 1), key(queue, LAST_POSITION)
        durable = merge(self._file.connection.execute(RANGE, (low, high, limit)), self._inserts, low, high)
        spilled = self._spill.rows(low, high, limit)
        loaded: list[Queued] = []
        # Read one by one, only as far as they are wanted: a thousand messages may be a gigabyte.
        for row, kept in heapq.merge(
            ((row, Kept.DURABLE) for row in durable), ((row, Kept.SPILLED) for row in spilled)
        ):
            loaded.append(from_row(row, kept))
            octets -= loaded[-1].weight
            if len(loaded) == limit or octets <= 0:
                break
        return loaded

    def read(self, queue: int, queued: Queued) -> Message:
        if queued.kept is Kept.SPILLED:
            row = self._spill.read(queue, queued.position)
        else:
            row_id = key(queue, queued.position)
            row = self._inserts.get(row_id) or self._file.connection.execute(RANGE, (row_id, row_id, 1)).fetchone()
        message = from_row(row, queued.kept).message
        assert message is not None  # a row always has one
        return message

    # Transactions

    @property
    def dirty(self) -> bool:
        """Something waits for a commit, or for a disk that was full to be tried again."""
        return bool(self._inserts or self._deletes or self._delivered or self._statements or self._disk_full)

    def commit(self, sync: bool) -> bool:
        """Writes everything since the last commit; with `sync` it is on the disk when this returns.

        False if the disk does not take it. Nothing is forgotten then: `full` is set, and a later commit tries again.
        Until one goes well something is `dirty`, even if all that waited is gone by then (consumed, expired).
        """
        if self._disk_full and time.monotonic() < self._retry_at:
            return False
        execute = self._file.connection.execute
        try:
            execute("BEGIN")
            for sql, parameters in self._statements:
                execute(sql, parameters)
            if self._inserts:
                self._file.connection.executemany(INSERT, self._inserts.values())
            if self._deletes:
                self._file.connection.executemany("DELETE FROM message WHERE id = ?", self._deletes)
            for queue, position in self._delivered.items():
                execute("UPDATE queue SET delivered_up_to = ? WHERE id = ?", (position, queue))
            execute("COMMIT")
            self._statements.clear()
            self._inserts.clear()
            self._deletes.clear()
            self._delivered.clear()
            if sync:
                self._file.sync()
        except (sqlite3.Error, OSError) as error:
            if self._file.connection.in_transaction:
                execute("ROLLBACK")
            if not self._disk_full:
                log.error("the disk does not take any more (%s): persistent messages are refused", error)
            self._disk_full = True
            self._retry_at = time.monotonic() + RETRY_AFTER
            return False
        if self._disk_full:
            log.warning("the disk takes messages again")
        self._disk_full = False
        return True

    def close(self) -> None:
        """Commits and closes."""
        if self.dirty:
            self.commit(sync=True)
        self._file.close()
        self._spill.close()


def _table(data: bytes) -> Table:
    return parse_table(data, 4, len(data))
