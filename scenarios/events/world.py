"""The shop that all designs share: orders, the effects that must follow from each, and where these are kept.

An order is a fact. Four effects follow from it: an invoice, an e-mail, a line of the audit log, a row for analytics.
The e-mail is sent by a third party over HTTP; everything else is kept in a store of our own, one a department.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archlab.lab import Lab

EFFECTS = ("invoice", "email", "audit", "analytics")
"""Who produces an effect: the departments of the shop, and the third party that sends its mails."""
TABLES = """
    CREATE TABLE effects (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, at REAL NOT NULL, amount INTEGER NOT NULL);
    CREATE TABLE done (event TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE refused (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL);
"""
"""What every department keeps: its effects, the events whose effect it has, and attempts that failed on the message."""

UNUSABLE = 422
"""The HTTP status that says that trying again cannot help."""

Fact = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    id: int
    customer: int
    amount: int | None
    """In cents. None where an old client has left it out: no invoice can be made of that, however often it is tried."""


class Unusable(Exception):
    """A message that cannot be processed. A retry cannot help."""


def seed(lab: Lab) -> None:
    lab.database().executescript(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, amount INTEGER, at REAL, status TEXT)"
    )
    for effect in EFFECTS:
        lab.database(effect).executescript(TABLES)


def wanted(lab: Lab, known: tuple[str, ...] = EFFECTS[:4]) -> tuple[str, ...]:
    """Of the effects that somebody knows those that follow from an order with these knobs."""
    return known if lab.knobs.effects == 4 else known[: lab.knobs.effects]


def own(lab: Lab) -> str:
    """The effect that this process brings about: it was started with ``settings={"effect": …}``."""
    return EFFECTS[lab.knobs.effect]


def place(shop: Any, order: Order) -> Fact:
    """Writes the order; the fact that others are told, with all that is known of it."""
    at = time.time()
    shop.execute("INSERT INTO orders VALUES (?, ?, ?, ?, 'placed')", (order.id, order.customer, order.amount, at))
    return {"event": f"order-{order.id}-placed", "order": order.id, "customer": order.customer, "amount": order.amount}


def record(store: Any, fact: Fact) -> None:
    """Brings an effect about in a store of our own."""
    if fact["amount"] is None:
        store.execute("INSERT INTO refused (order_id) VALUES (?)", (fact["order"],))
        raise Unusable(f"order {fact['order']} has no amount")
    row = fact["order"], time.time(), fact["amount"]
    store.execute("INSERT INTO effects (order_id, at, amount) VALUES (?, ?, ?)", row)


def record_once(store: Any, fact: Fact) -> None:
    """The same, once for every event, however often it is delivered: the key and the effect are one transaction."""
    try:
        with transaction(store):
            fresh = store.execute("INSERT OR IGNORE INTO done VALUES (?)", (fact["event"],)).rowcount
            if fresh:
                record(store, fact)
    except Unusable:
        store.execute("INSERT INTO refused (order_id) VALUES (?)", (fact["order"],))  # what was written is rolled back
        raise


def effect(lab: Lab, once: bool = True) -> Callable[[Fact], None]:
    """How this process brings its effect about: in its store, or through the third party that sends mails.

    What it returns raises Unusable where the message is at fault, and OSError where the third party does not answer.
    """
    kind = own(lab)
    if kind != "email":
        store = lab.database(kind)
        return lambda fact: (record_once if once else record)(store, fact)

    def send(fact: Fact) -> None:
        answer = lab.peers.email.post("/effects", fact, {"idempotency-key": fact["event"]})
        if answer.status == UNUSABLE:
            raise Unusable(f"the mail provider cannot use the message: {answer.json()['error']}")
        if not answer.ok:
            raise OSError(f"the mail provider answers {answer.status}")

    return send


@contextmanager
def transaction(database: Any) -> Iterator[None]:
    """All or nothing."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise


def text(fact: Fact) -> str:
    return json.dumps(fact)


def happened(lab: Lab, kind: str) -> list[int]:
    """The orders that have had an effect, in the order in which it came about."""
    return [order for (order,) in lab.database(kind).execute("SELECT order_id FROM effects ORDER BY id")]
