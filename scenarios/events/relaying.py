"""The relay: publishes the rows of the outbox, and marks those that the broker has confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .consuming import RECONNECT, reached
from .topology import PLACED, exchange

if TYPE_CHECKING:
    from archlab.lab import Inbox, Lab

UNPUBLISHED = "SELECT id, fact FROM outbox WHERE published = 0 ORDER BY id LIMIT ?"
POLL = 0.05
"""Seconds between two looks where nobody says that there is something to publish."""


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
            waiting = inbox.receive(timeout=POLL)
            # Woken for one order it publishes one fact, within that order's trace; else whatever waits.
            for row, fact in self.shop.execute(UNPUBLISHED, (-1 if waiting is None else 1,)).fetchall():
                try:
                    channel.basic_publish(facts, PLACED, fact.encode(), kept, mandatory=True)
                except UnroutableError:
                    self.lab.seen("a fact reaches no queue")
                    break
                self.lab.crash_point("between publish and mark")
                self.shop.execute("UPDATE outbox SET published = 1 WHERE id = ?", (row,))
            channel.connection.process_data_events(0)  # heartbeats


def relay(lab: Lab, inbox: Inbox) -> None:
    from pika.exceptions import AMQPError

    own = Relay(lab)
    while True:
        try:
            own.publish(inbox)
        except AMQPError:
            inbox.receive(timeout=RECONNECT)
