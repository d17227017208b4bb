"""The API as its callers see it: a service of its own process, and requests to it over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from .endpoints import ENDPOINTS
from .world import ORIGIN, OrderId, token_of

if TYPE_CHECKING:
    from archlab.lab import Answer, Lab, Service

_Route = TypeVar("_Route")


class Api:
    def __init__(self, lab: Lab, app: Callable[[Lab], Any]) -> None:
        self.lab = lab
        self.app = app

    @cached_property
    def service(self) -> Service:
        return self.started("api")

    def started(self, name: str, **settings: float) -> Service:
        """One more process that serves the same application, some knobs turned for it alone."""
        return self.lab.service(self.app, name, settings=settings)

    def read_order(self, order: OrderId, user: str) -> int:
        """What the load asks. Anything but the order would be quick, and no figure of a design that serves it."""
        answer = self.ask("GET", f"/orders/{order}", user)
        if not answer.ok:
            raise RuntimeError(f"GET /orders/{order} was answered {answer.status}")
        return answer.status

    def ask(self, method: str, path: str, user: str = "", content: Any = None, **headers: str) -> Answer:
        return ask(self.service, method, path, user, content, **headers)


def ask(service: Service, method: str, path: str, user: str = "", content: Any = None, **headers: str) -> Answer:
    """One request as a browser's page makes it; ``user`` is whose token it carries, if any."""
    sent = {"origin": ORIGIN} | {name.replace("_", "-"): value for name, value in headers.items()}
    if user:
        sent["authorization"] = f"Bearer {token_of(user)}"
    return service.client.request(method, path, content, sent)


def served(routes: Sequence[_Route], lab: Lab) -> list[_Route]:
    """The first ``endpoints`` of the route table, and whatever a change has added to it."""
    away = {endpoint.name for endpoint in ENDPOINTS[lab.knobs.endpoints :]}
    return [route for route in routes if getattr(route, "name", "") not in away]
