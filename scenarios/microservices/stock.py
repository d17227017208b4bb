"""Stock: how much there is, and which order has reserved what.

Reserving and releasing can be repeated. An order that was released can never be reserved any more: a reservation that
arrives late must not hold goods for an order that nobody waits for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .world import IN_STOCK, PRODUCTS, Refused

TABLES = """
    CREATE TABLE stock (product INTEGER PRIMARY KEY, quantity INTEGER NOT NULL);
    CREATE TABLE reservations (order_id INTEGER, product INTEGER, quantity INTEGER, PRIMARY KEY (order_id, product));
    CREATE TABLE released (order_id INTEGER PRIMARY KEY);
"""


def fill(database: Any) -> None:
    database.executemany("INSERT INTO stock VALUES (?, ?)", [(number, IN_STOCK) for number in range(1, PRODUCTS + 1)])


def available(database: Any, product: int) -> dict[str, int]:
    row = database.execute("SELECT quantity FROM stock WHERE product = ?", (product,)).fetchone()
    if row is None:
        raise Refused(f"there is no stock of product {product}")
    return {"product": product, "quantity": row[0]}


def reserve(database: Any, order: int, items: Iterable[tuple[int, int]]) -> dict[str, int]:
    """To be called within a transaction."""
    if database.execute("SELECT 1 FROM released WHERE order_id = ?", (order,)).fetchone():
        raise Refused(f"order {order} was given up")
    for product, quantity in items:
        row = order, product, quantity
        if not database.execute("INSERT OR IGNORE INTO reservations VALUES (?, ?, ?)", row).rowcount:
            continue  # it was asked for before
        taken = "UPDATE stock SET quantity = quantity - ?1 WHERE product = ?2 AND quantity >= ?1"
        if not database.execute(taken, (quantity, product)).rowcount:
            raise Refused(f"product {product} is sold out")
    return {"order": order}


def release(database: Any, order: int) -> dict[str, int]:
    """To be called within a transaction."""
    rows = database.execute(
        "DELETE FROM reservations WHERE order_id = ? RETURNING product, quantity", (order,)
    ).fetchall()
    for product, quantity in rows:
        database.execute("UPDATE stock SET quantity = quantity + ? WHERE product = ?", (quantity, product))
    database.execute("INSERT OR IGNORE INTO released VALUES (?)", (order,))
    return {"order": order}
