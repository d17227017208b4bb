"""Orders: who ordered what for how much, and what has become of it."""

from __future__ import annotations

import time
from typing import Any

TABLES = """
    CREATE TABLE orders (order_id INTEGER PRIMARY KEY, customer INTEGER, cents INTEGER, state TEXT, at REAL NOT NULL);
    CREATE INDEX unfinished ON orders (state) WHERE state IN ('pending', 'cancelling');
"""


def fill(database: Any) -> None:
    database.execute("INSERT INTO orders VALUES (0, 1, 100, 'paid', 0)")


def begin(database: Any, order: int, customer: int, cents: int, state: str = "pending") -> bool:
    """Whether it is new: an order can be sent twice."""
    row = order, customer, cents, state, time.time()
    return bool(database.execute("INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?, ?)", row).rowcount)


def turn(database: Any, order: int, state: str, *before: str) -> bool:
    """Gives an order another state, if it has one of those; whether it had."""
    marks = ", ".join("?" * len(before))
    changed = f"UPDATE orders SET state = ? WHERE order_id = ? AND state IN ({marks})"  # only marks
    return bool(database.execute(changed, (state, order, *before)).rowcount)


def status(database: Any, order: int) -> dict[str, Any]:
    row = database.execute("SELECT state, cents FROM orders WHERE order_id = ?", (order,)).fetchone()
    return (
        {"order": order, "state": row[0], "cents": row[1]} if row else {"order": order, "state": "unknown", "cents": 0}
    )


def unfinished(database: Any, patience: float) -> list[int]:
    """Orders that are neither finished nor undone, and were begun so many seconds ago that nobody works on them."""
    rows = database.execute(
        "SELECT order_id FROM orders WHERE state IN ('pending', 'cancelling') AND at < ?", (time.time() - patience,)
    )
    return [order for (order,) in rows]
