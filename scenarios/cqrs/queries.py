"""The same database; commands go through the entities, pages through SQL that is shaped for the screen.

Good at: the database adds up next to the data and hands over only the rows that the screen shows. An index that covers
    the query keeps it off the table. Nothing is stored twice, so a page is right the moment a command commits.
Fails when: the work itself is too much. It still grows with the rows of a page and with the number of shapes on it,
    only with a far smaller factor; and it needs the orders' database to be near where pages are served.
Costs: a figure that both the entities and a page know is written twice, once in Python and once in SQL, and every
    order maintains one wider index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archlab.scenario import Design

from .world import (
    CancelOrder,
    Dashboard,
    Order,
    OrderId,
    Panel,
    PlaceOrder,
    Position,
    SellerId,
    Totals,
    cancel,
    find_order,
    place,
    transaction,
)

if TYPE_CHECKING:
    from archlab.lab import Lab

INDEX = """
    CREATE INDEX dashboard ON orders
    (seller, status, product, customer, day, channel, payment, delivery, quantity, unit_price, discount)
"""

# Adds up by a column of the index first; what is left to join is a few rows.
PANEL = """
    SELECT status, {key}, sum(orders), sum(units), sum(revenue) FROM (
        SELECT status, {column}, count(*) AS orders, sum(quantity) AS units,
            sum(quantity * unit_price - discount) AS revenue
        FROM orders WHERE seller = ? GROUP BY status, {column}
    ) {join} GROUP BY 1, 2
"""
PRODUCTS, CUSTOMERS = "JOIN products ON products.id = product", "JOIN customers ON customers.id = customer"
PANELS = {
    view: PANEL.format(column=column, join=join, key=key)
    for view, column, join, key in (
        ("product", "product", PRODUCTS, "title"),
        ("country", "customer", CUSTOMERS, "country"),
        ("day", "day", "", "day"),
        ("channel", "channel", "", "channel"),
        ("segment", "customer", CUSTOMERS, "segment"),
        ("brand", "product", PRODUCTS, "brand"),
        ("payment", "payment", "", "payment"),
        ("weekend", "day", "", "day % 7 >= 5"),
        ("category", "product", PRODUCTS, "category"),
        ("delivery", "delivery", "", "delivery"),
        ("price_band", "unit_price", "", "unit_price / 500"),
        ("quantity", "quantity", "", "quantity"),
    )
}


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
        return Dashboard(seller, {view: self._panel(seller, view) for view in views})

    def lookup(self, order: OrderId) -> Order:
        return find_order(self.shop, order)

    def wait_until_seen(self, position: Position) -> None:
        """There is nothing to wait for: what was written is what is read."""

    def _panel(self, seller: SellerId, view: str) -> Panel:
        rows = self.shop.execute(PANELS[view], (seller,))
        return {(status, key): Totals(*totals) for status, key, *totals in rows}


def prepare(lab: Lab) -> None:
    """The index that holds all that a page asks for."""
    lab.database().execute(INDEX)


DESIGN = Design(
    name="queries",
    title="commands through entities, pages through SQL shaped for them",
    role="alternative",
    why="Reads and writes are separated in the code, which is where their needs differ, and nowhere else.",
    start=Shop,
    prepare=prepare,
    promises="A committed order survives a crash of the process; a power loss may take the last ones.",
)
