"""The right layers in the right order, and lists of paths that some of them skip. Each entry had a good reason.

Good at: one line lets the balancer ask for health, keeps the log readable, or helps a customer who was locked out;
    on the day.
Fails when: the list is older than the endpoints. An entry is a prefix, and says nothing about methods: whatever is
    added below it later is exempt, too, and nobody who adds it has read the list.
Costs: to know what holds for an endpoint one reads the stack and every list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from . import handlers
from .api import Api, served
from .layers import AccessLog, Authentication, CorrelationId, Errors, RateLimit, http_error
from .limiting import configured
from .world import ALL, ORIGIN, Shop

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from archlab.lab import Lab

OPEN = (
    "/login",
    "/health",  # the balancer has no account
    "/products",  # the shop window is for everybody
)
QUIET = (
    "/health",  # every second, from every balancer
    "/products",  # nine lines of ten were people looking
)
UNLIMITED = (
    "/health",
    "/login",  # one office, one address: its people were locked out on the day of the sale
)


class Except:
    """A layer, except for paths that begin with one of ``paths``."""

    def __init__(self, app: ASGIApp, layer: Any, paths: tuple[str, ...], /, **settings: Any) -> None:
        self.app, self.layer, self.paths = app, layer(app, **settings), paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exempt = scope["type"] == "http" and scope["path"].startswith(self.paths)
        await (self.app if exempt else self.layer)(scope, receive, send)


def app(lab: Lab) -> Starlette:
    limits = configured(lab)
    return Starlette(
        routes=served(handlers.routes(Shop(lab.database())), lab),
        exception_handlers={HTTPException: http_error},
        middleware=[
            Middleware(CorrelationId),
            Middleware(Except, AccessLog, QUIET),
            Middleware(
                CORSMiddleware, allow_origins=[ORIGIN], allow_methods=ALL, allow_headers=ALL, expose_headers=ALL
            ),
            Middleware(Errors),
            Middleware(Except, RateLimit, UNLIMITED, limits=limits),
            Middleware(Except, Authentication, OPEN, public=frozenset()),
            Middleware(Except, RateLimit, UNLIMITED, limits=limits),
        ],
    )


def start(lab: Lab) -> Api:
    return Api(lab, app)
