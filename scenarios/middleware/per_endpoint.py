"""Every endpoint does what it needs: who is it, is it too much, which request is it, what if it fails, what was asked.

Good at: one can read an endpoint from top to bottom, and all that happens to its requests stands there. With two
    endpoints that is the least there is to know; and each may differ where it must.
Fails when: there are many, and many people who add to them. What is not written is not there, and nothing says so. What
    answers without an endpoint (no such path) has none of it; what an endpoint calls does not know for which request.
Costs: a dozen lines for every endpoint, and every change of a policy as often as there are endpoints.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .api import Api, served
from .limiting import Limits, configured
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


def error(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status)


def finished(request: Request, answer: Response, correlation: str, began: float) -> Response:
    answer.headers[REQUEST_ID] = correlation
    what = {"id": correlation, "method": request.method, "path": request.url.path, "status": answer.status_code}
    log.info("request", extra={**what, "ms": milliseconds_since(began)})
    return answer


def admitted(request: Request, limits: Limits) -> bool:
    assert request.client is not None
    return limits.allow_address(request.client.host)


def user(request: Request) -> str | None:
    return user_of(request.headers.get("authorization"))


def routes(shop: Shop, limits: Limits) -> list[Route]:
    def order(request: Request) -> OrderId:
        return OrderId(int(request.path_params["order"]))

    def product(request: Request) -> ProductId:
        return ProductId(int(request.path_params["product"]))

    async def read_order(request: Request) -> Response:
        correlation, began = request_id(request.headers.get(REQUEST_ID)), time.perf_counter()
        try:
            if not admitted(request, limits):
                answer = error(429, "too many requests")
            elif not (who := user(request)):
                answer = error(401, "who are you?")
            elif not limits.allow_user(who):
                answer = error(429, "too many requests")
            else:
                answer = JSONResponse(shop.read_order(order(request)))
        except Refused as refused:
            answer = error(refused.status, str(refused))
        except Exception:
            log.exception("failed", extra={"id": correlation})
            answer = error(500, "internal error")
        return finished(request, answer, correlation, began)

    async def place_order(request: Request) -> Response:
        correlation, began = request_id(request.headers.get(REQUEST_ID)), time.perf_counter()
        try:
            if not admitted(request, limits):
                answer = error(429, "too many requests")
            elif not (who := user(request)):
                answer = error(401, "who are you?")
            elif not limits.allow_user(who):
                answer = error(429, "too many requests")
            else:
                answer = JSONResponse(shop.place_order(**await request.json()), 201)
        except Refused as refused:
            answer = error(refused.status, str(refused))
        except Exception:
            log.exception("failed", extra={"id": correlation})
            answer = error(500, "internal error")
        return finished(request, answer, correlation, began)

    async def send_receipt(request: Request) -> Response:
        correlation, began = request_id(request.headers.get(REQUEST_ID)), time.perf_counter()
        try:
            if not admitted(request, limits):
                answer = error(429, "too many requests")
            elif not (who := user(request)):
                answer = error(401, "who are you?")
            elif not limits.allow_user(who):
                answer = error(429, "too many requests")
            else:
                receipt = await asyncio.to_thread(shop.render_receipt, order(request))
                mail = BackgroundTask(shop.mail_receipt, order(request), receipt)
                answer = JSONResponse({"status": "on its way"}, 202, background=mail)
        except Refused as refused:
            answer = error(refused.status, str(refused))
        except Exception:
            log.exception("failed", extra={"id": correlation})
            answer = error(500, "internal error")
        return finished(request, answer, correlation, began)

    async def list_products(request: Request) -> Response:
        correlation, began = request_id(request.headers.get(REQUEST_ID)), time.perf_counter()
        try:
            answer = (
                JSONResponse(shop.list_products()) if admitted(request, limits) else error(429, "too many requests")
            )
        except Refused as refused:
            answer = error(refused.status, str(refused))
        except Exception:
            log.exception("failed", extra={"id": correlation})
            answer = error(500, "internal error")
        return finished(request, answer, correlation, began)

    async def set_price(request: Request) -> Response:
        correlation, began = request_id(request.headers.get(REQUEST_ID)), time.perf_counter()
        try:
            if not admitted(request, limits):
                answer = error(429, "too many requests")
            elif not (who := user(request)):
                answer = error(401, "who are you?")
            elif not limits.allow_user(who):
                answer = error(429, "too many requests")
            else:
                answer = JSONResponse(shop.set_price(product(request), **await request.json()))
        except Refused as refused:
            answer = error(refused.status, str(refused))
        except Exception:
            log.exception("failed", extra={"id": correlation})
            answer = error(500, "internal error")
        return finished(request, answer, correlation, began)

    async def log_in(request: Request) -> Response:
        correlation, began = request_id(request.headers.get(REQUEST_ID)), time.perf_counter()
        try:
            answer = (
                JSONResponse(shop.log_in(**await request.json()))
                if admitted(request, limits)
                else error(429, "too many requests")
            )
        except Refused as refused:
            answer = error(refused.status, str(refused))
        except Exception:
            log.exception("failed", extra={"id": correlation})
            answer = error(500, "internal error")
        return finished(request, answer, correlation, began)

    return [
        Route("/orders/{order}", read_order),
        Route("/orders", place_order, methods=["POST"]),
        Route("/orders/{order}/receipt", send_receipt, methods=["POST"]),
        Route("/products", list_products),
        Route("/products/{product}/price", set_price, methods=["PUT"]),
        Route("/login", log_in, methods=["POST"]),
    ]


def app(lab: Lab) -> Starlette:
    return Starlette(
        routes=served(routes(Shop(lab.database()), configured(lab)), lab),
        middleware=[
            Middleware(CORSMiddleware, allow_origins=[ORIGIN], allow_methods=ALL, allow_headers=ALL, expose_headers=ALL)
        ],
    )


def start(lab: Lab) -> Api:
    return Api(lab, app)
