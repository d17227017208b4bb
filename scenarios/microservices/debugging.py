"""One order fails among others: which lines of which logs does somebody read who asks why?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from archlab.scenario import Sample

from .world import REQUEST_ID

if TYPE_CHECKING:
    from archlab.lab import Lab

OTHERS = 16
"""Orders that succeed meanwhile."""
NOBODY = 0
"""A customer who has no account, so that the payment is refused after the stock was reserved."""
CONTEXT = {"passed on": 1, "dropped": 0}


def failed_order(lab: Lab, design: Any) -> Iterator[Sample]:
    """The same failure twice: with the id of the request passed on at every call, and with each service's own ids."""
    for number, (context, on) in enumerate(CONTEXT.items()):
        as_it_runs = on == lab.knobs.context and lab.knobs.rtt == 0
        shop = design if as_it_runs else type(design)(lab, context=on, rtt=0.0)
        request, began, ended = among_others(lab, shop, 960_000 + 1000 * number)
        lines = [line for part in shop.services for line in part.log() if began <= line["time"] <= ended]
        yield from to_read(shop, lines, request, context)
        if shop is not design:
            shop.kill()


def among_others(lab: Lab, shop: Any, first: int) -> tuple[str, float, float]:
    """The id of the request that failed, and when it began and ended, in seconds."""
    client = lab.client(shop.homes["orders"])

    def order(number: int) -> tuple[str, float, float]:
        customer = NOBODY if number == OTHERS // 2 else 1 + number
        began = time.time()
        answer = client.post("/orders", {"order": first + number, "customer": customer, "items": [[1, 1], [2, 1]]})
        if answer.json()["state"] != ("paid" if customer else "cancelled"):
            raise RuntimeError(f"order {first + number} of customer {customer} is {answer.json()['state']}")
        return answer.headers[REQUEST_ID], began, time.time()

    with ThreadPoolExecutor(4) as customers:
        placed = list(customers.map(order, range(OTHERS)))
    client.close()
    return placed[OTHERS // 2]


def to_read(shop: Any, lines: list[dict[str, Any]], request: str, context: str) -> Iterator[Sample]:
    """The lines with its id; and all those whose id is that of no order, because any of them may be about it."""
    orders = {
        line["id"] for line in shop.homes["orders"].log()
    }  # an order's own line comes last, maybe after that time
    orphans = [line for line in lines if line["id"] not in orders]
    found = [line for line in lines if line["id"] == request]
    read, at = [*found, *orphans], {"context": context}
    told = tuple(f"{context}: {line['service']}: {line['message']}" for line in found)
    yield Sample("orphan_lines", len(orphans) / len(lines), at)
    yield Sample("lines_to_read", len(read), at, told)
    yield Sample("logs_to_open", len({line["service"] for line in read}), at)
