"""Stores messages that do not fit into memory, in an unnamed file that ends with the broker."""

from __future__ import annotations

import heapq
import logging
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from archlab.broker.message import Message, parse_properties
from archlab.broker.queued import Kept, Queued
from archlab.broker.wire import short_string

log = logging.getLogger("archlab.broker")

FILE_NAME = "spilled.sqlite"  # for as long as it is being opened

# A message's key is its queue's number and its position in one integer: a queue's messages lie together, in order.
_SHIFT = 40
LAST_POSITION = (1 << _SHIFT) - 1
MESSAGE_TABLE = """
CREATE TABLE message (id INTEGER PRIMARY KEY, exchange TEXT NOT NULL, routing_key TEXT NOT NULL,
                      properties BLOB NOT NULL, body BLOB NOT NULL, expires_at INTEGER, returns INTEGER NOT NULL)"""
INSERT = "INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?, ?, ?, ?)"
RANGE = "SELECT * FROM message WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?"
WRITE_AT_ONCE, OCTETS_AT_ONCE = 500, 4 << 20  # messages and octets of them, whichever is reached first
DELETE = "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE id BETWEEN ? AND ? LIMIT ?)"
DELETE_AT_ONCE = 30  # messages in one transaction
RETRY_AFTER = 0.25  # seconds between two tries on a disk that is full

Row = tuple[Any, ...]


class Spill:
    """A table of messages in `folder`. Where the disk does not take them they stay in memory, and `full` says so."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._failed = False
        self._retry_at = 0.0
        self._pending: dict[int, Row] = {}
        self._gone: list[tuple[int]] = []
        self._waiting_octets = 0  # of both, at most: what was inserted and deleted since counts too
        self._connection: sqlite3.Connection | None = None

    def insert(self, queue: int, queued: Queued) -> None:
        queued.kept = Kept.SPILLED
        self._pending[key(queue, queued.position)] = to_row(queue, queued)
        self._write_soon(queued)

    def _write_soon(self, queued: Queued) -> None:
        # No more than this in one transaction: until it ends, SQLite keeps in memory what it changes.
        self._waiting_octets += queued.weight
        if len(self._pending) + len(self._gone) >= WRITE_AT_ONCE or self._waiting_octets >= OCTETS_AT_ONCE:
            self._write()

    def _write(self) -> None:
        if self._failed and time.monotonic() < self._retry_at:
            return
        try:
            if self._connection is None:
                self._connection = self._open()
            with self._connection:
                self._connection.executemany("DELETE FROM message WHERE id = ?", self._gone)
                self._connection.executemany(INSERT, self._pending.values())
        except (sqlite3.Error, OSError) as error:
            if not self._failed:
                log.error("messages cannot be moved from memory to disk: %s", error)
            self._failed = True
            self._retry_at = time.monotonic() + RETRY_AFTER
        else:
            self._failed = False
            self._pending.clear()
            self._gone.clear()
            self._waiting_octets = 0

    def _open(self) -> sqlite3.Connection:
        # Not one of SQLite's own temporary files: what a commit changed in those stays in memory until something else
        # needs the room, so that on a disk that is full even reading fails. And with a write-ahead log, since to undo
        # what failed half-way nothing must be written either.
        self._unlink()  # of a broker that was killed just below
        connection = sqlite3.connect(self._path)
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA cache_size = -2000")  # KiB
            connection.execute(MESSAGE_TABLE)
            self._unlink()
        except BaseException:
            connection.close()
            raise
        return connection

    def _unlink(self) -> None:
        for suffix in ("", "-wal"):
            self._path.with_name(FILE_NAME + suffix).unlink(missing_ok=True)

    @property
    def full(self) -> bool:
        """The disk takes nothing at the moment; tried again when asked, now and then."""
        if self._failed:
            self._write()
        return self._failed

    def delete(self, queue: int, queued: Queued) -> None:
        row_id = key(queue, queued.position)
        if self._pending.pop(row_id, None) is None:
            self._gone.append((row_id,))
            self._write_soon(queued)

    def delete_range(self, queue: int, first: int, last: int) -> None:
        low, high = key(queue, first), key(queue, last)
        drop_range(self._pending, low, high)
        if self._connection is not None:
            try:
                deleted = DELETE_AT_ONCE
                while deleted == DELETE_AT_ONCE:
                    with self._connection:
                        deleted = self._connection.execute(DELETE, (low, high, DELETE_AT_ONCE)).rowcount
            except sqlite3.Error as error:  # they lie there unused until the broker ends
                log.error("spilled messages cannot be deleted: %s", error)

    def rows(self, low: int, high: int, limit: int) -> Iterator[Row]:
        found = self._connection.execute(RANGE, (low, high, limit)) if self._connection is not None else ()
        return merge(found, self._pending, low, high)

    def read(self, queue: int, position: int) -> Row:
        row_id = key(queue, position)
        return self._pending.get(row_id) or next(self.rows(row_id, row_id, 1))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def key(queue: int, position: int) -> int:
    return (queue << _SHIFT) + position


def split(row_id: int) -> tuple[int, int]:
    """(queue, position)"""
    return row_id >> _SHIFT, row_id & LAST_POSITION


def drop_range(pending: dict[int, Row], low: int, high: int) -> None:
    for row_id in [row_id for row_id in pending if low <= row_id <= high]:
        del pending[row_id]


def merge(rows: Iterable[Row], pending: dict[int, Row], low: int, high: int) -> Iterator[Row]:
    """The rows on disk and those that are about to be written, in order."""
    return heapq.merge(rows, sorted(row for row_id, row in pending.items() if low <= row_id <= high))


def to_row(queue: int, queued: Queued) -> Row:
    message = queued.message
    assert message is not None  # only what is in memory is ever written
    return (
        key(queue, queued.position),
        message.exchange,
        message.routing_key,
        message.properties,
        message.body,
        queued.expires_at,
        queued.returns,
    )


def from_row(row: Row, kept: Kept) -> Queued:
    row_id, exchange, routing_key, properties, body, expires_at, returns = row
    parsed = parse_properties(properties)
    address = short_string(exchange) + short_string(routing_key)
    message = Message(exchange, routing_key, address, properties, body, parsed.persistent, parsed.expiration)
    queued = Queued(split(row_id)[1], message, expires_at)
    queued.returns = returns
    queued.redelivered = returns > 0
    queued.kept = kept
    return queued
