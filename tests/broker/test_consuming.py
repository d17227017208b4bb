"""Delivery, acknowledgement, prefetch, order, redelivery, the end of consumers."""

from __future__ import annotations

import pika
import pytest
from amqp_client import Client, eventually
from amqp_raw import RawClient, header, method
from pika import spec


def numbers(count: int, start: int = 0) -> list[bytes]:
    return [str(number).encode() for number in range(start, start + count)]


def test_messages_come_in_order_and_once(client: Client) -> None:
    queue = client.queue()
    inbox = client.consume(queue, auto_ack=True)
    client.publish(queue, *numbers(50))
    assert inbox.wait(50) == numbers(50)
    assert [delivery.delivery_tag for delivery, _, _ in inbox.deliveries] == list(range(1, 51))
    assert not any(delivery.redelivered for delivery, _, _ in inbox.deliveries)
    assert {delivery.consumer_tag for delivery, _, _ in inbox.deliveries} == {inbox.tag}


def test_basic_get(client: Client) -> None:
    """The count is of what is left; an empty queue says so; what was not acknowledged comes back."""
    queue = client.queue()
    assert client.get(queue) is None
    client.publish(queue, b"1", b"2", b"3")
    got = [client.get(queue, auto_ack=False) for _ in range(2)]
    assert [(found[0].message_count, found[0].redelivered, found[2]) for found in got if found] == [
        (2, False, b"1"),
        (1, False, b"2"),
    ]
    client.channel.basic_nack(got[1][0].delivery_tag if got[1] else 0)
    again = client.get(queue, auto_ack=False)
    assert again is not None
    assert (again[0].message_count, again[0].redelivered, again[2]) == (1, True, b"2")


def test_prefetch_per_consumer(client: Client) -> None:
    """Each consumer has its own limit; an acknowledgement makes room for one."""
    queue = client.queue()
    first = client.consume(queue, client.connection.channel(), prefetch=2)
    client.publish(queue, *numbers(6))
    assert first.wait(2) == numbers(2)
    second = client.consume(queue, client.connection.channel(), prefetch=1)
    assert second.wait(1) == [b"2"]
    first.ack(0)
    assert first.wait(3)[2:] == [b"3"]
    first.ack(2, multiple=True)
    assert first.wait(5)[3:] == [b"4", b"5"]
    assert second.settled() == [b"2"]


def test_a_large_prefetch_is_filled_again(client: Client) -> None:
    """Each acknowledgement makes room for one also while much is left to do: nobody has to acknowledge more for it."""
    queue = client.queue()
    inbox = client.consume(queue, client.connection.channel(), prefetch=20)
    client.publish(queue, *numbers(60))
    assert inbox.wait(20) == numbers(20)
    inbox.ack(0)
    assert inbox.wait(21) == numbers(21)
    inbox.ack(14, multiple=True)
    assert inbox.wait(35) == numbers(35)
    assert inbox.settled() == numbers(35)


def test_prefetch_holds_for_the_consumers_to_come(client: Client) -> None:
    """Without global, Basic.Qos changes nothing for consumers that are there."""
    queue = client.queue()
    channel = client.connection.channel()
    inbox = client.consume(queue, channel, prefetch=1)
    channel.basic_qos(prefetch_count=10)
    client.publish(queue, *numbers(3))
    assert inbox.settled() == numbers(1)


def test_prefetch_of_a_whole_channel(client: Client) -> None:
    """With global, the limit is the channel's: its consumers share it."""
    one, other = client.queue("one"), client.queue("other")
    channel = client.connection.channel()
    channel.basic_qos(prefetch_count=3, global_qos=True)
    first, second = client.consume(one, channel), client.consume(other, channel)
    client.publish(one, *numbers(2))
    first.wait(2)
    client.publish(other, *numbers(5))
    assert second.wait(1) == numbers(1)
    assert second.settled() == numbers(1)
    first.ack(1, multiple=True)
    assert second.wait(3) == numbers(3)
    channel.basic_qos(prefetch_count=0, global_qos=True)
    assert second.wait(5) == numbers(5)


def test_who_shares_a_prefetch_gets_a_share(client: Client) -> None:
    """One message at a time for the whole channel, and no consumer is left behind: neither of a queue nor of two."""
    both, alone = client.queue("both"), client.queue("alone")
    client.publish(both, *numbers(60))
    client.publish(alone, *numbers(30))
    channel = client.connection.channel()
    channel.basic_qos(prefetch_count=1, global_qos=True)
    inboxes = [client.consume(both, channel), client.consume(both, channel), client.consume(alone, channel)]
    for count in range(1, 31):
        client.pump(lambda count=count: sum(len(inbox.bodies) for inbox in inboxes) >= count, f"{count} deliveries")
        channel.basic_ack(0, multiple=True)
    assert all(inbox.bodies for inbox in inboxes), [inbox.bodies for inbox in inboxes]


def test_no_ack_knows_no_prefetch(client: Client) -> None:
    queue = client.queue()
    inbox = client.consume(queue, client.connection.channel(), prefetch=1, auto_ack=True)
    client.publish(queue, *numbers(5))
    assert inbox.wait(5) == numbers(5)
    assert client.ready(queue) == 0


def test_consumers_take_turns(client: Client) -> None:
    queue = client.queue()
    inboxes = [client.consume(queue, client.connection.channel(), auto_ack=True) for _ in range(3)]
    client.publish(queue, *numbers(9))
    for inbox in inboxes:
        inbox.wait(3)
    assert [inbox.bodies for inbox in inboxes] == [[b"0", b"3", b"6"], [b"1", b"4", b"7"], [b"2", b"5", b"8"]]


def test_a_consumer_that_was_busy_joins_the_end_of_the_line(client: Client) -> None:
    """As in RabbitMQ: who could not take a message when it was due waits behind those who could."""
    queue = client.queue()
    slow = client.consume(queue, client.connection.channel(), prefetch=1)
    quick = client.consume(queue, client.connection.channel(), prefetch=10)
    client.publish(queue, *numbers(4))
    assert (slow.wait(1), quick.wait(3)) == ([b"0"], [b"1", b"2", b"3"])
    slow.ack(0)
    slow.settled()
    client.publish(queue, b"4", b"5")
    assert (quick.wait(4)[3:], slow.wait(2)[1:]) == ([b"4"], [b"5"])


def test_higher_priority_goes_first(client: Client) -> None:
    queue = client.queue()
    low = client.consume(queue, client.connection.channel(), prefetch=10)
    high = client.consume(queue, client.connection.channel(), prefetch=2, arguments={"x-priority": 5})
    client.publish(queue, *numbers(5))
    assert (high.wait(2), low.wait(3)) == (numbers(2), numbers(3, 2))


def test_single_active_consumer(client: Client) -> None:
    """Only the first consumer gets messages; the next one takes over when it goes."""
    queue = client.queue(arguments={"x-single-active-consumer": True})
    first = client.consume(queue, client.connection.channel())
    second = client.consume(queue, client.connection.channel())
    client.publish(queue, *numbers(3))
    assert first.wait(3) == numbers(3)
    assert second.settled() == []
    first.ack(0)
    first.channel.close()
    assert second.wait(2) == [b"1", b"2"]


def test_an_exclusive_consumer_is_alone(client: Client) -> None:
    queue = client.queue()
    client.consume(queue, client.connection.channel(), exclusive=True)
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
        client.consume(queue, client.connection.channel())
    assert (refused.value.reply_code, refused.value.reply_text) == (
        403,
        f"ACCESS_REFUSED - queue '{queue}' in vhost '/' in exclusive use",
    )
    shared = client.queue("shared")
    client.consume(shared, client.connection.channel())
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
        client.consume(shared, client.connection.channel(), exclusive=True)
    assert refused.value.reply_code == 403


def test_requeued_messages_go_back_to_their_place(client: Client) -> None:
    """Ahead of what was never delivered, in their old order, marked as redelivered."""
    queue = client.queue()
    client.publish(queue, *numbers(6))
    got = [client.get(queue, auto_ack=False) for _ in range(4)]
    for index in (2, 0, 1):
        found = got[index]
        assert found is not None
        client.channel.basic_nack(found[0].delivery_tag, requeue=True)
    rest = [client.get(queue) for _ in range(5)]
    assert [(found[2], found[0].redelivered) for found in rest if found] == [
        (b"0", True),
        (b"1", True),
        (b"2", True),
        (b"4", False),
        (b"5", False),
    ]


def test_reject_and_nack_without_requeue_drop(client: Client) -> None:
    queue = client.queue()
    inbox = client.consume(queue)
    client.publish(queue, *numbers(4))
    inbox.wait(4)
    client.channel.basic_reject(inbox.deliveries[0][0].delivery_tag, requeue=False)
    inbox.nack(2, requeue=False, multiple=True)
    inbox.nack(3, requeue=True)
    assert inbox.wait(5)[4:] == [b"3"]
    assert inbox.deliveries[4][0].redelivered


def test_acknowledging_all(client: Client) -> None:
    """Tag 0 with multiple stands for everything outstanding."""
    queue = client.queue()
    inbox = client.consume(queue, prefetch=3)
    client.publish(queue, *numbers(5))
    inbox.wait(3)
    client.channel.basic_ack(0, multiple=True)
    assert inbox.wait(5) == numbers(5)


def test_an_acknowledgement_counts_once(client: Client) -> None:
    """Acknowledging twice is an error of the channel (406), and what else was outstanding comes back."""
    queue = client.queue()
    channel = client.connection.channel()
    inbox = client.consume(queue, channel)
    client.publish(queue, b"1", b"2")
    inbox.wait(2)
    inbox.ack(0)
    inbox.ack(0)
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
        channel.queue_declare(queue, passive=True)
    assert (refused.value.reply_code, refused.value.reply_text) == (406, "PRECONDITION_FAILED - unknown delivery tag 1")
    found = client.wait_for(queue)
    assert (found[0].redelivered, found[2]) == (True, b"2")


def test_recover_requeues_what_is_outstanding(client: Client) -> None:
    queue = client.queue()
    channel = client.connection.channel()
    inbox = client.consume(queue, channel)
    client.publish(queue, b"1", b"2")
    inbox.wait(2)
    channel.basic_recover(requeue=True)
    assert inbox.wait(4)[2:] == [b"1", b"2"]
    assert [delivery.redelivered for delivery, _, _ in inbox.deliveries] == [False, False, True, True]


@pytest.mark.parametrize("how", ["close the channel", "close the connection", "cut the connection"])
def test_what_was_not_acknowledged_comes_back(client: Client, raw: RawClient, how: str) -> None:
    """However a consumer ends: in order, marked as redelivered."""
    queue = client.queue()
    client.publish(queue, *numbers(4))
    raw.open()
    raw.channel()
    raw.call(1, spec.Basic.Consume(queue=queue))
    tags = [raw.read_method().delivery_tag for _ in range(4)]
    raw.send(method(1, spec.Basic.Ack(tags[1])))
    if how == "close the channel":
        raw.send(method(1, spec.Channel.Close(200, "", 0, 0)))
    elif how == "close the connection":
        raw.send(method(0, spec.Connection.Close(200, "", 0, 0)))
    else:
        raw.send(method(1, spec.Basic.Qos()))
        assert isinstance(raw.read_method(), spec.Basic.QosOk)  # so that the acknowledgement has been seen
        raw.socket.close()
    eventually(lambda: client.ready(queue) == 3, "three messages")
    found = [client.get(queue) for _ in range(3)]
    assert [(got[2], got[0].redelivered) for got in found if got] == [(b"0", True), (b"2", True), (b"3", True)]


def test_cancelling_stops_deliveries_and_keeps_what_is_out(client: Client) -> None:
    queue = client.queue()
    channel = client.connection.channel()
    inbox = client.consume(queue, channel)
    client.publish(queue, b"1")
    inbox.wait(1)
    channel.basic_cancel(inbox.tag)
    client.publish(queue, b"2")
    assert inbox.settled() == [b"1"]
    assert client.ready(queue) == 1
    inbox.nack(0, requeue=True)
    eventually(lambda: client.ready(queue) == 2, "two messages")


def test_deleting_a_queue_cancels_its_consumers(client: Client) -> None:
    """The client is told (consumer_cancel_notify), and what it still acknowledges is no error."""
    queue = client.queue()
    channel = client.connection.channel()
    inbox = client.consume(queue, channel)
    client.publish(queue, b"1", b"2")
    inbox.wait(2)
    client.channel.queue_delete(queue)
    client.pump(lambda: inbox.cancelled, "cancel notifications")
    inbox.ack(1, multiple=True)
    channel.basic_qos(prefetch_count=1)
    assert channel.is_open


def test_the_tag_may_be_used_again_after_cancel(client: Client) -> None:
    queue = client.queue()
    first = client.consume(queue, consumer_tag="mine")
    client.channel.basic_cancel("mine")
    second = client.consume(queue, consumer_tag="mine", auto_ack=True)
    client.publish(queue, b"x")
    assert second.wait(1) == [b"x"]
    assert first.bodies == []


def test_consume_ok_comes_before_the_first_delivery(raw: RawClient) -> None:
    raw.open()
    raw.channel()
    queue = raw.call(1, spec.Queue.Declare(exclusive=True)).queue
    raw.send(method(1, spec.Basic.Publish(routing_key=queue)) + header(1, 0))
    answers = [raw.call(1, spec.Basic.Consume(queue=queue, consumer_tag="c")), raw.read_method()]
    assert [type(answer) for answer in answers] == [spec.Basic.ConsumeOk, spec.Basic.Deliver]


def test_purge_spares_what_is_out(client: Client) -> None:
    queue = client.queue()
    client.publish(queue, *numbers(3))
    out = client.get(queue, auto_ack=False)
    assert client.channel.queue_purge(queue).method.message_count == 2
    assert out is not None
    client.channel.basic_nack(out[0].delivery_tag)
    assert client.drain(queue) == [b"0"]


def test_delete_if_empty_looks_at_ready_messages_only(client: Client) -> None:
    queue = client.queue()
    client.publish(queue, b"x")
    client.get(queue, auto_ack=False)
    assert client.channel.queue_delete(queue, if_empty=True).method.message_count == 0


def test_a_queue_can_be_used_from_two_connections(client: Client) -> None:
    queue = client.queue()
    with Client(client.port) as other:
        inbox = other.consume(queue, auto_ack=True)
        client.publish(queue, *numbers(20))
        assert inbox.wait(20) == numbers(20)
