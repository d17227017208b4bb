"""A queue that keeps next to nothing in memory does what one does that keeps it all there, and leaves nothing behind.

Hypothesis makes up what happens to both. The disk is the real one; what counts as much is set to a few messages.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from archlab.broker import queue as queue_module
from archlab.broker import ready, spill
from archlab.broker.arguments import QueueSettings
from archlab.broker.message import Message, parse_properties
from archlab.broker.queue import Outcome, Queue
from archlab.broker.queued import Kept, NoStore, Queued
from archlab.broker.storage import Storage

TRANSIENT, PERSISTENT = b"\x10\x00\x01", b"\x10\x00\x02"

KINDS: list[dict[str, Any]] = [
    {},
    {"durable": True},
    {"durable": True, "max_length": 6},
    {"durable": True, "max_length_bytes": 40, "overflow": "reject-publish"},
    {"durable": True, "quorum": True},
    {"durable": True, "quorum": True, "delivery_limit": 1},
]


@contextlib.contextmanager
def memory(unacked: int, octets: int, messages: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue_module, "MEMORY_UNACKED", unacked)
        patch.setattr(queue_module, "MEMORY_UNACKED_OCTETS", octets)
        patch.setattr(ready, "MEMORY_MESSAGES", messages)
        yield


LITTLE = functools.partial(memory, 2, 30, 3)
PLENTY = functools.partial(memory, 10**9, 10**9, 10**9)


class Roomy(NoStore):
    """What is in memory is read from there."""

    def spill(self, queue: int, queued: Queued) -> None:
        raise AssertionError("this queue has all the memory it needs")


class Taker:
    """A consumer with a prefetch."""

    def __init__(self, side: Side, prefetch: int, no_ack: bool) -> None:
        self.side = side
        self.prefetch = prefetch
        self.no_ack = no_ack
        self.priority = 0
        self.outstanding = 0

    def ready(self) -> bool:
        return not self.prefetch or self.outstanding < self.prefetch

    def deliver(self, queued: Queued) -> None:
        self.side.took(queued)
        if not self.no_ack:
            self.side.held.append((queued, self))
            self.outstanding += 1

    def cancelled(self) -> None:
        raise AssertionError("nobody deletes this queue")


class Side:
    """One queue, and all that came out of it."""

    def __init__(self, kind: dict[str, Any], store: Any) -> None:
        self.queue = Queue(
            QueueSettings("q", dead_letter_exchange="dlx", **kind),
            identity=1,
            store=store,
            dead_letters=lambda queue, message, reason: self.seen.append((message.body, reason)),
        )
        self.seen: list[tuple[Any, ...]] = []
        self.held: list[tuple[Queued, Taker | None]] = []
        self.takers: list[Taker] = []

    def took(self, queued: Queued) -> None:
        body = self.queue.message(queued).body
        self.seen.append((body, queued.redelivered, queued.returns))

    def settled(self, chosen: list[int]) -> list[Queued]:
        """Takes these out of what is held."""
        settled = [self.held[index] for index in chosen]
        self.held = [entry for index, entry in enumerate(self.held) if index not in chosen]
        for _, taker in settled:
            if taker is not None:
                taker.outstanding -= 1
                self.queue.consumers.wake(taker)
        return [queued for queued, _ in settled]


class Both(RuleBasedStateMachine):
    """Does everything twice, and compares."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = Storage(self.folder)

    @initialize(kind=st.sampled_from(KINDS))
    def begin(self, kind: dict[str, Any]) -> None:
        self.kind = kind
        self.store.save_queue(1, "q", False, {})
        self.sides = [Side(kind, self.store), Side(kind, Roomy())]
        self.number = 0
        self.now = 0

    def same(self, act: Any) -> Any:
        answers = []
        for side, limits in zip(self.sides, (LITTLE, PLENTY), strict=True):
            with limits():
                answers.append(act(side))
                side.queue.deliver(self.now)
        assert answers[0] == answers[1]
        small, roomy = self.sides
        assert small.seen == roomy.seen
        for side in self.sides:
            side.seen.clear()
            assert side.queue.unacked_count == len(side.held)
            assert side.queue._unacked_octets == sum(queued.weight for queued, _ in side.held)
        assert small.queue.ready_count == roomy.queue.ready_count
        assert small.queue._ready.octets == roomy.queue._ready.octets
        head = small.queue._ready._head
        assert small.queue._ready._head_octets == sum(queued.weight for queued in head)
        in_memory = [queued for queued, _ in small.held if queued.message is not None]
        assert len(in_memory) <= 2
        return answers[0]

    @rule(
        count=st.integers(1, 8),
        size=st.integers(1, 20),
        mode=st.sampled_from([TRANSIENT, PERSISTENT]),
        ttl=st.sampled_from([None, None, None, 5]),
    )
    def publish(self, count: int, size: int, mode: bytes, ttl: int | None) -> None:
        for _ in range(count):
            self.number += 1
            body = b"%d" % self.number + b"." * size
            message = Message("", "q", b"\x00\x01q", mode, body, parse_properties(mode).persistent, ttl)
            self.same(lambda side, message=message: side.queue.publish(message, self.now) is Outcome.REJECTED)

    @rule(count=st.integers(1, 6), no_ack=st.booleans())
    def get(self, count: int, no_ack: bool) -> None:
        def act(side: Side) -> None:
            queued = side.queue.get(self.now, no_ack)
            if queued is not None:
                side.took(queued)
                if not no_ack:
                    side.held.append((queued, None))
                    side.queue.sent(queued)

        for _ in range(count):
            self.same(act)

    @precondition(lambda self: len(self.sides[0].takers) < 2)
    @rule(prefetch=st.integers(0, 4), no_ack=st.booleans())
    def consume(self, prefetch: int, no_ack: bool) -> None:
        def act(side: Side) -> None:
            side.takers.append(Taker(side, prefetch, no_ack))
            side.queue.add_consumer(side.takers[-1], False)

        self.same(act)

    @precondition(lambda self: self.sides[0].takers)
    @rule()
    def cancel(self) -> None:
        def act(side: Side) -> None:
            side.queue.remove_consumer(side.takers.pop(0), self.now)

        self.same(act)

    @precondition(lambda self: self.sides[0].held)
    @rule(data=st.data(), how=st.sampled_from(["ack", "drop", "requeue", "lost"]))
    def settle(self, data: st.DataObject, how: str) -> None:
        held = len(self.sides[0].held)
        chosen = data.draw(st.one_of(st.just(list(range(held))), st.lists(st.integers(0, held - 1), unique=True)))

        def act(side: Side) -> None:
            settled = side.settled(chosen)
            if how in ("requeue", "lost"):
                side.queue.requeue(settled, self.now, how == "lost")
            for queued in settled:
                if how == "ack":
                    side.queue.acknowledge(queued)
                elif how == "drop":
                    side.queue.reject(queued)

        self.same(act)

    @rule()
    def purge(self) -> None:
        self.same(lambda side: side.queue.purge())

    @rule(by=st.integers(1, 10))
    def wait(self, by: int) -> None:
        self.now += by
        self.same(lambda side: None)

    @rule()
    def commit(self) -> None:
        assert self.store.commit(sync=False)

    @rule()
    def look_into_the_files(self) -> None:
        """Whatever is kept there and not settled is there, each once, and nothing else."""
        self.store.commit(sync=False)
        self.store._spill._write()
        small, ready_part = self.sides[0], self.sides[0].queue._ready
        tail = self.store.load(1, ready_part._tail_after, 10**6, 10**9) if ready_part.has_tail else []
        returned = [queued for _, queued in ready_part._returned]
        everything = [*(queued for queued, _ in small.held), *returned, *ready_part._head, *tail]
        for kept, connection in (
            (Kept.DURABLE, self.store._file.connection),
            (Kept.SPILLED, self.store._spill._connection),
        ):
            rows = connection.execute("SELECT id FROM message ORDER BY id") if connection is not None else ()
            there = [spill.split(row_id)[1] for (row_id,) in rows]
            assert there == sorted(queued.position for queued in everything if queued.kept is kept)

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)


def test_little_memory_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "LOAD_AT_ONCE", 3)
    monkeypatch.setattr(spill, "WRITE_AT_ONCE", 4)
    run_state_machine_as_test(
        Both,
        settings=settings(
            max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "60")),
            stateful_step_count=40,
            deadline=None,
            derandomize="HYPOTHESIS_EXAMPLES" not in os.environ,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
