"""Facts on a broker that counts a message as done when it has left: automatic acknowledgement, no outbox, no confirms.

Good at: the fewest lines and the highest rate; fine for metrics, where a lost message does not matter.
Fails when: an effect matters. A message is lost, without any error, when its consumer dies, when its producer dies
    before it publishes, and when the consumer raises an error.
Costs: nothing, until somebody compares the orders with the invoices.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from archlab.scenario import Design

from .publishing import Checkout, declare
from .world import EFFECTS, Unusable, effect, own, wanted

if TYPE_CHECKING:
    from archlab.lab import Inbox, Lab

CONSUMERS = ("invoice", "email", "audit", "analytics")
log = logging.getLogger("shop")


def consumer(lab: Lab, inbox: Inbox) -> None:
    do, broker = effect(lab), lab.broker()
    channel = broker.connect().channel()

    def received(channel: Any, method: Any, properties: Any, body: bytes) -> None:
        lab.crash_point("before the effect")
        try:
            do(json.loads(body))
        except (OSError, Unusable) as error:
            log.info("not done: %s", error)
        lab.crash_point("after the effect")

    channel.basic_consume(declare(channel, lab, own(lab)), received, auto_ack=True)
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
    name="ack-first",
    title="facts that are acknowledged as they arrive",
    role="misuse",
    why="It is the shortest example of the client's tutorial, and it works on every day on which nothing dies.",
    start=Shop,
    promises="An order survives a crash; what follows from it is on its way, or was.",
    modules=("publishing", "topology"),
    workloads=("teams",),
)
