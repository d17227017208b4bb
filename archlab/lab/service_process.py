"""Runs uvicorn with the application that a design built, on a socket handed to it: the child's side."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from multiprocessing.connection import Connection
from socket import socket
from time import perf_counter_ns
from typing import Any

import uvicorn
from starlette.applications import Starlette

from archlab.failure import describe
from archlab.lab import logs, versions
from archlab.lab.lab import Lab
from archlab.lab.setting import Setting
from archlab.tracing import Recorder

Scope = MutableMapping[str, Any]
ASGIApp = Callable[[Scope, Any, Any], Awaitable[None]]

SENT = "archlab.sent"
"""In a request's scope: when the last of its answer was handed to the socket (ns), once it was."""


def serve(
    setting: Setting, place: tuple[str, str, str], name: str, listener: socket, wire: Connection, crash_at: str | None
) -> None:
    """Builds the application at ``place`` (folder of a version or "", module, name), says that it is ready, serves
    until told to stop, and leaves spans and log behind."""
    log = setting.folder / f"log-{name}.jsonl"
    logs.write_to(log, name)
    try:
        lab = Lab(setting, name, crash_at)
        app = _built(place, lab)
        lifespan = _Lifespan(app)
        config = uvicorn.Config(
            lifespan,
            http="h11",
            ws="websockets-sansio",
            proxy_headers=False,  # else any client could claim to have another address, by X-Forwarded-For
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,
            reset_contextvars=True,  # else a pipelined request inherits the correlation id of the one before it
        )
        try:
            asyncio.run(_Server(config, wire).serve([listener]))
        except SystemExit:  # uvicorn's way to say that the application's start-up failed
            raise lifespan.failure or RuntimeError("its start-up failed") from None
    except BaseException as error:  # sys.exit and KeyboardInterrupt are the design's own: Ctrl-C is archlab's
        logging.getLogger("archlab").exception("this service failed")
        wire.send(("failed", describe(error)))
        sys.exit(1)
    lab.close(finish=True)


def _built(place: tuple[str, str, str], lab: Lab) -> ASGIApp:
    module, function = versions.loaded(place), place[2]
    if lab.recorder is None:
        app: ASGIApp = getattr(module, function)(lab)
        return app
    for step, shown in lab.design.steps.items():
        call = getattr(module, step, None)
        if callable(call):
            setattr(module, step, _step(call, lab.recorder, shown))
    return traced(getattr(module, function)(lab), lab.recorder)


def _step(call: Callable[..., Any], recorder: Recorder, shown: str) -> Callable[..., Any]:
    """A function of the design as a step of the trace. One that decorates is a step whenever what it made is called."""
    if inspect.iscoroutinefunction(call):
        return recorder.wrap_async(shown, call)
    recorded = recorder.wrap(shown, call)

    def step(*arguments: Any, **named: Any) -> Any:
        made = recorded(*arguments, **named)
        return recorder.wrap_async(shown, made) if inspect.iscoroutinefunction(made) else made

    return step


class _Lifespan:
    """The application, and why its start-up failed: uvicorn only logs that."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.failure: Exception | None = None

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return

        async def watched(message: Mapping[str, Any]) -> None:
            if message["type"] == "lifespan.startup.failed":
                self.failure = RuntimeError(message.get("message") or "its start-up failed")
                message = {"type": message["type"]}  # the reason is told once, by whoever catches the failure
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if self.failure is not None:
                self.failure = error  # it says where, which the message may not
            raise


class _Server(uvicorn.Server):
    """uvicorn, except that it says when it serves, is stopped through a pipe, and waits for events instead of ticks."""

    def __init__(self, config: uvicorn.Config, wire: Connection) -> None:
        super().__init__(config)
        self._wire = wire

    async def serve(self, sockets: list[socket] | None = None) -> None:
        # No handlers for signals: Ctrl-C is archlab's alone, and it ends its children through the pipe.
        await self._serve(sockets)

    async def main_loop(self) -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()

        def listen() -> None:
            try:
                self._wire.recv()
            except (EOFError, OSError):
                return  # the parent went: this process ends with it
            loop.call_soon_threadsafe(stopped.set)

        threading.Thread(target=listen, daemon=True).start()
        self._wire.send(("ready", ""))
        await stopped.wait()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Lets requests and their background tasks end, and closes what is idle."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.tasks:
            await asyncio.wait(set(self.server_state.tasks))
        await self.lifespan.shutdown()


def traced(app: ASGIApp, recorder: Recorder) -> ASGIApp:
    """The application with spans for the request, for every layer of middleware and for the endpoint."""
    if isinstance(app, Starlette):
        for layer in app.user_middleware:
            layer.cls = _layer(layer.cls, recorder)
        for route in app.routes:
            if hasattr(route, "endpoint"):
                route.app = _spanned(route.app, recorder, getattr(route, "name", "endpoint"))  # type: ignore[attr-defined]
    inside = _spanned(app, recorder, None)

    async def follow(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        recorder.follow(headers.get(b"traceparent", b"").decode() or None)

        async def watched(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                scope[SENT] = perf_counter_ns()
            await send(message)

        await inside(scope, receive, watched)

    return follow


def _layer(cls: Callable[..., ASGIApp], recorder: Recorder) -> Callable[..., ASGIApp]:
    name = re.sub(r"Middleware$", "", getattr(cls, "__name__", "layer"))
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()

    def make(app: ASGIApp, *arguments: Any, **named: Any) -> ASGIApp:
        return _spanned(cls(app, *arguments, **named), recorder, name)

    return make


def _spanned(app: ASGIApp, recorder: Recorder, name: str | None) -> ASGIApp:
    async def spanned(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        begun = recorder.begin()
        try:
            await app(scope, receive, send)
        finally:
            # Once the answer is on its way the caller goes on: what is left here runs beside it.
            attributes = {"http.request.method": scope["method"], "url.path": scope["path"]} if name is None else None
            recorder.end(begun, name or f"{scope['method']} {scope['path']}", attributes, scope.get(SENT))

    return spanned
