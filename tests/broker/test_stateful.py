"""The same random operations on both brokers: whatever a client sees, it sees on both.

Hypothesis makes up sequences of publishing, getting, consuming, settling and purging over queues with
different rules, and shortens a sequence that shows a difference. HYPOTHESIS_EXAMPLES makes it look longer.
"""

from __future__ import annotations

import itertools
import os
from typing import Any

import pika
import pytest
from amqp_client import Client, Inbox, eventually
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

QUEUES: dict[str, dict[str, Any]] = {
    "plain": {},
    "short": {"x-max-length": 3},
    "strict": {"x-max-length": 2, "x-overflow": "reject-publish"},
    "octets": {"x-max-length-bytes": 12},
    "single": {"x-single-active-consumer": True},
}
DEAD = "dead"

queues = st.sampled_from(sorted(QUEUES))
anywhere = st.sampled_from([*sorted(QUEUES), DEAD])


class Side:
    """One of the two brokers, with what a test holds of it."""

    def __init__(self, port: int) -> None:
        self.client = Client(port)
        self.client.queue(DEAD)
        for what, arguments in QUEUES.items():
            dead_letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": self.client.name(DEAD)}
            self.client.queue(what, arguments={**dead_letters, **arguments})
        self.exchange = self.client.exchange("x", "topic")
        for what in QUEUES:
            self.client.channel.queue_bind(self.client.name(what), self.exchange, f"{what[0]}.#")
        self.client.channel.queue_bind(self.client.name("plain"), self.exchange, "#")
        self.inboxes: list[Inbox] = []

    def publish(self, exchange: bool, key: str, body: bytes) -> str:
        try:
            self.client.publish(
                key if exchange else self.client.name(key), body, exchange=self.exchange if exchange else ""
            )
        except pika.exceptions.NackError:
            return "refused"
        return "confirmed"

    def settle_down(self) -> None:
        """Waits until nothing is under way between the channels and the queues."""
        for queue in [*QUEUES, DEAD]:
            self.client.ready(self.client.name(queue))
        for inbox in self.inboxes:
            inbox.settled()

    def seen(self) -> list[list[tuple[bytes, bool]]]:
        return [[(body, method.redelivered) for method, _, body in inbox.deliveries] for inbox in self.inboxes]

    def ready(self) -> dict[str, int]:
        return {queue: self.client.ready(self.client.name(queue)) for queue in [*QUEUES, DEAD]}


def make_machine(ports: tuple[int, int]) -> type[RuleBasedStateMachine]:
    class Both(RuleBasedStateMachine):
        """Does everything twice, and compares."""

        @initialize()
        def connect(self) -> None:
            self.sides = [Side(port) for port in ports]
            self.number = itertools.count(1)
            self.got: list[tuple[int, int]] = []  # delivery tags of Basic.Get, the same on both sides
            self.held: list[tuple[int, int]] = []  # (inbox, index) of deliveries not settled
            self.counted: list[int] = []

        def same(self, act: Any) -> Any:
            answers = [act(side) for side in self.sides]
            assert answers[0] == answers[1]
            for side in self.sides:
                side.settle_down()
            return answers[0]

        def body(self) -> bytes:
            return b"%d" % next(self.number)

        @rule(queue=queues, count=st.integers(1, 4))
        def publish(self, queue: str, count: int) -> None:
            for _ in range(count):
                body = self.body()
                self.same(lambda side, body=body: side.publish(False, queue, body))

        @rule(key=st.sampled_from(["p", "s.x", "o.x.y", "s", "nobody"]))
        def publish_to_a_topic(self, key: str) -> None:
            body = self.body()
            self.same(lambda side: side.publish(True, key, body))

        @rule(queue=anywhere, auto_ack=st.booleans())
        def get(self, queue: str, auto_ack: bool) -> None:
            def act(side: Side) -> Any:
                found = side.client.get(side.client.name(queue), auto_ack)
                if found is None:
                    return None
                method, properties, body = found
                deaths = [
                    (event["reason"], event["queue"].rsplit("-", 1)[1], event["count"])
                    for event in (properties.headers or {}).get("x-death", [])
                ]
                return body, method.redelivered, method.message_count, method.delivery_tag, deaths

            answer = self.same(act)
            if answer is not None and not auto_ack:
                self.got.append((answer[3], 0))

        @precondition(lambda self: self.got)
        @rule(data=st.data(), how=st.sampled_from(["ack", "requeue", "drop"]), multiple=st.booleans())
        def settle_what_was_got(self, data: st.DataObject, how: str, multiple: bool) -> None:
            tag, _ = data.draw(st.sampled_from(self.got))
            self.got = [other for other in self.got if (other[0] > tag if multiple else other[0] != tag)]

            def act(side: Side) -> None:
                if how == "ack":
                    side.client.channel.basic_ack(tag, multiple)
                else:
                    side.client.channel.basic_nack(tag, multiple, requeue=how == "requeue")

            self.same(act)

        @precondition(lambda self: len(self.sides[0].inboxes) < 4)
        @rule(queue=queues, prefetch=st.integers(0, 3), auto_ack=st.booleans())
        def consume(self, queue: str, prefetch: int, auto_ack: bool) -> None:
            def act(side: Side) -> None:
                inbox = side.client.consume(
                    side.client.name(queue), side.client.connection.channel(), prefetch, auto_ack=auto_ack
                )
                inbox.settles = not auto_ack
                side.inboxes.append(inbox)

            self.same(act)
            self.counted.append(0)

        @precondition(lambda self: self.held)
        @rule(data=st.data(), how=st.sampled_from(["ack", "requeue", "drop"]), multiple=st.booleans())
        def settle_deliveries(self, data: st.DataObject, how: str, multiple: bool) -> None:
            which, index = data.draw(st.sampled_from(self.held))
            self.held = [
                (inbox, other)
                for inbox, other in self.held
                if inbox != which or (other > index if multiple else other != index)
            ]

            def act(side: Side) -> None:
                if how == "ack":
                    side.inboxes[which].ack(index, multiple)
                else:
                    side.inboxes[which].nack(index, how == "requeue", multiple)

            self.same(act)

        @precondition(lambda self: self.sides[0].inboxes)
        @rule(data=st.data())
        def close_a_consumers_channel(self, data: st.DataObject) -> None:
            which = data.draw(st.integers(0, len(self.sides[0].inboxes) - 1))
            self.same(lambda side: side.inboxes.pop(which).channel.close())
            self.counted.pop(which)
            self.held = [(inbox - (inbox > which), index) for inbox, index in self.held if inbox != which]

        @rule(queue=anywhere)
        def purge(self, queue: str) -> None:
            self.same(lambda side: side.client.channel.queue_purge(side.client.name(queue)).method.message_count)

        @rule()
        def recover(self) -> None:
            self.same(lambda side: side.client.channel.basic_recover(requeue=True) and None)
            self.got.clear()

        @invariant()
        def all_is_the_same(self) -> None:
            if not hasattr(self, "sides"):
                return
            ours, theirs = self.sides
            # A dead letter is on its way for a moment, so the counts are waited for.
            eventually(lambda: ours.ready() == theirs.ready(), f"the same counts: {ours.ready()} and {theirs.ready()}")
            for side in self.sides:
                side.settle_down()
            assert ours.seen() == theirs.seen()
            for which, inbox in enumerate(ours.inboxes):
                new = range(self.counted[which], len(inbox.deliveries))
                if inbox.settles:
                    self.held += [(which, index) for index in new]
                self.counted[which] = len(inbox.deliveries)

        def teardown(self) -> None:
            for side in getattr(self, "sides", []):
                side.client.__exit__(None, None, None)

    return Both


@pytest.mark.timeout(150)
def test_random_operations_look_the_same(embedded: Any, rabbitmq: Any) -> None:
    run_state_machine_as_test(
        make_machine((embedded.port, rabbitmq.port)),
        settings=settings(
            max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "12")),
            stateful_step_count=20,
            deadline=None,
            derandomize="HYPOTHESIS_EXAMPLES" not in os.environ,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
