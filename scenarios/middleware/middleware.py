"""The concerns are a stack of layers around the whole API; endpoints hold business logic alone.

Good at: whatever the server is asked passes the same layers: an endpoint of somebody who has never heard of them, a
    path that does not exist, a method that is not allowed, an error that nobody expected. A policy has one place.
Fails when: the order is wrong, which no type checker sees (``misordered``), or when exceptions to the rule grow into a
    list of paths (``exempted``). What depends on the object ("is this *your* order?") does not belong in a layer.
Costs: a reader must know that the layers are there, and in which order; every request passes every layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    from archlab.lab import Lab

PUBLIC = frozenset({("GET", "/products"), ("POST", "/login")})


def app(lab: Lab) -> Starlette:
    limits = configured(lab)
    return Starlette(
        routes=served(handlers.routes(Shop(lab.database())), lab),
        exception_handlers={HTTPException: http_error},
        middleware=[
            Middleware(CorrelationId),  # outermost: every line and every answer has an id
            Middleware(AccessLog),  # sees every answer, whoever gives it
            # Outside Authentication: a preflight has no credentials.
            Middleware(
                CORSMiddleware, allow_origins=[ORIGIN], allow_methods=ALL, allow_headers=ALL, expose_headers=ALL
            ),
            Middleware(Errors),  # inside CORS: a page may read the error, too
            Middleware(RateLimit, limits=limits),  # by address: a failed login counts
            Middleware(Authentication, public=PUBLIC),
            Middleware(RateLimit, limits=limits),  # by user: neighbours at one address do not pay for each other
        ],
    )


def start(lab: Lab) -> Api:
    return Api(lab, app)
