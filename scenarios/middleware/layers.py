"""The concerns as layers: pure ASGI, each a class that takes the application inside it and knows no other."""

from __future__ import annotations

import time
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from archlab.lab import correlation_id

from .limiting import Limits
from .world import REQUEST_ID, Refused, log, milliseconds_since, request_id, user_of


def error(status: int, text: str) -> Response:
    """What everybody gets who gets no answer: one shape, and nothing of what is inside."""
    return JSONResponse({"error": text}, status)


async def http_error(request: Request, raised: Exception) -> Response:
    """For what the router raises: no such path, no such method."""
    assert isinstance(raised, HTTPException)
    return error(raised.status_code, raised.detail.lower())


class CorrelationId:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        correlation = request_id(Headers(scope=scope).get(REQUEST_ID))
        correlation_id.set(correlation)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = correlation
            await send(message)

        await self.app(scope, receive, send_with_id)


class AccessLog:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, status = time.perf_counter(), 0

        async def send_and_log(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)
            # Here and not after the call below: that returns when background tasks have ended, too.
            if message["type"] == "http.response.body" and not message.get("more_body"):
                what = {"method": scope["method"], "path": scope["path"], "status": status}
                log.info("request", extra={**what, "ms": milliseconds_since(began)})

        await self.app(scope, receive, send_and_log)


class Errors:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Refused as refused:
            await error(refused.status, str(refused))(scope, receive, send)
        except Exception:
            log.exception("failed")
            if not started:  # else it failed behind an answer, in a background task
                await error(500, "internal error")(scope, receive, send)


class RateLimit:
    """By address, and once the user is known (inside Authentication) by user."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        user: Any = scope.get("user")
        allowed = self.limits.allow_user(user) if user else self.limits.allow_address(scope["client"][0])
        answer = self.app if allowed else error(429, "too many requests")
        await answer(scope, receive, send)


class Authentication:
    """Everything needs a user, except what is named here: method and path, exactly."""

    def __init__(self, app: ASGIApp, public: frozenset[tuple[str, str]]) -> None:
        self.app = app
        self.public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["user"] = user_of(Headers(scope=scope).get("authorization"))
        allowed = scope["user"] or (scope["method"], scope["path"]) in self.public
        answer = self.app if allowed else error(401, "who are you?")
        await answer(scope, receive, send)
