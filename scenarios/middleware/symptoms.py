"""What a wrong order of the layers looks like from outside; looked for in that order and in the right one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .api import ask
from .endpoints import ENDPOINTS
from .probe import BREAK, FEW, MEND, readable, stopped
from .world import PER_ADDRESS

if TYPE_CHECKING:
    from archlab.lab import Service

RIGHT = "the right order"
READ = ENDPOINTS[0]


def preflight_refused(lab: Any, service: Service) -> bool:
    """A browser asks before it sends a token, without one: 401, and no page can call."""
    asks = {"access_control_request_method": "GET", "access_control_request_headers": "authorization"}
    return ask(service, "OPTIONS", READ.example, **asks).status == 401


def guesses_unlimited(lab: Any, service: Service) -> bool:
    """Forged tokens are tried without end: whoever is refused at the door is never counted."""
    return not stopped(service, READ, FEW * PER_ADDRESS, "", {"authorization": "Bearer ann.0000"})


def neighbours_pay(lab: Any, service: Service) -> bool:
    """One user asks too much, and a user behind the same address is refused: the limiter knows only addresses."""
    for _ in range(FEW + 1):
        ask(service, READ.method, READ.example, "ann")
    return ask(service, READ.method, READ.example, "bob").status == 429


def page_cannot_read(lab: Any, service: Service) -> bool:
    """The answer to an error has no CORS headers: the page is told "network error" instead of what went wrong."""
    return not readable(_failing(lab, service))


def failure_leaves_no_line(lab: Any, service: Service) -> bool:
    """What failed is missing in the access log: the line is written when an answer passes, and none did yet."""
    _failing(lab, service)
    service.stop()
    return not any(line["message"] == "request" and line.get("status") == 500 for line in service.log())


def _failing(lab: Any, service: Service) -> Any:
    database = lab.database()
    database.execute(BREAK.format("orders"))
    answer = ask(service, READ.method, READ.example, "cat")
    database.execute(MEND.format("orders"))
    return answer


ORDERS: tuple[tuple[str, str, Callable[[Any, Service], bool]], ...] = (
    ("authentication outside CORS", "preflight 401", preflight_refused),
    ("limiter inside authentication", "guessing unlimited", guesses_unlimited),
    ("limiter outside authentication alone", "neighbours pay", neighbours_pay),
    ("errors outside CORS", "page cannot read the error", page_cannot_read),
    ("log inside errors", "failure leaves no line", failure_leaves_no_line),
)
"""Name, symptom and how to see it; number n is stack n + 1 of ``orders.STACKS``, whose first is the right one."""
