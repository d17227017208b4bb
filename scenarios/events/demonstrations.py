"""Demonstrates surprising behaviour of a broker and of a table, one fact at a time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from archlab.scenario import Sample

from .context import with_and_without_context
from .fresh_queue import fresh
from .limit import at_the_limit
from .polling import a_poller_that_remembers_the_highest_id, polling
from .sharing import sharing
from .topology import depth

if TYPE_CHECKING:
    from archlab.lab import Lab

HEARTBEAT = 1
"""Seconds, the shortest that AMQP knows: a peer that is silent for about two of them is taken to be gone."""
TOO_LONG = 10.0
"""Seconds after which a callback ends that nobody has cut off."""
LOOK = 0.02
"""Seconds between two looks at a queue."""


def shown(lab: Lab, design: Any) -> Iterator[Sample]:
    """What is only counted. 1: it is seen to be so."""
    with ThreadPoolExecutor(1) as beside:  # it waits for seconds, and does nothing
        silent = beside.submit(callback_longer_than_the_heartbeat, lab)
        for fact, seen in FACTS.items():
            yield Sample("fact", seen(lab), {"fact": fact})
        yield from at_the_limit(lab)
        yield from with_and_without_context(lab)
        yield Sample("fact", silent.result(), {"fact": SILENT})
    if not lab.broker().address.foreign:  # somebody else's is not to be killed
        yield Sample("fact", transient_after_a_crash(lab), {"fact": TRANSIENT})


def timed(lab: Lab, design: Any) -> Iterator[Sample]:
    """The demonstrations that are about time."""
    yield from sharing(lab)
    yield from polling(lab)


def rejected_without_a_place_to_go(lab: Lab) -> bool:
    """A negative acknowledgement without requeue, on a queue without a dead-letter exchange: is the message gone?"""
    channel, queue = fresh(lab, "rejected")
    channel.basic_publish("", queue, b"{}")
    method = channel.basic_get(queue)[0]
    channel.basic_nack(method.delivery_tag, requeue=False)
    return channel.basic_get(queue)[0] is None and depth(channel, queue) == 0


def confirmed_to_nowhere(lab: Lab) -> bool:
    """A publish that no queue is bound for: does the broker confirm it all the same?"""
    from pika.exceptions import NackError, UnroutableError  # type: ignore[import-untyped]  # pika ships no py.typed marker

    channel = lab.broker().connect().channel()
    nowhere = lab.broker().name("nowhere")
    channel.exchange_declare(nowhere, "topic", durable=True)
    channel.confirm_delivery()
    try:
        channel.basic_publish(nowhere, "order.placed", b"{}")
    except (NackError, UnroutableError):
        return False
    try:
        channel.basic_publish(nowhere, "order.placed", b"{}", mandatory=True)
    except UnroutableError:
        return True
    return False


def acknowledged_twice(lab: Lab) -> bool:
    """An acknowledgement of what is acknowledged automatically: does it close the channel with error 406?"""
    from pika.exceptions import ChannelClosedByBroker

    channel, queue = fresh(lab, "acknowledged")
    channel.basic_publish("", queue, b"{}")
    method = channel.basic_get(queue, auto_ack=True)[0]
    channel.basic_nack(method.delivery_tag)
    try:
        depth(channel, queue)  # the broker's answer comes with the next exchange
    except ChannelClosedByBroker as closed:
        return int(closed.reply_code) == 406
    return False


def transient_after_a_crash(lab: Lab) -> bool:
    """A persistent message and a transient one in a durable queue, and the broker is killed: is one left?"""
    from pika import BasicProperties  # type: ignore[import-untyped]  # the same

    channel, queue = fresh(lab, "killed")
    channel.confirm_delivery()
    for mode in (1, 2):
        channel.basic_publish("", queue, b"{}", BasicProperties(delivery_mode=mode))
    lab.broker().kill()
    lab.broker().start()
    return depth(lab.broker().connect().channel(), queue) == 1


def callback_longer_than_the_heartbeat(lab: Lab) -> bool:
    """A callback that sends no heartbeats for too long: is its connection lost, and does the message come again?"""
    from pika.exceptions import AMQPError

    channel, queue = fresh(lab, "silent")
    channel.basic_publish("", queue, b"{}")
    lost = []

    def received(own: Any, method: Any, properties: Any, body: bytes) -> None:
        end = time.monotonic() + TOO_LONG
        while depth(channel, queue) == 0 and time.monotonic() < end:  # as long as the broker thinks that it is at work
            time.sleep(LOOK)
        try:
            own.basic_ack(method.delivery_tag)
            own.connection.process_data_events(0)
        except AMQPError:
            lost.append(True)
            raise

    consumer = lab.broker().connect(heartbeat=HEARTBEAT).channel()
    consumer.basic_consume(queue, received)
    with contextlib.suppress(AMQPError):
        consumer.connection.process_data_events(time_limit=TOO_LONG)
    again = channel.basic_get(queue, auto_ack=True)[0]
    return bool(lost) and again is not None and again.redelivered


REJECTED, NOWHERE, TWICE = (
    "rejected without a dead-letter exchange",
    "confirmed to nowhere",
    "automatic, then by hand: 406",
)
SKIPPED = "the highest id skips a row"
SILENT = "a callback longer than the heartbeat"
TRANSIENT = "a transient message dies with the broker"
FACTS: dict[str, Callable[[Lab], bool]] = {
    REJECTED: rejected_without_a_place_to_go,
    NOWHERE: confirmed_to_nowhere,
    TWICE: acknowledged_twice,
    SKIPPED: a_poller_that_remembers_the_highest_id,
}
