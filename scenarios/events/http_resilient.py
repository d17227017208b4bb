"""The same calls with a time limit, retries and a circuit breaker; a checkout skips what does not answer.

Good at: a checkout stays fast and works when a department is slow or down. Retries bridge short faults.
Fails when: a fault lasts longer than the retries: then the effect never happens. A call that succeeded but answered
    too late is repeated.
Costs: numbers to choose (limit, attempts, threshold) that never fit every day; an idempotency key at every service.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from archlab.scenario import Design

from .world import EFFECTS, Fact, Order, place, wanted

if TYPE_CHECKING:
    from archlab.lab import Lab

DEPARTMENTS = ("invoice", "email", "audit", "analytics")
"""Whom a checkout calls, in this order."""

LIMIT = 0.05
"""Seconds that a call may take."""
ATTEMPTS = 3
PAUSE = 0.005
"""Seconds before the first retry at most, and twice as many before the next: with jitter, or all return together."""
THRESHOLD = 5
"""Calls that fail one after the other until the breaker opens."""
OPEN_FOR = 0.1
"""Seconds for which an open breaker lets nothing through. Then one call tries."""


class Breaker:
    """Stops calls to a service that failed several times in a row, so that nobody waits for it in vain."""

    def __init__(self) -> None:
        self.failures = 0
        self.until = 0.0

    @property
    def open(self) -> bool:
        return self.failures >= THRESHOLD and time.monotonic() < self.until

    def note(self, failed: bool) -> None:
        self.failures = self.failures + 1 if failed else 0
        if self.failures >= THRESHOLD:
            self.until = time.monotonic() + OPEN_FOR


class Checkout:
    """The producer. ``reach`` are the clients of the departments, by name."""

    def __init__(self, lab: Lab, reach: dict[str, Any]) -> None:
        self.lab = lab
        self.shop = lab.database()
        self.reach = {name: lab.client(client, LIMIT) for name, client in reach.items()}
        self.breakers = {name: Breaker() for name in reach}

    def checkout(self, order: Order) -> int:
        fact = place(self.shop, order)
        self.lab.crash_point("between commit and publish")
        for department in self.reach:
            self.call(department, fact)  # an order is worth more than any one of its effects
        return order.id

    def call(self, department: str, fact: Fact) -> bool:
        breaker, key = self.breakers[department], {"idempotency-key": fact["event"]}
        for attempt in range(ATTEMPTS):
            if breaker.open:
                return False
            try:
                answer = self.reach[department].post("/effects", fact, key)
            except OSError:
                breaker.note(failed=True)
                time.sleep(random.uniform(0, PAUSE * 2**attempt))
                continue
            breaker.note(failed=False)
            return bool(answer.ok)  # a refusal is an answer: it will not change
        return False


class Shop:
    done_at_once = True

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
    name="http-resilient",
    title="the same calls with retries and a circuit breaker",
    role="alternative",
    why="A fault of somebody else's is not the customer's, and most faults pass within a second.",
    start=Shop,
    promises="An order survives a crash; what should follow from it does not.",
    modules=("departments",),
)
