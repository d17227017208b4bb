"""Orders of the layers that look plausible, outermost first, and the symptom that each has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from . import handlers
from .layers import AccessLog, Authentication, CorrelationId, Errors, RateLimit, http_error
from .limiting import Limits
from .middleware import PUBLIC
from .world import ALL, ORIGIN, PER_ADDRESS, Shop

if TYPE_CHECKING:
    from archlab.lab import Lab

ID, LOG, CORS, ERRORS, LIMIT, LOGIN = "id", "log", "cors", "errors", "limit", "authentication"
STACKS: tuple[tuple[str, ...], ...] = (
    (ID, LOG, CORS, ERRORS, LIMIT, LOGIN, LIMIT),
    (ID, LOG, LOGIN, CORS, ERRORS, LIMIT),
    (ID, LOG, CORS, ERRORS, LOGIN, LIMIT),
    (ID, LOG, CORS, ERRORS, LIMIT, LOGIN),
    (ID, LOG, ERRORS, CORS, LIMIT, LOGIN, LIMIT),
    (ID, CORS, ERRORS, LOG, LIMIT, LOGIN, LIMIT),
)
"""By number, as in ``symptoms.ORDERS``."""


def app(lab: Lab) -> Starlette:
    order = STACKS[int(lab.knobs.order)]
    # Alone it has one number for all: what a user may make is what an address may make.
    alone = order.count(LIMIT) == 1 and order.index(LIMIT) < order.index(LOGIN)
    limits = Limits(lab.knobs.limit / PER_ADDRESS if alone else lab.knobs.limit)
    layers = {
        ID: Middleware(CorrelationId),
        LOG: Middleware(AccessLog),
        CORS: Middleware(CORSMiddleware, allow_origins=[ORIGIN], allow_methods=ALL, allow_headers=ALL),
        ERRORS: Middleware(Errors),
        LIMIT: Middleware(RateLimit, limits=limits),
        LOGIN: Middleware(Authentication, public=PUBLIC),
    }
    return Starlette(
        routes=handlers.routes(Shop(lab.database())),
        exception_handlers={HTTPException: http_error},
        middleware=[layers[name] for name in order],
    )
