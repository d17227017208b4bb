"""The monolith, with payment carved out: the domain that waits for an outside service, and may fail with it.

Good at: what is wrong with payment stays there, and payment alone is released, or given more of what it waits for.
Fails when: any other domain runs wild. And an order is no longer one transaction: it needs a saga.
Costs: one more service to run and to version, and a saga of one remote step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from archlab.scenario import Design

from . import catalogue, orders, pricing, stock
from .paying import RemotePayment, payment
from .saga import Saga
from .seeding import seed
from .world import DOMAINS, Link, Shop, Store, app, transaction

if TYPE_CHECKING:
    from archlab.lab import Lab


class LocalStock:
    def __init__(self, store: Store) -> None:
        self.store = store

    def reserve(self, asked: dict[str, Any]) -> None:
        with transaction(database := self.store()):
            stock.reserve(database, asked["order"], asked["items"])

    def release(self, order: int) -> None:
        with transaction(database := self.store()):
            stock.release(database, order)


def build(lab: Lab) -> Any:
    store, link = Store(lab, "shop"), Link(lab, lab.peers.payment)
    saga = Saga(lab, store, LocalStock(store), RemotePayment(link))
    return app(
        {
            "GET /products/{product}": lambda asked: catalogue.product(store(), int(asked["product"])),
            "GET /prices/{product}": lambda asked: pricing.price(store(), int(asked["product"])),
            "POST /prices": lambda asked: pricing.change(store(), asked["product"], asked["cents"]),
            "GET /stock/{product}": lambda asked: stock.available(store(), int(asked["product"])),
            "GET /orders/{order}": lambda asked: orders.status(store(), int(asked["order"])),
            "POST /orders": lambda asked: saga.place(asked, pricing.total(store(), asked["items"])),
            "GET /calls": lambda asked: len(link.made),
        },
        saga.end,
    )


class ExtractOne(Shop):
    stores: ClassVar = {**dict.fromkeys(DOMAINS, "shop"), "payment": "payment"}

    def __init__(self, lab: Lab, **settings: float) -> None:
        apart = self.settings = {**settings, "shared_database": 0}
        paying = lab.service(payment, "payment", settings=apart)
        shop = lab.service(
            build, "shop", {"payment": paying}, apart, workers=2, carries_context=bool(lab.knobs.context)
        )
        self.homes = {**dict.fromkeys(DOMAINS, shop), "payment": paying}


def prepare(lab: Lab) -> None:
    seed(lab, ExtractOne.stores)


DESIGN = Design(
    name="extract-one",
    title="the monolith, and payment as a service of its own",
    role="alternative",
    why="Only the domain that hurts pays for a network.",
    start=ExtractOne,
    prepare=prepare,
    promises="An order that was begun is finished or undone after a crash; the last ones may be lost with the power.",
    modules=("saga", "paying"),
)
