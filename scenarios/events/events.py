"""The order's transaction writes a fact to an outbox; a relay publishes it, and any team can consume it.

Good at: a checkout waits for no consumer and knows none. A new team binds its own queue to the facts. A consumer
    that was away finds its messages there later. A slow consumer does not delay the others.
Fails when: the customer waits for the result of a consumer. Or nobody watches the queues: then effects come later
    and later without an error, and dead letters stay until somebody looks.
Costs: a broker to run, a relay, idempotent consumers, and facts on which other teams come to depend.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from archlab.scenario import Design

from .consuming import consumer
from .relaying import relay
from .topology import dead, depth, queue
from .world import EFFECTS, Fact, Order, place, text, transaction, wanted

if TYPE_CHECKING:
    from archlab.lab import Lab

CONSUMERS = ("invoice", "email", "audit", "analytics")
"""Which consumers the shop itself runs. The producer does not know them."""
TABLES = """
    CREATE TABLE outbox (id INTEGER PRIMARY KEY, fact TEXT NOT NULL, published INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX outbox_unpublished ON outbox (id) WHERE published = 0;
"""


def prepare(lab: Lab) -> None:
    lab.database().executescript(TABLES)


class Checkout:
    """The producer. ``reach`` is the relay; to be woken spares it a poll."""

    def __init__(self, lab: Lab, reach: dict[str, Any]) -> None:
        self.lab = lab
        self.shop = lab.database()
        self.reach = reach

    def checkout(self, order: Order) -> int:
        with transaction(self.shop):
            fact = place(self.shop, order)
            self.shop.execute("INSERT INTO outbox (fact) VALUES (?)", (text(fact),))
        self.lab.crash_point("between commit and publish")
        for waiting in self.reach.values():
            waiting.send(order.id)
        return order.id


class Shop:
    done_at_once = False

    def __init__(self, lab: Lab) -> None:
        from .departments import provider

        self.provider = lab.service(provider, "email")
        self.broker = lab.broker()
        with contextlib.closing(self.broker.connect()) as connection:
            channel = connection.channel()
            self.queues = {kind: queue(channel, self.broker, kind) for kind in wanted(lab, CONSUMERS)}
        self.workers = {
            kind: lab.spawn(consumer, f"{kind} consumer", {"email": self.provider}, {"effect": EFFECTS.index(kind)})
            for kind in wanted(lab, CONSUMERS)
        }
        self.relay = lab.spawn(relay, "relay")
        self.checkout = Checkout(lab, {"relay": self.relay}).checkout

    def set_aside(self, lab: Lab, kind: str) -> list[Fact]:
        """The dead letters of a consumer, for somebody to look at. They stay where they are."""
        letters = []
        with contextlib.closing(self.broker.connect()) as connection:
            channel = connection.channel()
            while (letter := channel.basic_get(dead(self.queues[kind])))[2] is not None:
                letters.append(letter[2])
        return [json.loads(body) for body in letters]  # none was acknowledged: all are put back where they were

    def replay(self, lab: Lab, kind: str) -> int:
        """Puts the dead letters of a consumer back into its queue, as if they had just been published; how many."""
        from pika import BasicProperties  # type: ignore[import-untyped]  # pika ships no py.typed marker

        count, name = 0, self.queues[kind]
        with contextlib.closing(self.broker.connect()) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            for _ in range(depth(channel, dead(name))):
                method, _, body = channel.basic_get(dead(name))
                channel.basic_publish("", name, body, BasicProperties(delivery_mode=2), mandatory=True)
                channel.basic_ack(method.delivery_tag)
                count += 1
        return count


DESIGN = Design(
    name="events",
    title="facts on a broker, from an outbox",
    role="pattern",
    why="A checkout says what has happened and knows nobody who listens: they join and leave without it.",
    start=Shop,
    prepare=prepare,
    promises="An order and its fact survive a crash together; a confirmed fact survives the broker.",
    modules=("consuming", "relaying", "topology"),
)
