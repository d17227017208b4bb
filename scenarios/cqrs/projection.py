"""Commands write events; a process of its own turns them into the rows that pages show, in a store for reading.

Good at: a command only writes one event beside its order, whatever is read and wherever that is kept. Pages are a
    handful of rows in a store of any kind, near whoever reads. A new shape is a rebuild from the events.
Fails when: somebody must see his own order at once: pages lag behind commands, and show yesterday when the projector
    stands still. Nothing fails loudly then: somebody has to watch the lag and the parked events.
Costs: one more process, an outbox, an event format that others come to depend on, and three more ways to be wrong (an
    event twice, out of order, or one that cannot be applied), each of which the projector has to answer.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from archlab.scenario import Design

from . import projector
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
    from sqlite3 import Connection

    from archlab.lab import Lab

OUTBOX = "CREATE TABLE outbox (position INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL)"
PUBLISH = "INSERT INTO outbox (event) VALUES (?)"
SHOW = "SELECT view, status, key, orders, units, revenue FROM totals WHERE seller = ? AND orders > 0"


class Shop:
    reading_side = projector.Projector  # what an operator runs by hand, to rebuild the store or to deliver events again

    def __init__(self, lab: Lab) -> None:
        self.shop = lab.database()
        self.beside = lab.database("views")  # pages are served beside the read store
        self.projector = lab.spawn(projector.main, "projector")
        self.wait_until_seen(Position(0))

    def place_order(self, command: PlaceOrder) -> Position:
        with transaction(self.shop):
            order = place(self.shop, command)
            position = publish(self.shop, order, was=None)
        self.projector.send(position)
        return position

    def cancel_order(self, command: CancelOrder) -> Position:
        with transaction(self.shop):
            order = cancel(self.shop, command)
            position = publish(self.shop, order, was="placed")
        self.projector.send(position)
        return position

    def page(self, seller: SellerId, views: tuple[str, ...]) -> Dashboard:
        panels: dict[str, Panel] = {view: {} for view in views}
        for view, status, key, orders, units, revenue in self.beside.execute(SHOW, (seller,)):
            if view in panels:
                panels[view][status, key] = Totals(orders, units, revenue)
        return Dashboard(seller, panels)

    def lookup(self, order: OrderId) -> Order:
        return find_order(self.shop, order)

    def wait_until_seen(self, position: Position) -> None:
        """Blocks until pages show everything up to ``position``."""
        self.projector.wait_until(position)


def publish(shop: Connection, order: Order, was: str | None) -> Position:
    """Writes what happened in the transaction of the order that it happened to: both or neither."""
    return Position(shop.execute(PUBLISH, (event(order, was),)).lastrowid or 0)


def event(order: Order, was: str | None) -> str:
    """What happened to an order, in full: who reads it need not ask for more."""
    fact = {"order": order.id, "seller": order.product.seller, "was": was, "status": order.status}
    amounts = {"quantity": order.quantity, "unit_price": order.unit_price, "discount": order.discount}
    attributes = {name: value(order) for name, value in VIEWS.items()}
    return json.dumps(fact | amounts | attributes)


def prepare(lab: Lab) -> None:
    """Events for the orders that were there before the outbox was, and a read store built from them."""
    shop = lab.database()
    shop.execute(OUTBOX)
    with transaction(shop):
        shop.executemany(PUBLISH, ((event(order, was=None),) for order in all_orders(shop)))
    lab.database("views").executescript(projector.TABLES)
    projector.Projector(lab).rebuild()


DESIGN = Design(
    name="projection",
    title="commands write events, a projector keeps a read store",
    role="pattern",
    why="Reads and writes can be kept, scaled and changed apart, and no command ever waits for a reader.",
    start=Shop,
    prepare=prepare,
    promises="A committed order and its event survive a crash of any process, and the read store catches up; a power "
    "loss may take the last orders.",
    modules=("projector",),
)
