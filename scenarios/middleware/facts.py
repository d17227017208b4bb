"""Facts that surprise: small applications, each of which shows one. Every one was a night of somebody's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .layers import Errors
from .world import ORIGIN, log, milliseconds_since

if TYPE_CHECKING:
    from archlab.lab import Lab

TASK = 0.1
"""Seconds that a background task takes: so much longer than an answer that a busy machine does not hide it."""
SEEN = "x-seen"
tenant: ContextVar[str] = ContextVar("tenant", default="nothing")

Next = Callable[[Request], Awaitable[Response]]


class Pure:
    """A layer that does nothing but be there."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class Based(BaseHTTPMiddleware):
    """The same, on Starlette's base class."""

    async def dispatch(self, request: Request, call_next: Next) -> Response:
        return await call_next(request)


class PureSees:
    """Tells what it sees of a variable that the endpoint has set."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[SEEN] = tenant.get()
            await send(message)

        await self.app(scope, receive, tell)


class BasedSees(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Next) -> Response:
        response = await call_next(request)
        response.headers[SEEN] = tenant.get()
        return response


class Timer:
    """Times the call of the application: it returns when its background tasks have ended."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        await self.app(scope, receive, send)
        log.info("timed", extra={"ms": milliseconds_since(began)})


async def fail(request: Request) -> Response:
    raise RuntimeError("nobody expected this")


async def sets(request: Request) -> Response:
    tenant.set("set")
    return JSONResponse({})


def sets_in_thread(request: Request) -> Response:
    tenant.set("set")
    return JSONResponse({})


async def into_executor(request: Request) -> Response:
    tenant.set("set")
    return JSONResponse({"seen": await asyncio.get_running_loop().run_in_executor(None, tenant.get)})


async def to_thread(request: Request) -> Response:
    tenant.set("set")
    return JSONResponse({"seen": await asyncio.to_thread(tenant.get)})


async def works_on(request: Request) -> Response:
    return JSONResponse({}, background=BackgroundTask(asyncio.sleep, TASK))


def surprises(lab: Lab) -> Starlette:
    cors = Middleware(CORSMiddleware, allow_origins=[ORIGIN])
    endpoints = [Route("/sets", sets), Route("/sets-in-thread", sets_in_thread), Route("/fail", fail)]

    def stack(*layers: Middleware) -> Any:
        return Starlette(routes=list(endpoints), middleware=list(layers))

    return Starlette(
        routes=[
            Mount("/cors-outside", stack(cors, Middleware(Pure))),
            Mount("/cors-inside", stack(Middleware(Pure), cors)),
            Mount("/cors-around-catcher", stack(cors, Middleware(Errors))),
            Mount("/pure", stack(Middleware(PureSees))),
            Mount("/based", stack(Middleware(BasedSees))),
            Mount("/timed", Starlette(routes=[Route("/", works_on)], middleware=[Middleware(Timer)])),
            Route("/executor", into_executor),
            Route("/thread", to_thread),
        ]
    )


LAYERS = 5


def bare(lab: Lab) -> Starlette:
    return Starlette(routes=[Route("/", sets)])


def pure(lab: Lab) -> Starlette:
    return Starlette(routes=[Route("/", sets)], middleware=[Middleware(Pure)] * LAYERS)


def based(lab: Lab) -> Starlette:
    return Starlette(routes=[Route("/", sets)], middleware=[Middleware(Based)] * LAYERS)
