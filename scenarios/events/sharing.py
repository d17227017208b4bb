"""A slow and a fast consumer share a queue, at several prefetch limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from archlab.scenario import Sample

from .fresh_queue import fresh

if TYPE_CHECKING:
    from archlab.lab import Lab

PREFETCHES = (0, 1, 10)
"""0: no limit."""
SHARED = 20
"""Messages that a slow and a quick consumer share."""
SLOW = 0.015
"""Seconds that the slow one takes for each."""
REORDERED = "competing consumers reorder"


def sharing(lab: Lab) -> Iterator[Sample]:
    """What the slow one gets, how long it takes until all is done, and whether the order of the effects is another."""
    for prefetch in PREFETCHES:
        began = time.perf_counter()
        slow, order = shared(lab, prefetch)
        yield Sample("shared_time", time.perf_counter() - began, {"prefetch": prefetch})
        yield Sample("slow_share", slow / SHARED, {"prefetch": prefetch})
        if prefetch == 1:
            yield Sample("fact", order != sorted(order), {"fact": REORDERED})


def shared(lab: Lab, prefetch: int) -> tuple[int, list[int]]:
    """A slow consumer, then a quick one, on a queue that is full: what the slow one got, and the order of effects."""
    channel, queue = fresh(lab, f"shared-{prefetch}")
    for number in range(SHARED):
        channel.basic_publish("", queue, str(number).encode())
    done: list[int] = []
    by_slow: list[int] = []

    def slowly(number: int) -> None:
        time.sleep(SLOW)
        by_slow.append(number)

    slow = consuming(lab, queue, prefetch, done, slowly)
    quick = consuming(lab, queue, prefetch, done, lambda number: None)
    for thread in (slow, quick):
        thread.join()
    return len(by_slow), done


def consuming(lab: Lab, queue: str, prefetch: int, done: list[int], does: Callable[[int], Any]) -> threading.Thread:
    """A consumer with a connection of its own; returns once the broker has taken it up. It ends when all is done."""
    listens = threading.Event()

    def main() -> None:
        channel = lab.broker().connect().channel()
        channel.basic_qos(prefetch_count=prefetch)

        def received(channel: Any, method: Any, properties: Any, body: bytes) -> None:
            does(int(body))
            done.append(int(body))
            channel.basic_ack(method.delivery_tag)

        channel.basic_consume(queue, received)
        listens.set()
        while len(done) < SHARED:
            channel.connection.process_data_events(time_limit=0.01)
        channel.connection.close()

    thread = threading.Thread(target=main, daemon=True)
    thread.start()
    listens.wait()
    return thread
