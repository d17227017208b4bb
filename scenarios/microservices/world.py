"""The shop that all designs share: five domains, what an order is, and how the shop is asked from outside."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from archlab.lab import correlation_id
from archlab.scenario import Failed

if TYPE_CHECKING:
    from archlab.lab import Lab, Service

LOG = logging.getLogger("shop")
DOMAINS = ("catalogue", "pricing", "stock", "payment", "orders")
PRODUCTS, CUSTOMERS = 50, 100
IN_STOCK, BALANCE = 1_000_000, 1_000_000_000
"""Pieces of each product, and cents on each account: enough for every run, so that a refusal is a fault."""

FEATURES = {
    "browse": ("catalogue", "GET", "/products/1"),
    "quote": ("pricing", "GET", "/prices/1"),
    "availability": ("stock", "GET", "/stock/1"),
    "balance": ("payment", "GET", "/accounts/1"),
    "order status": ("orders", "GET", "/orders/0"),
    "order": ("orders", "POST", "/orders"),
}
"""What customers can do → the domain that answers, and how it is asked."""
NEEDS = {"stock", "payment", "orders"}
"""The domains without which nobody can place an order, in whatever design: goods, money, and the order itself."""

REQUEST_ID = "x-request-id"
"""The header by which a call carries the id of the request that it works for."""
LIMIT = 0.15
"""Seconds that a call between services may take: a tenth of that is usual, and a customer waits for two of them."""


@dataclass(frozen=True, slots=True)
class Order:
    order: int
    customer: int
    items: list[tuple[int, int]]
    """Product and how many of it."""


class Refused(Exception):
    """A request that cannot be granted: sold out, no money. To try again does not help."""


class Store:
    """A domain's database; every thread has a connection of its own."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab = lab
        self.name = "shop" if lab.knobs.shared_database else name
        self.threads = threading.local()

    def __call__(self) -> Any:
        if not hasattr(self.threads, "connection"):
            self.threads.connection = self.lab.database(self.name)
        return self.threads.connection


@contextmanager
def transaction(database: Any) -> Iterator[None]:
    """All or nothing."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise


class Link:
    """Calls to one other service, over a network that takes its time and, where a knob says so, loses calls.

    Raises Refused where the other side refuses, OSError where it does not answer in time, or fails.
    """

    def __init__(self, lab: Lab, peer: Any, timeout: float = LIMIT) -> None:
        self.lab = lab
        self.client = lab.client(peer, timeout)
        self.made: list[str] = []
        """Every call that was made, for whoever counts."""

    def __call__(self, method: str, path: str, content: Any = None) -> Any:
        self.made.append(path)
        time.sleep(self.lab.knobs.rtt / 1000)
        if self.lab.knobs.failure_rate and self.lab.random.random() < self.lab.knobs.failure_rate:
            raise ConnectionError(f"{method} {path}: lost on the way")
        headers = {REQUEST_ID: correlation_id.get()} if self.lab.knobs.context else {}
        try:
            answer = self.client.request(method, path, content, headers)
        except (ConnectionResetError, BrokenPipeError):
            # The other side was stopped just now. Every call can be repeated: it names its order.
            answer = self.client.request(method, path, content, headers)
        if answer.status in (404, 409, 422):
            raise Refused(answer.json()["error"])
        if not answer.ok:
            raise ConnectionError(f"{method} {path}: answered {answer.status}")
        return answer.json()


def app(does: Mapping[str, Callable[[dict[str, Any]], Any]], end: Callable[[], None] | None = None) -> Any:
    """An HTTP application: ``"GET /prices/{product}"`` → what answers, called in a thread with path and body.

    ``end`` is called once its last request is answered.
    """
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    def route(name: str, answer: Callable[[dict[str, Any]], Any]) -> Route:
        method, path = name.split(" ")

        async def answered(request: Any) -> JSONResponse:
            asked = await request.json() if method == "POST" else {}
            try:
                return JSONResponse(await run_in_threadpool(answer, {**asked, **request.path_params}))
            except Refused as why:
                return JSONResponse({"error": str(why)}, 409)
            except OSError as error:
                return JSONResponse({"error": str(error)}, 503)

        async def endpoint(request: Any) -> JSONResponse:
            """One line in the log for each request, with the id of the caller's, or a new one."""
            correlation_id.set(request.headers.get(REQUEST_ID) or uuid.uuid4().hex)
            answer = await answered(request)
            LOG.info("%s %s: %d", method, request.url.path, answer.status_code)
            answer.headers[REQUEST_ID] = correlation_id.get()
            return answer

        return Route(path, endpoint, methods=[method])

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        yield
        if end is not None:
            end()

    routes = [route(name, answer) for name, answer in does.items()]
    return Starlette(routes=routes, lifespan=lifespan)


class Shop:
    """A running design: which service answers for a domain, and how customers ask for what they want."""

    homes: dict[str, Service]
    settings: Mapping[str, float]
    """Knobs that all its parts see turned."""

    def order(self, order: Order) -> dict[str, Any]:
        answer = self.ask("orders", "POST", "/orders", asdict(order))
        if not answer.ok:
            raise Failed(f"an order is answered with {answer.status}: {answer.json().get('error')}")
        result: dict[str, Any] = answer.json()
        return result

    def kill(self) -> None:
        for part in self.parts:
            part.kill()

    def ask(self, domain: str, method: str, path: str, content: Any = None) -> Any:
        try:
            return self.homes[domain].client.request(method, path, content)
        except OSError as error:
            raise Failed(f"{domain} does not answer") from error

    @property
    def services(self) -> list[Service]:
        return list(dict.fromkeys(self.homes.values()))

    @property
    def parts(self) -> list[Any]:
        """Everything that runs for it."""
        return [*self.services, *([self.copier] if hasattr(self, "copier") else [])]


def an_order(number: int, items: int) -> Order:
    return Order(number, 1 + number % CUSTOMERS, [(1 + (number + i) % PRODUCTS, 1 + i % 3) for i in range(items)])
