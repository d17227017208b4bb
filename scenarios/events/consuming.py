"""A consumer of facts: it acknowledges after the effect, retries a few times, then uses the dead-letter queue."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from .topology import dead, queue, retry
from .world import Unusable, effect, own

if TYPE_CHECKING:
    from archlab.lab import Inbox, Lab

ATTEMPTS = 3
"""Attempts at a message that cannot be processed. Then it becomes a dead letter."""
PATIENCE = 1000
"""Attempts at a message whose department does not answer: more, because the message is not at fault."""
RECONNECT = 0.05
"""Seconds between two attempts to reach the broker."""


class Consumer:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.effect = effect(lab)

    def consume(self, inbox: Inbox) -> None:
        """Until the process is asked to end, or the broker goes away."""
        broker = self.lab.broker()
        channel = broker.connect(port=reached(self.lab)).channel()
        self.queue = queue(channel, broker, own(self.lab))
        channel.confirm_delivery()  # what is put back for later must be there before the original is acknowledged
        channel.basic_qos(prefetch_count=self.lab.knobs.prefetch)
        channel.basic_consume(self.queue, self.received)
        inbox.reached(0)  # from here on it hears everything
        broker.consume_until_stopped(channel, inbox)

    def received(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        self.lab.crash_point("before the effect")
        try:
            self.effect(json.loads(body))
        except (OSError, Unusable) as error:
            self.failed(channel, method, properties, body, error)
            return
        self.lab.crash_point("between effect and ack")
        channel.basic_ack(method.delivery_tag)
        self.lab.crash_point("after the ack")

    def failed(self, channel: Any, method: Any, properties: Any, body: bytes, error: Exception) -> None:
        again = copy.copy(properties)
        attempts = (properties.headers or {}).get("attempts", 0) + 1
        again.headers = {**(properties.headers or {}), "attempts": attempts, "error": str(error)}
        later = attempts < (ATTEMPTS if isinstance(error, Unusable) else PATIENCE)
        channel.basic_publish("", (retry if later else dead)(self.queue), body, again, mandatory=True)
        channel.basic_ack(method.delivery_tag)


def reached(lab: Lab) -> int | None:
    """The port of a proxy in front of the broker, where one was started for this process; else None."""
    proxy = getattr(lab.peers, "broker", None)
    return proxy.port if proxy else None


def consumer(lab: Lab, inbox: Inbox) -> None:
    until_stopped(Consumer(lab), inbox)


def until_stopped(own: Consumer, inbox: Inbox) -> None:
    from pika.exceptions import AMQPError  # type: ignore[import-untyped]  # pika ships no py.typed marker

    while True:
        try:
            own.consume(inbox)
        except AMQPError:
            inbox.receive(timeout=RECONNECT)  # what was not acknowledged is delivered again
