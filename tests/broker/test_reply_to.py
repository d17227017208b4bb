"""Direct reply-to: answers past all queues, to the channel that asked."""

from __future__ import annotations

from typing import Any

import pika
import pytest
from amqp_client import Client, Inbox, closed_with

NAME = "amq.rabbitmq.reply-to"


@pytest.fixture
def asker(client: Client) -> Inbox:
    """Waits for answers on a channel of its own."""
    return client.consume(NAME, client.confirming(), auto_ack=True)


def ask(asker: Inbox, queue: str, **properties: Any) -> None:
    asker.channel.basic_publish("", queue, b"?", pika.BasicProperties(reply_to=NAME, **properties), mandatory=True)


def asked(client: Client, asker: Inbox) -> str:
    """Asks, and takes the question: the address at which the answer is awaited."""
    queue = client.queue()
    ask(asker, queue)
    return str(client.wait_for(queue)[1].reply_to)


def test_an_answer_goes_to_who_asked(client: Client, asker: Inbox) -> None:
    """With all that it carries; the question keeps its other properties, and names an address instead."""
    queue = client.queue()
    ask(asker, queue, correlation_id="7", headers={"a": 1})
    _, question, _ = client.wait_for(queue)
    assert question.reply_to.startswith(f"{NAME}.")
    assert (question.correlation_id, question.headers) == ("7", {"a": 1})
    client.channel.basic_publish("", question.reply_to, b"!", pika.BasicProperties(correlation_id="7"))
    asker.wait(1)
    [(method, answer, body)] = asker.deliveries
    assert (method.consumer_tag, method.exchange, method.routing_key) == (asker.tag, "", question.reply_to)
    assert (method.redelivered, answer.correlation_id, body) == (False, "7", b"!")


def test_each_channel_has_its_own_address(client: Client, asker: Inbox) -> None:
    other = client.consume(NAME, client.confirming(), auto_ack=True)
    addresses = [asked(client, one) for one in (asker, other, asker)]
    assert addresses[0] == addresses[2] != addresses[1]
    client.channel.basic_publish("", addresses[1], b"!")
    assert (asker.settled(), other.wait(1)) == ([], [b"!"])


def test_a_dead_letter_may_be_an_answer(client: Client, asker: Inbox) -> None:
    address = asked(client, asker)
    dead_letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": address}
    queue = client.queue("mortal", arguments={**dead_letters, "x-max-length": 0})
    client.publish(queue, b"!")
    asker.wait(1)
    [(method, answer, body)] = asker.deliveries
    assert (method.routing_key, answer.headers["x-first-death-reason"], body) == (address, "maxlen", b"!")


def test_answers_have_no_delivery_tag_of_their_own(client: Client, asker: Inbox) -> None:
    """There is nothing to acknowledge: the next message that is has the same tag."""
    address, queue = asked(client, asker), client.queue("other")
    for body in (b"1", b"2"):
        client.channel.basic_publish("", address, body)
    asker.wait(2)
    client.publish(queue, b"x")
    method, _, _ = asker.channel.basic_get(queue)
    assert [found.delivery_tag for found, _, _ in asker.deliveries] == [1, 1]
    assert method is not None
    assert method.delivery_tag == 1


def test_an_answer_counts_as_unroutable(client: Client, asker: Inbox) -> None:
    """It is confirmed, and returned if it is mandatory, and there all the same."""
    address = asked(client, asker)
    with pytest.raises(pika.exceptions.UnroutableError) as returned:
        client.publish(address, b"!")
    assert returned.value.messages[0].method.reply_code == 312
    assert asker.wait(1) == [b"!"]


def test_an_answer_goes_by_the_default_exchange_alone(client: Client, asker: Inbox) -> None:
    """CC leads to it, too."""
    address, queue = asked(client, asker), client.queue("other")
    client.channel.basic_publish("amq.direct", address, b"direct")
    client.publish(queue, b"copy", headers={"CC": [address]})
    assert asker.wait(1) == [b"copy"]
    assert client.drain(queue) == [b"copy"]


@pytest.mark.parametrize("end", ["cancel", "close", "error"])
def test_whose_consumer_is_gone_gets_no_answer(client: Client, asker: Inbox, end: str) -> None:
    """And the address is gone; its like for another consumer is another one."""
    address = asked(client, asker)
    if end == "cancel":
        asker.channel.basic_cancel(asker.tag)
    elif end == "close":
        asker.channel.close()
    else:
        closed_with(lambda: asker.channel.queue_declare(client.name("nobody"), passive=True))
    client.channel.basic_publish("", address, b"!")
    client.channel.basic_publish("", NAME, b"!")
    client.channel.basic_publish("", f"{NAME}.nobody", b"!")
    assert closed_with(lambda: client.connection.channel().queue_declare(address))[0] == 404
    again = client.consume(NAME, asker.channel if end == "cancel" else client.confirming(), auto_ack=True)
    assert asked(client, again) != address
    assert (asker.bodies, again.settled()) == ([], [])


def test_what_is_asked_wrongly(client: Client, asker: Inbox) -> None:
    queue = client.queue()
    nowhere = client.confirming()
    assert closed_with(
        lambda: nowhere.basic_publish("", queue, b"?", pika.BasicProperties(reply_to=NAME)),
    ) == (406, "PRECONDITION_FAILED - fast reply consumer does not exist")
    assert closed_with(lambda: client.connection.channel().basic_consume(NAME, print)) == (
        406,
        "PRECONDITION_FAILED - reply consumer cannot acknowledge",
    )
    assert closed_with(lambda: asker.channel.basic_consume(NAME, print, auto_ack=True)) == (
        406,
        "PRECONDITION_FAILED - reply consumer already set",
    )
    assert client.drain(queue) == []


def test_the_pseudo_queue_can_be_declared_and_nothing_else(client: Client, asker: Inbox) -> None:
    address = asked(client, asker)
    channel = client.connection.channel()
    for name in (NAME, address):
        declared = channel.queue_declare(name).method
        assert (declared.queue, declared.message_count, declared.consumer_count) == (name, 0, 1)
        assert channel.queue_delete(name).method.message_count == 0
    channel.queue_declare(NAME, passive=True)
    for call in (
        lambda: client.connection.channel().queue_purge(NAME),
        lambda: client.connection.channel().basic_get(NAME),
        lambda: client.connection.channel().queue_bind(NAME, "amq.direct", "key"),
    ):
        assert closed_with(call) == (404, f"NOT_FOUND - no queue '{NAME}' in vhost '/'")
