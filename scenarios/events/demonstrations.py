"""What a broker and a table do by themselves, shown one at a time: each is a fact that has cost somebody a night."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from archlab.scenario import Sample

from .jobs_table import TABLES
from .topology import depth
from .working import NEXT

if TYPE_CHECKING:
    from archlab.lab import Lab

SHARED = 20
"""Messages that a slow and a quick consumer share."""
SLOW = 0.015
"""Seconds that the slow one takes for each."""
ROWS = (1_000, 30_000)
"""Jobs that are done already and still stand in the table."""


def shown(lab: Lab, design: Any) -> Iterator[Sample]:
    """Every demonstration once. 1: it is seen to be so."""
    for fact, seen in FACTS.items():
        yield Sample("fact", seen(lab), {"fact": fact})
    for prefetch in (0, 1, 10):
        slow, order = shared(lab, prefetch)
        yield Sample("slow_share", slow / SHARED, {"prefetch": prefetch})
        if prefetch == 1:
            yield Sample("fact", order != sorted(order), {"fact": REORDERED})
    if not lab.broker().address.foreign:  # somebody else's is not to be killed
        yield Sample("fact", transient_after_a_crash(lab), {"fact": TRANSIENT})
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


def a_poller_that_remembers_the_highest_id(lab: Lab) -> bool:
    """An id that is handed out before its commit: a poller that remembers the highest one skips a row.

    SQLite has a single writer and hands out its ids at the commit, so this cannot happen there. The order of commits of
    databases with a sequence is injected: the row with the smaller id is committed last.
    """
    store = lab.database("sequence")
    store.execute("CREATE TABLE outbox (id INTEGER PRIMARY KEY, published INTEGER NOT NULL DEFAULT 0)")
    highest, by_highest, by_mark = 0, [], []
    for committed in (2, 1):  # 1 was handed out first; its transaction took longer
        store.execute("INSERT INTO outbox (id) VALUES (?)", (committed,))
        for (found,) in store.execute("SELECT id FROM outbox WHERE id > ? ORDER BY id", (highest,)).fetchall():
            by_highest.append(found)
            highest = found
        for (found,) in store.execute("SELECT id FROM outbox WHERE published = 0 ORDER BY id").fetchall():
            by_mark.append(found)
            store.execute("UPDATE outbox SET published = 1 WHERE id = ?", (found,))
    lab.struck(LATE_COMMIT)
    return by_highest == [2] and sorted(by_mark) == [1, 2]


def polling(lab: Lab) -> Iterator[Sample]:
    """The time of one look at the jobs, by how many are done already, with the index and without."""
    store = lab.database("polled")
    store.executescript(TABLES)
    there = 0
    for rows in ROWS:
        store.execute("BEGIN")
        job = json.dumps({"order": 1})
        store.executemany(
            "INSERT INTO jobs VALUES (NULL, 'email', ?, 'done', 1, 0, NULL)", ((job,) for _ in range(rows - there))
        )
        store.execute("COMMIT")
        there = rows
        yield Sample("poll_time", look(store), {"rows": rows, "index": "with"})
    store.execute("DROP INDEX jobs_waiting")
    yield Sample("poll_time", look(store), {"rows": rows, "index": "without"})


def look(store: Any) -> float:
    """Seconds of one look, the quickest of several."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        store.execute(NEXT, ("email", time.time())).fetchone()
        times.append(time.perf_counter() - began)
    return min(times)


def fresh(lab: Lab, name: str) -> tuple[Any, str]:
    """A channel of its own, and a durable queue with nothing beside it."""
    channel, queue = lab.broker().connect().channel(), lab.broker().name(name)
    channel.queue_declare(queue, durable=True)
    return channel, queue


REJECTED, NOWHERE, TWICE = (
    "rejected without a dead-letter exchange",
    "confirmed to nowhere",
    "automatic, then by hand: 406",
)
REORDERED, SKIPPED = "competing consumers reorder", "the highest id skips a row"
TRANSIENT = "a transient message dies with the broker"
LATE_COMMIT = "late commit"
FACTS: dict[str, Callable[[Lab], bool]] = {
    REJECTED: rejected_without_a_place_to_go,
    NOWHERE: confirmed_to_nowhere,
    TWICE: acknowledged_twice,
    SKIPPED: a_poller_that_remembers_the_highest_id,
}
