"""Pricing: what a product costs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .world import PRODUCTS, Refused

TABLES = "CREATE TABLE prices (product INTEGER PRIMARY KEY, cents INTEGER NOT NULL);"


def fill(database: Any) -> None:
    database.executemany(
        "INSERT INTO prices VALUES (?, ?)", [(number, 100 * number) for number in range(1, PRODUCTS + 1)]
    )


def price(database: Any, product: int) -> dict[str, int]:
    row = database.execute("SELECT cents FROM prices WHERE product = ?", (product,)).fetchone()
    if row is None:
        raise Refused(f"product {product} has no price")
    return {"product": product, "cents": row[0]}


def total(database: Any, items: Iterable[tuple[int, int]]) -> int:
    return sum(quantity * price(database, product)["cents"] for product, quantity in items)


def change(database: Any, product: int, cents: int) -> dict[str, int]:
    database.execute("INSERT OR REPLACE INTO prices VALUES (?, ?)", (product, cents))
    return {"product": product, "cents": cents}
