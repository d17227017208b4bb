"""The mail service: it takes whatever it is sent."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def send(request: Request) -> JSONResponse:
    return JSONResponse({"sent": request.path_params["order"]})


def mail(lab: Any) -> Starlette:
    return Starlette(routes=[Route("/send/{order}", send, methods=["POST"])])
