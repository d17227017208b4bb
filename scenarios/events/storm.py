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
MAIL = 0.016
"""Seconds for one mail."""
EVERY = 0.04
"""Seconds between two calls: half of what the provider can take, but too many where each is tried three times."""
STOPPED, OVER = 0.12, 0.9
"""Seconds from the first call until the provider goes on, and until the last call."""
JUDGED = 0.3
"""Seconds before the last call from which on calls say whether the provider has recovered."""
STALLS = "the provider stops for a moment"
WITHOUT, WITH = "without", "with"


class NoBreaker(http_resilient.Breaker):
    open = False


def storms(lab: Lab, design: Any) -> Iterator[Sample]:
    """The calls of http-resilient as they are, and without their circuit breaker."""
    client = lab.service(providers, "many providers").ready().client
    for breaker in (WITH, WITHOUT):
        shops = [http_resilient.Checkout(lab, {"email": client}) for _ in range(RUNS)]
        if breaker == WITHOUT:
            for shop in shops:
                shop.breakers["email"] = NoBreaker()
        client.post("/stop", {"seconds": STOPPED})
        lab.struck(STALLS)
        calls = called(shops, breaker)
        late = [of_one[-round(JUDGED / EVERY) :] for of_one in calls]
        down = sum(answered.count(False) > len(answered) / 2 for answered in late)
        yield Sample("storms", down, {"breaker": breaker, "runs": RUNS})


def called(shops: list[http_resilient.Checkout], breaker: str) -> list[list[bool]]:
    """Whether each shop's calls were answered, in the order in which they were made; one run is one shop."""
    calls: list[list[Future[bool]]] = [[] for _ in shops]
    with ThreadPoolExecutor(8 * RUNS) as threads:
        began = time.perf_counter()
        for number in range(round(OVER / EVERY)):
            time.sleep(max(0.0, began + number * EVERY - time.perf_counter()))
            for run, shop in enumerate(shops):
                fact = {"event": f"{number}", "order": number, "provider": f"{breaker}-{run}"}
                calls[run].append(threads.submit(shop.call, "email", fact))
    return [[call.result() for call in of_one] for of_one in calls]


def providers(lab: Lab) -> Starlette:
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
