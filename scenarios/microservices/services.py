"""The HTTP face of each domain as a service of its own, and what a caller in another service holds of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import catalogue as products
from . import pricing as prices
from . import stock as goods
from .world import Link, Refused, Store, app, transaction

if TYPE_CHECKING:
    from archlab.lab import Lab

RESERVATION = {"order", "items"}
"""The fields of a reservation: the contract between orders and stock."""


def catalogue(lab: Lab) -> Any:
    store = Store(lab, "catalogue")
    return app({"GET /products/{product}": lambda asked: products.product(store(), int(asked["product"]))})


def stock(lab: Lab) -> Any:
    store = Store(lab, "stock")

    def reserve(asked: dict[str, Any]) -> Any:
        agreed(lab, asked)
        with transaction(database := store()):
            return goods.reserve(database, asked["order"], asked["items"])

    def release(asked: dict[str, Any]) -> Any:
        with transaction(database := store()):
            return goods.release(database, asked["order"])

    return app(
        {
            "GET /stock/{product}": lambda asked: goods.available(store(), int(asked["product"])),
            "POST /reservations": reserve,
            "POST /releases": release,
        }
    )


def agreed(lab: Lab, asked: dict[str, Any]) -> None:
    """A strict reader takes what its contract names, no field more and no field less; a tolerant one what it needs."""
    if lab.knobs.strict and set(asked) != RESERVATION:
        raise Refused(f"a reservation has the fields {', '.join(sorted(RESERVATION))}, not {', '.join(sorted(asked))}")


def pricing(lab: Lab) -> Any:
    store = Store(lab, "pricing")
    return app(
        {
            "GET /prices/{product}": lambda asked: prices.price(store(), int(asked["product"])),
            "POST /prices": lambda asked: prices.change(store(), asked["product"], asked["cents"]),
            "POST /totals": lambda asked: {"cents": prices.total(store(), asked["items"])},
        }
    )


class RemoteStock:
    """Stock as orders sees it: one call for all items."""

    def __init__(self, link: Link) -> None:
        self.link = link

    def reserve(self, asked: dict[str, Any]) -> Any:
        return self.link("POST", "/reservations", {"order": asked["order"], "items": asked["items"]})

    def release(self, order: int) -> Any:
        return self.link("POST", "/releases", {"order": order})
