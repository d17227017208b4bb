"""Concerns are decorators, written once; every endpoint wears them, and a test of the route table finds a bare one.

Good at: each concern is one function, each endpoint says in one line what holds for it, and nothing happens that is not
    written above it. Who forgets the line is told by the test, before anything is released.
Fails when: nobody wrote an endpoint. A path that does not exist, or a method that is not allowed, is answered by the
    router, and the router wears no decorator. (A catch-all endpoint that wears them mends the path.)
Costs: a line for every endpoint, a test that must not be skipped, and the order of five decorators inside one.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from archlab.lab import correlation_id

from .api import Api, served
from .limiting import configured
from .world import (
    ALL,
    ORIGIN,
    REQUEST_ID,
    OrderId,
    ProductId,
    Refused,
    Shop,
    log,
    milliseconds_since,
    request_id,
    user_of,
)

if TYPE_CHECKING:
    from archlab.lab import Lab

Handler = Callable[[Request], Awaitable[Response]]


def error(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status)


async def http_error(request: Request, raised: Exception) -> Response:
    assert isinstance(raised, HTTPException)
    return error(raised.status_code, raised.detail.lower())


def traced(handler: Handler) -> Handler:
    async def with_id(request: Request) -> Response:
        correlation_id.set(request_id(request.headers.get(REQUEST_ID)))
        answer = await handler(request)
        answer.headers[REQUEST_ID] = correlation_id.get()
        return answer

    return with_id


def logged(handler: Handler) -> Handler:
    async def with_line(request: Request) -> Response:
        began = time.perf_counter()
        answer = await handler(request)
        what = {"method": request.method, "path": request.url.path, "status": answer.status_code}
        log.info("request", extra={**what, "ms": milliseconds_since(began)})
        return answer

    return with_line


def caught(handler: Handler) -> Handler:
    async def without_exception(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return error(refused.status, str(refused))
        except Exception:
            log.exception("failed")
            return error(500, "internal error")

    return without_exception


def limited(handler: Handler) -> Handler:
    async def within_limits(request: Request) -> Response:
        assert request.client is not None
        user, limits = request.scope.get("user"), request.app.state.limits
        allowed = limits.allow_user(user) if user else limits.allow_address(request.client.host)
        return await handler(request) if allowed else error(429, "too many requests")

    return within_limits


def authenticated(handler: Handler, public: bool) -> Handler:
    async def for_users(request: Request) -> Response:
        request.scope["user"] = user_of(request.headers.get("authorization"))
        return await handler(request) if request.scope["user"] or public else error(401, "who are you?")

    return for_users


def guarded(handler: Handler, public: bool = False) -> Handler:
    """All concerns around one endpoint, the outermost first."""
    wrapped = functools.wraps(handler)(traced(logged(caught(limited(authenticated(limited(handler), public))))))
    wrapped.guarded = True  # type: ignore[attr-defined]  # what the test of the route table looks for
    return wrapped


def bare(app: Starlette) -> list[str]:
    """The test of the route table: endpoints that wear no concerns."""
    return [str(route) for route in app.routes if not getattr(getattr(route, "endpoint", None), "guarded", False)]


def routes(shop: Shop) -> list[Route]:
    def order(request: Request) -> OrderId:
        return OrderId(int(request.path_params["order"]))

    def product(request: Request) -> ProductId:
        return ProductId(int(request.path_params["product"]))

    @guarded
    async def read_order(request: Request) -> Response:
        return JSONResponse(shop.read_order(order(request)))

    @guarded
    async def place_order(request: Request) -> Response:
        return JSONResponse(shop.place_order(**await request.json()), 201)

    @guarded
    async def send_receipt(request: Request) -> Response:
        receipt = await asyncio.to_thread(shop.render_receipt, order(request))
        mail = BackgroundTask(shop.mail_receipt, order(request), receipt)
        return JSONResponse({"status": "on its way"}, 202, background=mail)

    @functools.partial(guarded, public=True)
    async def list_products(request: Request) -> Response:
        return JSONResponse(shop.list_products())

    @guarded
    async def set_price(request: Request) -> Response:
        return JSONResponse(shop.set_price(product(request), **await request.json()))

    @functools.partial(guarded, public=True)
    async def log_in(request: Request) -> Response:
        return JSONResponse(shop.log_in(**await request.json()))

    return [
        Route("/orders/{order}", read_order),
        Route("/orders", place_order, methods=["POST"]),
        Route("/orders/{order}/receipt", send_receipt, methods=["POST"]),
        Route("/products", list_products),
        Route("/products/{product}/price", set_price, methods=["PUT"]),
        Route("/login", log_in, methods=["POST"]),
    ]


def app(lab: Lab) -> Starlette:
    api = Starlette(
        routes=served(routes(Shop(lab.database())), lab),
        exception_handlers={HTTPException: http_error},
        middleware=[
            Middleware(CORSMiddleware, allow_origins=[ORIGIN], allow_methods=ALL, allow_headers=ALL, expose_headers=ALL)
        ],
    )
    api.state.limits = configured(lab)
    return api


def start(lab: Lab) -> Api:
    return Api(lab, app)
