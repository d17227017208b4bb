"""The workload of all designs: the checkouts, and the checks of their effects afterwards."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from archlab.scenario import Failed, Request, Sample

from .world import Order, happened, wanted

if TYPE_CHECKING:
    from archlab.lab import Lab

QUIET = 0.5
"""Seconds without a new effect after which those that are missing are taken not to come any more."""
QUIET_MISUSE = 0.3
"""The same for a design that is expected to lose some, so that less time is spent on waiting for them."""
LOOK = 0.005
"""Seconds between two looks."""


def an_order(lab: Lab, number: int) -> Order:
    return Order(number, lab.random.randrange(1, 1000), lab.random.randrange(100, 100_00))


def order(number: int, amount: int | None = 1000) -> Order:
    return Order(number, number % 7, amount)


def placed(lab: Lab, design: Any, orders: list[Order]) -> list[int]:
    """The orders whose checkout was answered."""
    answered = []
    for each in orders:
        with suppress(Failed):
            answered.append(design.checkout(each))
    return answered


def requests(lab: Lab, n: int) -> list[Request]:
    return [Request(i / lab.knobs.rate, "checkout", (an_order(lab, 1 + i),)) for i in range(n)]


def wait_for_effects(
    lab: Lab, design: Any, orders: Iterable[int], kinds: Iterable[str] = (), quiet: float = QUIET
) -> bool:
    """Waits until every order has all its effects; false once none has come for ``quiet`` seconds.

    There is nothing to wait for where a checkout answers when all is done.
    """
    if design.done_at_once:
        quiet = 0.0
    elif lab.design.role == "misuse":
        quiet = min(quiet, QUIET_MISUSE)
    missing = {kind: set(orders) for kind in (kinds or wanted(lab))}
    stores = {kind: lab.database(kind) for kind in missing}
    seen, deadline = 0, time.monotonic() + quiet
    while True:
        counts = [stores[kind].execute("SELECT count(*) FROM effects").fetchone()[0] for kind in missing]
        if sum(counts) > seen:
            seen, deadline = sum(counts), time.monotonic() + quiet
            if not any(orders - set(happened_in(stores[kind])) for kind, orders in missing.items()):
                return True
        if time.monotonic() > deadline:
            return not any(missing.values())
        time.sleep(LOOK)


def happened_in(store: Any) -> list[int]:
    return [order for (order,) in store.execute("SELECT order_id FROM effects ORDER BY id")]


def afterwards(lab: Lab, design: Any, answers: list[int]) -> Iterator[Sample]:
    """Of the checkouts that were answered: which effects are missing, came twice, and how late they came."""
    wait_for_effects(lab, design, answers)
    asked = dict(lab.database().execute("SELECT id, at FROM orders WHERE status = 'placed'"))
    late = [0.0]
    for kind in wanted(lab):
        came = list(lab.database(kind).execute("SELECT order_id, at FROM effects"))
        counted = Counter(order for order, _ in came)
        missing = tuple(f"order {order}: no {kind}" for order in asked if order not in counted)
        yield Sample("missing", len(missing), {"effect": kind}, missing)
        twice = sum(times - 1 for times in counted.values())
        cases = tuple(f"order {order}: {kind} {times} times" for order, times in counted.items() if times > 1)
        yield Sample("twice", twice, {"effect": kind}, cases)
        late += [at - asked[order] for order, at in came if order in asked]
    yield Sample("effect_after", sorted(late)[math.ceil(0.95 * len(late)) - 1])


def after_the_outage(lab: Lab, design: Any, answers: list[int]) -> Iterator[Sample]:
    """The same, and how long it took until the last mail that had waited was sent."""
    for sample in afterwards(lab, design, answers):
        if sample.metric != "effect_after":
            yield sample
    orders = lab.database().execute("SELECT id FROM orders WHERE at < ? AND status = 'placed'", (design.back_at,))
    waited = {order for (order,) in orders}
    sent = dict(lab.database("email").execute("SELECT order_id, at FROM effects"))
    yield Sample("drained_after", max([0.0, *(sent[order] - design.back_at for order in waited & set(sent))]))


def answers(lab: Lab, design: Any) -> list[Any]:
    """What a checkout says, and what has followed from it once that had time."""
    orders = [Order(900_000 + number, number, 100 * number) for number in (1, 2, 3)]
    said = [design.checkout(order) for order in orders]
    wait_for_effects(lab, design, said)
    return [said, [sorted(order for order in happened(lab, kind) if order > 900_000) for kind in wanted(lab)]]
