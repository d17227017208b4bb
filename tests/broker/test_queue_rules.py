"""The queue's rules without a broker: no socket, no clock, no disk."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab.broker import queue as queue_module
from archlab.broker.arguments import QueueSettings
from archlab.broker.errors import AmqpError
from archlab.broker.message import Message
from archlab.broker.queue import Outcome, Queue
from archlab.broker.queued import Kept, NoStore, Queued


def message(body: bytes, expiration: int | None = None) -> Message:
    return Message("", "q", b"\x00\x01q", b"\x00\x00", body, expiration=expiration)


def make(dead: list[tuple[bytes, str]] | None = None, **settings: Any) -> Queue:
    letters = [] if dead is None else dead
    return Queue(
        QueueSettings("q", dead_letter_exchange="dlx", **settings),
        dead_letters=lambda queue, buried, reason: letters.append((buried.body, reason)),
    )


class Taker:
    """A consumer with a prefetch."""

    def __init__(self, prefetch: int = 1000, priority: int = 0, no_ack: bool = False) -> None:
        self.prefetch = prefetch
        self.priority = priority
        self.no_ack = no_ack
        self.held: list[Queued] = []
        self.taken: list[bytes] = []

    def ready(self) -> bool:
        return len(self.held) < self.prefetch

    def deliver(self, queued: Queued) -> None:
        assert queued.message is not None
        self.taken.append(queued.message.body)
        if not self.no_ack:
            self.held.append(queued)

    def cancelled(self) -> None:
        raise AssertionError("nobody deletes this queue")


def publish(queue: Queue, *bodies: bytes, now: int = 0, expiration: int | None = None) -> list[Outcome]:
    return [queue.publish(message(body, expiration), now) for body in bodies]


def drain(queue: Queue, now: int = 0) -> list[bytes]:
    bodies = []
    while (queued := queue.get(now, no_ack=True)) is not None:
        bodies.append(queue.message(queued).body)
    return bodies


def test_a_waiting_consumer_gets_a_message_before_it_is_ready() -> None:
    """Handed straight on, it does not count as ready, so no limit and no time to live strikes it."""
    queue = make(max_length=0, message_ttl=0)
    taker = Taker()
    queue.add_consumer(taker, exclusive=False)
    publish(queue, b"1", b"2")
    assert (taker.taken, queue.ready_count, queue.unacked_count) == ([b"1", b"2"], 0, 2)


def test_what_expires_together_goes_bit_by_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its dead letters are in memory together. Until all are gone nobody gets anything, expired or behind it."""
    monkeypatch.setattr(queue_module, "EXPIRE_AT_ONCE", 2)
    monkeypatch.setattr(queue_module, "EXPIRE_OCTETS_AT_ONCE", 6)
    dead: list[tuple[bytes, str]] = []
    queue = make(dead)
    publish(queue, b"1", b"2", b"large one", b"3", b"4", expiration=100)
    publish(queue, b"lives")
    taker = Taker()
    queue.add_consumer(taker, exclusive=False)
    for gone in (2, 3):
        queue.deliver(now=100)
        assert (len(dead), queue.ready_count, taker.taken) == (gone, 6 - gone, [])
        assert queue.deadline() == 100
    queue.deliver(now=100)
    assert (len(dead), taker.taken, queue.deadline()) == (5, [b"lives"], None)
    publish(queue, b"5", b"6", b"7", expiration=0)
    assert queue.get(now=200, no_ack=True) is None


def test_a_disk_that_is_full_refuses_what_would_go_there_from_a_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is unacknowledged only so much stays in memory."""
    monkeypatch.setattr(queue_module, "MEMORY_UNACKED", 1)

    class Full(NoStore):
        full = True

        def spill(self, queue: int, queued: Queued) -> None:
            queued.kept = Kept.SPILLED

    queue = Queue(QueueSettings("q"), store=Full())
    taker = Taker()
    queue.add_consumer(taker, exclusive=False)
    assert publish(queue, b"1", b"2", b"3") == [Outcome.KEPT, Outcome.KEPT, Outcome.REJECTED]
    queue.acknowledge(taker.held.pop())
    assert publish(queue, b"4") == [Outcome.KEPT]


def test_time_to_live_counts_from_publishing() -> None:
    dead: list[tuple[bytes, str]] = []
    queue = make(dead, message_ttl=100)
    publish(queue, b"1", now=0)
    publish(queue, b"2", now=50)
    assert queue.deadline() == 100
    queue.expire(99)
    assert dead == []
    queue.expire(100)
    assert dead == [(b"1", "expired")]
    assert queue.deadline() == 150


def test_expiry_waits_for_the_head() -> None:
    queue = make()
    publish(queue, b"long")
    publish(queue, b"short", expiration=1)
    queue.expire(1000)
    assert queue.ready_count == 2
    assert queue.deadline() is None
    assert drain(queue, now=1000) == [b"long"]


def test_an_unused_queue_expires_but_not_one_with_consumers() -> None:
    queue = make(expires=100)
    assert queue.deadline() == 100
    queue.use(50)
    assert (queue.unused_for_too_long(149), queue.unused_for_too_long(150)) == (False, True)
    taker = Taker()
    queue.add_consumer(taker, exclusive=False)
    assert (queue.deadline(), queue.unused_for_too_long(10_000)) == (None, False)
    queue.remove_consumer(taker, 10_000)
    assert queue.deadline() == 10_100


def test_limits_drop_the_oldest_or_refuse_the_newest() -> None:
    dead: list[tuple[bytes, str]] = []
    head = make(dead, max_length=2)
    assert publish(head, b"1", b"2", b"3") == [Outcome.KEPT] * 3
    assert (drain(head), dead) == ([b"2", b"3"], [(b"1", "maxlen")])
    refusing = make(dead, max_length=2, overflow="reject-publish")
    assert publish(refusing, b"1", b"2", b"3")[2] is Outcome.REJECTED
    assert drain(refusing) == [b"1", b"2"]


def test_a_durable_queue_says_what_waits_for_the_disk() -> None:
    queue = make(durable=True)
    persistent = Message("", "q", b"", b"\x00\x00", b"x", persistent=True)
    assert queue.publish(persistent, 0) is Outcome.STORED
    assert queue.publish(message(b"x"), 0) is Outcome.KEPT
    queue.purge()
    queue.add_consumer(Taker(no_ack=True), exclusive=False)
    assert queue.publish(persistent, 0) is Outcome.KEPT  # gone before the disk could have it


def test_an_exclusive_consumer_is_alone() -> None:
    queue = make()
    queue.add_consumer(Taker(), exclusive=True)
    with pytest.raises(AmqpError, match="exclusive use"):
        queue.add_consumer(Taker(), exclusive=False)


def test_a_delivery_limit_counts_returns() -> None:
    dead: list[tuple[bytes, str]] = []
    queue = make(dead, quorum=True, delivery_limit=1)
    publish(queue, b"poison")
    for _ in range(2):
        queued = queue.get(0, no_ack=False)
        assert queued is not None
        queue.requeue([queued], 0)
    assert (dead, queue.ready_count, queue.unacked_count) == ([(b"poison", "delivery_limit")], 0, 0)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 3)),
        st.tuples(st.just("get"), st.integers(1, 3)),
        st.tuples(st.just("ack"), st.integers(0, 9)),
        st.tuples(st.just("requeue"), st.integers(0, 9)),
    ),
    max_size=40,
)


@given(steps)
def test_nothing_is_lost_doubled_or_reordered(todo: list[tuple[str, int]]) -> None:
    """Whatever is taken, put back and acknowledged in whatever order: ready messages are always the oldest first."""
    queue = make()
    out: list[Queued] = []
    expected: set[int] = set()
    published = 0
    for step, number in todo:
        if step == "publish":
            for _ in range(number):
                published += 1
                expected.add(published)
                publish(queue, b"%d" % published)
        elif step == "get":
            for _ in range(number):
                queued = queue.get(0, no_ack=False)
                if queued is not None:
                    out.append(queued)
        elif out:
            queued = out.pop(number % len(out))
            if step == "ack":
                queue.acknowledge(queued)
                expected.remove(int(queue.message(queued).body))
            else:
                queue.requeue([queued], 0)
        assert (queue.ready_count + queue.unacked_count, queue.unacked_count) == (len(expected), len(out))
    held = {int(queue.message(queued).body) for queued in out}
    assert drain(queue) == [b"%d" % number for number in sorted(expected - held)]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 30))
def test_prefetch_is_never_exceeded_and_nobody_starves(prefetches: list[int], count: int) -> None:
    queue = make()
    takers = [Taker(prefetch) for prefetch in prefetches]
    for taker in takers:
        queue.add_consumer(taker, exclusive=False)
    publish(queue, *[b"%d" % number for number in range(count)])
    done = 0
    while done < count:
        holders = [taker for taker in takers if taker.held]
        assert all(len(taker.held) <= taker.prefetch for taker in takers)
        queue.acknowledge(holders[0].held.pop(0))
        done += 1
        queue.consumers.wake(holders[0])
        queue.deliver(0)
    assert sorted(int(body) for taker in takers for body in taker.taken) == list(range(count))
    assert queue.unacked_count == 0
