"""A quorum queue with a delivery limit, and a message that kills its consumer: which others become dead letters?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from archlab.scenario import Sample

from .fresh_queue import fresh
from .topology import dead, depth

if TYPE_CHECKING:
    from archlab.lab import Inbox, Lab

LIMIT = 3
"""Times that a message may come back before it is set aside. RabbitMQ's own default since 4.0 is 20."""
INNOCENT = 10
"""Messages behind the poison one."""
POISON = b"poison"
KILLS = "a message kills its consumer"
PREFETCHES = (1, 10)
ATTEMPTS, BLOCKED = "attempts at the poison message", "innocent messages that waited until it was set aside"
INNOCENTS = "innocent messages set aside with it"
PATIENCE = 5.0
"""Seconds within which every message should have been served or set aside."""
LOOK = 0.01
"""Seconds between two looks."""
LIMITED = "limited"
"""The name of the queue, before its prefetch."""


def at_the_limit(lab: Lab) -> Iterator[Sample]:
    """What became of the messages, by how many the consumer may hold: it dies of the poison one, again and again."""
    for prefetch in PREFETCHES:
        name = f"{LIMITED}-{prefetch}"
        (letters, aside), (served, good) = fresh(lab, dead(name)), fresh(lab, served_by(name))
        back = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": aside}
        channel, queue = fresh(lab, name, {"x-queue-type": "quorum", "x-delivery-limit": LIMIT} | back)
        channel.confirm_delivery()
        for body in (POISON, *(b"%d" % number for number in range(INNOCENT))):
            channel.basic_publish("", queue, body)
        part = lab.spawn(consumer, f"consumer {name}", settings={"prefetch": prefetch}, crash_at=KILLS)
        attempts, blocked, end = 0, INNOCENT, time.monotonic() + PATIENCE
        while (done := depth(served, good)) + (gone := depth(letters, aside)) <= INNOCENT and time.monotonic() < end:
            blocked = blocked if gone else INNOCENT - done
            if not part.alive:
                attempts += 1
                part.start(crash_at=KILLS)
            time.sleep(LOOK)
        part.kill()
        counts = {ATTEMPTS: attempts, BLOCKED: blocked, INNOCENTS: max(0, depth(letters, aside) - 1)}
        for what, count in counts.items():
            yield Sample("at_limit", count, {"prefetch": prefetch, "count": what})


def served_by(queue: str) -> str:
    return f"{queue}.served"


def consumer(lab: Lab, inbox: Inbox) -> None:
    """Acknowledges good messages, and dies of a bad one: then all its unacknowledged messages go back to the queue."""

    def received(channel: Any, method: Any, properties: Any, body: bytes) -> None:
        if body == POISON:
            lab.crash_point(KILLS)
        channel.basic_publish("", served_by(queue), body)
        channel.basic_ack(method.delivery_tag)

    broker = lab.broker()
    queue = broker.name(f"{LIMITED}-{lab.knobs.prefetch}")
    channel = broker.connect().channel()
    channel.basic_qos(prefetch_count=lab.knobs.prefetch)
    channel.basic_consume(queue, received)
    broker.consume_until_stopped(channel, inbox)
