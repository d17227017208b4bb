"""The shop behind the API: what its endpoints do, who may call them, and the helpers that every design may use.

Nothing here knows how the concerns (who is it, what if it fails, which request is it, is it too much, what was asked)
get around an endpoint: that is what the designs differ in.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NewType

if TYPE_CHECKING:
    from collections.abc import Iterator

OrderId = NewType("OrderId", int)
ProductId = NewType("ProductId", int)

ORIGIN = "https://shop.example"
"""Where the pages come from that call this API from a browser."""
ALL = ("*",)
REQUEST_ID = "x-request-id"
SECRET = b"not a secret: this shop sells nothing"
PER_ADDRESS = 8
"""An address may make so many times the requests that one user may: several users can sit behind it."""

SCHEMA = """
    CREATE TABLE products (id INTEGER PRIMARY KEY, title TEXT NOT NULL, price INTEGER NOT NULL);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, product INTEGER NOT NULL, quantity INTEGER NOT NULL,
        address TEXT NOT NULL, mail TEXT NOT NULL, status TEXT NOT NULL);
    CREATE TABLE users (name TEXT PRIMARY KEY, password TEXT NOT NULL);
"""

log = logging.getLogger("shop")


class Refused(Exception):
    """The request breaks a rule of the business; the text says which. Nothing has changed."""

    status = 409


class Stranger(Refused):
    """Name and password do not belong together."""

    status = 401


class Shop:
    def __init__(self, database: Any) -> None:
        self.database = database

    def read_order(self, order: OrderId) -> dict[str, Any]:
        columns = ("id", "product", "quantity", "status")
        return dict(
            zip(columns, self._row(f"SELECT {', '.join(columns)} FROM orders WHERE id = ?", order), strict=True)
        )

    def place_order(self, product: ProductId, quantity: int) -> dict[str, Any]:
        self._row("SELECT id FROM products WHERE id = ?", product)
        if quantity < 1:
            raise Refused(f"{quantity} of product {product} cannot be ordered")
        into = "INSERT INTO orders (product, quantity, address, mail, status)"
        new = self.database.execute(f"{into} VALUES (?, ?, '{{}}', 'me@shop.example', 'placed')", (product, quantity))
        return {"id": new.lastrowid}

    def render_receipt(self, order: OrderId) -> str:
        """Takes its time: to be called in a thread."""
        log.info("rendering a receipt", extra={"order": order})
        address = self._row("SELECT address FROM orders WHERE id = ?", order)[0]
        try:
            where = json.loads(address)
        except ValueError as error:
            raise ValueError(f"the address of order {order} is broken") from error
        log.info("receipt rendered", extra={"order": order})
        return f"Receipt {order} {where}"

    def mail_receipt(self, order: OrderId, receipt: str) -> None:
        """Takes its time: to be called behind the answer."""
        mail = self._row("SELECT mail FROM orders WHERE id = ?", order)[0]
        log.info("mailing a receipt", extra={"order": order})
        if "@" not in mail:
            raise ValueError(f"the mail address of order {order} is broken")
        log.info("receipt mailed", extra={"order": order, "characters": len(receipt)})

    def list_products(self) -> list[dict[str, Any]]:
        rows = self.database.execute("SELECT id, title, price FROM products ORDER BY id").fetchall()
        return [{"id": product, "title": title, "price": price} for product, title, price in rows]

    def set_price(self, product: ProductId, price: int) -> dict[str, Any]:
        self._row("SELECT id FROM products WHERE id = ?", product)
        self.database.execute("UPDATE products SET price = ? WHERE id = ?", (price, product))
        return {"id": product, "price": price}

    def withdraw_product(self, product: ProductId) -> dict[str, Any]:
        self.database.execute("DELETE FROM products WHERE id = ?", (product,))
        return {"id": product, "withdrawn": True}

    def log_in(self, name: str, password: str) -> dict[str, Any]:
        """A token. Who cannot log in is not told whether it is the name."""
        row = self.database.execute("SELECT password FROM users WHERE name = ?", (name,)).fetchone()
        if row is None or not hmac.compare_digest(row[0], hashed(password)):
            raise Stranger("wrong name or password")
        return {"token": token_of(name)}

    def _row(self, sql: str, key: int) -> Any:
        row = self.database.execute(sql, (key,)).fetchone()
        if row is None:
            raise Refused(f"there is no {key}")
        return row


def hashed(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()  # a real shop takes a slow hash: argon2


def token_of(user: str) -> str:
    return f"{user}.{hmac.digest(SECRET, user.encode(), 'sha256').hex()}"


def user_of(authorization: str | None) -> str | None:
    """The user whose ``Bearer`` token this header holds, or None."""
    scheme, _, token = (authorization or "").partition(" ")
    user = token.rpartition(".")[0]
    return user if scheme.lower() == "bearer" and hmac.compare_digest(token, token_of(user)) else None


def request_id(supplied: str | None) -> str:
    """The caller's id, if it may stand in a log and in a header; else a new one."""
    return supplied if supplied and re.fullmatch(r"[\w-]{8,64}", supplied, re.ASCII) else os.urandom(16).hex()


@contextmanager
def transaction(database: Any) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise


def milliseconds_since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 3)
