"""One model for reads and writes: the dashboard is built from the same entities that carry the rules.

Good at: there is one place for everything that an order is. A new rule or a new figure is written once, a page is
    right the moment a command commits, and a reader has to know one model.
Fails when: a page spans many orders. Every row becomes three objects, which are thrown away for a few sums. The work
    grows with the rows of the page, and soon a second is too short to build the pages that are asked for in it.
Costs: nothing beyond the entities, as long as pages are small. (An object mapper would take longer than this.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archlab.scenario import Design

from .world import (
    SELECT_ORDERS,
    CancelOrder,
    Dashboard,
    Order,
    OrderId,
    Panel,
    PlaceOrder,
    Position,
    SellerId,
    add_up,
    cancel,
    find_order,
    place,
    to_order,
    transaction,
)

if TYPE_CHECKING:
    from archlab.lab import Lab

INDEX = "CREATE INDEX orders_of_seller ON orders (seller)"


class Shop:
    def __init__(self, lab: Lab) -> None:
        self.shop = lab.database()

    def place_order(self, command: PlaceOrder) -> Position:
        with transaction(self.shop):
            place(self.shop, command)
        return Position(0)

    def cancel_order(self, command: CancelOrder) -> Position:
        with transaction(self.shop):
            cancel(self.shop, command)
        return Position(0)

    def page(self, seller: SellerId, views: tuple[str, ...]) -> Dashboard:
        rows = self.shop.execute(SELECT_ORDERS + "WHERE o.seller = ?", (seller,)).fetchall()
        return Dashboard(seller, self._add_up(self._objects(rows), views))

    def lookup(self, order: OrderId) -> Order:
        return find_order(self.shop, order)

    def wait_until_seen(self, position: Position) -> None:
        """There is nothing to wait for: what was written is what is read."""

    def _objects(self, rows: list[tuple[Any, ...]]) -> list[Order]:
        return [to_order(row) for row in rows]

    def _add_up(self, orders: list[Order], views: tuple[str, ...]) -> dict[str, Panel]:
        return add_up(orders, views)


def prepare(lab: Lab) -> None:
    """The index that finds a seller's orders."""
    lab.database().execute(INDEX)


DESIGN = Design(
    name="crud",
    title="one model for reads and writes",
    role="baseline",
    why="One model is the least to know, and a page built from it is right as soon as a command commits.",
    start=Shop,
    prepare=prepare,
    promises="A committed order survives a crash of the process; a power loss may take the last ones.",
    steps={"_objects": "objects", "_add_up": "add up"},
)
