"""The services of the scenario."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from archlab.lab.logs import correlation_id

log = logging.getLogger("web")


DIES = 13
"""The rate at which a greeter ends when it is asked."""
FAILS_AT_START = 17
"""The rate at which the start-up of a lively service fails."""


def greeter(lab: Any) -> Starlette:
    async def hello(request: Any) -> JSONResponse:
        lab.crash_point("before the answer")
        if lab.knobs.rate == DIES:
            await die(request)
        correlation_id.set(request.headers.get("x-request-id", ""))
        log.info("greeted %s", request.path_params["name"], extra={"path": request.url.path})
        lab.crash_point("between effect and answer")
        return JSONResponse({"hello": request.path_params["name"], "rate": lab.knobs.rate})

    async def later(request: Any) -> JSONResponse:
        async def work() -> None:
            await asyncio.sleep(0.05)
            log.info("worked")

        return JSONResponse({}, background=BackgroundTask(work))

    async def fail(request: Any) -> JSONResponse:
        raise ValueError("on purpose")

    async def die(request: Any) -> JSONResponse:
        log.warning("about to end")
        os._exit(7)

    return Starlette(
        routes=[
            Route("/hello/{name}", hello, methods=["GET", "POST"]),
            Route("/later", later),
            Route("/fail", fail),
            Route("/die", die),
        ]
    )


def relaying(lab: Any) -> Starlette:
    def hello(request: Any) -> JSONResponse:
        return JSONResponse(lab.peers.greeter.get(f"/hello/{request.path_params['name']}").json())

    return Starlette(routes=[Route("/hello/{name}", hello)])


def lively(lab: Any) -> Starlette:
    """Has a start-up and a shutdown, talks over a websocket, and says whom it takes a caller for."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        log.info("started up")
        if lab.knobs.rate == FAILS_AT_START:
            raise ValueError("no connection to the stock")
        yield
        log.info("shut down")

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        with suppress(WebSocketDisconnect):
            while True:
                await socket.send_text(f"you said {await socket.receive_text()}")

    async def caller(request: Any) -> JSONResponse:
        return JSONResponse({"host": request.client.host, "scheme": request.url.scheme})

    return Starlette(routes=[WebSocketRoute("/talk", talk), Route("/caller", caller)], lifespan=lifespan)


def broken(lab: Any) -> Starlette:
    log.info("looking for the key")
    raise RuntimeError("there is no key")


def tired(lab: Any) -> Starlette:
    raise SystemExit("tired of it")


def stopped(lab: Any) -> Starlette:
    raise KeyboardInterrupt


class Running(SimpleNamespace):
    def greet(self, name: str) -> Any:
        return self.front.client.get(f"/hello/{name}").json()


def direct(lab: Any) -> Running:
    service = lab.service(greeter, "greeter")
    return Running(front=service, greeter=service)


def relay(lab: Any) -> Running:
    service = lab.service(greeter, "greeter")
    return Running(front=lab.service(relaying, "relay", calls={"greeter": service}), greeter=service)
