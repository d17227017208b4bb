"""The catalogue: which products there are."""

from __future__ import annotations

from typing import Any

from .world import PRODUCTS, Refused

TABLES = "CREATE TABLE products (product INTEGER PRIMARY KEY, name TEXT NOT NULL);"


def fill(database: Any) -> None:
    rows = [(number, f"product {number}") for number in range(1, PRODUCTS + 1)]
    database.executemany("INSERT INTO products VALUES (?, ?)", rows)


def product(database: Any, number: int) -> dict[str, Any]:
    row = database.execute("SELECT name FROM products WHERE product = ?", (number,)).fetchone()
    if row is None:
        raise Refused(f"there is no product {number}")
    return {"product": number, "name": row[0]}
