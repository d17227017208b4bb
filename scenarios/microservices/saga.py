"""An order in steps, each in a database of its own: what was done is undone when a later step fails.

The order's state is written before each step, so that whoever comes after a crash knows what may have been done. What
cannot be undone now is tried again, until it succeeds: stock and payment are idempotent, so that does no harm.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol

from . import orders
from .world import LIMIT, Refused, Store

if TYPE_CHECKING:
    from archlab.lab import Lab

STEPS = 2.5
"""An order that is pending for longer than so many calls may take has nobody who waits for it: it has two steps."""
SWEEP = 0.05
"""Seconds between two looks at what is unfinished."""


class Stock(Protocol):
    def reserve(self, asked: dict[str, Any]) -> Any: ...
    def release(self, order: int) -> Any: ...


class Payment(Protocol):
    def charge(self, order: int, customer: int, cents: int) -> Any: ...
    def refund(self, order: int) -> Any: ...


class Saga:
    def __init__(self, lab: Lab, store: Store, stock: Stock, payment: Payment) -> None:
        self.lab = lab
        self.store = store
        self.stock = stock
        self.payment = payment
        self.patience = STEPS * (LIMIT + lab.knobs.rtt / 1000)
        self.ended = threading.Event()
        self.sweeper = threading.Thread(target=self.sweep, daemon=True)
        self.sweeper.start()

    def end(self) -> None:
        """Before the process closes its database."""
        self.ended.set()
        self.sweeper.join()

    def place(self, asked: dict[str, Any], cents: int) -> dict[str, Any]:
        order, customer = asked["order"], asked["customer"]
        if not orders.begin(self.store(), order, customer, cents):
            return orders.status(self.store(), order)
        self.lab.crash_point("before stock")
        try:
            self.stock.reserve(asked)
            self.lab.crash_point("between stock and payment")
            self.payment.charge(order, customer, cents)
            self.lab.crash_point("between payment and order")
            orders.turn(self.store(), order, "paid", "pending")
        except Refused:
            self.undo(order)
        except OSError:
            self.undo(order)
            raise
        return orders.status(self.store(), order)

    def undo(self, order: int) -> None:
        if not orders.turn(self.store(), order, "cancelling", "pending", "cancelling"):
            return
        try:
            self.payment.refund(order)
            self.lab.crash_point("between refund and release")
            self.stock.release(order)
        except OSError:
            return  # the sweep tries again
        orders.turn(self.store(), order, "cancelled", "cancelling")

    def sweep(self) -> None:
        while not self.ended.wait(SWEEP):
            for order in orders.unfinished(self.store(), self.patience):
                self.undo(order)
