"""Payment: accounts and what was charged. Charging and refunding can be repeated.

Before a charge an outside service judges the risk of fraud: a wait, and nothing that would have to be undone.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from .world import BALANCE, CUSTOMERS, Refused

TABLES = """
    CREATE TABLE accounts (customer INTEGER PRIMARY KEY, cents INTEGER NOT NULL);
    CREATE TABLE charges (order_id INTEGER PRIMARY KEY, customer INTEGER, cents INTEGER, state TEXT NOT NULL);
"""


def fill(database: Any) -> None:
    database.executemany(
        "INSERT INTO accounts VALUES (?, ?)", [(number, BALANCE) for number in range(1, CUSTOMERS + 1)]
    )


def balance(database: Any, customer: int) -> dict[str, int]:
    row = database.execute("SELECT cents FROM accounts WHERE customer = ?", (customer,)).fetchone()
    if row is None:
        raise Refused(f"there is no customer {customer}")
    return {"customer": customer, "cents": row[0]}


class Waits:
    """How many threads of this process wait at the same time: now, and at most so far."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.now = self.most = 0

    def add(self, count: int) -> None:
        with self.lock:
            self.now += count
            self.most = max(self.most, self.now)


waits = Waits()


def check(milliseconds: float) -> None:
    """Asks the outside service. It answers after a while, and holds nothing meanwhile but the thread that waits."""
    waits.add(1)
    time.sleep(milliseconds / 1000)
    waits.add(-1)


def charge(database: Any, order: int, customer: int, cents: int) -> dict[str, int]:
    """To be called within a transaction."""
    row = database.execute("SELECT state FROM charges WHERE order_id = ?", (order,)).fetchone()
    if row and row[0] == "refunded":
        raise Refused(f"order {order} was given up")
    if row is None:
        taken = "UPDATE accounts SET cents = cents - ?1 WHERE customer = ?2 AND cents >= ?1"
        if not database.execute(taken, (cents, customer)).rowcount:
            raise Refused(f"customer {customer} cannot pay")
        database.execute("INSERT INTO charges VALUES (?, ?, ?, 'charged')", (order, customer, cents))
    return {"order": order}


def refund(database: Any, order: int) -> dict[str, int]:
    """To be called within a transaction. An order that was never charged is marked, so that no late charge succeeds."""
    row = database.execute("SELECT customer, cents, state FROM charges WHERE order_id = ?", (order,)).fetchone()
    if row is None:
        database.execute("INSERT INTO charges VALUES (?, NULL, 0, 'refunded')", (order,))
    elif row[2] == "charged":
        database.execute("UPDATE accounts SET cents = cents + ? WHERE customer = ?", (row[1], row[0]))
        database.execute("UPDATE charges SET state = 'refunded' WHERE order_id = ?", (order,))
    return {"order": order}
