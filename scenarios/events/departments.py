"""The HTTP services: the shop's departments, each with its own store, and the third party that sends mails."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from .world import UNUSABLE, Unusable, own, record, record_once

if TYPE_CHECKING:
    from archlab.lab import Lab


def department(lab: Lab) -> Starlette:
    """One department: it does what follows from an order for it, once for every event."""
    kind = own(lab)
    store = lab.database(kind)

    async def do(request: Any) -> JSONResponse:
        fact = await request.json()
        lab.crash_point("before the effect")
        try:
            record_once(store, fact)
        except Unusable as error:
            return JSONResponse({"error": str(error)}, UNUSABLE)
        lab.crash_point("between effect and answer")
        return JSONResponse({"done": fact["order"]})

    return Starlette(routes=[Route("/effects", do, methods=["POST"])])


def provider(lab: Lab) -> Starlette:
    """The third party. It honours an idempotency key where the knob says so, and is as slow as it is told to be."""
    sent = lab.database("email")
    slower, honours_keys = 0.0, bool(lab.knobs.honours_keys)

    async def send(request: Any) -> JSONResponse:
        fact, key = await request.json(), request.headers.get("idempotency-key")
        await asyncio.sleep(lab.knobs.email_ms / 1000 + slower)
        try:
            if honours_keys and key:
                record_once(sent, fact | {"event": key})
            else:
                record(sent, fact)
        except Unusable as error:
            return JSONResponse({"error": str(error)}, UNUSABLE)
        return JSONResponse({"done": fact["order"]})

    async def slow(request: Any) -> JSONResponse:
        nonlocal slower
        slower = (await request.json())["seconds"]
        return JSONResponse({})

    async def keys(request: Any) -> JSONResponse:
        nonlocal honours_keys
        honours_keys = (await request.json())["honours"]
        return JSONResponse({})

    routes = {"/effects": send, "/slow": slow, "/keys": keys}
    return Starlette(routes=[Route(path, does, methods=["POST"]) for path, does in routes.items()])
