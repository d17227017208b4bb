"""Sends messages with and without the trace context: to which trace does the consumer's work belong?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archlab.lab import Lab
from archlab.scenario import Sample

from .fresh_queue import fresh

MESSAGES = 5
TRACE = 1
"""Where a recorded span has its trace."""


def with_and_without_context(lab: Lab) -> Iterator[Sample]:
    """The share of the consumer's traces that belong to no checkout."""
    for carried in (True, False):
        yield Sample("orphaned", orphaned(lab, carried), {"context": "carried" if carried else "left out"})


def orphaned(lab: Lab, carried: bool) -> float:
    """A shop and a consumer that record their spans as in the traced pass."""
    setting = replace(lab.setting, broker=lab.broker().address, traced=True, child=True, carries_context=carried)
    shop, consumer = Lab(setting, "shop"), Lab(setting, "consumer")
    assert shop.recorder and consumer.recorder  # what is traced has one
    published, queue = fresh(shop, f"context-{'carried' if carried else 'left-out'}")
    place = shop.recorder.wrap("checkout", lambda: published.basic_publish("", queue, b"{}"))
    for _ in range(MESSAGES):
        place()
    received = consumer.broker().connect().channel()
    for method, _, _ in received.consume(queue):
        received.basic_ack(method.delivery_tag)
        if method.delivery_tag == MESSAGES:
            break
    received.close()
    checkouts, consumed = ({record[TRACE] for record in by.records} for by in (shop.recorder, consumer.recorder))
    return len(consumed - checkouts) / len(consumed)
