"""Routing, returns and confirms."""

from __future__ import annotations

from typing import Any

import pika
import pytest
from amqp_client import Client, eventually
from amqp_raw import RawClient, header, method, raw_frame
from pika import spec


def test_a_message_keeps_everything_it_was_given(client: Client) -> None:
    """All properties, header types and a body of any octets come out as they went in."""
    queue = client.queue()
    properties: dict[str, Any] = {
        "content_type": "application/json",
        "content_encoding": "utf-8",
        "headers": {
            "text": "ä",
            "number": 7,
            "big": 2**40,
            "yes": True,
            "none": None,
            "nested": {"list": [1, "two"]},
            "octets": b"\xff\x00",
        },
        "delivery_mode": 2,
        "priority": 3,
        "correlation_id": "c-1",
        "reply_to": "answers",
        "expiration": "60000",
        "message_id": "m-1",
        "timestamp": 1_700_000_000,
        "type": "order.placed",
        "user_id": "guest",
        "app_id": "test",
        "cluster_id": "",
    }
    body = bytes(range(256))
    client.publish(queue, body, **properties)
    found = client.get(queue)
    assert found is not None
    assert {name: getattr(found[1], name) for name in properties} == properties
    assert found[2] == body
    assert (found[0].exchange, found[0].routing_key, found[0].redelivered) == ("", queue, False)


@pytest.mark.parametrize("size", [0, 1, 131_063, 131_064, 131_065, 1_000_000])
def test_a_body_of_any_size_arrives_whole(client: Client, size: int) -> None:
    """An empty body has no body frame; one that does not fit into a frame is split."""
    queue = client.queue()
    body = bytes(i % 251 for i in range(1000)) * (size // 1000 + 1)
    client.publish(queue, body[:size])
    inbox = client.consume(queue, auto_ack=True)
    assert inbox.wait(1) == [body[:size]]


def test_frames_are_as_small_as_was_negotiated(raw: RawClient) -> None:
    raw.start()
    raw.tune(frame_max=4096)
    raw.send(method(0, spec.Connection.Open("/")))
    raw.read_method()
    raw.channel()
    queue = raw.call(1, spec.Queue.Declare(exclusive=True)).queue
    body = b"x" * 10_000
    raw.send(method(1, spec.Basic.Publish(routing_key=queue)) + header(1, len(body)))
    for start in range(0, len(body), 4088):
        raw.send(raw_frame(3, 1, body[start : start + 4088]))
    assert isinstance(raw.call(1, spec.Basic.Get(queue=queue)), spec.Basic.GetOk)
    assert raw.read().body_size == len(body)
    assert [len(raw.read().fragment) for _ in range(3)] == [4088, 4088, 1824]


def test_direct_exchange(client: Client) -> None:
    """The routing key must be the binding's; one queue gets a message once, however many bindings fit."""
    exchange = client.exchange("x", "direct")
    first, second = client.queue("a"), client.queue("b")
    for queue, key in ((first, "red"), (first, "blue"), (second, "red"), (first, "red")):
        client.channel.queue_bind(queue, exchange, key)
    client.publish("red", b"1", exchange=exchange)
    client.publish("blue", b"2", exchange=exchange)
    assert (client.drain(first), client.drain(second)) == ([b"1", b"2"], [b"1"])


def test_fanout_exchange_ignores_the_key(client: Client) -> None:
    exchange = client.exchange("x", "fanout")
    queues = [client.queue(what) for what in "abc"]
    for queue in queues:
        client.channel.queue_bind(queue, exchange, "whatever")
    client.publish("other", b"all", exchange=exchange)
    assert [client.drain(queue) for queue in queues] == [[b"all"]] * 3


TOPICS = {
    "#": ["", "a", "a.b", "a.b.c", "stock.usd.nyse"],
    "*": ["a"],
    "a.*": ["a.b"],
    "a.#": ["a", "a.b", "a.b.c"],
    "#.c": ["a.b.c"],
    "*.*.nyse": ["stock.usd.nyse"],
    "stock.#.nyse": ["stock.usd.nyse"],
    "#.#": ["", "a", "a.b", "a.b.c", "stock.usd.nyse"],
    "a.#.#.c": ["a.b.c"],
    "": [""],
}


def test_topic_exchange(client: Client) -> None:
    exchange = client.exchange("x", "topic")
    for number, pattern in enumerate(TOPICS):
        client.channel.queue_bind(client.queue(str(number)), exchange, pattern)
    for key in ("", "a", "a.b", "a.b.c", "stock.usd.nyse"):
        client.publish(key, key.encode(), exchange=exchange)
    found = {
        pattern: [body.decode() for body in client.drain(client.name(str(number)))]
        for number, pattern in enumerate(TOPICS)
    }
    assert found == TOPICS


HEADERS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {}, True),
    ({}, {"a": 1}, True),
    ({"a": 1}, {"a": 1}, True),
    ({"a": 1}, {"a": 2}, False),
    ({"a": 1}, {"b": 1}, False),
    ({"a": 1, "b": 2}, {"a": 1}, False),
    ({"x-match": "all", "a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}, True),
    ({"x-match": "any", "a": 1, "b": 2}, {"b": 2}, True),
    ({"x-match": "any", "a": 1, "b": 2}, {"b": 3}, False),
    ({"x-match": "any"}, {"b": 3}, False),
    ({"x-match": "all", "a": None}, {"a": "anything"}, True),
    ({"x-match": "any", "x-kind": 1}, {"x-kind": 1}, False),
    ({"x-match": "all", "x-kind": 1}, {}, True),
    ({"x-match": "any-with-x", "x-kind": 1}, {"x-kind": 1}, True),
    ({"x-match": "all-with-x", "x-kind": 1}, {}, False),
    ({"a": "1"}, {"a": 1}, False),
    ({"a": True}, {"a": True}, True),
    ({"a": True}, {"a": 1}, False),
]


def test_headers_exchange(client: Client) -> None:
    exchange = client.exchange("x", "headers")
    for number, (arguments, _, _) in enumerate(HEADERS):
        client.channel.queue_bind(client.queue(str(number)), exchange, "", arguments)
    for number, (_, headers, _) in enumerate(HEADERS):
        client.channel.basic_publish(exchange, "", str(number).encode(), pika.BasicProperties(headers=headers))
    got = [str(number).encode() in client.drain(client.name(str(number))) for number in range(len(HEADERS))]
    assert got == [fits for _, _, fits in HEADERS]


def test_a_binding_is_the_same_whatever_the_order_of_its_arguments(client: Client) -> None:
    exchange, queue = client.exchange("x", "headers"), client.queue()
    client.channel.queue_bind(queue, exchange, "", {"a": 1, "b": 2})
    client.channel.queue_unbind(queue, exchange, "", {"b": 2, "a": 1})
    with pytest.raises(pika.exceptions.UnroutableError):
        client.publish("", b"x", exchange=exchange, headers={"a": 1, "b": 2})


def test_exchanges_bound_to_exchanges(client: Client) -> None:
    """A message goes on through bound exchanges, each once, even in a circle; the key stays."""
    first, second = client.exchange("x1", "fanout"), client.exchange("x2", "direct")
    queue = client.queue()
    client.channel.exchange_bind(second, first)
    client.channel.exchange_bind(first, second, "key")
    client.channel.queue_bind(queue, second, "key")
    client.channel.queue_bind(queue, first)
    client.publish("key", b"once", exchange=first)
    assert client.drain(queue) == [b"once"]
    client.channel.exchange_unbind(second, first)
    client.channel.queue_unbind(queue, first)
    with pytest.raises(pika.exceptions.UnroutableError):
        client.publish("key", b"nowhere", exchange=first)


def test_the_default_exchange_is_no_alternate(client: Client) -> None:
    queue = client.queue()
    main = client.exchange("main", "direct", arguments={"alternate-exchange": ""})
    with pytest.raises(pika.exceptions.UnroutableError):
        client.publish(queue, b"x", exchange=main)


def test_alternate_exchange_gets_what_cannot_be_routed(client: Client) -> None:
    spare = client.exchange("spare", "fanout")
    main = client.exchange("main", "direct", arguments={"alternate-exchange": spare})
    lost, found = client.queue("lost"), client.queue("found")
    client.channel.queue_bind(lost, spare)
    client.channel.queue_bind(found, main, "key")
    client.publish("key", b"routed", exchange=main)
    client.publish("other", b"strayed", exchange=main)
    assert (client.drain(found), client.drain(lost)) == ([b"routed"], [b"strayed"])


def test_carbon_copies(client: Client) -> None:
    """The headers CC and BCC are further routing keys; BCC is not handed on."""
    to, copy, blind = client.queue("to"), client.queue("cc"), client.queue("bcc")
    client.publish(to, b"memo", headers={"CC": [copy], "BCC": [blind], "other": 1})
    assert client.drain(to) == client.drain(copy) == [b"memo"]
    found = client.get(blind)
    assert found is not None
    assert found[1].headers == {"CC": [copy], "other": 1}


def test_unroutable_messages(client: Client) -> None:
    """With mandatory they come back (312) and are confirmed all the same; without, they are confirmed and gone."""
    returned: list[Any] = []
    channel = client.connection.channel()
    channel.add_on_return_callback(lambda *values: returned.append(values))
    channel.confirm_delivery()
    channel.basic_publish("", client.name("nobody"), b"gone")
    assert not returned
    with pytest.raises(pika.exceptions.UnroutableError) as refused:
        channel.basic_publish("amq.topic", "no.such.key", b"back", pika.BasicProperties(app_id="me"), mandatory=True)
    message = refused.value.messages[0]
    assert (message.method.reply_code, message.method.reply_text) == (312, "NO_ROUTE")
    assert (message.method.exchange, message.method.routing_key) == ("amq.topic", "no.such.key")
    assert (message.properties.app_id, message.body) == ("me", b"back")


def test_confirms_count_from_one_and_come_after_returns(raw: RawClient) -> None:
    """A returned message is confirmed right after its return; delivery tags count publishes."""
    raw.open()
    raw.channel()
    assert isinstance(raw.call(1, spec.Confirm.Select()), spec.Confirm.SelectOk)
    for _ in range(3):
        raw.send(method(1, spec.Basic.Publish(routing_key="archlab-no-such-queue", mandatory=True)) + header(1, 0))
        assert isinstance(raw.read_method(), spec.Basic.Return)
        ack = raw.read_method()
        assert isinstance(ack, spec.Basic.Ack), ack
    assert (ack.delivery_tag, ack.multiple) == (3, False)


def test_confirms_may_be_for_several(raw: RawClient) -> None:
    """However they are put together, every publish is confirmed once, in order."""
    raw.open()
    raw.channel()
    raw.call(1, spec.Confirm.Select())
    publish = method(1, spec.Basic.Publish(routing_key="archlab-no-such-queue")) + header(1, 1) + raw_frame(3, 1, b"x")
    count = 500
    raw.send(publish * count)
    confirmed: list[int] = []
    while len(confirmed) < count:
        ack = raw.read_method()
        assert isinstance(ack, spec.Basic.Ack), ack
        first = len(confirmed) + 1 if ack.multiple else ack.delivery_tag
        confirmed += range(first, ack.delivery_tag + 1)
    assert confirmed == list(range(1, count + 1))


@pytest.mark.parametrize(
    "end",
    [
        method(1, spec.Channel.Close(200, "", 0, 0)),
        method(0, spec.Connection.Close(200, "", 0, 0)),
        method(1, spec.Queue.Declare(queue="archlab-no-such-queue", passive=True)),
        method(1, spec.Basic.Qos(prefetch_size=1)),
    ],
    ids=["channel closed", "connection closed", "channel error", "connection error"],
)
def test_confirms_come_before_the_close(raw: RawClient, end: bytes) -> None:
    """However it closes: what found no queue is confirmed, and nothing follows the close or the answer to it."""
    raw.open()
    raw.channel()
    raw.call(1, spec.Confirm.Select())
    publish = method(1, spec.Basic.Publish(routing_key="archlab-no-such-queue")) + header(1, 0)
    raw.send(publish * 5 + end)
    answers = [raw.read_method() for _ in range(6)]
    assert [ack.delivery_tag for ack in answers[:5] if isinstance(ack, spec.Basic.Ack)] == [1, 2, 3, 4, 5]
    assert type(answers[5]).__name__ in ("Close", "CloseOk"), answers[5]
    raw.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        raw.read_method()


@pytest.mark.parametrize("delivery_mode", [1, 2])
def test_nothing_is_confirmed_after_the_channel_is_closed(client: Client, raw: RawClient, delivery_mode: int) -> None:
    """Some publishes may not be confirmed at all; to the client a late confirm is a frame on no channel."""
    queue = client.queue(durable=True)
    raw.open()
    raw.channel()
    raw.call(1, spec.Confirm.Select())
    properties = spec.BasicProperties(delivery_mode=delivery_mode)
    publish = method(1, spec.Basic.Publish(routing_key=queue)) + header(1, 1, properties) + raw_frame(3, 1, b"x")
    raw.send(publish * 20 + method(1, spec.Channel.Close(200, "", 0, 0)))
    while isinstance(answer := raw.read_method(), spec.Basic.Ack):
        pass
    assert isinstance(answer, spec.Channel.CloseOk)
    raw.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        raw.read_method()
    eventually(lambda: client.ready(queue) == 20, "20 messages")


def test_a_full_queue_refuses_with_a_nack(client: Client) -> None:
    queue = client.queue(arguments={"x-max-length": 2, "x-overflow": "reject-publish"})
    client.publish(queue, b"1", b"2")
    with pytest.raises(pika.exceptions.NackError):
        client.publish(queue, b"3")
    assert client.drain(queue) == [b"1", b"2"]
    client.publish(queue, b"4")
    assert client.drain(queue) == [b"4"]


def test_one_full_queue_is_enough_for_a_nack(client: Client) -> None:
    """A message that one of its queues refuses is refused, though the others keep it."""
    exchange = client.exchange("x", "fanout")
    full = client.queue("full", arguments={"x-max-length": 0, "x-overflow": "reject-publish"})
    roomy = client.queue("roomy")
    for queue in (full, roomy):
        client.channel.queue_bind(queue, exchange)
    with pytest.raises(pika.exceptions.NackError):
        client.publish("", b"x", exchange=exchange)
    assert (client.drain(full), client.drain(roomy)) == ([], [b"x"])


def test_without_confirms_nothing_is_said(client: Client) -> None:
    """A channel that did not ask gets no confirms, and its messages arrive all the same."""
    queue = client.queue()
    channel = client.connection.channel()
    for number in range(100):
        channel.basic_publish("", queue, str(number).encode())
    eventually(lambda: client.ready(queue) == 100, "100 messages")
    assert client.drain(queue) == [str(number).encode() for number in range(100)]


def test_a_close_that_crosses_the_broker_s_own_is_answered(raw: RawClient) -> None:
    """The client asks before it has read why the broker did: it gets both, and the channel can be used again."""
    raw.open()
    raw.channel()
    nowhere = method(1, spec.Basic.Publish(exchange="no such", routing_key="x")) + header(1, 0)
    raw.send(nowhere + method(1, spec.Channel.Close(200, "", 0, 0)))
    refused, closed = raw.read_method(), raw.read_method()
    assert (type(refused), refused.reply_code) == (spec.Channel.Close, 404)
    assert isinstance(closed, spec.Channel.CloseOk)
    raw.send(method(1, spec.Channel.CloseOk()))
    raw.channel()
