"""A modular monolith: five domains as modules with their own tables, one process image, one transaction for an order.

Good at: an order is right or it is not there, whatever dies. No call between domains can fail, be slow or be versioned.
    Two supervised workers stand behind one address, so that the death of one stops nothing.
Fails when: one domain runs wild or cannot start: it shares its process with all others.
Costs: whoever changes one domain releases all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from archlab.scenario import Design

from . import catalogue, orders, payment, pricing, stock
from .seeding import seed
from .world import DOMAINS, Refused, Shop, Store, app, transaction

if TYPE_CHECKING:
    from archlab.lab import Lab


def build(lab: Lab) -> Any:
    store = Store(lab, "shop")

    def place(asked: dict[str, Any]) -> dict[str, Any]:
        database, order, customer, items = store(), asked["order"], asked["customer"], asked["items"]
        payment.check(lab.knobs.check_ms)
        cents = 0
        try:
            with transaction(database):
                cents = pricing.total(database, items)
                if orders.begin(database, order, customer, cents, "paid"):
                    stock.reserve(database, order, items)
                    lab.crash_point("between stock and payment")
                    payment.charge(database, order, customer, cents)
                    lab.crash_point("between payment and order")
        except Refused:
            orders.begin(database, order, customer, cents, "cancelled")
        return orders.status(database, order)

    return app(
        {
            "GET /products/{product}": lambda asked: catalogue.product(store(), int(asked["product"])),
            "GET /prices/{product}": lambda asked: pricing.price(store(), int(asked["product"])),
            "POST /prices": lambda asked: pricing.change(store(), asked["product"], asked["cents"]),
            "GET /stock/{product}": lambda asked: stock.available(store(), int(asked["product"])),
            "GET /accounts/{customer}": lambda asked: payment.balance(store(), int(asked["customer"])),
            "GET /orders/{order}": lambda asked: orders.status(store(), int(asked["order"])),
            "POST /orders": place,
            "GET /waits": lambda asked: payment.waits.most,
        }
    )


class Monolith(Shop):
    stores: ClassVar = dict.fromkeys(DOMAINS, "shop")

    def __init__(self, lab: Lab, **settings: float) -> None:
        self.settings = settings
        shop = lab.service(build, "shop", settings=settings, workers=2)
        self.homes = dict.fromkeys(DOMAINS, shop)


def prepare(lab: Lab) -> None:
    seed(lab, Monolith.stores)


DESIGN = Design(
    name="monolith",
    title="one application of five modules, two workers",
    role="baseline",
    why="One transaction, one release, one log; the modules keep their boundaries, and a test enforces them.",
    start=Monolith,
    prepare=prepare,
    promises="An order survives a crash of the process, whole; the last ones may be lost with the power.",
)
