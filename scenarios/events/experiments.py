"""What is done to the designs beside serving their load: a provider that fails, crashes, poison, a team that joins."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from archlab.lab import Process, compare, crash_points, sources
from archlab.scenario import Failed, Sample

from .workload import LOOK, wait_for_effects
from .world import EFFECTS, TABLES, Order, happened

if TYPE_CHECKING:
    from archlab.lab import Lab

BETWEEN = "between commit and publish"
RELAYED = "between publish and mark"
AFTER_EFFECT = "between effect and ack"
PREFETCHES = (1, 10)
INNOCENT = 10
"""Orders behind a poison one."""
PATIENCE = 1.0
"""Seconds within which a poison message should have been given up."""
POISON, JOINED = "poison message", "loyalty"
SLOW = "slow provider"


def order(number: int, amount: int | None = 1000) -> Order:
    return Order(number, number % 7, amount)


def placed(lab: Lab, design: Any, orders: list[Order]) -> list[int]:
    """The orders whose checkout was answered."""
    answered = []
    for each in orders:
        with suppress(Failed):
            answered.append(design.checkout(each))
    return answered


# A provider that is down for a while


def provider_stops(lab: Lab, design: Any) -> None:
    design.provider.kill()


def provider_returns(lab: Lab, design: Any) -> None:
    """And then: until every mail that has waited is sent."""
    design.provider.start()
    design.provider.ready()
    design.back_at = time.time()
    shop = lab.database()
    waited = {each for (each,) in shop.execute("SELECT id FROM orders WHERE status = 'placed'")} - set(
        happened(lab, "email")
    )
    if waited and wait_for_effects(lab, waited, ("email",)):
        lab.seen("every mail that had waited is sent")


# A provider that is slow


def slow(lab: Lab, design: Any) -> Iterator[Sample]:
    """One checkout on a good day, one while the provider takes longer."""
    for number, seconds in enumerate((0.0, lab.knobs.slow_ms / 1000)):
        design.provider.client.post("/slow", {"seconds": seconds})
        began = time.perf_counter()
        placed(lab, design, [order(10_000 + number)])
        yield Sample("checkout_slow", time.perf_counter() - began, {"provider": "slow" if seconds else "quick"})
    lab.struck(SLOW)
    wait_for_effects(lab, [10_000, 10_001], quiet=3 * lab.knobs.slow_ms / 1000 + 0.2)
    design.provider.client.post("/slow", {"seconds": 0.0})


# Crashes


def points(design: Any) -> tuple[str, ...]:
    """The crash points that the code of a design names."""
    return crash_points(sources(design))


def crashed(lab: Lab, design: Any) -> Iterator[Sample]:
    """Whoever comes to a crash point dies there, and starts again: what is lost, what comes twice?"""
    for number, point in enumerate(points(lab.design)):
        first = 20_000 + 100 * number
        if point == BETWEEN:
            answered = producer_dies(lab, design, first)
        else:
            dying = [design.relay] if point == RELAYED else [w for k, w in design.workers.items() if k in KILLED]
            answered = consumers_die(lab, design, first, point, dying)
        wait_for_effects(lab, answered, KILLED, quiet=0.25)
        yield from ledger(lab, point, first)
    if AFTER_EFFECT in points(lab.design):
        yield from with_keys(lab, design)


def with_keys(lab: Lab, design: Any) -> Iterator[Sample]:
    """The same crash of the mailer alone, with a provider that honours an idempotency key."""
    first = 29_000
    design.provider.client.post("/keys", {"honours": True})
    answered = consumers_die(lab, design, first, AFTER_EFFECT, [design.workers["email"]])
    wait_for_effects(lab, answered, KILLED, quiet=0.25)
    yield from ledger(lab, f"{AFTER_EFFECT}, provider with keys", first)


KILLED = ("invoice", "email")
"""Whose consumers die: one with a store of our own, one with a third party."""


def producer_dies(lab: Lab, design: Any, first: int) -> list[int]:
    """A second shop, in a process of its own, dies in the middle of a checkout. The first one goes on."""
    shop = lab.spawn(checkouts, "second shop", getattr(design, "calls", None), crash_at=BETWEEN)
    shop.send(order(first))
    shop.exited()
    return [first, *placed(lab, design, [order(first + 1)])]


def checkouts(lab: Lab, inbox: Any) -> None:
    """A shop in a process of its own."""
    own = lab.module(lab.design).Checkout(lab, vars(lab.peers))
    while True:
        own.checkout(inbox.receive())


def consumers_die(lab: Lab, design: Any, first: int, point: str, dying: list[Any]) -> list[int]:
    for part in dying:
        part.kill()
        part.start(crash_at=point)
        part.ready()
    answered = placed(lab, design, [order(first)])
    for part in dying:
        part.exited()
    answered += placed(lab, design, [order(first + 1)])
    for part in dying:
        part.start()
        part.ready()
    return answered + placed(lab, design, [order(first + 2)])


def ledger(lab: Lab, point: str, first: int) -> Iterator[Sample]:
    """What happened against what was to happen: the effects of the orders that stand, none of those that failed."""
    rows = lab.database().execute(
        "SELECT id FROM orders WHERE status = 'placed' AND id BETWEEN ? AND ?", (first, first + 9)
    )
    expected = [row for (row,) in rows]
    found = {kind: compare(expected, [o for o in happened(lab, kind) if first <= o < first + 10]) for kind in KILLED}
    at = {"crash_point": point}
    yield Sample("lost", sum(len(f.lost) for f in found.values()), at)
    yield Sample("duplicated", len(found["invoice"].duplicated), at)
    yield Sample("mails_duplicated", len(found["email"].duplicated), at)
    yield Sample("reordered", sum(len(f.reordered) for f in found.values()), at)
    yield Sample("unasked", sum(len(f.unexpected) for f in found.values()), at)


# Poison


def poisoned(lab: Lab, design: Any) -> Iterator[Sample]:
    """An order of which no invoice can be made, with good ones behind it, at every prefetch that is tried.

    A design without a broker has no prefetch: its place is 0.
    """
    consumer = getattr(lab.module(lab.design), "consumer", None)
    for number, prefetch in enumerate(PREFETCHES if consumer else (0,)):
        first = 30_000 + 100 * number
        if consumer:
            design.workers["invoice"].kill()
            settings = {"effect": EFFECTS.index("invoice"), "prefetch": prefetch}
            design.workers["invoice"] = lab.spawn(consumer, f"invoice consumer, prefetch {prefetch}", None, settings)
            design.workers["invoice"].wait_until(0)
        yield from among_innocents(lab, design, first, {"prefetch": prefetch})
        if consumer:
            design.workers["invoice"].kill()  # it may spin
    lab.struck(POISON)


def among_innocents(lab: Lab, design: Any, first: int, at: dict[str, int]) -> Iterator[Sample]:
    placed(lab, design, [order(first, amount=None)])
    innocent = placed(lab, design, [order(first + 1 + number) for number in range(INNOCENT)])
    wait_for_effects(lab, innocent, ("invoice",), quiet=0.5)
    aside = set_aside(lab, design, first)
    tried = lab.database("invoice").execute("SELECT count(*) FROM refused WHERE order_id = ?", (first,)).fetchone()[0]
    yield Sample("blocked", len(set(innocent) - set(happened(lab, "invoice"))), at)
    yield Sample("attempts", tried, at)
    yield Sample("set_aside", aside, at)


def set_aside(lab: Lab, design: Any, order: int) -> int:
    """How often somebody who looks finds the order among what was given up, once there has been time for that."""
    if not hasattr(design, "set_aside"):
        return 0
    deadline = time.monotonic() + PATIENCE
    while True:
        found: int = sum(fact["order"] == order for fact in design.set_aside(lab, "invoice"))
        if found or time.monotonic() > deadline:
            return found
        time.sleep(LOOK)


# A team that joins


def joined(lab: Lab, design: Any) -> Iterator[Sample]:
    """Another team starts to listen, goes away and comes back, while the shop goes on as it is."""
    changed = lab.module(lab.design.version())
    lab.database(JOINED).executescript(TABLES)
    listener = import_module(f"{changed.__package__}.loyalty").listener(lab)
    if isinstance(listener.ready(), Process):
        listener.wait_until(0)
    came = placed(lab, design, [order(40_000 + number) for number in range(3)])
    wait_for_effects(lab, came, (JOINED,), quiet=0.3)
    yield Sample("unreached", len(set(came) - set(happened(lab, JOINED))), {"team": "has joined"})
    listener.stop()
    away = placed(lab, design, [order(40_100 + number) for number in range(3)])
    time.sleep(LOOK)
    listener.start()
    wait_for_effects(lab, away, (JOINED,), quiet=0.3)
    yield Sample("unreached", len(set(away) - set(happened(lab, JOINED))), {"team": "was away"})
