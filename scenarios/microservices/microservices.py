"""Five services that own their data. Orders keeps a copy of the prices, fed by events, and calls twice for an order.

Good at: what is wrong with one domain stays there, and each is released alone. Catalogue and pricing may be down, and
    orders are placed all the same.
Fails when: boundaries are wrong: then every change needs several releases, and every request several calls.
Costs: a saga, a broker, copies that are late, five times the processes, and calls that can fail.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from archlab.scenario import Design

from . import orders as own
from . import pricing as prices
from .paying import RemotePayment, payment
from .saga import Saga
from .seeding import seed
from .services import RemoteStock, catalogue, stock
from .world import DOMAINS, Link, Shop, Store, app

if TYPE_CHECKING:
    from archlab.lab import Broker, Inbox, Lab

CHANGED = "price.changed"
"""The queue of orders at which it hears of prices."""


def orders(lab: Lab) -> Any:
    store, goods, money = Store(lab, "orders"), Link(lab, lab.peers.stock), Link(lab, lab.peers.payment)
    saga = Saga(lab, store, RemoteStock(goods), RemotePayment(money))
    return app(
        {
            "GET /orders/{order}": lambda asked: own.status(store(), int(asked["order"])),
            "POST /orders": lambda asked: saga.place(asked, prices.total(store(), asked["items"])),
            "GET /calls": lambda asked: len(goods.made) + len(money.made),
        },
        saga.end,
    )


def pricing(lab: Lab) -> Any:
    store, broker = Store(lab, "pricing"), lab.broker()

    def change(asked: dict[str, Any]) -> dict[str, int]:
        changed = prices.change(store(), asked["product"], asked["cents"])
        connection = broker.connect()  # prices change rarely
        queue(connection.channel(), broker)
        connection.channel().basic_publish("", broker.name(CHANGED), json.dumps(changed).encode())
        connection.close()
        return changed

    return app(
        {"GET /prices/{product}": lambda asked: prices.price(store(), int(asked["product"])), "POST /prices": change}
    )


def queue(channel: Any, broker: Broker) -> str:
    name = broker.name(CHANGED)
    channel.queue_declare(name, durable=True)
    return name


def copier(lab: Lab, inbox: Inbox) -> None:
    """Keeps the copy of the prices in the database of orders."""
    database, broker = lab.database("orders"), lab.broker()
    channel = broker.connect().channel()

    def received(channel: Any, method: Any, properties: Any, body: bytes) -> None:
        fact = json.loads(body)  # a tolerant reader: it takes what it needs, and minds no other field
        prices.change(database, fact["product"], fact["cents"])
        channel.basic_ack(method.delivery_tag)

    channel.basic_consume(queue(channel, broker), received)
    broker.consume_until_stopped(channel, inbox)


class Microservices(Shop):
    stores: ClassVar = {domain: domain for domain in DOMAINS}

    def __init__(self, lab: Lab, **settings: float) -> None:
        self.broker = lab.broker()
        apart = self.settings = {**settings, "shared_database": 0, "strict": 0}
        builds = {"catalogue": catalogue, "pricing": pricing, "stock": stock, "payment": payment}
        self.homes = {domain: lab.service(build, domain, None, apart) for domain, build in builds.items()}
        calls = {"stock": self.homes["stock"], "payment": self.homes["payment"]}
        self.homes["orders"] = lab.service(orders, "orders", calls, apart, carries_context=bool(lab.knobs.context))
        self.copier = lab.spawn(copier, "copier of prices", None, apart)


def prepare(lab: Lab) -> None:
    seed(lab, Microservices.stores)
    database = lab.database("orders")
    database.executescript(prices.TABLES)
    prices.fill(database)


DESIGN = Design(
    name="microservices",
    title="five services that own their data",
    role="pattern",
    why="A team releases its domain alone, and what is wrong in one domain stays there.",
    start=Microservices,
    prepare=prepare,
    promises="An order that was begun is finished or undone after a crash; the last ones may be lost with the power.",
    modules=("saga", "paying", "services"),
)
