"""Asks an API from outside, over HTTP, whether each concern holds at each endpoint, and reads its log.

Nothing here knows how a design works. A cell of the grid is 0 where the concern holds and 1 where it does not: a hole.
"""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .api import ask
from .endpoints import CONCERNS, ENDPOINTS, FAILED, NEW, UNKNOWN, Endpoint
from .world import ORIGIN, PER_ADDRESS, REQUEST_ID, token_of

if TYPE_CHECKING:
    from archlab.lab import Answer, Service

FEW = 8
"""Requests a minute that a user may make of the service that is flooded: the code is the same, the flood is short.
With as many users behind an address (PER_ADDRESS), a user of each endpoint can have too many before the address has."""
HOSTILE = '"><script>alert(1)</script>' + "A" * 200
INSIDE = (b"sqlite", b"traceback", b"operationalerror", b"no such table")
"""What must not be in an answer: it tells a stranger how the shop is made."""
BREAK, MEND = "ALTER TABLE {0} RENAME TO {0}_away", "ALTER TABLE {0}_away RENAME TO {0}"
TABLES = ("orders", "products", "users")
Holes = dict[str, dict[str, int]]
"""By endpoint, by concern: 0 or 1. What cannot be asked of an endpoint is not there."""


@dataclass
class Answers:
    """What an endpoint answered, by what was tried."""

    endpoint: Endpoint
    by: dict[str, Answer] = field(default_factory=dict)
    supplied: str = ""


def endpoints(count: int, new: bool, unknown: bool) -> list[Endpoint]:
    return [*ENDPOINTS[:count], *([NEW] if new else []), *([UNKNOWN] if unknown else [])]


def sweep(lab: Any, service: Service, flooded: Service, table: Iterable[Endpoint], concerns: int) -> Holes:
    """Tries everything at every endpoint of ``service``, floods ``flooded``, and stops both to read a complete log."""
    table = list(table)
    seen = [_tried(service, endpoint, number) for number, endpoint in enumerate(table)]
    _fail_everything(lab, service, seen)
    floods = _floods_that_pass(flooded, table) if concerns > 4 else set()
    service.stop()
    lines: defaultdict[str, list[int]] = defaultdict(list)
    for line in service.log():
        if line["message"] == "request":
            lines[line["id"]].append(line["status"])
    grid: Holes = {}
    for answers in seen:
        holds = _holds(answers, lines) | {"rate limit": str(answers.endpoint) not in floods}
        row = {concern: int(not holds[concern]) for concern in CONCERNS[:concerns] if concern in holds}
        grid[str(answers.endpoint)] = row
    return grid


def _tried(service: Service, endpoint: Endpoint, number: int) -> Answers:
    seen = Answers(endpoint, supplied=f"supplied-{number:04d}")

    def tried(what: str, user: str = "", **headers: str) -> None:
        seen.by[what] = ask(service, endpoint.method, endpoint.example, user, endpoint.content, **headers)

    tried("stranger")
    tried("forged", authorization="Bearer ann.0000")
    tried("user", "ann", x_request_id=seen.supplied)
    tried("hostile", "ann", x_request_id=HOSTILE)
    asks = {"access_control_request_method": endpoint.method, "access_control_request_headers": "authorization"}
    seen.by["preflight"] = ask(service, "OPTIONS", endpoint.example, **asks)
    return seen


def _fail_everything(lab: Any, service: Service, seen: list[Answers]) -> None:
    database = lab.database()
    for table in TABLES:
        database.execute(BREAK.format(table))
    for answers in seen:
        endpoint = answers.endpoint
        if endpoint is not UNKNOWN:
            answers.by["failing"] = ask(service, endpoint.method, endpoint.example, "ann", endpoint.content)
    if any(answers.by["failing"].status >= 500 for answers in seen if "failing" in answers.by):
        lab.struck(FAILED)
    for table in TABLES:
        database.execute(MEND.format(table))


def _floods_that_pass(service: Service, table: list[Endpoint]) -> set[str]:
    """Where more requests are served than anybody may make: to one user, or to somebody who guesses tokens.

    Users first, each endpoint's its own: once their address has had too many, no user's limit is seen any more."""
    passed = set()
    for number, endpoint in enumerate(table):
        if not endpoint.public and not stopped(service, endpoint, FEW, f"flooding-{number}", {}):
            passed.add(str(endpoint))
    for endpoint in table:
        guesser = {} if endpoint.public else {"authorization": "Bearer ann.0000"}
        if not stopped(service, endpoint, FEW * PER_ADDRESS, "", guesser):
            passed.add(str(endpoint))
    return passed


def stopped(service: Service, endpoint: Endpoint, most: int, user: str, headers: dict[str, str]) -> bool:
    """Whether one of ``most`` + 1 requests is answered 429."""
    return any(
        ask(service, endpoint.method, endpoint.example, user, endpoint.content, **headers).status == 429
        for _ in range(most + 1)
    )


def crowd(service: Service, paths: list[str], user: str) -> int:
    """Asks for many paths on one connection without waiting for each answer (HTTP pipelining); how many answered 200.

    It is there to fill the log: one answer after the other would take twice as long.
    """
    from archlab.lab import HOST  # here: what is imported with the scenario is imported by `archlab list`

    answered = 0
    for some in (paths[i : i + 200] for i in range(0, len(paths), 200)):
        head = f"Host: {ORIGIN}\r\nAuthorization: Bearer {token_of(user)}\r\n"
        asked = [f"GET {path} HTTP/1.1\r\n{head}\r\n" for path in some]
        asked[-1] = asked[-1].replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
        with socket.create_connection((HOST, service.ready().port), timeout=10) as connection:
            connection.sendall("".join(asked).encode())
            with connection.makefile("rb") as answers:
                answered += answers.read().count(b"HTTP/1.1 200")
    return answered


def _holds(seen: Answers, lines: dict[str, list[int]]) -> dict[str, bool]:
    by, endpoint = seen.by, seen.endpoint
    failing = by.get("failing", by["user"])
    ids = [answer.headers.get(REQUEST_ID) for answer in by.values() if answer is not by["preflight"]]
    holds = {
        "errors": failing.status in (404, 500)
        and _says_error(failing)
        and not any(i in failing.body.lower() for i in INSIDE),
        "request id": by["user"].headers.get(REQUEST_ID) == seen.supplied
        and by["hostile"].headers.get(REQUEST_ID) not in (None, HOSTILE)
        and all(ids),
        "log line": all(
            correlation is not None and lines.get(correlation) == [answer.status]
            for correlation, answer in zip(ids, (a for a in by.values() if a is not by["preflight"]), strict=True)
        ),
        "CORS": by["preflight"].ok and all(readable(answer) for answer in by.values()),
    }
    if endpoint is not UNKNOWN and by["user"].ok:  # where it serves nobody, who may pass cannot be told
        refused = by["stranger"].status == by["forged"].status == 401
        holds["authentication"] = by["stranger"].ok if endpoint.public else refused
    return holds


def _says_error(answer: Answer) -> bool:
    """Whether a program can read what went wrong."""
    try:
        return isinstance(answer.json(), dict)
    except ValueError:
        return False


def readable(answer: Answer) -> bool:
    """Whether a browser lets the page that asked read the answer."""
    return answer.headers.get("access-control-allow-origin") in (ORIGIN, "*")
