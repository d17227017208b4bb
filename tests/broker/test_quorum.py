"""Quorum queues, as far as one node can show them: delivery counts, delivery limit, order of returns."""

from __future__ import annotations

import pytest
from amqp_client import Client, eventually


def test_every_return_is_counted(client: Client) -> None:
    """The header x-delivery-count says how often a message came back; the first time it is not there."""
    queue = client.quorum_queue()
    client.publish(queue, b"x")
    inbox = client.consume(queue, prefetch=1)
    for attempt in range(3):
        inbox.wait(attempt + 1)
        inbox.nack(attempt, requeue=True)
    inbox.wait(4)
    counts = [(properties.headers or {}).get("x-delivery-count") for _, properties, _ in inbox.deliveries]
    assert counts == [None, 1, 2, 3]
    assert [delivery.redelivered for delivery, _, _ in inbox.deliveries] == [False, True, True, True]


def test_a_count_puts_headers_in_order(client: Client) -> None:
    queue = client.quorum_queue()
    client.publish(queue, b"x", headers={"zeta": 1, "Alpha": 2})
    inbox = client.consume(queue, prefetch=1)
    inbox.wait(1)
    inbox.nack(0, requeue=True)
    inbox.wait(2)
    assert [list(properties.headers) for _, properties, _ in inbox.deliveries] == [
        ["zeta", "Alpha"],
        ["Alpha", "x-delivery-count", "zeta"],
    ]


def test_the_delivery_limit_ends_a_poison_message(client: Client) -> None:
    """More returns than the limit, and it is a dead letter with the reason delivery_limit."""
    dead = client.queue("dead")
    queue = client.quorum_queue(
        **{"x-delivery-limit": 2, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    )
    client.publish(queue, b"poison", b"fine")
    inbox = client.consume(queue, prefetch=1)
    for attempt in range(3):
        inbox.wait(attempt + 1)
        inbox.nack(attempt, requeue=True)
    assert inbox.wait(4) == [b"poison"] * 3 + [b"fine"]
    letter = client.wait_for(dead)
    assert letter[2] == b"poison"
    assert [(event["reason"], event["queue"], event["count"]) for event in letter[1].headers["x-death"]] == [
        ("delivery_limit", queue, 1)
    ]


def test_a_lost_consumer_counts_as_a_return(client: Client) -> None:
    dead = client.queue("dead")
    queue = client.quorum_queue(
        **{"x-delivery-limit": 1, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    )
    client.publish(queue, b"poison")
    for _ in range(2):
        inbox = client.consume(queue, client.connection.channel())
        inbox.wait(1)
        inbox.channel.close()
    assert client.wait_for(dead)[2] == b"poison"


@pytest.mark.parametrize(
    ("limit", "order"),
    [({"x-delivery-limit": 9}, [b"2", b"0", b"1", b"3", b"4"]), ({}, [b"3", b"4", b"2", b"0", b"1"])],
    ids=["with a delivery limit: ahead, as they came back", "without: to the back"],
)
def test_where_returned_messages_go(client: Client, limit: dict[str, int], order: list[bytes]) -> None:
    """Unlike in a classic queue, not to where they were."""
    queue = client.quorum_queue(**limit)
    client.publish(queue, *[str(number).encode() for number in range(5)])
    inbox = client.consume(queue, client.connection.channel(), prefetch=3)
    inbox.wait(3)
    inbox.channel.basic_cancel(inbox.tag)
    for index in (2, 0, 1):
        inbox.nack(index, requeue=True)
    eventually(lambda: client.ready(queue) == 5, "five messages")
    again = client.consume(queue, client.connection.channel(), auto_ack=True)
    assert again.wait(5) == order


@pytest.mark.parametrize("limit", [{"x-delivery-limit": 9}, {}], ids=["with a delivery limit", "without"])
def test_what_a_lost_consumer_held_goes_ahead(client: Client, limit: dict[str, int]) -> None:
    queue = client.quorum_queue(**limit)
    client.publish(queue, *[str(number).encode() for number in range(5)])
    inbox = client.consume(queue, client.connection.channel(), prefetch=3)
    inbox.wait(3)
    inbox.channel.close()
    eventually(lambda: client.ready(queue) == 5, "five messages")
    again = client.consume(queue, client.connection.channel(), auto_ack=True)
    assert again.wait(5) == [str(number).encode() for number in range(5)]


def test_what_it_drops_from_the_head(client: Client) -> None:
    queue = client.quorum_queue(**{"x-max-length": 2})
    client.publish(queue, b"1", b"2", b"3")
    eventually(lambda: client.ready(queue) == 2, "two messages")
    assert client.drain(queue) == [b"2", b"3"]


def test_it_expires_messages(client: Client) -> None:
    queue = client.quorum_queue(**{"x-message-ttl": 50})
    client.publish(queue, b"x")
    inbox = client.consume(client.queue("other"))
    client.connection.process_data_events(0.2)
    inbox = client.consume(queue, auto_ack=True)
    client.publish(queue, b"y")
    assert inbox.wait(1) == [b"y"]
