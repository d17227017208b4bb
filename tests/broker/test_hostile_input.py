"""Clients that do what they must not: the right close code, the others unharmed, nothing left behind."""

from __future__ import annotations

import itertools
import random
import resource
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from amqp_client import Client, eventually
from amqp_raw import CAPABILITIES, PROTOCOL_HEADER, RawClient, header, method, raw_frame
from pika import spec

from archlab.broker import RunningBroker, running_broker

PUBLISH = method(1, spec.Basic.Publish(routing_key="archlab-nowhere"))
DECLARE = struct.pack(">HH", 50, 10)
QOS = method(1, spec.Basic.Qos())


def table(content: bytes, length: int | None = None) -> bytes:
    return DECLARE + b"\x00\x00\x02ab\x04" + struct.pack(">I", len(content) if length is None else length) + content


def answer(port: int, data: bytes) -> tuple[int, str, int, int] | None:
    """(code, text, class, method) of the close that a client gets who sends this on an open channel 1."""
    with RawClient(port) as raw:
        raw.open()
        raw.channel()
        raw.send(data)
        while (closed := raw.read_method()) is not None:
            if isinstance(closed, (spec.Connection.Close, spec.Channel.Close)):
                # RabbitMQ breaks long messages into lines; what they say is compared, not how they are laid out.
                return closed.reply_code, "".join(closed.reply_text.split()), closed.class_id, closed.method_id
        return None


SAME = {
    "bad end marker": raw_frame(1, 1, b"\x00\x14\x00\x28\x00\xc8\x00\x00\x00\x00\x00", end=0),
    "frame too large": struct.pack(">BHI", 3, 1, 200_000),
    "unknown frame type": raw_frame(77, 1, b"abc"),
    "unknown frame type on channel 0": raw_frame(77, 0, b"abc"),
    "heartbeat on a channel": raw_frame(8, 1, b""),
    "heartbeat with content": raw_frame(8, 0, b"x"),
    "method without a number": raw_frame(1, 1, b"\x00\x3c"),
    "truncated method": raw_frame(1, 1, DECLARE + b"\x00\x00\x20ab"),
    "octets after a method": raw_frame(1, 1, table(b"") + b"zzz"),
    "table longer than its frame": raw_frame(1, 1, table(b"\x01aI\0\0\0\1", 800)),
    "name that is no UTF-8": raw_frame(1, 1, DECLARE + b"\x00\x00\x02\xff\xfe\x04\0\0\0\0"),
    "header without publish": header(1, 3),
    "body without publish": raw_frame(3, 1, b"abc"),
    "publish without header": PUBLISH + QOS,
    "publish with body first": PUBLISH + raw_frame(3, 1, b"abc"),
    "header of another class": PUBLISH + raw_frame(2, 1, struct.pack(">HHQH", 50, 0, 0, 0)),
    "header with weight": PUBLISH + raw_frame(2, 1, struct.pack(">HHQH", 60, 1, 0, 0)),
    "method instead of body": PUBLISH + header(1, 9) + QOS,
    "body longer than announced": PUBLISH + header(1, 2) + raw_frame(3, 1, b"abcdef") + QOS,
    "properties that are none": PUBLISH + raw_frame(2, 1, struct.pack(">HHQH", 60, 0, 0, 0xFFFF)),
    "headers that are no table": PUBLISH + raw_frame(2, 1, struct.pack(">HHQHI", 60, 0, 0, 0x2000, 5) + b"\x01aQzz"),
    "immediate": method(1, spec.Basic.Publish(immediate=True)) + header(1, 0),
    "channel that is not open": method(2, spec.Basic.Qos()),
    "channel opened twice": method(1, spec.Channel.Open()),
    "connection opened twice": method(0, spec.Connection.Open("/")),
    "channel method on channel 0": method(0, spec.Basic.Qos()),
    "connection method on a channel": method(1, spec.Connection.Close(200, "", 0, 0)),
    "new secret on a channel": method(1, spec.Connection.UpdateSecret(new_secret="x", reason="")),
    "start-ok when open": method(0, spec.Connection.StartOk(client_properties={}, response="a", mechanism="PLAIN")),
    "method that only servers send": method(1, spec.Basic.Deliver("a", 1, False, "", "x")) + header(1, 0),
    "answer that nobody asked for": method(1, spec.Basic.QosOk()),
    "close-ok that nobody asked for": method(1, spec.Channel.CloseOk()),
    "flow off": method(1, spec.Channel.Flow(False)),
    "commit without transaction": method(1, spec.Tx.Commit()),
    "recover without requeue": method(1, spec.Basic.Recover(False)),
    "publish on a channel that is not open": method(2, spec.Basic.Publish(routing_key="archlab-nowhere"))
    + header(2, 0),
    "publish on channel 0": method(0, spec.Basic.Publish(routing_key="archlab-nowhere")),
    "connection method that only servers send": method(0, spec.Connection.Tune(1, 4096, 0)),
    "header cut short": PUBLISH + raw_frame(2, 1, struct.pack(">HHI", 60, 0, 0)),
    "delivery mode that is none": PUBLISH + header(1, 0, spec.BasicProperties(delivery_mode=3)),
    "expiration with two signs": PUBLISH + header(1, 0, spec.BasicProperties(expiration="-+5")),
}


@pytest.mark.parametrize("what", SAME)
def test_errors_close_with_the_same_code_and_words(embedded: Any, rabbitmq: Any, what: str) -> None:
    answers = [answer(server.port, SAME[what]) for server in (embedded, rabbitmq)]
    assert answers[0] == answers[1]
    assert answers[0] is not None


def deep(levels: int) -> bytes:
    content = b""
    for _ in range(levels):
        content = b"\x01aF" + struct.pack(">I", len(content)) + content
    return content


# Where RabbitMQ just drops the connection, or can do what we do not: the code is ours, and documented.
OURS = {
    "unknown method": (raw_frame(1, 1, struct.pack(">HH", 99, 99)), 503),
    "unknown field type": (raw_frame(1, 1, table(b"\x01a?zzzzz")), 502),
    "tables in tables in tables": (raw_frame(1, 1, table(deep(5_000))), 502),
    "transactions": (method(1, spec.Tx.Select()), 540),
    "streams": (
        method(1, spec.Queue.Declare(queue="archlab-s", durable=True, arguments={"x-queue-type": "stream"})),
        540,
    ),
    "priority queues": (method(1, spec.Queue.Declare(queue="archlab-p", arguments={"x-max-priority": 3})), 540),
    "a body announced larger than any may be": (PUBLISH + header(1, 1 << 60), 406),
    "a routing key for dead letters that no method can carry": (
        method(
            1,
            spec.Queue.Declare(
                exclusive=True, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "k" * 256}
            ),
        ),
        406,
    ),
}


@pytest.mark.parametrize("what", OURS)
def test_errors_that_are_answered_our_own_way(embedded: Any, what: str) -> None:
    data, code = OURS[what]
    closed = answer(embedded.port, data)
    assert closed is not None
    assert closed[0] == code


def test_a_huge_table_is_a_table(embedded: Any, rabbitmq: Any) -> None:
    """As many fields as fit into a frame are taken, and do not hurt."""
    arguments = {f"argument-{number}": number for number in range(4_000)}
    for server in (embedded, rabbitmq):
        with Client(server.port) as client:
            name = client.channel.queue_declare("", exclusive=True, arguments=arguments).method.queue
            client.publish(name, b"x", headers=arguments)
            found = client.get(name)
            assert found is not None
            assert found[1].headers == arguments


def test_any_octets_in_a_table_are_a_value(broker: Any) -> None:
    """A time that no calendar has, a name that is no UTF-8: neither is anybody's business but the client's."""
    with RawClient(broker.port) as raw:
        raw.open()
        raw.channel()
        name = f"archlab-{random.randbytes(5).hex()}".encode()
        for index, arguments in (
            (b"\x00\x32\x00\x0a", b"\x01tT" + b"\xff" * 8),
            (b"\x00\x28\x00\x0a", b"\x12alternate-exchangeS\x00\x00\x00\x02\xff\xfe"),
        ):
            kind, bits = (b"", 4) if index[1] == 50 else (b"\x06fanout", 4)  # exclusive, or auto-delete
            field = bytes([len(name)]) + name + kind + bytes([bits]) + struct.pack(">I", len(arguments)) + arguments
            raw.send(raw_frame(1, 1, index + b"\x00\x00" + field))
            assert isinstance(raw.read_method(), (spec.Queue.DeclareOk, spec.Exchange.DeclareOk))
        raw.call(1, spec.Confirm.Select())
        raw.send(method(1, spec.Basic.Publish(exchange=name.decode())) + header(1, 0))
        assert isinstance(raw.read_method(), spec.Basic.Ack)
        raw.call(1, spec.Exchange.Delete(exchange=name.decode()))


LOGIN = spec.Connection.StartOk(
    client_properties={"capabilities": CAPABILITIES}, mechanism="PLAIN", response="\0guest\0guest", locale="en_US"
)


def test_other_protocols_get_the_protocol_header_back(embedded: Any, rabbitmq: Any) -> None:
    """AMQP 0-9-1, section 4.2.2: answer with what is spoken here, and close."""
    for server, first in itertools.product(
        (embedded, rabbitmq),
        (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"AMQP\x00\x01\x00\x00"),
    ):
        with RawClient(server.port) as raw:
            raw.send(first)
            assert raw.read_all() == PROTOCOL_HEADER


def test_a_login_that_is_refused(embedded: Any, rabbitmq: Any) -> None:
    """403, with a reason that does not say whether it was the user or the password."""
    wrong = ("guest", "wrong"), ("nobody", "guest")
    for mechanism in ("PLAIN", "AMQPLAIN"):
        said = []
        for server, (user, password) in itertools.product((embedded, rabbitmq), wrong):
            with RawClient(server.port) as raw:
                closed = raw.start(user, password, mechanism)
                said.append((closed.reply_code, closed.reply_text, closed.class_id, closed.method_id))
        assert len(set(said)) == 1
        assert said[0][0] == 403


@pytest.mark.parametrize("mechanism", ["PLAIN", "AMQPLAIN"])
def test_a_login_by_every_mechanism_that_is_offered(raw: RawClient, mechanism: str) -> None:
    assert isinstance(raw.start(mechanism=mechanism), spec.Connection.Tune)


def test_a_virtual_host_that_is_not_there(embedded: Any, rabbitmq: Any) -> None:
    said = []
    for server in (embedded, rabbitmq):
        with RawClient(server.port) as raw:
            closed = raw.open("nowhere")
            said.append((closed.reply_code, closed.reply_text, closed.class_id, closed.method_id))
    assert said[0] == said[1]
    assert said[0][0] == 530


HANDSHAKES = {
    "unknown mechanism": [
        method(0, spec.Connection.StartOk(client_properties={}, mechanism="NOPE", response="x", locale="en_US"))
    ],
    "no PLAIN response": [
        method(0, spec.Connection.StartOk(client_properties={}, mechanism="PLAIN", response="x", locale="en_US"))
    ],
    "no AMQPLAIN response": [
        method(0, spec.Connection.StartOk(client_properties={}, mechanism="AMQPLAIN", response="x", locale="en_US"))
    ],
    "AMQPLAIN without a password": [
        method(
            0,
            spec.Connection.StartOk(
                client_properties={}, mechanism="AMQPLAIN", response=b"\x05LOGINS\0\0\0\x05guest", locale="en_US"
            ),
        )
    ],
    "PLAIN on behalf of another": [
        method(
            0,
            spec.Connection.StartOk(
                client_properties={}, mechanism="PLAIN", response="other\0guest\0guest", locale="en_US"
            ),
        )
    ],
    "channel before login": [method(1, spec.Channel.Open())],
    "open before login": [method(0, spec.Connection.Open("/"))],
    "frame larger than a handshake needs": [struct.pack(">BHI", 1, 0, 5_000)],
    "frame_max too small": [method(0, LOGIN), method(0, spec.Connection.TuneOk(2047, 100, 0))],
    "frame_max too large": [method(0, LOGIN), method(0, spec.Connection.TuneOk(2047, 1_000_000, 0))],
    "channel_max too large": [method(0, LOGIN), method(0, spec.Connection.TuneOk(65_535, 131_072, 0))],
}


def test_a_handshake_that_goes_wrong_is_cut_without_a_word(embedded: Any, rabbitmq: Any) -> None:
    """After a while, to slow down guessing; all at once here, since each takes its three seconds."""
    clients = [(what, RawClient(server.port, timeout=15)) for what in HANDSHAKES for server in (embedded, rabbitmq)]
    for what, client in clients:
        client.send(PROTOCOL_HEADER)
        assert isinstance(client.read_method(), spec.Connection.Start)
        for number, data in enumerate(HANDSHAKES[what]):
            if number:
                assert isinstance(client.read_method(), spec.Connection.Tune), what
            client.send(data)
    for what, client in clients:
        assert client.read_all() == b"", what
        client.socket.close()


def test_a_handshake_that_takes_too_long_is_cut(embedded: Any, rabbitmq: Any) -> None:
    """Whether the client says nothing at all or stops half-way: within RabbitMQ's ten seconds."""
    silent = [RawClient(server.port, timeout=15) for server in (embedded, rabbitmq)]
    slow = [RawClient(server.port, timeout=15) for server in (embedded, rabbitmq)]
    for client in slow:
        client.send(PROTOCOL_HEADER)
        client.read_method()
    for client in silent + slow:
        assert client.read_all() == b""
        client.socket.close()


def test_a_dead_peer_is_cut(raw: RawClient) -> None:
    """Heartbeats come twice per interval; two to three silent intervals are the end."""
    raw.open(heartbeat=1)
    beats = 0
    while raw.read() is not None:
        beats += 1
    assert 3 <= beats <= 6


CLOSE = method(0, spec.Connection.Close(200, "", 0, 0))


def test_after_the_close_it_is_for_the_client_to_hang_up(raw: RawClient) -> None:
    """Two threads close the same connection: the second request is answered too, and no reset takes an answer away."""
    raw.open(heartbeat=2)
    raw.channel()
    raw.send(CLOSE + CLOSE + PUBLISH)
    assert isinstance(raw.read_method(), spec.Connection.CloseOk)
    assert isinstance(raw.read_method(), spec.Connection.CloseOk)
    raw.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        raw.read_method()
    assert isinstance(raw.call(0, spec.Connection.Close(200, "", 0, 0)), spec.Connection.CloseOk)


@pytest.mark.parametrize("sent", [CLOSE, method(1, spec.Basic.Qos(prefetch_size=1))], ids=["close", "error"])
def test_a_client_that_does_not_hang_up_is_cut_after_its_heartbeat(raw: RawClient, sent: bytes) -> None:
    raw.open(heartbeat=1)
    raw.channel()
    raw.send(sent)
    begun = time.monotonic()
    assert type(raw.read_method()).__name__ in ("Close", "CloseOk")
    assert raw.read_method() is None
    assert 0.8 < time.monotonic() - begun < 3


def test_what_a_client_holds_goes_back_when_it_says_no_more(client: Client, raw: RawClient) -> None:
    """Even where it has not read all it was sent, and does not hang up."""
    queue = client.queue()
    raw.open()
    raw.channel()
    raw.call(1, spec.Basic.Consume(queue=queue))
    for _ in range(60):
        client.channel.basic_publish("", queue, b"x" * 100_000)
    raw.socket.shutdown(socket.SHUT_WR)
    eventually(lambda: client.ready(queue) == 60, "the return of them all")


def test_a_new_password_is_acknowledged(raw: RawClient) -> None:
    """Clients with expiring credentials send them in an open connection; guest's are looked at once."""
    raw.open()
    update = spec.Connection.UpdateSecret(new_secret="s3cret", reason="it was time")
    assert isinstance(raw.call(0, update), spec.Connection.UpdateSecretOk)
    raw.channel()


def test_as_many_channels_as_were_agreed(broker: Any) -> None:
    """The next one closes the connection (530)."""
    with RawClient(broker.port) as raw:
        raw.open()
        raw.send(b"".join(method(number, spec.Channel.Open()) for number in range(1, 2048)))
        for _ in range(2047):
            assert isinstance(raw.read_method(), spec.Channel.OpenOk)
        closed = raw.call(2048, spec.Channel.Open())
        assert (closed.reply_code, closed.reply_text) == (
            530,
            "NOT_ALLOWED - number of channels opened (2047) has reached the negotiated channel_max (2047)",
        )


@pytest.fixture
def own() -> Iterator[RunningBroker]:
    """A broker of its own: these tests look at its log and at what it holds."""
    with running_broker() as running:
        yield running


def test_a_client_that_speaks_something_else_is_told_in_the_log(own: RunningBroker) -> None:
    for first, told in (
        (b"AMQP\x00\x01\x00\x00", "speaks AMQP 1.0"),
        (b"AMQP\x03\x01\x00\x00", "speaks AMQP 1.0"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "speaks TLS"),
        (b"GET /api/overview HTTP/1.1\r\n", "speaks HTTP"),
        (b"\x00\x01\x02\x03\x04\x05\x06\x07", "does not speak AMQP"),
    ):
        with RawClient(own.port) as raw:
            raw.send(first)
            raw.read_all()
        assert own.log.read_text().splitlines()[-1].count(told) == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can limit another process's files")
def test_more_clients_than_file_descriptors(own: RunningBroker) -> None:
    """Who is connected notices nothing, the log says it once a second, and who waits gets in when others leave."""
    with Client(own.port) as client:
        client.channel.queue_declare("q", durable=True)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.prlimit(own.pid, resource.RLIMIT_NOFILE, (descriptors(own.pid) + 5, limits[1]))
        crowd = [RawClient(own.port) for _ in range(20)]
        eventually(lambda: "no client can connect at the moment" in own.log.read_text(), "a line in the log")
        client.publish("q", b"x", delivery_mode=2)
        assert client.ready("q") == 1
        for raw in crowd:
            raw.socket.close()
        with Client(own.port) as late:
            assert late.ready("q") == 1
    assert own.log.read_text().count("\n") < 100
    assert "Traceback" not in own.log.read_text()


def test_thousands_of_queues_go_at_once(own: RunningBroker) -> None:
    """Bound, consumed from, and gone with their connection: in less time than anybody notices."""
    count = 8_000
    with Client(own.port) as client:
        with RawClient(own.port) as raw:
            raw.open()
            raw.channel()
            names = [f"q{number}" for number in range(count)]
            for make in (
                lambda name: spec.Queue.Declare(queue=name, exclusive=True, nowait=True),
                lambda name: spec.Queue.Bind(queue=name, exchange="amq.fanout", nowait=True),
                lambda name: spec.Basic.Consume(queue=name, consumer_tag=name, nowait=True),
                lambda name: spec.Basic.Consume(queue="q0", consumer_tag=f"{name}-too", nowait=True),
            ):
                raw.send(b"".join(method(1, make(name)) for name in names))
            answer = raw.call(1, spec.Queue.Declare(queue="q0", passive=True))
            assert answer.consumer_count == count + 1
        began = time.monotonic()
        eventually(lambda: not client.exists("q0"), "the end of the queues")
        assert not client.exists(names[-1])
        assert time.monotonic() - began < 4  # a look at all bindings for each of them took twice that


def test_passwords_are_never_shown(own: RunningBroker) -> None:
    with RawClient(own.port) as raw:
        raw.start("guest", "very-secret-word")
    with RawClient(own.port) as raw:
        raw.send(PROTOCOL_HEADER)
        raw.read_method()
        raw.send(
            method(
                0,
                spec.Connection.StartOk(
                    client_properties={}, mechanism="PLAIN", response="very-secret-word", locale="en_US"
                ),
            )[:-1]
            + b"\x00"
        )
        eventually(lambda: own.log.read_text().count("FRAME_ERROR") == 1, "a line in the log")
    with RawClient(own.port) as raw:
        raw.send(PROTOCOL_HEADER)
        raw.read_method()
        login = method(0, spec.Connection.StartOk(client_properties={}, response="very-secret-word", locale="en_US"))
        raw.send(raw_frame(1, 0, login[7:-1] + b"one octet too many"))
        eventually(lambda: own.log.read_text().count("FRAME_ERROR") == 2, "a second line in the log")
    assert "very-secret-word" not in own.log.read_text()


def corpus() -> list[bytes]:
    """The beginnings of many conversations, right ones and wrong ones, to be mangled further."""
    well = [
        PROTOCOL_HEADER,
        method(0, LOGIN),
        method(0, spec.Connection.TuneOk(2047, 131_072, 0)) + method(0, spec.Connection.Open("/")),
        method(1, spec.Channel.Open()),
        method(
            1,
            spec.Queue.Declare(
                queue="fuzz", auto_delete=True, arguments={"x-max-length": 5, "t": {"a": [1, "b", None]}}
            ),
        ),
        method(1, spec.Confirm.Select()),
        method(1, spec.Exchange.Declare(exchange="fuzz-x", type="headers", auto_delete=True)),
        method(
            1, spec.Queue.Bind(queue="fuzz", exchange="fuzz-x", routing_key="", arguments={"x-match": "any", "a": 1})
        ),
        method(1, spec.Basic.Publish(exchange="fuzz-x", routing_key="k", mandatory=True))
        + header(1, 3, spec.BasicProperties(headers={"a": 1, "CC": ["fuzz"]}, expiration="1000"))
        + raw_frame(3, 1, b"abc"),
        method(1, spec.Basic.Publish(routing_key="fuzz")) + header(1, 3) + raw_frame(3, 1, b"abc"),
        method(1, spec.Basic.Consume(queue="fuzz", consumer_tag="c")),
        method(1, spec.Basic.Qos(0, 3, True)),
        method(1, spec.Basic.Get(queue="fuzz")),
        method(1, spec.Basic.Nack(1, False, True)),
        method(1, spec.Basic.Ack(1)),
        method(1, spec.Basic.Recover(True)),
        method(1, spec.Queue.Purge(queue="fuzz")),
        method(1, spec.Basic.Cancel("c")),
        method(1, spec.Channel.Close(200, "", 0, 0)),
        method(0, spec.Connection.Close(200, "", 0, 0)),
    ]
    return [b"".join(well[:count]) for count in range(1, len(well) + 1)]


def mangle(data: bytes, dice: random.Random) -> bytes:
    """Bits turned, octets lost, doubled, put in, the end cut off."""
    octets = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(octets)) if octets else 0
        kind = dice.randrange(6)
        if kind == 0 and octets:
            octets[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            del octets[at : at + dice.randint(1, 8)]
        elif kind == 2:
            octets[at:at] = dice.randbytes(dice.randint(1, 16))
        elif kind == 3:
            octets[at:at] = octets[at : at + dice.randint(1, 64)]
        elif kind == 4:
            octets = octets[: max(1, at)]
        elif octets:
            octets[at : at + 4] = dice.choice([b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff"])
    return bytes(octets)


ATTACKS = 1_500
SEEDS = Path(__file__).parent / "fuzz_seeds.txt"


def test_random_input_harms_nobody_else(own: RunningBroker) -> None:
    """Mangled conversations by the hundred, each from a seed, while another client works: it does not notice,
    the broker logs no error of its own, and in the end it holds no connection and no memory of them."""
    stop = threading.Event()
    worked: list[int] = []

    def bystander() -> None:
        with Client(own.port) as client:
            queue = client.queue()
            inbox = client.consume(queue, auto_ack=True)
            while not stop.is_set():
                client.publish(queue, b"steady")
                inbox.wait(len(worked) + 1)
                worked.append(1)

    thread = threading.Thread(target=bystander)
    thread.start()
    begin = corpus()
    known = [int(line) for line in SEEDS.read_text().split() if line.isdigit()]
    open_before = memory_before = 0
    try:
        for number, seed in enumerate([*known, *range(ATTACKS)]):
            dice = random.Random(seed)
            data = mangle(dice.choice(begin), dice) if seed % 10 else dice.randbytes(dice.randint(1, 5000))
            with RawClient(own.port) as raw:
                raw.send(data)
            if number == ATTACKS // 3:
                open_before, memory_before = descriptors(own.pid), resident(own.pid)
        done = len(worked)
        eventually(lambda: len(worked) > done, "work by the other client")
    finally:
        stop.set()
        thread.join()
    assert worked
    log = own.log.read_text()
    assert "internal error" not in log, log[log.index("internal error") :][:3000]
    with Client(own.port) as client:
        client.channel.queue_delete("fuzz")
        eventually(lambda: descriptors(own.pid) <= open_before, "the end of all connections")
    assert resident(own.pid) < memory_before * 1.3


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def resident(pid: int) -> int:
    """Resident memory in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
