"""Payment as a service of its own, and what a caller in another service holds of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import payment as money
from .world import Link, Store, app, transaction

if TYPE_CHECKING:
    from archlab.lab import Lab


def payment(lab: Lab) -> Any:
    store = Store(lab, "payment")

    def charge(asked: dict[str, Any]) -> Any:
        money.check(lab.knobs.check_ms)
        with transaction(database := store()):
            return money.charge(database, asked["order"], asked["customer"], asked["cents"])

    def refund(asked: dict[str, Any]) -> Any:
        with transaction(database := store()):
            return money.refund(database, asked["order"])

    return app(
        {
            "GET /accounts/{customer}": lambda asked: money.balance(store(), int(asked["customer"])),
            "POST /charges": charge,
            "POST /refunds": refund,
            "GET /waits": lambda asked: money.waits.most,
        }
    )


class RemotePayment:
    def __init__(self, link: Link) -> None:
        self.link = link

    def charge(self, order: int, customer: int, cents: int) -> Any:
        return self.link("POST", "/charges", {"order": order, "customer": customer, "cents": cents})

    def refund(self, order: int) -> Any:
        return self.link("POST", "/refunds", {"order": order})
