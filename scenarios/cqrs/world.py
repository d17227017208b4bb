"""The marketplace that all designs serve: its tables, its rules, its commands and what its dashboard shows.

Rules live in the entities. Money is integer cents. Nothing here knows how a dashboard is built: that is what the
designs differ in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NewType

if TYPE_CHECKING:
    from sqlite3 import Connection

SellerId = NewType("SellerId", int)
CustomerId = NewType("CustomerId", int)
ProductId = NewType("ProductId", int)
OrderId = NewType("OrderId", int)
Cents = int
Key = str | int
"""What one row of a panel stands for: a product's title, a country, a day …"""
Position = NewType("Position", int)
"""How far a reader must have come to have seen a command: what ``wait_until_seen`` takes."""

SCHEMA = """
    CREATE TABLE products (id INTEGER PRIMARY KEY, seller INTEGER NOT NULL, title TEXT NOT NULL, brand TEXT NOT NULL,
        category TEXT NOT NULL, price INTEGER NOT NULL, price_off INTEGER NOT NULL, stock INTEGER NOT NULL);
    CREATE TABLE customers (id INTEGER PRIMARY KEY, country TEXT NOT NULL, segment TEXT NOT NULL,
        credit_limit INTEGER NOT NULL, owed INTEGER NOT NULL);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, seller INTEGER NOT NULL, product INTEGER NOT NULL REFERENCES products,
        customer INTEGER NOT NULL REFERENCES customers, quantity INTEGER NOT NULL, unit_price INTEGER NOT NULL,
        discount INTEGER NOT NULL, day INTEGER NOT NULL, channel TEXT NOT NULL, payment TEXT NOT NULL,
        delivery TEXT NOT NULL, status TEXT NOT NULL);
"""


class Refused(Exception):
    """A command broke a rule; the text says which. Nothing has changed."""


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    order: OrderId
    customer: CustomerId
    product: ProductId
    quantity: int
    price_seen: Cents
    """The unit price that the customer was shown."""
    day: int = 0
    channel: str = "web"
    payment: str = "card"
    delivery: str = "parcel"


@dataclass(frozen=True, slots=True)
class CancelOrder:
    order: OrderId


@dataclass(slots=True)
class Product:
    id: ProductId
    seller: SellerId
    title: str
    brand: str
    category: str
    price: Cents
    price_off: Cents
    stock: int

    def take(self, quantity: int) -> None:
        if not 0 < quantity <= self.stock:
            raise Refused(f"{quantity} of {self.title} cannot be had: {self.stock} in stock")
        self.stock -= quantity

    def put_back(self, quantity: int) -> None:
        self.stock += quantity


@dataclass(slots=True)
class Customer:
    id: CustomerId
    country: str
    segment: str
    credit_limit: Cents
    owed: Cents

    def charge(self, amount: Cents) -> None:
        if self.owed + amount > self.credit_limit:
            raise Refused(f"{amount} more would exceed the credit limit of {self.credit_limit}")
        self.owed += amount

    def release(self, amount: Cents) -> None:
        self.owed -= amount


@dataclass(slots=True)
class Order:
    id: OrderId
    product: Product
    customer: Customer
    quantity: int
    unit_price: Cents
    discount: Cents
    day: int
    channel: str
    payment: str
    delivery: str
    status: str

    @classmethod
    def place(cls, command: PlaceOrder, product: Product, customer: Customer) -> Order:
        if command.price_seen != product.price:
            raise Refused(f"the price of {product.title} is {product.price} now, not {command.price_seen}")
        product.take(command.quantity)
        price, off = product.price, product.price_off * command.quantity
        how = command.day, command.channel, command.payment, command.delivery
        order = cls(command.order, product, customer, command.quantity, price, off, *how, "placed")
        customer.charge(order.total)
        return order

    def cancel(self) -> None:
        if self.status != "placed":
            raise Refused(f"order {self.id} is {self.status}: only a placed one can be cancelled")
        self.status = "cancelled"
        self.product.put_back(self.quantity)
        self.customer.release(self.total)

    @property
    def total(self) -> Cents:
        return self.quantity * self.unit_price - self.discount

    @property
    def totals(self) -> Totals:
        """What this order adds to every panel."""
        return Totals(1, self.quantity, self.total)


@dataclass(slots=True)
class Totals:
    orders: int = 0
    units: int = 0
    revenue: Cents = 0

    def add(self, other: Totals) -> None:
        self.orders += other.orders
        self.units += other.units
        self.revenue += other.revenue


Panel = dict[tuple[str, Key], Totals]
"""Totals by (status, key)."""

VIEWS: Mapping[str, Callable[[Order], Key]] = {
    "product": lambda order: order.product.title,
    "country": lambda order: order.customer.country,
    "day": lambda order: order.day,
    "channel": lambda order: order.channel,
    "segment": lambda order: order.customer.segment,
    "brand": lambda order: order.product.brand,
    "payment": lambda order: order.payment,
    "weekend": lambda order: int(order.day % 7 >= 5),
    "category": lambda order: order.product.category,
    "delivery": lambda order: order.delivery,
    "price_band": lambda order: order.unit_price // 500,
    "quantity": lambda order: order.quantity,
}
"""The read shapes, in the order in which a growing dashboard wants them: totals by status and one more thing."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What a seller sees. Its headline figures follow from the first panel."""

    seller: SellerId
    panels: Mapping[str, Panel]

    @property
    def totals(self) -> Totals:
        """Orders, units and revenue, without what was cancelled."""
        sold = Totals()
        for (status, _), totals in self.panels["product"].items():
            if status != "cancelled":
                sold.add(totals)
        return sold

    @property
    def orders_by_status(self) -> dict[str, int]:
        counted: dict[str, int] = {}
        for (status, _), totals in self.panels["product"].items():
            counted[status] = counted.get(status, 0) + totals.orders
        return counted

    def top_products(self, count: int = 3) -> list[tuple[Key, Cents]]:
        revenue: dict[Key, Cents] = {}
        for (status, title), totals in self.panels["product"].items():
            if status != "cancelled":
                revenue[title] = revenue.get(title, 0) + totals.revenue
        return sorted(revenue.items(), key=lambda item: (-item[1], item[0]))[:count]


def add_up(orders: Iterable[Order], views: Iterable[str]) -> dict[str, Panel]:
    """The panels of the orders given."""
    panels: dict[str, Panel] = {view: defaultdict(Totals) for view in views}
    for order in orders:
        for view, panel in panels.items():
            panel[order.status, VIEWS[view](order)].add(order.totals)
    return panels


@contextmanager
def transaction(database: Connection) -> Iterator[None]:
    """All or nothing: a command that is refused, or fails, leaves no trace."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise


# One row an order, with its product and its customer: what an entity is made of.
SELECT_ORDERS = """
    SELECT o.id, o.quantity, o.unit_price, o.discount, o.day, o.channel, o.payment, o.delivery, o.status,
        p.id, p.seller, p.title, p.brand, p.category, p.price, p.price_off, p.stock,
        c.id, c.country, c.segment, c.credit_limit, c.owed
    FROM orders o JOIN products p ON p.id = o.product JOIN customers c ON c.id = o.customer
"""


def to_order(row: tuple[Any, ...]) -> Order:
    """The entity of one row of SELECT_ORDERS."""
    return Order(row[0], Product(*row[9:17]), Customer(*row[17:]), *row[1:9])


def all_orders(shop: Connection) -> Iterator[Order]:
    """Every order there is, oldest first: what a store of totals starts from."""
    return map(to_order, shop.execute(SELECT_ORDERS + "ORDER BY o.id"))


def find_order(shop: Connection, order: OrderId) -> Order:
    row = shop.execute(SELECT_ORDERS + "WHERE o.id = ?", (order,)).fetchone()
    if row is None:
        raise Refused(f"there is no order {order}")
    return to_order(row)


def find_product(shop: Connection, product: ProductId) -> Product:
    row = shop.execute("SELECT * FROM products WHERE id = ?", (product,)).fetchone()
    if row is None:
        raise Refused(f"there is no product {product}")
    return Product(*row)


def find_customer(shop: Connection, customer: CustomerId) -> Customer:
    row = shop.execute("SELECT * FROM customers WHERE id = ?", (customer,)).fetchone()
    if row is None:
        raise Refused(f"there is no customer {customer}")
    return Customer(*row)


def place(shop: Connection, command: PlaceOrder) -> Order:
    """Obeys the rules and writes the order; the caller holds the transaction."""
    order = Order.place(command, find_product(shop, command.product), find_customer(shop, command.customer))
    what = order.id, order.product.seller, order.product.id, order.customer.id, order.quantity, order.unit_price
    how = order.discount, order.day, order.channel, order.payment, order.delivery, order.status
    shop.execute("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*what, *how))
    _save(shop, order)
    return order


def cancel(shop: Connection, command: CancelOrder) -> Order:
    """Obeys the rules and cancels the order; the caller holds the transaction."""
    order = find_order(shop, command.order)
    order.cancel()
    shop.execute("UPDATE orders SET status = ? WHERE id = ?", (order.status, order.id))
    _save(shop, order)
    return order


def _save(shop: Connection, order: Order) -> None:
    shop.execute("UPDATE products SET stock = ? WHERE id = ?", (order.product.stock, order.product.id))
    shop.execute("UPDATE customers SET owed = ? WHERE id = ?", (order.customer.owed, order.customer.id))
