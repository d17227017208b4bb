"""Facts on a broker whose consumers acknowledge after the effect and requeue a failed message at once and for ever.

Good at: a message on the broker is never lost, and a short fault is bridged without any code.
Fails when: a message itself is bad: it comes back at once, for ever, and with a prefetch of one it blocks all others.
    A consumer that dies after its effect repeats the effect, because nothing records that it was done.
Costs: full CPU load without any progress, and a duplicate for every restart.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archlab.scenario import Design

from .publishing import Checkout, declare
from .world import EFFECTS, Unusable, effect, own, wanted

if TYPE_CHECKING:
    from archlab.lab import Inbox, Lab

CONSUMERS = ("invoice", "email", "audit", "analytics")


def consumer(lab: Lab, inbox: Inbox) -> None:
    do, broker = effect(lab, once=False), lab.broker()
    channel = broker.connect().channel()
    channel.basic_qos(prefetch_count=lab.knobs.prefetch)

    def received(channel: Any, method: Any, properties: Any, body: bytes) -> None:
        lab.crash_point("before the effect")
        try:
            do(json.loads(body))
        except (OSError, Unusable):
            channel.basic_nack(method.delivery_tag, requeue=True)
            return
        lab.crash_point("between effect and ack")
        channel.basic_ack(method.delivery_tag)
        lab.crash_point("after the ack")

    channel.basic_consume(declare(channel, lab, own(lab)), received)
    inbox.reached(0)  # from here on it hears everything
    broker.consume_until_stopped(channel, inbox)


class Shop:
    done_at_once = False

    def __init__(self, lab: Lab) -> None:
        from .departments import provider

        self.provider = lab.service(provider, "email")
        self.broker = lab.broker()
        own = Checkout(lab, {})
        for kind in wanted(lab, CONSUMERS):
            declare(own.channel, lab, kind)
        self.workers = {
            kind: lab.spawn(consumer, f"{kind} consumer", {"email": self.provider}, {"effect": EFFECTS.index(kind)})
            for kind in wanted(lab, CONSUMERS)
        }
        self.checkout = own.checkout


DESIGN = Design(
    name="requeue",
    title="facts that go back to the queue when they fail",
    role="misuse",
    why="Nothing may be lost, so whatever fails is tried again; the broker does it with one argument.",
    start=Shop,
    promises="An order survives a crash; its fact does once it is on the broker.",
    modules=("publishing", "topology"),
    workloads=("teams",),
)
