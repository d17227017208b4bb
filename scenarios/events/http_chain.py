"""A checkout calls each department over HTTP in turn, and answers when all of them have.

Good at: the answer to the customer contains the results (the number of the invoice), and the code shows what
    happens. Nothing runs besides the services.
Fails when: one of them is slow, or down: then a checkout is slow, or fails. A crash in the middle leaves an order with
    half of its effects, and nobody notices.
Costs: the time of a checkout is the sum of all calls, and its availability is the product of all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archlab.scenario import Design, Failed

from .world import EFFECTS, Order, place, wanted

if TYPE_CHECKING:
    from archlab.lab import Lab

DEPARTMENTS = ("invoice", "email", "audit", "analytics")
"""Whom a checkout calls, in this order."""


class Checkout:
    """The producer. ``reach`` are the clients of the departments, by name."""

    def __init__(self, lab: Lab, reach: dict[str, Any]) -> None:
        self.lab = lab
        self.shop = lab.database()
        self.reach = reach

    def checkout(self, order: Order) -> int:
        fact = place(self.shop, order)
        self.lab.crash_point("between commit and publish")
        for department, client in self.reach.items():
            try:
                answer = client.post("/effects", fact)
            except OSError as error:
                raise self.failed(order, f"{department} does not answer") from error
            if not answer.ok:
                raise self.failed(order, f"{department} answers {answer.status}")
        return order.id

    def failed(self, order: Order, why: str) -> Failed:
        self.shop.execute("UPDATE orders SET status = 'failed' WHERE id = ?", (order.id,))
        return Failed(why)


class Shop:
    done_at_once = True
    """What has not happened when a checkout is answered does not happen any more."""

    def __init__(self, lab: Lab) -> None:
        from .departments import department, provider

        self.provider = lab.service(provider, "email")
        self.workers = {
            kind: lab.service(department, kind, settings={"effect": EFFECTS.index(kind)})
            for kind in wanted(lab, DEPARTMENTS)
            if kind != "email"
        }
        self.calls = {kind: self.workers.get(kind, self.provider) for kind in wanted(lab, DEPARTMENTS)}
        self.checkout = Checkout(lab, {kind: service.client for kind, service in self.calls.items()}).checkout


DESIGN = Design(
    name="http-chain",
    title="one HTTP call after the other",
    role="baseline",
    why="Everything has happened when the customer reads the answer, and it is the fewest lines.",
    start=Shop,
    promises="An order survives a crash; what should follow from it does not.",
    modules=("departments",),
)
