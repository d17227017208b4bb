"""Declaring, finding and deleting queues and exchanges: the same answers and the same refusals on both brokers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pika
import pytest
from amqp_client import Client, closed_with, eventually


def test_declaring_again_finds_the_same_queue(client: Client) -> None:
    """Messages and consumers are counted; a second declaration changes nothing."""
    queue = client.queue(durable=True, arguments={"x-max-length": 10})
    client.publish(queue, b"one", b"two")
    client.consume(client.queue("other"))
    again = client.channel.queue_declare(queue, durable=True, arguments={"x-max-length": 10}).method
    assert (again.queue, again.message_count, again.consumer_count) == (queue, 2, 0)
    consumed = client.consume(client.name("other"))
    assert client.channel.queue_declare(consumed.queue, passive=True).method.consumer_count == 2


def test_the_server_names_a_queue(client: Client) -> None:
    """An empty name asks for one, and then stands for that queue."""
    name = client.channel.queue_declare("", exclusive=True).method.queue
    assert name.startswith("amq.gen-")
    client.channel.queue_bind("", "amq.direct", "key-" + name)
    client.publish("key-" + name, b"x", b"y", exchange="amq.direct")
    assert client.drain("") == [b"x", b"y"]


Declaration = Callable[[Client], object]
REFUSED_QUEUES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("durable differs", {}, {"durable": True}),
    ("auto-delete differs", {}, {"auto_delete": True}),
    ("argument appears", {}, {"arguments": {"x-max-length": 5}}),
    ("argument disappears", {"arguments": {"x-message-ttl": 60000}}, {}),
    ("argument differs", {"arguments": {"x-message-ttl": 60000}}, {"arguments": {"x-message-ttl": 60001}}),
    (
        "string argument differs",
        {"arguments": {"x-overflow": "drop-head"}},
        {"arguments": {"x-overflow": "reject-publish"}},
    ),
    ("type of argument differs", {"arguments": {"x-max-length": 5}}, {"arguments": {"x-max-length": "5"}}),
    ("exclusive differs", {}, {"exclusive": True}),
    ("queue type differs", {"durable": True}, {"durable": True, "arguments": {"x-queue-type": "quorum"}}),
]


@pytest.mark.parametrize(("why", "first", "second"), REFUSED_QUEUES, ids=[case[0] for case in REFUSED_QUEUES])
def test_another_declaration_of_the_same_queue_is_refused(
    embedded: Any, rabbitmq: Any, why: str, first: dict[str, Any], second: dict[str, Any]
) -> None:
    """Code and sentence are RabbitMQ's, word for word."""
    answers = []
    for server in (embedded, rabbitmq):
        with Client(server.port) as client:
            queue = client.queue(**first)
            code, text = closed_with(lambda client=client, queue=queue: client.channel.queue_declare(queue, **second))
            answers.append((code, text.replace(queue, "QUEUE")))
    assert answers[0] == answers[1]
    assert answers[0][0] in (405, 406)


TEN_YEARS = 315_360_000_000  # milliseconds; RabbitMQ's limit. Celery declares queues of four years.
NO_SUCH = [
    ("passive queue", lambda c: c.channel.queue_declare(c.name(), passive=True)),
    ("passive exchange", lambda c: c.channel.exchange_declare(c.name(), passive=True)),
    ("publish to no exchange", lambda c: c.channel.basic_publish(c.name(), "", b"")),
    ("consume from no queue", lambda c: c.channel.basic_consume(c.name(), print)),
    ("get from no queue", lambda c: c.channel.basic_get(c.name())),
    ("purge no queue", lambda c: c.channel.queue_purge(c.name())),
    ("bind no queue", lambda c: c.channel.queue_bind(c.name(), "amq.direct", "k")),
    ("bind to no exchange", lambda c: c.channel.queue_bind(c.queue(), c.name("x"), "k")),
    ("no queue declared yet", lambda c: c.channel.queue_purge("")),
    ("bind no exchange", lambda c: c.channel.exchange_bind(c.name("x"), "amq.direct", "k")),
]
REFUSED = [
    ("reserved queue name", lambda c: c.channel.queue_declare("amq.mine")),
    ("reserved exchange name", lambda c: c.channel.exchange_declare("amq.mine", "direct")),
    ("delete system exchange", lambda c: c.channel.exchange_delete("amq.direct")),
    ("delete default exchange", lambda c: c.channel.exchange_delete("")),
    ("declare default exchange", lambda c: c.channel.exchange_declare("", "direct")),
    ("bind to default exchange", lambda c: c.channel.queue_bind(c.queue(), "", "k")),
    ("unbind from default exchange", lambda c: c.channel.queue_unbind(c.queue(), "", "k")),
    ("redeclare system exchange", lambda c: c.channel.exchange_declare("amq.direct", "fanout", durable=True)),
    ("system exchange not durable", lambda c: c.channel.exchange_declare("amq.direct", "direct")),
    ("unknown exchange type", lambda c: c.channel.exchange_declare(c.name("x"), "nope")),
    ("publish to internal", lambda c: c.channel.basic_publish(c.exchange("x", "direct", internal=True), "k", b"")),
    ("ttl is text", lambda c: c.queue(arguments={"x-message-ttl": "5"})),
    ("ttl negative", lambda c: c.queue(arguments={"x-message-ttl": -1})),
    ("ttl too large", lambda c: c.queue(arguments={"x-message-ttl": TEN_YEARS + 1})),
    ("ttl too large, quorum", lambda c: c.quorum_queue(**{"x-message-ttl": TEN_YEARS + 1})),
    ("expires too late", lambda c: c.queue(arguments={"x-expires": TEN_YEARS + 1})),
    ("expires zero", lambda c: c.queue(arguments={"x-expires": 0})),
    ("expires text", lambda c: c.queue(arguments={"x-expires": "soon"})),
    ("max-length negative", lambda c: c.queue(arguments={"x-max-length": -3})),
    ("max-length-bytes text", lambda c: c.queue(arguments={"x-max-length-bytes": "many"})),
    ("overflow unknown", lambda c: c.queue(arguments={"x-overflow": "explode"})),
    ("overflow number", lambda c: c.queue(arguments={"x-overflow": 1})),
    ("dead-letter key without exchange", lambda c: c.queue(arguments={"x-dead-letter-routing-key": "k"})),
    ("dead-letter exchange is number", lambda c: c.queue(arguments={"x-dead-letter-exchange": 7})),
    ("queue type unknown", lambda c: c.queue(arguments={"x-queue-type": "magic"})),
    ("queue type number", lambda c: c.queue(arguments={"x-queue-type": 1})),
    ("single active is text", lambda c: c.queue(arguments={"x-single-active-consumer": "yes"})),
    ("delivery limit on classic", lambda c: c.queue(arguments={"x-delivery-limit": 3})),
    ("quorum not durable", lambda c: c.queue(arguments={"x-queue-type": "quorum"})),
    ("quorum exclusive", lambda c: c.queue(durable=True, exclusive=True, arguments={"x-queue-type": "quorum"})),
    ("quorum auto-delete", lambda c: c.queue(durable=True, auto_delete=True, arguments={"x-queue-type": "quorum"})),
    ("quorum server-named", lambda c: c.channel.queue_declare("", durable=True, arguments={"x-queue-type": "quorum"})),
    ("quorum lazy", lambda c: c.quorum_queue(**{"x-queue-mode": "lazy"})),
    ("alternate exchange is number", lambda c: c.exchange("x", "direct", arguments={"alternate-exchange": 3})),
    ("x-match unknown", lambda c: c.channel.queue_bind(c.queue(), "amq.headers", "", {"x-match": "most"})),
    ("x-match is number", lambda c: c.channel.queue_bind(c.queue(), "amq.headers", "", {"x-match": 3})),
    ("consumer tag twice", lambda c: _same_tag_twice(c)),
    ("priority is text", lambda c: c.channel.basic_consume(c.queue(), print, arguments={"x-priority": "high"})),
    ("expiration is text", lambda c: c.publish(c.queue(), b"", expiration="soon")),
    ("expiration has a unit", lambda c: c.publish(c.queue(), b"", expiration="5s")),
    ("expiration negative", lambda c: c.publish(c.queue(), b"", expiration="-5")),
    ("expiration too large", lambda c: c.publish(c.queue(), b"", expiration=str(TEN_YEARS + 1))),
    ("user id of another", lambda c: c.publish(c.queue(), b"", user_id="mallory")),
    ("CC is text", lambda c: c.publish(c.queue(), b"", headers={"CC": "k"})),
    ("unknown delivery tag", lambda c: _then_wait(c, c.channel.basic_ack(99))),
    ("unknown tag, nack", lambda c: _then_wait(c, c.channel.basic_nack(99))),
    ("unknown tag, reject", lambda c: _then_wait(c, c.channel.basic_reject(99))),
    ("unknown tag, multiple", lambda c: _then_wait(c, c.channel.basic_ack(99, multiple=True))),
    ("delete queue in use", lambda c: c.channel.queue_delete(c.consume(c.queue()).queue, if_unused=True)),
    ("delete queue not empty", lambda c: c.channel.queue_delete(_filled(c), if_empty=True)),
    ("delete exchange in use", lambda c: c.channel.exchange_delete(_bound(c), if_unused=True)),
    ("prefetch in octets", lambda c: c.channel.basic_qos(prefetch_size=100)),
    ("quorum with global prefetch", lambda c: _quorum_with_global_prefetch(c)),
]


def _same_tag_twice(client: Client) -> None:
    queue = client.queue()
    raw = client.channel._impl  # pika refuses a tag twice by itself, so ask below it
    client.channel.basic_consume(queue, print, consumer_tag="tag")
    raw._send_method(pika.spec.Basic.Consume(queue=queue, consumer_tag="tag"))
    _then_wait(client)


def _then_wait(client: Client, *_: object) -> None:
    client.channel.queue_declare(client.name("never"), passive=True)


def _filled(client: Client) -> str:
    queue = client.queue()
    client.publish(queue, b"x")
    return queue


def _bound(client: Client) -> str:
    exchange = client.exchange("x", "fanout")
    client.channel.queue_bind(client.queue(), exchange)
    return exchange


def _quorum_with_global_prefetch(client: Client) -> None:
    queue = client.quorum_queue()
    client.channel.basic_qos(prefetch_count=5, global_qos=True)
    client.channel.basic_consume(queue, print)


@pytest.mark.parametrize(("why", "call"), NO_SUCH + REFUSED, ids=[case[0] for case in NO_SUCH + REFUSED])
def test_refusals_are_the_same_word_for_word(embedded: Any, rabbitmq: Any, why: str, call: Declaration) -> None:
    """What is refused on RabbitMQ is refused here, with its code and its sentence."""
    answers = []
    for server in (embedded, rabbitmq):
        with Client(server.port) as client:
            code, text = closed_with(lambda client=client: call(client))
            answers.append((code, text.replace(client.name(""), "NAME-"), client.connection.is_open))
    assert answers[0] == answers[1]


ACCEPTED = [
    ("delete no queue", lambda c: c.channel.queue_delete(c.name("none")).method.message_count),
    ("delete no exchange", lambda c: c.channel.exchange_delete(c.name("none")).method.NAME),
    ("unbind what is not bound", lambda c: c.channel.queue_unbind(c.queue(), "amq.direct", "k").method.NAME),
    ("unbind from no exchange", lambda c: c.channel.queue_unbind(c.queue(), c.name("x"), "k").method.NAME),
    ("cancel no consumer", lambda c: c.channel._impl.basic_cancel("nobody")),
    ("ttl zero", lambda c: bool(c.queue(arguments={"x-message-ttl": 0}))),
    ("ttl of ten years", lambda c: bool(c.queue(arguments={"x-message-ttl": TEN_YEARS, "x-expires": TEN_YEARS}))),
    ("ttl of ten years, quorum", lambda c: bool(c.quorum_queue(**{"x-message-ttl": TEN_YEARS}))),
    ("expiration in ten years", lambda c: _published_and_got(c, expiration=str(TEN_YEARS))),
    ("lazy", lambda c: bool(c.queue(arguments={"x-queue-mode": "lazy"}))),
    ("unknown argument", lambda c: bool(c.queue(arguments={"x-colour": "blue"}))),
    ("classic is what says nothing", lambda c: c.queue() == c.queue(arguments={"x-queue-type": "classic"})),
    ("integer width does not matter", lambda c: _same_number_other_width(c)),
    ("delete counts ready messages", lambda c: c.channel.queue_delete(_filled(c)).method.message_count),
    ("purge counts ready messages", lambda c: c.channel.queue_purge(_filled(c)).method.message_count),
]


def _published_and_got(client: Client, **properties: Any) -> bytes:
    queue = client.queue()
    client.publish(queue, b"x", **properties)
    found = client.get(queue)
    assert found is not None
    return found[2]


def _same_number_other_width(client: Client) -> bool:
    queue = client.queue(arguments={"x-max-length": 5})
    client.channel.queue_declare(queue, arguments={"x-max-length": pika.compat.long(5)})
    return client.channel.is_open


@pytest.mark.parametrize(("why", "call"), ACCEPTED, ids=[case[0] for case in ACCEPTED])
def test_what_is_accepted_is_answered_alike(embedded: Any, rabbitmq: Any, why: str, call: Declaration) -> None:
    answers = []
    for server in (embedded, rabbitmq):
        with Client(server.port) as client:
            answers.append(call(client))
            assert client.channel.is_open
    assert answers[0] == answers[1]


def test_an_exclusive_queue_belongs_to_its_connection(client: Client) -> None:
    """Others are locked out (405), and it goes with its connection."""
    with Client(client.port) as owner:
        queue = owner.channel.queue_declare(owner.name(), exclusive=True, durable=True).method.queue
        owner.publish(queue, b"mine")
        for call in (
            lambda channel: channel.queue_declare(queue, passive=True),
            lambda channel: channel.basic_get(queue),
            lambda channel: channel.basic_consume(queue, print),
            lambda channel: channel.queue_delete(queue),
            lambda channel: channel.queue_purge(queue),
            lambda channel: channel.queue_declare(queue, exclusive=True),
            lambda channel: channel.queue_bind(queue, "amq.direct", "k"),
        ):
            channel = client.connection.channel()
            code, text = closed_with(lambda call=call, channel=channel: call(channel))
            assert code == 405
            assert "cannot obtain exclusive access to locked queue" in text
        client.publish(queue, b"yours")  # publishing through an exchange is open to all
        assert owner.drain(queue) == [b"mine", b"yours"]
    eventually(lambda: not client.exists(queue), "the end of the queue")


def test_an_auto_delete_queue_goes_with_its_last_consumer(client: Client) -> None:
    queue = client.queue(auto_delete=True)
    first, second = client.consume(queue), client.consume(queue)
    client.channel.basic_cancel(first.tag)
    assert client.exists(queue)
    client.channel.basic_cancel(second.tag)
    eventually(lambda: not client.exists(queue), "the end of the queue")


def test_an_auto_delete_queue_stays_until_it_has_had_a_consumer(client: Client) -> None:
    queue = client.queue(auto_delete=True)
    client.publish(queue, b"x")
    assert client.drain(queue) == [b"x"]
    assert client.exists(queue)


def test_an_auto_delete_exchange_goes_with_its_last_binding(client: Client) -> None:
    exchange = client.exchange("x", "fanout", auto_delete=True)
    first, second = client.queue("a"), client.queue("b")
    client.channel.queue_bind(first, exchange)
    client.channel.queue_bind(second, exchange)
    client.channel.queue_unbind(first, exchange)
    client.channel.exchange_declare(exchange, passive=True)
    client.channel.queue_delete(second)
    code, _ = closed_with(lambda: client.channel.exchange_declare(exchange, passive=True))
    assert code == 404
