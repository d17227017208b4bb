"""Bounded memory: a long queue, a consumer that is slow, clients that do not read."""

from __future__ import annotations

import contextlib
import resource
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pika
import pytest
from amqp_client import Client, eventually
from amqp_raw import RawClient, header, method, raw_frame
from pika import spec

from archlab.broker import RunningBroker, running_broker

MIB = 1024  # of what /proc counts in, KiB

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from Linux's /proc")


@pytest.fixture
def own() -> Iterator[RunningBroker]:
    with running_broker() as running:
        yield running


def peak(pid: int) -> int:
    """The most memory that was ever resident, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def resident(pid: int) -> int:
    """The memory that is resident now, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def flood(port: int, queue: str, count: int, size: int, delivery_mode: int = 1) -> None:
    """Publishes `count` messages, numbered, as fast as a socket takes them."""
    publish = method(1, spec.Basic.Publish(routing_key=queue)) + header(
        1, size, spec.BasicProperties(delivery_mode=delivery_mode)
    )
    with RawClient(port, timeout=60) as raw:
        raw.open()
        raw.channel()
        for start in range(0, count, 1000):
            raw.send(
                b"".join(publish + raw_frame(3, 1, b"%0*d" % (size, number)) for number in range(start, start + 1000))
            )
        answer = raw.call(1, spec.Queue.Declare(queue=queue, passive=True))
        assert isinstance(answer, spec.Queue.DeclareOk)


@pytest.mark.timeout(180)
def test_a_million_small_messages(own: RunningBroker) -> None:
    """They wait on disk, but for the head: memory does not grow with the queue, and the order holds."""
    count = 1_000_000
    with Client(own.port) as client:
        client.channel.queue_declare("q")
        before = peak(own.pid)
        flood(own.port, "q", count, 10)
        assert client.ready("q") == count
        assert peak(own.pid) - before < 40 * MIB
        inbox = client.consume("q", prefetch=1000)
        client.pump(lambda: len(inbox.deliveries) >= 1000, "1000 deliveries")
        assert [int(body) for body in inbox.bodies] == list(range(1000))
        assert client.channel.queue_purge("q").method.message_count == count - 1000


def test_messages_count_by_their_weight(own: RunningBroker) -> None:
    """Large bodies and large headers, transient or durable, waiting or unacknowledged: the rest is on disk."""
    large, headers = b"x" * 120_000, {"large": "x" * 100_000}
    with Client(own.port) as client, RawClient(own.port, timeout=60) as raw:
        raw.open()
        raw.channel()
        before = peak(own.pid)
        for mode, body, properties in ((1, large, None), (2, large, None), (1, b"x", headers)):
            client.channel.queue_declare("q", durable=True)
            one = (
                method(1, spec.Basic.Publish(routing_key="q"))
                + header(1, len(body), spec.BasicProperties(delivery_mode=mode, headers=properties))
                + raw_frame(3, 1, body)
            )
            for _ in range(1_000):
                raw.send(one)
            answer = raw.call(1, spec.Queue.Declare(queue="q", passive=True))
            assert answer.message_count == 1_000
            raw.call(1, spec.Basic.Consume(queue="q", consumer_tag="hoarder"))
            seen = 0
            while seen < 1_000:
                seen += isinstance(raw.read(), pika.frame.Header)
            raw.call(1, spec.Basic.Cancel("hoarder"))
            raw.call(1, spec.Basic.Recover(True))
            assert client.ready("q") == 1_000
            found = [client.get("q", auto_ack=False) for _ in range(300)]
            assert {got[2] for got in found if got} == {body}
            client.channel.basic_ack(0, multiple=True)
            client.channel.queue_delete("q")
        assert peak(own.pid) - before < 40 * MIB


def test_reading_from_disk_leaves_nothing_in_memory(own: RunningBroker) -> None:
    """A long queue of transient messages is written, read and forgotten."""
    count = 100_000
    with Client(own.port) as client, RawClient(own.port, timeout=60) as raw:
        client.channel.queue_declare("q")
        before = peak(own.pid)
        flood(own.port, "q", count, 1_000)
        raw.open()
        raw.channel()
        raw.send(method(1, spec.Basic.Consume(queue="q", no_ack=True)))
        received = 0
        while received < count * 1_000:
            received += len(raw.socket.recv(1 << 20))
        assert peak(own.pid) - before < 40 * MIB


def test_requests_are_read_no_faster_than_they_are_answered(own: RunningBroker) -> None:
    """A client that reads, and asks for a thousand times more than it asks with."""
    with Client(own.port) as client, RawClient(own.port) as raw:
        client.channel.queue_declare("q")
        client.publish("q", b"x" * 120_000)
        raw.open()
        raw.channel()
        before = peak(own.pid)
        ask = (method(1, spec.Basic.Get(queue="q")) + method(1, spec.Basic.Recover(True))) * 1_000
        stop = threading.Event()

        def read() -> None:
            while not stop.is_set():
                raw.socket.recv(1 << 20)

        reader = threading.Thread(target=read)
        reader.start()
        raw.socket.settimeout(1)
        try:
            asked, until = 0, time.monotonic() + 3
            with contextlib.suppress(TimeoutError):  # it is kept waiting, that is the point
                while time.monotonic() < until:
                    raw.send(ask)
                    asked += len(ask)
        finally:
            stop.set()
            reader.join()
        assert asked
        assert peak(own.pid) - before < 40 * MIB


def test_a_body_in_tiny_pieces(own: RunningBroker) -> None:
    """What its frames take in memory is what they hold."""
    size = 4 << 20
    with Client(own.port) as client, RawClient(own.port, timeout=60) as raw:
        client.channel.queue_declare("q")
        raw.open()
        raw.channel()
        before = peak(own.pid)
        raw.send(method(1, spec.Basic.Publish(routing_key="q")) + header(1, size))
        for _ in range(size // 2**12):
            raw.send(raw_frame(3, 1, b"ab") * 2**11)
        raw.call(1, spec.Queue.Declare(queue="q", passive=True))
        assert peak(own.pid) - before < 20 * MIB
        assert client.drain("q") == [b"ab" * (size // 2)]


@pytest.mark.parametrize("leaves", ["hangs up", "is refused", "closes its channel"])
def test_what_a_client_had_half_sent_goes_with_it(own: RunningBroker, leaves: str) -> None:
    """Three times 30 MB of a message whose rest never comes; however the client goes, none of it stays."""
    piece = raw_frame(3, 1, b"x" * 120_000)
    with Client(own.port) as client:
        client.channel.queue_declare("q")
        before = resident(own.pid)
        for _ in range(3):
            with RawClient(own.port, timeout=60) as raw:
                raw.open()
                raw.channel()
                raw.send(method(1, spec.Basic.Publish(routing_key="q")) + header(1, 100 << 20))
                for _ in range(250):
                    raw.send(piece)
                if leaves == "is refused":
                    raw.send(raw_frame(3, 1, b"y" * 120_000, end=0))
                    raw.read_method()
                elif leaves == "closes its channel":
                    raw.send(method(1, spec.Channel.Close(200, "", 0, 0)))
                    raw.read_method()
        assert client.ready("q") == 0  # what was sent before has been read by now
        deadline = time.monotonic() + 10
        while resident(own.pid) - before > 20 * MIB and time.monotonic() < deadline:
            time.sleep(0.05)
        assert resident(own.pid) - before < 20 * MIB


def test_answers_to_one_who_never_reads(own: RunningBroker) -> None:
    """Direct replies pass every queue, and so every bound of one."""
    with Client(own.port) as client, RawClient(own.port) as deaf:
        deaf.open()
        deaf.channel()
        deaf.call(1, spec.Basic.Consume(queue="amq.rabbitmq.reply-to", no_ack=True))
        client.channel.queue_declare("q")
        deaf.send(
            method(1, spec.Basic.Publish(routing_key="q"))
            + header(1, 0, spec.BasicProperties(reply_to="amq.rabbitmq.reply-to"))
        )
        address = client.wait_for("q")[1].reply_to
        before = peak(own.pid)
        for _ in range(600):
            client.channel.basic_publish("", address, b"x" * 100_000)
        assert peak(own.pid) - before < 40 * MIB  # of 60 MB of answers
        client.publish("q", b"x")
        assert client.drain("q") == [b"x"]


def test_a_consumer_that_reads_slowly(own: RunningBroker) -> None:
    """Without a prefetch it is sent no more than the connection takes; the rest stays in the queue."""
    size, count = 1000, 50_000
    with Client(own.port) as client, RawClient(own.port) as slow:
        client.channel.queue_declare("q")
        slow.open()
        slow.channel()
        slow.call(1, spec.Basic.Consume(queue="q", no_ack=True))
        before = peak(own.pid)
        flood(own.port, "q", count, size)
        assert peak(own.pid) - before < 40 * MIB  # of 50 MB of messages
        assert client.ready("q") > count / 2
        received = b""
        while received.count(b"\xce") < 3 * 100:
            received += slow.socket.recv(1 << 20)
        # It is one client's trouble: another one gets its messages.
        client.channel.queue_declare("other")
        inbox = client.consume("other", auto_ack=True)
        client.publish("other", b"x")
        assert inbox.wait(1) == [b"x"]


def test_a_client_that_asks_and_never_reads(own: RunningBroker) -> None:
    """Its answers are not piled up: it is no longer read from, until it reads."""
    with Client(own.port) as client, RawClient(own.port) as greedy:
        client.channel.queue_declare("q")
        client.publish("q", b"x" * 100_000)
        greedy.open()
        greedy.channel()
        before = peak(own.pid)
        ask = method(1, spec.Basic.Get(queue="q", no_ack=False)) + method(1, spec.Basic.Recover(True))
        greedy.socket.settimeout(0.5)
        asked = 0
        with pytest.raises(TimeoutError):  # nobody takes its requests any more
            while asked < 1_000_000:
                greedy.socket.sendall(ask * 100)
                asked += 100
        assert peak(own.pid) - before < 40 * MIB
        client.channel.queue_declare("other")
        client.publish("other", b"x")
        assert client.drain("other") == [b"x"]
        greedy.socket.settimeout(10)
        assert greedy.read() is not None
    eventually(lambda: alive(own), "an answer after the greedy client is gone")


def test_a_long_queue_with_no_room_on_disk(own: RunningBroker) -> None:
    """What does not fit stays in memory and further messages are refused, until there is room again."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Client(own.port) as client:
        client.channel.queue_declare("q")
        resource.prlimit(own.pid, resource.RLIMIT_FSIZE, (16 << 10, limits[1]))
        flood(own.port, "q", 30_000, 200)  # more than SQLite keeps in its cache
        kept = client.ready("q")
        assert 8_000 <= kept < 30_000
        with pytest.raises(pika.exceptions.NackError):
            client.publish("q", b"refused")
        resource.prlimit(own.pid, resource.RLIMIT_FSIZE, limits)

        def accepted() -> bool:
            try:
                client.publish("q", b"0")
            except pika.exceptions.NackError:
                return False
            return True

        eventually(accepted, "a confirm after there was room again")
        inbox = client.consume("q", auto_ack=True)
        client.pump(lambda: len(inbox.deliveries) == kept + 1, "all deliveries")
        assert [int(body) for body in inbox.bodies] == [*range(kept), 0]


def test_reading_needs_no_room_on_disk(own: RunningBroker) -> None:
    """What waits on a disk that is full by now is delivered all the same."""
    count = 20_000
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Client(own.port) as client:
        client.channel.queue_declare("q")
        flood(own.port, "q", count, 500)
        resource.prlimit(own.pid, resource.RLIMIT_FSIZE, (16 << 10, limits[1]))
        inbox = client.consume("q", prefetch=3_000)
        for seen in range(1_000, count + 1, 1_000):
            client.pump(lambda seen=seen: len(inbox.deliveries) >= seen, f"{seen} deliveries")
            inbox.ack(seen - 1, multiple=True)
        assert [int(body) for body in inbox.bodies] == list(range(count))


def test_many_that_expire_at_once(own: RunningBroker) -> None:
    """Their dead letters wait on disk as they did themselves."""
    count, size = 40_000, 2_000
    with Client(own.port) as client:
        client.channel.queue_declare("dead")
        dead_letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
        client.channel.queue_declare("q", arguments={**dead_letters, "x-message-ttl": 4_000})
        before = peak(own.pid)
        flood(own.port, "q", count, size)
        eventually(lambda: client.ready("dead") == count, "the dead letters")
        assert peak(own.pid) - before < 40 * MIB  # of 80 MB
        inbox = client.consume("dead", prefetch=1_000)
        client.pump(lambda: len(inbox.deliveries) >= 1_000, "1000 deliveries")
        assert [int(body) for body in inbox.bodies] == list(range(1_000))


def alive(own: RunningBroker) -> bool:
    with Client(own.port) as client:
        return client.ready("q") == 1


def test_unacknowledged_messages_come_back_from_disk(own: RunningBroker) -> None:
    """More unacknowledged than stay in memory, of a queue longer than stays in memory: in order, whole."""
    count = 20_000
    with Client(own.port) as client:
        client.channel.queue_declare("q")
        flood(own.port, "q", count, 8)
        with RawClient(own.port) as hoarder:
            hoarder.open()
            hoarder.channel()
            hoarder.call(1, spec.Basic.Consume(queue="q"))
            seen = 0
            while seen < count:
                if isinstance(hoarder.read(), pika.frame.Body):
                    seen += 1
            assert client.ready("q") == 0
        eventually(lambda: client.ready("q") == count, "the return of them all")
        inbox = client.consume("q", auto_ack=True)
        client.pump(lambda: len(inbox.deliveries) == count, "all deliveries")
        assert [int(body) for body in inbox.bodies] == list(range(count))
        assert all(delivery.redelivered for delivery, _, _ in inbox.deliveries)


def test_an_idle_broker_is_small_and_idle(own: RunningBroker) -> None:
    """It does nothing when nobody wants anything of it."""
    with Client(own.port) as client:
        client.channel.queue_declare("q", arguments={"x-message-ttl": 60_000, "x-expires": 600_000})
        client.publish("q", b"x")

        def cpu() -> float:
            fields = Path(f"/proc/{own.pid}/stat").read_text().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / 100

        before = cpu()
        time.sleep(1)  # what is measured is a second of doing nothing
        assert cpu() - before < 0.1
