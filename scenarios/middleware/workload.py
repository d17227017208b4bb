"""What every design starts from, and the requests that it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archlab.scenario import Answered, Request

from .endpoints import ENDPOINTS
from .world import SCHEMA, OrderId, hashed, transaction

if TYPE_CHECKING:
    from archlab.lab import Answer, Lab

FIRST = 700_001
"""Orders are numbered from here on, so that a log line about one can be told by its number."""
ORDERS = 1000
UNRENDERABLE, UNMAILABLE = OrderId(FIRST + 500), OrderId(FIRST + 501)
"""Two orders of the thousand have a broken address, one to send to and one to mail to: as happens to data."""


def seed(lab: Lab) -> None:
    shop = lab.database()
    shop.executescript(SCHEMA)
    titles = ("Kettle", "Lamp", "Mug", "Chair", "Desk")
    with transaction(shop):
        for product, title in enumerate(titles, 1):
            shop.execute("INSERT INTO products VALUES (?, ?, ?)", (product, title, 500 + lab.random.randrange(5000)))
        for order in range(FIRST, FIRST + ORDERS):
            address = "{broken" if order == UNRENDERABLE else '{"city": "Utrecht"}'
            mail = "nobody" if order == UNMAILABLE else "me@shop.example"
            what = (1 + lab.random.randrange(len(titles)), 1 + lab.random.randrange(3))
            shop.execute("INSERT INTO orders VALUES (?, ?, ?, ?, ?, 'placed')", (order, *what, address, mail))
        shop.execute("INSERT INTO users VALUES ('ann', ?)", (hashed("ann's"),))


def requests(lab: Lab, n: int) -> list[Request]:
    """Orders read by many users, evenly spaced."""
    some = [(OrderId(FIRST + lab.random.randrange(400)), f"user-{lab.random.randrange(50)}") for _ in range(n)]
    return [Request(i / lab.knobs.rate, "read_order", arguments) for i, arguments in enumerate(some)]


def answers(lab: Lab, design: Any) -> list[Answered]:
    """What the endpoints that there are answer to whoever may ask and whoever may not."""
    said = []
    for endpoint in ENDPOINTS[: lab.knobs.endpoints]:
        for user in ("ann", ""):
            answer = design.ask(endpoint.method, endpoint.example, user, endpoint.content)
            who = user or "a stranger"
            said.append(Answered(f"{endpoint} by {who}", {"status": answer.status, "body": _said(answer)}))
    return said


def _said(answer: Answer) -> Any:
    """What a program understands of an answer; one that is not JSON is another answer, not the end of the run."""
    try:
        return answer.json()
    except ValueError:
        return answer.body
