"""The order's transaction writes a fact to an outbox; a relay publishes it, and whoever wants to know consumes it.

Good at: a checkout waits for nobody and knows nobody. Who joins binds a queue of their own to the facts, and who is
    away finds them there afterwards. One slow consumer keeps no other waiting.
Fails when: the customer waits for what a consumer will do, or nobody watches the queues: nothing fails loudly, it
    only gets later, and dead letters lie there until somebody looks.
Costs: a broker to run, a relay, an idempotent consumer everywhere, and facts that others come to depend on.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archlab.scenario import Design

from .consuming import RECONNECT, consumer, reached
from .topology import PLACED, dead, exchange, queue
from .world import EFFECTS, Fact, Order, place, text, transaction, wanted

if TYPE_CHECKING:
    from archlab.lab import Inbox, Lab

CONSUMERS = ("invoice", "email", "audit", "analytics")
"""Which consumers the shop itself runs. The producer does not know them."""
TABLES = """
    CREATE TABLE outbox (id INTEGER PRIMARY KEY, fact TEXT NOT NULL, published INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX outbox_unpublished ON outbox (id) WHERE published = 0;
"""
POLL = 0.05
"""Seconds between two looks where nobody says that there is something to publish."""


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
        for relay in self.reach.values():
            relay.send(order.id)
        return order.id


class Relay:
    """Publishes what stands in the outbox. A row is marked once the broker has confirmed that it keeps the message."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.shop = lab.database()

    def publish(self, inbox: Inbox) -> None:
        """Until the process is asked to end, or the broker goes away."""
        from pika import BasicProperties  # type: ignore[import-untyped]  # pika ships no py.typed marker
        from pika.exceptions import UnroutableError  # type: ignore[import-untyped]  # the same

        broker = self.lab.broker()
        channel = broker.connect(port=reached(self.lab)).channel()
        facts, kept = exchange(channel, broker), BasicProperties(delivery_mode=2, content_type="application/json")
        channel.confirm_delivery()
        inbox.reached(0)
        while True:
            for row, fact in self.shop.execute(
                "SELECT id, fact FROM outbox WHERE published = 0 ORDER BY id"
            ).fetchall():
                try:
                    channel.basic_publish(facts, PLACED, fact.encode(), kept, mandatory=True)
                except UnroutableError:
                    self.lab.seen("a fact reaches no queue")
                    break
                self.lab.crash_point("between publish and mark")
                self.shop.execute("UPDATE outbox SET published = 1 WHERE id = ?", (row,))
            channel.connection.process_data_events(0)  # heartbeats
            inbox.receive(timeout=POLL)


def relay(lab: Lab, inbox: Inbox) -> None:
    from pika.exceptions import AMQPError

    own = Relay(lab)
    while True:
        try:
            own.publish(inbox)
        except AMQPError:
            inbox.receive(timeout=RECONNECT)


class Shop:
    done_at_once = False

    def __init__(self, lab: Lab) -> None:
        from .departments import provider

        self.provider = lab.service(provider, "email")
        self.broker = lab.broker()
        self.channel = self.broker.connect().channel()
        self.queues = {kind: queue(self.channel, self.broker, kind) for kind in wanted(lab, CONSUMERS)}
        self.workers = {
            kind: lab.spawn(consumer, f"{kind} consumer", {"email": self.provider}, {"effect": EFFECTS.index(kind)})
            for kind in wanted(lab, CONSUMERS)
        }
        self.relay = lab.spawn(relay, "relay")
        self.checkout = Checkout(lab, {"relay": self.relay}).checkout

    def set_aside(self, lab: Lab, kind: str) -> list[Fact]:
        """The dead letters of a consumer, for somebody to look at. They stay where they are."""
        found, letters = dead(self.queues[kind]), []
        while (letter := self.channel.basic_get(found))[0] is not None:
            letters.append(letter)
        for method, _, _ in letters:
            self.channel.basic_nack(method.delivery_tag, requeue=True)
        return [json.loads(body) for _, _, body in letters]


DESIGN = Design(
    name="events",
    title="facts on a broker, from an outbox",
    role="pattern",
    why="A checkout says what has happened and knows nobody who listens: they join and leave without it.",
    start=Shop,
    prepare=prepare,
    promises="An order and its fact survive a crash together; a confirmed fact survives the broker.",
    modules=("consuming", "topology"),
)
