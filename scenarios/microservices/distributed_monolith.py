"""Five services with three mistakes: they call for every item, they share a database, and their contracts are strict.

Good at: it looks like microservices, and each step towards it was small.
Fails when: anything is down, slow, or released alone.
Costs: everything that five services cost, and everything that one application costs.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, ClassVar

from archlab.scenario import Design

from . import orders as own
from .paying import RemotePayment, payment
from .saga import Saga
from .seeding import seed
from .services import RemoteStock, catalogue, pricing, stock
from .world import DOMAINS, Link, Shop, Store, app

if TYPE_CHECKING:
    from collections.abc import Callable

    from archlab.lab import Lab

CALLED = ("catalogue", "pricing", "stock", "payment")
IN_A_BATCH, ONE_BY_ONE, IN_PARALLEL = range(3)
"""Values of the knob ``per_item``."""


def orders(lab: Lab) -> Any:
    store, links = Store(lab, "orders"), {name: Link(lab, getattr(lab.peers, name)) for name in CALLED}
    goods = RemoteStock(links["stock"])
    each = for_each(lab)

    def cost(item: tuple[int, int]) -> int:
        product, quantity = item
        links["catalogue"]("GET", f"/products/{product}")
        return quantity * int(links["pricing"]("GET", f"/prices/{product}")["cents"])

    class ItemByItem(RemoteStock):
        def reserve(self, asked: dict[str, Any]) -> None:
            each(lambda item: goods.reserve({**asked, "items": [item]}), asked["items"])

    one_call = lab.knobs.per_item == IN_A_BATCH
    saga = Saga(lab, store, goods if one_call else ItemByItem(links["stock"]), RemotePayment(links["payment"]))

    def total(asked: dict[str, Any]) -> int:
        if one_call:
            return int(links["pricing"]("POST", "/totals", {"items": asked["items"]})["cents"])
        return sum(each(cost, asked["items"]))

    return app(
        {
            "GET /orders/{order}": lambda asked: own.status(store(), int(asked["order"])),
            "POST /orders": lambda asked: saga.place(asked, total(asked)),
            "GET /calls": lambda asked: sum(len(link.made) for link in links.values()),
        },
        saga.end,
    )


def for_each(lab: Lab) -> Callable[..., list[Any]]:
    """One item after the other, or all of them at once."""
    if lab.knobs.per_item == ONE_BY_ONE:
        return lambda does, items: [does(item) for item in items]
    pool = ThreadPoolExecutor(16)

    def at_once(does: Any, items: list[Any]) -> list[Any]:
        return [done.result() for done in [pool.submit(copy_context().run, does, item) for item in items]]

    return at_once


class DistributedMonolith(Shop):
    stores: ClassVar = dict.fromkeys(DOMAINS, "shop")

    def __init__(self, lab: Lab, **settings: float) -> None:
        self.settings = settings
        builds = {"catalogue": catalogue, "pricing": pricing, "stock": stock, "payment": payment}
        self.homes = {domain: lab.service(build, domain, None, settings) for domain, build in builds.items()}
        self.homes["orders"] = lab.service(
            orders, "orders", dict(self.homes), settings, carries_context=bool(lab.knobs.context)
        )


def prepare(lab: Lab) -> None:
    seed(lab, DistributedMonolith.stores)
    seed(lab, {domain: domain for domain in DOMAINS})  # for the knob shared_database=0


DESIGN = Design(
    name="distributed-monolith",
    title="five services that cannot do without each other",
    role="misuse",
    why="The modules were there already, so each became a service; the calls and the tables stayed as they were.",
    start=DistributedMonolith,
    prepare=prepare,
    promises="An order that was begun is finished or undone after a crash; the last ones may be lost with the power.",
    modules=("saga", "paying", "services"),
    workloads=("pressure",),
)
