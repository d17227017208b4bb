"""Two pitfalls of polling a table: rows that commit late, and a query that slows down as finished jobs pile up."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from archlab.scenario import Sample

from .jobs_table import TABLES
from .working import NEXT

if TYPE_CHECKING:
    from archlab.lab import Lab

LATE_COMMIT = "late commit"
ROWS = (1_000, 30_000)
"""Jobs that are done already and still stand in the table."""


def a_poller_that_remembers_the_highest_id(lab: Lab) -> bool:
    """An id that is handed out before its commit: a poller that remembers the highest one skips a row.

    SQLite has a single writer and hands out its ids at the commit, so this cannot happen there. The order of commits of
    databases with a sequence is injected: the row with the smaller id is committed last.
    """
    store = lab.database("sequence")
    store.execute("CREATE TABLE outbox (id INTEGER PRIMARY KEY, published INTEGER NOT NULL DEFAULT 0)")
    highest, by_highest, by_mark = 0, [], []
    for committed in (2, 1):  # 1 was handed out first; its transaction took longer
        store.execute("INSERT INTO outbox (id) VALUES (?)", (committed,))
        for (found,) in store.execute("SELECT id FROM outbox WHERE id > ? ORDER BY id", (highest,)).fetchall():
            by_highest.append(found)
            highest = found
        for (found,) in store.execute("SELECT id FROM outbox WHERE published = 0 ORDER BY id").fetchall():
            by_mark.append(found)
            store.execute("UPDATE outbox SET published = 1 WHERE id = ?", (found,))
    lab.struck(LATE_COMMIT)
    return by_highest == [2] and sorted(by_mark) == [1, 2]


def polling(lab: Lab) -> Iterator[Sample]:
    """The time of one look at the jobs, by how many are done already, with the index and without."""
    store = lab.database("polled")
    store.executescript(TABLES)
    there = 0
    for rows in ROWS:
        store.execute("BEGIN")
        job = json.dumps({"order": 1})
        store.executemany(
            "INSERT INTO jobs VALUES (NULL, 'email', ?, 'done', 1, 0, NULL)", ((job,) for _ in range(rows - there))
        )
        store.execute("COMMIT")
        there = rows
        yield Sample("poll_time", look(store), {"rows": rows, "index": "with"})
    store.execute("DROP INDEX jobs_waiting")
    yield Sample("poll_time", look(store), {"rows": rows, "index": "without"})


def look(store: Any) -> float:
    """Seconds of one look, the quickest of several."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        store.execute(NEXT, ("email", time.time())).fetchone()
        times.append(time.perf_counter() - began)
    return min(times)
