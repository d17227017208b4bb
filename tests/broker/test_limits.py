"""Time to live, length limits and dead letters."""

from __future__ import annotations

import time
from typing import Any

import pika
import pytest
from amqp_client import Client, eventually


def test_the_queue_forgets_after_its_ttl(client: Client) -> None:
    queue = client.queue(arguments={"x-message-ttl": 50})
    client.publish(queue, b"short")
    assert client.ready(queue) == 1
    eventually(lambda: client.ready(queue) == 0, "an empty queue")


def test_a_message_may_have_a_shorter_life(client: Client) -> None:
    """The shorter of the queue's and the message's own time to live counts."""
    queue = client.queue(arguments={"x-message-ttl": 60_000})
    client.publish(queue, b"short", expiration="50")
    eventually(lambda: client.ready(queue) == 0, "an empty queue")


def test_a_message_expires_that_was_out_before(client: Client) -> None:
    """It went straight to a consumer, who did not settle it: when it comes back, its time is up."""
    queue = client.queue()
    channel = client.connection.channel()
    inbox = client.consume(queue, channel)
    client.publish(queue, b"short", expiration="50")
    inbox.wait(1)
    time.sleep(0.1)
    channel.close()
    assert client.drain(queue) == []
    channel = client.connection.channel()
    inbox = client.consume(queue, channel)
    client.publish(queue, b"longer", expiration="400")
    inbox.wait(1)
    channel.close()
    assert client.ready(queue) == 1
    eventually(lambda: client.ready(queue) == 0, "an empty queue")


def test_messages_expire_at_the_head_only(client: Client) -> None:
    """Behind a message that lives on nothing expires, until that one is gone."""
    queue = client.queue()
    client.publish(queue, b"long")
    client.publish(queue, b"short", expiration="1")
    witness = client.queue("witness")
    client.publish(witness, b"short", expiration="50")
    eventually(lambda: client.ready(witness) == 0, "the end of a later message elsewhere")
    assert client.ready(queue) == 2
    assert client.drain(queue) == [b"long"]


def test_ttl_zero_delivers_at_once_or_never(client: Client) -> None:
    queue = client.queue(arguments={"x-message-ttl": 0})
    client.publish(queue, b"nobody here")
    assert client.ready(queue) == 0
    inbox = client.consume(queue, auto_ack=True)
    client.publish(queue, b"somebody here")
    assert inbox.wait(1) == [b"somebody here"]


def test_an_unused_queue_expires(client: Client) -> None:
    queue = client.queue(arguments={"x-expires": 100})
    with Client(client.port) as watcher:
        consumed = client.queue("consumed", arguments={"x-expires": 100})
        client.consume(consumed)
        gone = pika.exceptions.ChannelClosedByBroker
        # Looking at a queue uses it, so each look waits longer than the queue may be unused.
        client.connection.process_data_events(0.5)
        with pytest.raises(gone):
            watcher.channel.queue_declare(queue, passive=True)
        assert client.exists(consumed)


def test_drop_head_keeps_the_newest(client: Client) -> None:
    queue = client.queue(arguments={"x-max-length": 3})
    client.publish(queue, *[str(number).encode() for number in range(5)])
    assert client.drain(queue) == [b"2", b"3", b"4"]


def test_length_in_octets_of_body(client: Client) -> None:
    queue = client.queue(arguments={"x-max-length-bytes": 10})
    client.publish(queue, b"aaaa", b"bbbb", b"cccc")
    assert client.drain(queue) == [b"bbbb", b"cccc"]
    client.publish(queue, b"d" * 11)
    assert client.drain(queue) == []


def test_only_ready_messages_count(client: Client) -> None:
    """What is out does not count; a requeue can push out the oldest."""
    queue = client.queue(arguments={"x-max-length": 2})
    client.publish(queue, b"1", b"2")
    out = client.get(queue, auto_ack=False)
    client.publish(queue, b"3")
    assert client.ready(queue) == 2
    assert out is not None
    client.channel.basic_nack(out[0].delivery_tag)
    eventually(lambda: client.ready(queue) == 2, "two messages")
    assert client.drain(queue) == [b"2", b"3"]


def dead_letter_queue(client: Client, **arguments: Any) -> tuple[str, str]:
    """(a queue with a dead-letter exchange, the queue behind that)"""
    exchange = client.exchange("dlx", "fanout")
    dead = client.queue("dead")
    client.channel.queue_bind(dead, exchange)
    return client.queue("q", arguments={"x-dead-letter-exchange": exchange, **arguments}), dead


def deaths(found: tuple[Any, Any, bytes]) -> list[dict[str, Any]]:
    """x-death without the times, which are checked to be there."""
    events: list[dict[str, Any]] = found[1].headers["x-death"]
    return [{key: value for key, value in event.items() if key != "time" or not value} for event in events]


def test_x_death_of_a_rejected_message(client: Client) -> None:
    queue, dead = dead_letter_queue(client)
    client.publish(queue, b"bad", headers={"own": "header"}, correlation_id="c")
    found = client.get(queue, auto_ack=False)
    assert found is not None
    client.channel.basic_reject(found[0].delivery_tag, requeue=False)
    letter = client.wait_for(dead)
    assert deaths(letter) == [
        {"count": 1, "reason": "rejected", "queue": queue, "exchange": "", "routing-keys": [queue]}
    ]
    assert {key: letter[1].headers[key] for key in letter[1].headers if key != "x-death"} == {
        "own": "header",
        "x-first-death-reason": "rejected",
        "x-first-death-queue": queue,
        "x-first-death-exchange": "",
    }
    assert (letter[0].exchange, letter[0].routing_key, letter[0].redelivered) == (client.name("dlx"), queue, False)
    assert (letter[1].correlation_id, letter[2]) == ("c", b"bad")


def test_x_death_of_an_expired_message(client: Client) -> None:
    """The message's own expiration is taken off and remembered."""
    queue, dead = dead_letter_queue(client)
    client.publish(queue, b"late", expiration="20")
    letter = client.wait_for(dead)
    assert deaths(letter) == [
        {
            "count": 1,
            "reason": "expired",
            "queue": queue,
            "exchange": "",
            "routing-keys": [queue],
            "original-expiration": "20",
        }
    ]
    assert letter[1].expiration is None


@pytest.mark.parametrize(("overflow", "dies"), [("drop-head", b"1"), ("reject-publish-dlx", b"3")])
def test_x_death_of_what_a_full_queue_drops(client: Client, overflow: str, dies: bytes) -> None:
    queue, dead = dead_letter_queue(client, **{"x-max-length": 2, "x-overflow": overflow})
    client.publish(queue, b"1", b"2")
    if overflow == "drop-head":
        client.publish(queue, b"3")
    else:
        with pytest.raises(pika.exceptions.NackError):
            client.publish(queue, b"3")
    letter = client.wait_for(dead)
    assert letter[2] == dies
    assert deaths(letter)[0]["reason"] == "maxlen"


def test_a_dead_letter_may_get_another_key(client: Client) -> None:
    """x-dead-letter-routing-key replaces the key, and takes CC off."""
    dead = client.queue("dead")
    queue = client.queue(
        arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead, "x-message-ttl": 0}
    )
    client.publish(queue, b"x", headers={"CC": ["other"]})
    letter = client.wait_for(dead)
    assert letter[0].routing_key == dead
    assert deaths(letter)[0]["routing-keys"] == [queue, "other"]
    assert "CC" not in letter[1].headers


def test_deaths_count_up(client: Client) -> None:
    """Round and round through a retry queue: one event for each queue and reason, the latest first."""
    work, retry = client.name("work"), client.name("retry")
    client.queue("work", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": retry})
    client.queue(
        "retry", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": work, "x-message-ttl": 10}
    )
    client.publish(work, b"x")
    inbox = client.consume(work)
    for attempt in range(3):
        inbox.wait(attempt + 1)
        inbox.nack(attempt, requeue=False)
    inbox.wait(4)
    events = deaths(inbox.deliveries[3])
    assert [(event["queue"], event["reason"], event["count"]) for event in events] == [
        (retry, "expired", 3),
        (work, "rejected", 3),
    ]
    assert inbox.deliveries[3][1].headers["x-first-death-queue"] == work


def test_a_circle_without_a_reject_ends(client: Client) -> None:
    """A message that would expire round and round is dropped when it comes back to where it was."""
    queue, other = client.name("q"), client.name("other")
    client.queue(
        "other", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue, "x-message-ttl": 1}
    )
    client.queue("q", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": other, "x-message-ttl": 1})
    client.publish(queue, b"x")
    eventually(lambda: client.ready(queue) == client.ready(other) == 0, "two empty queues")
    inboxes = [client.consume(name, auto_ack=True) for name in (queue, other)]
    assert [inbox.settled() for inbox in inboxes] == [[], []]


def test_without_its_exchange_a_dead_letter_is_gone(client: Client) -> None:
    queue = client.queue(arguments={"x-dead-letter-exchange": client.name("nothing"), "x-max-length": 1})
    client.publish(queue, b"1", b"2")
    assert client.drain(queue) == [b"2"]


def test_a_client_may_have_made_something_else_of_x_death(client: Client) -> None:
    queue, dead = dead_letter_queue(client, **{"x-message-ttl": 0})
    client.publish(queue, b"x", headers={"x-death": "text"})
    assert deaths(client.wait_for(dead))[0]["count"] == 1


def test_a_death_puts_headers_in_order(client: Client) -> None:
    """By name: whoever looks at the octets sees the same from both brokers."""
    queue, dead = dead_letter_queue(client, **{"x-message-ttl": 0})
    client.publish(queue, b"x", headers={"zeta": 1, "Alpha": 2, "x-own": 3})
    first = ["x-first-death-exchange", "x-first-death-queue", "x-first-death-reason"]
    assert list(client.wait_for(dead)[1].headers) == ["Alpha", "x-death", *first, "x-own", "zeta"]


def test_header_types_survive_a_death(client: Client) -> None:
    """What pika cannot tell apart stays what it was: the queue's octets are compared."""
    queue, dead = dead_letter_queue(client, **{"x-message-ttl": 0})
    headers = {"long": pika.compat.long(5), "int": 5, "list": [1, {"deep": None}], "octets": b"\x00", "yes": True}
    client.publish(queue, b"x", headers=headers)
    letter = client.wait_for(dead)[1].headers
    kept = {key: letter[key] for key in headers}
    assert kept == headers
    assert isinstance(kept["long"], pika.compat.long)
    assert not isinstance(kept["int"], pika.compat.long)
