"""Measures checkouts and their effects while the provider is down or slow, in a spike, and above capacity."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from archlab.scenario import Sample

from .workload import QUIET, order, placed, wait_for_effects
from .world import happened

if TYPE_CHECKING:
    from archlab.lab import Lab

SLOW = "slow provider"
USUAL = 100
"""Checkouts a second on a usual day, of which a spike is ten times as many."""
SPIKE = 0.1
"""Seconds for which it lasts."""
EVERY = 0.05
"""Seconds between two looks at what is still to be done."""


# A provider that is down for a while


def provider_stops(lab: Lab, design: Any) -> None:
    design.provider.kill()


def provider_returns(lab: Lab, design: Any) -> None:
    """Adds the time until every mail that waited is sent."""
    design.provider.start()
    design.provider.ready()
    design.back_at = time.time()
    shop = lab.database()
    waited = {each for (each,) in shop.execute("SELECT id FROM orders WHERE status = 'placed'")} - set(
        happened(lab, "email")
    )
    if waited and wait_for_effects(lab, design, waited, ("email",)):
        lab.seen("every mail that had waited is sent")


# Bad days

SPIKED, OVERLOADED = ("http-chain", "events"), ("jobs-table", "events")


def bad_days(lab: Lab, design: Any) -> Iterator[Sample]:
    """A slow provider; ten times the usual load for a moment; and more than the provider can take."""
    name = lab.design.edits or lab.design.name
    yield from slow(lab, design)
    if name in SPIKED:
        yield from spike(lab, design)
    if name in OVERLOADED:
        yield from overload(lab, design)


def slow(lab: Lab, design: Any) -> Iterator[Sample]:
    """A checkout on a good day, then while the provider takes longer: how long does it take, and its invoice?"""
    placed(lab, design, [order(9_999)])  # connections are opened
    for first, provider, seconds in ((10_000, "quick", 0.0), (10_010, "slow", lab.knobs.slow_ms / 1000)):
        design.provider.client.post("/slow", {"seconds": seconds})
        began = time.perf_counter()
        placed(lab, design, [order(first)])
        yield Sample("checkout_slow", time.perf_counter() - began, {"provider": provider})
        placed(lab, design, [order(first + 1)])  # its invoice may stand behind the first one's mail
        wait_for_effects(lab, design, [first, first + 1], quiet=3 * seconds + QUIET)
        yield Sample("invoice_after", invoiced_after(lab, first + 1), {"provider": provider})
    lab.struck(SLOW)
    design.provider.client.post("/slow", {"seconds": 0.0})


def invoiced_after(lab: Lab, order: int) -> float:
    """Seconds from when an order was placed until its invoice was there; infinite where it never came."""
    (placed_at,) = lab.database().execute("SELECT at FROM orders WHERE id = ?", (order,)).fetchone()
    invoice = lab.database("invoice").execute("SELECT at FROM effects WHERE order_id = ?", (order,)).fetchone()
    return invoice[0] - placed_at if invoice else math.inf


# More than usual, and more than can be done


def spike(lab: Lab, design: Any) -> Iterator[Sample]:
    """Ten times the usual rate for a moment: how long do checkouts take, and how many mails are still to be sent?

    The provider takes a time for each mail that is set here, so that the spike is three times what it can send on a
    machine of any speed.
    """
    rate = 10 * USUAL
    due = [number / USUAL for number in range(int(0.1 * USUAL))]
    due += [0.1 + number / rate for number in range(int(SPIKE * rate))]
    due += [0.1 + SPIKE + number / USUAL for number in range(int(0.15 * USUAL))]
    before = len(happened(lab, "email"))
    design.provider.client.post("/slow", {"seconds": 3 / rate})
    for at, latency, waiting in arriving(lab, design, 11_000, due):
        yield Sample("spike_latency", latency, {"t": at})
        yield Sample("spike_queue", waiting, {"t": at})
    for later, left in draining(lab, at, before + len(due)):
        yield Sample("spike_queue", left, {"t": later})


def overload(lab: Lab, design: Any) -> Iterator[Sample]:
    """More mails than the provider can send, for a longer time: how many are still to be sent?"""
    design.provider.client.post("/slow", {"seconds": 2 / USUAL})
    for at, _, waiting in arriving(lab, design, 12_000, [number / USUAL for number in range(int(0.4 * USUAL))]):
        yield Sample("overload_queue", waiting, {"t": at})


def arriving(lab: Lab, design: Any, first: int, due: list[float]) -> Iterator[tuple[float, float, int]]:
    """Checkouts when they are due; at every look the time, the longest since the last one, and the mails to be sent."""
    mails, before = lab.database("email"), len(happened(lab, "email"))
    began, longest, look = time.perf_counter(), 0.0, EVERY
    for number, at in enumerate(due):
        time.sleep(max(0.0, began + at - time.perf_counter()))
        placed(lab, design, [order(first + number)])
        longest = max(longest, time.perf_counter() - began - at)
        if at >= look or number == len(due) - 1:
            sent = mails.execute("SELECT count(*) FROM effects").fetchone()[0] - before
            yield round(look, 2), longest, number + 1 - sent
            longest, look = 0.0, look + EVERY


def draining(lab: Lab, at: float, mails: int) -> Iterator[tuple[float, int]]:
    """After the last checkout: until so many mails are sent in all, or none has been sent for a while."""
    least, left = math.inf, 1
    while left:
        time.sleep(EVERY)
        at, left = round(at + EVERY, 2), mails - len(happened(lab, "email"))
        if left < least:
            least, deadline = left, time.monotonic() + QUIET
        yield at, left
        if time.monotonic() > deadline:
            return
