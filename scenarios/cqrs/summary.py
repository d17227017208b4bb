"""The command keeps the totals itself: every order updates the rows that the pages show, in its own transaction.

Good at: a page is a handful of rows, however many orders it spans, and it never lags: where the totals live beside the
    orders, one transaction writes both or neither. No second process, no events.
Fails when: the totals must live somewhere else. Then a command waits for the network while it holds the write lock, two
    databases no longer commit as one (a crash between the two commits leaves a total wrong), and a store that is down
    takes the orders down with it. Also where one total is so popular that all its writers queue for it.
Costs: every command writes every shape, so adding a shape slows all commands and asks for a backfill.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from archlab.scenario import Design

from .world import (
    VIEWS,
    CancelOrder,
    Dashboard,
    Order,
    OrderId,
    Panel,
    PlaceOrder,
    Position,
    SellerId,
    Totals,
    all_orders,
    cancel,
    find_order,
    place,
    transaction,
)

if TYPE_CHECKING:
    from archlab.lab import Lab

TABLE = """
    CREATE TABLE totals (seller INTEGER, view TEXT, status TEXT, key, orders INTEGER, units INTEGER, revenue INTEGER,
        PRIMARY KEY (seller, view, status, key)) WITHOUT ROWID
"""
ADD = """
    INSERT INTO totals VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        orders = orders + excluded.orders, units = units + excluded.units, revenue = revenue + excluded.revenue
"""
SHOW = "SELECT view, status, key, orders, units, revenue FROM totals WHERE seller = ? AND orders > 0"


class Shop:
    def __init__(self, lab: Lab) -> None:
        self.shop = lab.database()
        self.views = tuple(VIEWS)[: lab.knobs.views]
        distance = lab.knobs.store_distance / 1000
        self.apart = distance > 0
        self.totals = lab.database("views", distance) if self.apart else self.shop
        self.beside = lab.database("views") if self.apart else self.shop  # pages are served beside the totals

    def place_order(self, command: PlaceOrder) -> Position:
        with self._totals_too(), transaction(self.shop):
            order = place(self.shop, command)
            self.totals.executemany(ADD, self._rows(order, "placed", 1))
        return Position(0)

    def cancel_order(self, command: CancelOrder) -> Position:
        with self._totals_too(), transaction(self.shop):
            order = cancel(self.shop, command)
            rows = self._rows(order, "placed", -1) + self._rows(order, "cancelled", 1)
            self.totals.executemany(ADD, rows)  # all at once: one round trip
        return Position(0)

    def page(self, seller: SellerId, views: tuple[str, ...]) -> Dashboard:
        panels: dict[str, Panel] = {view: {} for view in views}
        for view, status, key, orders, units, revenue in self.beside.execute(SHOW, (seller,)):
            if view in panels:
                panels[view][status, key] = Totals(orders, units, revenue)
        return Dashboard(seller, panels)

    def lookup(self, order: OrderId) -> Order:
        return find_order(self.shop, order)

    def wait_until_seen(self, position: Position) -> None:
        """There is nothing to wait for: a command has written its totals before it returns."""

    def _totals_too(self) -> AbstractContextManager[None]:
        """Elsewhere the totals need a transaction of their own, which commits right after that of the orders."""
        return transaction(self.totals) if self.apart else nullcontext()

    def _rows(self, order: Order, status: str, sign: int) -> list[tuple[Any, ...]]:
        amounts = sign, sign * order.quantity, sign * order.total
        return [(order.product.seller, view, status, VIEWS[view](order), *amounts) for view in self.views]


def prepare(lab: Lab) -> None:
    """The backfill: adds up the orders that were there before the totals were."""
    shop = Shop(lab)
    shop.beside.execute(TABLE)
    with transaction(shop.beside):
        rows = (row for order in all_orders(shop.shop) for row in shop._rows(order, order.status, 1))
        shop.beside.executemany(ADD, rows)


DESIGN = Design(
    name="summary",
    title="the command keeps the totals, in its own transaction",
    role="alternative",
    why="Pages of a few rows that are always right, for a few more rows written with each order.",
    start=Shop,
    prepare=prepare,
    promises="A committed order survives a crash of the process, its totals too where they live beside it; at a "
    "distance a crash between two commits leaves a total wrong. A power loss may take the last orders.",
)
