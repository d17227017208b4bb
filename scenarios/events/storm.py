"""A provider that stops for a moment, and calls that are retried: in how many runs does it recover afterwards?

Whether a storm of retries dies away is a matter of chance, so there are several runs. They go on side by side: each has
a provider of its own, which does one mail after the other, also those that nobody waits for any more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from archlab.scenario import Sample

from . import http_resilient

if TYPE_CHECKING:
    from archlab.lab import Lab

RUNS = 6
MAIL = 0.02
"""Seconds for one mail."""
EVERY = 0.04
"""Seconds between two calls: half of what the provider can take, but too many where each is tried three times."""
STOPPED, OVER = 0.12, 1.0
"""Seconds from the first call until the provider goes on, and until the last call."""
JUDGED = 0.3
"""Seconds before the last call from which on calls say whether the provider has recovered."""
STALLS = "the provider stops for a moment"
WITHOUT, WITH = "without", "with"


class NoBreaker(http_resilient.Breaker):
    open = False


def storms(lab: Lab, design: Any) -> Iterator[Sample]:
    """The calls of http-resilient as they are, and without their circuit breaker."""
    providers = lab.service(providers_of_all, "many providers")
    client = providers.ready().client
    shops = {}
    for breaker in (WITHOUT, WITH):
        for run in range(RUNS):
            shop = http_resilient.Checkout(lab, {"email": client})
            if breaker == WITHOUT:
                shop.breakers["email"] = NoBreaker()
            shops[breaker, run] = shop
    calls: dict[tuple[str, int], list[Future[bool]]] = {each: [] for each in shops}
    client.post("/stop", {"seconds": STOPPED})
    lab.struck(STALLS)
    with ThreadPoolExecutor(16 * RUNS) as threads:
        began = time.perf_counter()
        for number in range(round(OVER / EVERY)):
            time.sleep(max(0.0, began + number * EVERY - time.perf_counter()))
            for each, shop in shops.items():
                fact = {"event": f"{number}", "order": number, "provider": "-".join(map(str, each))}
                calls[each].append(threads.submit(shop.call, "email", fact))
    for breaker in (WITHOUT, WITH):
        late = [calls[breaker, run][-round(JUDGED / EVERY) :] for run in range(RUNS)]
        down = sum(sum(not call.result() for call in some) > len(some) / 2 for some in late)
        yield Sample("storms", down, {"breaker": breaker, "runs": RUNS})


def providers_of_all(lab: Lab) -> Starlette:
    """As many providers as are asked for by name."""
    busy: dict[str, asyncio.Lock] = {}
    goes_on = 0.0

    async def send(request: Any) -> JSONResponse:
        fact = await request.json()
        async with busy.setdefault(fact["provider"], asyncio.Lock()):
            await asyncio.sleep(max(MAIL, goes_on - time.monotonic()))
        return JSONResponse({"done": fact["order"]})

    async def stop(request: Any) -> JSONResponse:
        nonlocal goes_on
        goes_on = time.monotonic() + (await request.json())["seconds"]
        return JSONResponse({})

    return Starlette(routes=[Route("/effects", send, methods=["POST"]), Route("/stop", stop, methods=["POST"])])
