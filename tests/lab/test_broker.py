"""The broker of a round: one for all its processes, with names of its own, nothing left behind, and seen in the trace.

Every test that asks for ``lab`` runs on the embedded broker and on RabbitMQ.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pika
import pytest
from pika.exceptions import AMQPError, ChannelClosedByBroker, UnroutableError
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from archlab import catalog, tracing
from archlab.lab import amqp, declared
from archlab.lab.broker_address import BrokerAddress, BrokerUrl
from archlab.lab.errors import BrokerFailed, ProcessDied
from archlab.lab.lab import Lab
from archlab.lab.setting import Setting
from archlab.lab.toxic import Toxic
from archlab.scenario import UsageError

AMQP = Path(__file__).parents[1] / "amqp"
PATIENCE = 15.0
"""Seconds after which something that must happen counts as not happening."""


def eventually(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.01)


def setting(folder: Path, url: BrokerUrl | None, traced: bool = False) -> Setting:
    address = BrokerAddress(url, foreign=True) if url else None
    known = {"rate": 1}
    return Setting(catalog.source(str(AMQP)), "calm", known, "1", folder, traced, "direct", broker=address)


@contextlib.contextmanager
def running(setting: Setting) -> Iterator[Lab]:
    """A lab whose connections are closed before it is: a test must leave no socket open."""
    lab = Lab(setting)
    opened: list[pika.BlockingConnection] = []
    broker = lab.broker()
    connect = broker.connect

    def kept(*how: Any, **named: Any) -> pika.BlockingConnection:
        opened.append(connect(*how, **named))
        return opened[-1]

    broker.connect = kept  # type: ignore[method-assign]  # of this one alone
    try:
        yield lab
    finally:
        for connection in opened:
            with contextlib.suppress(AMQPError):
                connection.close()
        lab.close(finish=True)


@pytest.fixture
def lab(broker_url: BrokerUrl | None, tmp_path: Path) -> Iterator[Lab]:
    with running(setting(tmp_path, broker_url)) as lab:
        yield lab


@pytest.fixture
def traced(broker_url: BrokerUrl | None, tmp_path: Path) -> Iterator[Lab]:
    with running(setting(tmp_path, broker_url, traced=True)) as lab:
        yield lab


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Lab]:
    with running(setting(tmp_path, None)) as lab:
        yield lab


@pytest.fixture
def foreign(rabbitmq_url: BrokerUrl, tmp_path: Path) -> Iterator[Lab]:
    with running(setting(tmp_path, rabbitmq_url)) as lab:
        yield lab


def there(url: BrokerUrl, kind: str, name: str) -> bool:
    """Whether a queue or an exchange exists."""
    with contextlib.closing(pika.BlockingConnection(amqp.parameters(url))) as connection:
        try:
            getattr(connection.channel(), f"{kind}_declare")(name, passive=True)
        except ChannelClosedByBroker:
            return False
        return True


def got(channel: Any, queue: str) -> tuple[Any, bytes]:
    """The next message's properties and body."""
    found: list[Any] = []

    def one() -> bool:
        found[:] = channel.basic_get(queue, auto_ack=True)
        return found[0] is not None

    eventually(one)
    return found[1], found[2]


# One broker for all


def echo(lab: Any, inbox: Any) -> None:
    """Publishes what it was sent."""
    channel = lab.broker().connect().channel()
    while True:
        channel.basic_publish("", lab.broker().name("echo"), str(inbox.receive()).encode())


def test_a_round_has_one_broker_however_often_it_is_asked_for(lab: Lab) -> None:
    assert lab.broker() is lab.broker()
    assert len(lab.parts) == 1


def test_a_spawned_process_gets_the_same_broker_and_the_same_names(lab: Lab) -> None:
    broker = lab.broker()
    channel = broker.connect().channel()
    channel.queue_declare(broker.name("echo"))
    lab.spawn(echo, "echo").send("hello")
    assert got(channel, broker.name("echo"))[1] == b"hello"


def impatient(lab: Any, inbox: Any) -> None:
    """Says what happens to who asks for the broker, and to who would kill it."""
    try:
        lab.broker().kill()
    except BrokerFailed as error:
        (lab.folder / "said").write_text(str(error))
    inbox.reached(1)
    inbox.receive()


def test_a_process_that_asks_for_a_broker_that_was_not_started_is_told_what_to_do(tmp_path: Path) -> None:
    lab = Lab(setting(tmp_path, None))
    lab.spawn(impatient, "impatient").wait_until(1)
    lab.close(finish=False)
    assert "call lab.broker() in the design's start before lab.spawn()" in (tmp_path / "said").read_text()


def test_a_spawned_process_cannot_kill_the_broker(embedded: Lab) -> None:
    embedded.spawn(impatient, "impatient").wait_until(1)
    assert "do it in the design's start or in an experiment" in (embedded.folder / "said").read_text()
    assert embedded.broker().alive


def test_two_rounds_have_different_names(broker_url: BrokerUrl | None, tmp_path: Path) -> None:
    found = set()
    for number in "12":
        (tmp_path / number).mkdir()
        with running(setting(tmp_path / number, broker_url)) as lab:
            found.add(lab.broker().name("orders"))
    assert len(found) == 2
    assert all(name.startswith("archlab-") and name.endswith("-orders") for name in found)


def test_in_the_measured_pass_a_channel_publishes_and_consumes_with_the_methods_of_pika(lab: Lab) -> None:
    channel = lab.broker().connect().channel()
    bare = {"basic_publish", "basic_consume", "basic_get", "basic_ack", "consume", "close"}
    assert not bare & set(vars(channel))
    assert type(channel) is pika.adapters.blocking_connection.BlockingChannel


def test_parameters_can_be_given_and_a_wrong_one_is_refused(lab: Lab) -> None:
    connection = lab.broker().connect(client_properties={"connection_name": "tested"}, heartbeat=7)
    assert connection._impl.params.heartbeat == 7
    with pytest.raises(AttributeError, match="heartbeet"):
        lab.broker().connect(heartbeet=7)


# Nothing is left


def declaring_and_dying(lab: Any, inbox: Any) -> None:
    broker = lab.broker()
    channel = broker.connect().channel()
    channel.queue_declare(broker.name("by-the-dead"), durable=True)
    channel.exchange_declare(broker.name("by-the-dead"), "topic", durable=True)
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_was_declared_is_gone_with_the_round_even_where_the_process_that_declared_it_was_killed(
    rabbitmq_url: BrokerUrl, tmp_path: Path
) -> None:
    """Queues, exchanges, and queues that the broker named."""
    lab = Lab(setting(tmp_path, rabbitmq_url))
    broker = lab.broker()
    killed = lab.spawn(declaring_and_dying, "killed")
    assert killed.exited() == -signal.SIGKILL
    with contextlib.closing(broker.connect()) as connection:
        channel = connection.channel()
        channel.queue_declare(queue=broker.name("orders"), durable=True)
        named_by_the_broker = channel.queue_declare("").method.queue
        channel.exchange_declare(exchange=broker.name("events"), exchange_type="fanout")
        channel.queue_bind(broker.name("orders"), broker.name("events"))
        channel.basic_publish("", broker.name("orders"), b"never read")
        queues = [broker.name("orders"), broker.name("by-the-dead"), named_by_the_broker]
        exchanges = [broker.name("events"), broker.name("by-the-dead")]
        assert all(there(rabbitmq_url, "queue", name) for name in queues)
        assert all(there(rabbitmq_url, "exchange", name) for name in exchanges)
        assert declared.queues(tmp_path) == 3
        lab.close(finish=False)
    assert not any(there(rabbitmq_url, "queue", name) for name in queues)
    assert not any(there(rabbitmq_url, "exchange", name) for name in exchanges)


def test_what_cannot_be_removed_does_not_keep_the_rest(rabbitmq_url: BrokerUrl, tmp_path: Path) -> None:
    """Of a queue of somebody else's that is exclusive RabbitMQ says RESOURCE_LOCKED, which closes the channel."""
    lab = Lab(setting(tmp_path, rabbitmq_url))
    broker = lab.broker()
    with contextlib.closing(broker.connect()) as connection:
        channel = connection.channel()
        channel.queue_declare(broker.name("first"))
        channel.queue_declare(broker.name("locked"), exclusive=True)
        declared.remember(tmp_path, "queue", broker.name("locked"))
        lab.close(finish=False)
        assert not there(rabbitmq_url, "queue", broker.name("first"))


def test_on_a_broker_that_was_given_a_name_that_is_not_the_rounds_is_refused(foreign: Lab) -> None:
    """Looking whether it is there changes nothing, and is not refused."""
    broker = foreign.broker()
    channel = broker.connect().channel()
    with pytest.raises(BrokerFailed, match=r"Declare broker.name\('orders'\) instead"):
        channel.queue_declare("orders")
    with pytest.raises(BrokerFailed, match=r"Declare broker.name\('events'\) instead"):
        channel.exchange_declare("events", "fanout")
    channel.exchange_declare("amq.topic", "topic", True)
    channel.exchange_declare("amq.topic", passive=True)
    assert not there(broker.url, "queue", "orders")
    assert not there(broker.url, "exchange", "events")
    assert declared.names(foreign.folder) == []


def test_on_a_broker_that_was_given_a_queue_goes_away_by_itself_unless_it_says_otherwise(foreign: Lab) -> None:
    """RabbitMQ accepts another declaration of a queue only where it has the same arguments."""
    broker = foreign.broker()
    channel = broker.connect().channel()
    channel.queue_declare(broker.name("orders"), arguments={"x-max-length": 3})
    channel.queue_declare(broker.name("kept"), arguments={"x-expires": 60_000})
    with contextlib.closing(pika.BlockingConnection(amqp.parameters(broker.url))) as bare:
        usual = {"x-max-length": 3, "x-expires": amqp.EXPIRES}
        bare.channel().queue_declare(broker.name("orders"), arguments=usual)
        bare.channel().queue_declare(broker.name("kept"), arguments={"x-expires": 60_000})
        with pytest.raises(ChannelClosedByBroker, match="PRECONDITION_FAILED"):
            bare.channel().queue_declare(broker.name("orders"), arguments={"x-max-length": 3})


@pytest.mark.parametrize("kind", amqp.KEPT)
def test_on_a_broker_that_was_given_an_exchange_goes_away_with_its_queues(
    rabbitmq_url: BrokerUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """As after a SIGKILL, when nobody removes anything.

    Meanwhile it is there, also when no queue of a design is bound to it: a publish that is mandatory comes back, and
    does not close the channel.
    """
    monkeypatch.setattr(amqp, "EXPIRES", 1000)
    lab = Lab(setting(tmp_path, rabbitmq_url))
    broker = lab.broker()
    exchange, queue = broker.name("events"), broker.name("orders")
    with contextlib.closing(broker.connect()) as connection:
        channel = connection.channel()
        channel.exchange_declare(exchange, kind, durable=True)
        channel.queue_declare(queue)
        channel.queue_bind(queue, exchange, "order")
        channel.queue_unbind(queue, exchange, "order")
        channel.confirm_delivery()
        with pytest.raises(UnroutableError):
            channel.basic_publish(exchange, "order", b"", mandatory=True)
        assert there(rabbitmq_url, "exchange", exchange)
    eventually(lambda: not there(rabbitmq_url, "exchange", exchange))


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_the_embedded_broker_ends_with_archlab_however_that_ends(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from archlab import catalog
        from archlab.lab.lab import Lab
        from archlab.lab.setting import Setting

        lab = Lab(Setting(catalog.source("tiny"), "calm", {{}}, "1", Path({str(tmp_path)!r})))
        print(lab.broker().port, flush=True)
        sys.stdin.read()
    """)
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as archlab:
        assert archlab.stdout is not None
        url = BrokerUrl.parse(f"amqp://guest:guest@127.0.0.1:{archlab.stdout.readline().strip()}/")
        assert amqp.product(url).startswith("archlab ")
        archlab.kill()

    def gone() -> bool:
        with contextlib.suppress(BrokerFailed):
            amqp.product(url)
            return False
        return True

    eventually(gone)


# Broken on purpose


def test_what_is_durable_is_there_again_after_a_kill_and_a_restart(embedded: Lab) -> None:
    """And neither is an unplanned end."""
    broker = embedded.broker()
    channel = broker.connect().channel()
    channel.queue_declare(broker.name("orders"), durable=True)
    channel.confirm_delivery()
    channel.basic_publish("", broker.name("orders"), b"durable", pika.BasicProperties(delivery_mode=2))
    port = broker.port
    broker.kill()
    assert not broker.alive
    embedded.check(0.1)
    broker.restart()
    assert (broker.alive, broker.port) == (True, port)
    broker.restart()
    broker.stop()
    assert not broker.alive
    broker.start()
    assert got(broker.connect().channel(), broker.name("orders"))[1] == b"durable"
    embedded.check()


def test_an_end_that_nobody_planned_is_named_with_the_exit_code(embedded: Lab) -> None:
    broker = embedded.broker()
    os.kill(broker._pid("killed"), signal.SIGKILL)
    with pytest.raises(ProcessDied, match=r"^the broker ended unplanned \(exit code -9\)$"):
        embedded.check(PATIENCE)
    broker.restart()
    embedded.check()


def test_a_paused_broker_answers_nobody_until_it_is_resumed(embedded: Lab) -> None:
    broker = embedded.broker()
    broker.pause()
    with pytest.raises(Exception, match="Timeout"):  # a class of pika's that is no AMQPError
        broker.connect(stack_timeout=0.2)
    broker.resume()
    broker.resume()
    assert broker.connect().is_open
    broker.pause()
    broker.stop()
    assert not broker.alive


def test_the_broker_tells_how_much_memory_it_has(embedded: Lab) -> None:
    """A Python with asyncio and SQLite: more than a megabyte, less than one of messages adds to a gigabyte."""
    broker = embedded.broker()
    assert 1_000_000 < broker.memory < 1_000_000_000
    broker.kill()
    with pytest.raises(BrokerFailed, match="does not run"):
        _ = broker.memory


def test_a_broker_that_was_given_is_not_archlabs_to_break(foreign: Lab) -> None:
    broker = foreign.broker()
    for breaking in (broker.kill, broker.stop, broker.restart, broker.pause):
        with pytest.raises(BrokerFailed, match="it is not archlab's"):
            breaking()
    broker.check()
    assert broker.alive


def test_a_proxy_stands_in_front_of_the_broker(lab: Lab) -> None:
    proxy = lab.proxy(lab.broker())
    connection = lab.broker().connect(port=proxy.port)
    assert connection.channel().is_open
    proxy.poison(Toxic(cut=True))
    with pytest.raises(AMQPError):
        connection.channel()
    assert proxy.strikes()["cut"] >= 1


def test_a_proxy_does_not_stand_in_front_of_a_broker_that_is_elsewhere(tmp_path: Path) -> None:
    lab = Lab(setting(tmp_path, BrokerUrl.parse("amqp://user:secret@broker.example.org/")))
    with pytest.raises(BrokerFailed, match=r"amqp://\*\*\*@broker.example.org:5672/"):
        lab.proxy(lab.broker())


# The password


def test_no_text_of_an_address_shows_user_or_password_and_a_child_still_gets_them() -> None:
    url = BrokerUrl.parse("amqps://us%40er:se%2Fcret@broker.example.org/orders?heartbeat=5")
    address = BrokerAddress(url, foreign=True)
    texts = [f"{url}", f"{url!r}", f"{url!s:>60}", f"{address}", str([address]), str(setting(Path(), url))]
    assert not any(part in text for text in texts for part in ("er:", "se%2F", "cret", "heartbeat"))
    assert str(url) == "amqps://***@broker.example.org:5671/orders"
    assert pickle.loads(pickle.dumps(address)) == address
    found = amqp.parameters(pickle.loads(pickle.dumps(url)))
    assert (found.credentials.username, found.credentials.password) == ("us@er", "se/cret")
    assert (found.virtual_host, found.heartbeat, found.host, found.port) == ("orders", 5, "broker.example.org", 5671)


@pytest.mark.parametrize(
    "typed",
    [
        "secret",
        "http://user:secret@host/",
        "amqp://user:sec#ret@host/",
        "amqp://user:1/secret@host/",
        "amqp://user:secret@host:99999/",
        "amqp://secret@host/",
        "amqp:///secret",
    ],
)
def test_what_is_no_url_is_refused_without_being_repeated(typed: str) -> None:
    with pytest.raises(UsageError, match="amqp://user:password@host:5672/vhost") as refused:
        BrokerUrl.parse(typed)
    assert "sec" not in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (("guest:guest", "guest:secret"), "it refuses the user or the password"),
        (("5672/", "5672/nowhere"), "there is no such vhost, or the user may not use it"),
        ((":5672", ":1"), "connection refused"),
        (("5672/", "5672/?secret=1"), "the options behind the [?] of the URL are none of pika's"),
        (("amqp:", "amqps:"), "TLS fails there"),
    ],
)
def test_a_broker_that_cannot_be_used_is_one_sentence(
    rabbitmq_url: BrokerUrl, changed: tuple[str, str], why: str
) -> None:
    url = BrokerUrl.parse(rabbitmq_url.reveal().replace(*changed))
    with pytest.raises(
        BrokerFailed, match=rf"^the broker at amqps?://\*\*\*@\S+ cannot be used: {why}.*Start it"
    ) as said:
        amqp.product(url)
    assert "secret" not in str(said.value)


@pytest.fixture
def over_tls(rabbitmq_url: BrokerUrl, tmp_path: Path) -> Iterator[BrokerUrl]:
    """RabbitMQ behind TLS that ends here, with a certificate of its own for localhost."""
    if shutil.which("openssl") is None and "CI" not in os.environ:
        pytest.skip("no openssl to make a certificate with")
    own = [
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
    ]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *own]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError), source, target:
            while data := source.recv(65536):
                target.sendall(data)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                plain = listener.accept()[0]
                with contextlib.suppress(ssl.SSLError):  # a client that does not trust it
                    client = context.wrap_socket(plain, server_side=True)
                    broker = socket.create_connection((rabbitmq_url.host, rabbitmq_url.port))
                    for pair in ((client, broker), (broker, client)):
                        threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    trusted = quote(str({"ca_certs": str(tmp_path / "cert.pem")}))
    yield BrokerUrl.parse(f"amqps://guest:guest@localhost:{listener.getsockname()[1]}/?ssl_options={trusted}")
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
    listener.close()


def test_amqps_is_spoken_directly_and_through_a_proxy(over_tls: BrokerUrl, tmp_path: Path) -> None:
    """To the holder of a certificate that is trusted, and to nobody else."""
    assert amqp.product(over_tls).startswith("RabbitMQ ")
    with running(setting(tmp_path, over_tls)) as lab:
        proxy = lab.proxy(lab.broker())
        assert lab.broker().connect(port=proxy.port).channel().is_open
    stranger = BrokerUrl.parse(over_tls.reveal().partition("?")[0])
    with pytest.raises(BrokerFailed, match=r"TLS fails there .certificate verify failed"):
        amqp.product(stranger)


# The trace


def spans(lab: Lab) -> list[tuple[str, int, int, int | None, dict[str, Any]]]:
    """Name, trace, span, parent and attributes of everything that was recorded here, as it ended."""
    assert lab.recorder is not None
    return [(name, trace, span, parent, dict(a or {})) for name, trace, span, parent, _, _, a in lab.recorder.records]


def consumed(lab: Lab, channel: Any, queue: str, how: str) -> None:
    """Takes one message, in a loop as a consumer has one, and does some work for it."""
    assert lab.recorder is not None
    work = lab.recorder.wrap("work", lambda: None)
    if how == "callback":
        seen: list[bytes] = []

        def on_message(channel: Any, method: Any, properties: Any, body: bytes) -> None:
            work()
            seen.append(body)

        channel.basic_consume(queue, on_message, auto_ack=True)
        while not seen:
            channel.connection.process_data_events(time_limit=1)
    elif how == "iterator":
        for method, _, _ in channel.consume(queue, auto_ack=True, inactivity_timeout=0.2):
            if method is None:
                break
            work()
        channel.cancel()
    else:
        got(channel, queue)
        work()
        assert channel.basic_get(queue) == (None, None, None)


@pytest.mark.parametrize("how", ["callback", "iterator", "get"])
def test_the_trace_crosses_the_queue_however_a_message_is_taken(
    broker_url: BrokerUrl | None, tmp_path: Path, how: str
) -> None:
    """Who is asked, publishes; what a consumer does for the message stands below, in the same trace."""
    with running(setting(tmp_path, broker_url, traced=True)) as lab:
        broker = lab.broker()
        broker._setting = replace(lab.setting, child=True)  # a consumer is, and has a loop
        queue = broker.name("orders")
        channel = broker.connect().channel()
        channel.queue_declare(queue)
        assert lab.recorder is not None
        lab.recorder.wrap("order", lambda: channel.basic_publish("", queue, b"1"))()
        consumed(lab, channel, queue, how)
        assert lab.recorder.idle
        found = {name: rest for name, *rest in spans(lab)}
    order, publish, process, work = (found[name] for name in ("order", "publish orders", "process orders", "work"))
    assert len({trace for trace, *_ in found.values()}) == 1
    assert (order[2], publish[2], process[2], work[2]) == (None, order[1], publish[1], process[1])
    usual = {"messaging.system": "rabbitmq", "messaging.destination.name": queue}
    routed = {"messaging.rabbitmq.destination.routing_key": queue}
    assert publish[3] == usual | routed | {"messaging.operation.type": "send"}
    assert process[3] == usual | {"messaging.operation.type": "process"}


def taking_orders(lab: Any) -> Starlette:
    def order(request: Any) -> JSONResponse:
        with contextlib.closing(lab.broker().connect()) as connection:
            connection.channel().basic_publish("", lab.broker().name("orders"), b"1")
        return JSONResponse({})

    return Starlette(routes=[Route("/order", order)])


def test_a_trace_crosses_a_service_and_the_queue_behind_it(broker_url: BrokerUrl | None, tmp_path: Path) -> None:
    with running(setting(tmp_path, broker_url, traced=True)) as lab:
        broker = lab.broker()
        broker.connect().channel().queue_declare(broker.name("orders"))
        lab.spawn(worker, "worker").wait_until(1)
        service = lab.service(taking_orders, "shop")
        assert lab.recorder is not None
        assert lab.recorder.wrap("ask", service.client.get)("/order").ok
        assert not [line for line in service.log() if "connect" in line["message"].lower()]  # that is pika's life
        lab.close(finish=True)
        found = {record[0]: (process, record[1]) for process, record in tracing.collect(tmp_path)}
    assert found["publish orders"][0] == "shop"
    assert found["process orders"][0] == "worker"
    assert found["ask"][1] == found["publish orders"][1] == found["process orders"][1]


def test_the_context_is_added_to_a_copy_of_the_properties(traced: Lab) -> None:
    broker = traced.broker()
    channel = broker.connect().channel()
    channel.queue_declare(broker.name("orders"))
    mine = pika.BasicProperties(headers={"mine": 1}, message_id="7")
    channel.basic_publish(exchange="", routing_key=broker.name("orders"), body=b"1", properties=mine)
    properties, _ = got(channel, broker.name("orders"))
    assert mine.headers == {"mine": 1}
    assert (properties.message_id, set(properties.headers)) == ("7", {"mine", "traceparent"})


def test_a_client_that_carries_no_context_adds_nothing_and_a_consumer_begins_a_trace(traced: Lab) -> None:
    broker = traced.broker()
    channel = broker.connect(carries_context=False).channel()
    channel.queue_declare(broker.name("orders"))
    assert traced.recorder is not None
    traced.recorder.wrap("order", lambda: channel.basic_publish("", broker.name("orders"), b"1"))()
    consumed(traced, channel, broker.name("orders"), "callback")
    found = {name: rest for name, *rest in spans(traced)}
    assert found["order"][0] == found["publish orders"][0] != found["process orders"][0] == found["work"][0]


def test_a_header_that_is_no_context_is_ignored(traced: Lab) -> None:
    """A message may come from anybody."""
    broker = traced.broker()
    channel = broker.connect(carries_context=False).channel()
    channel.queue_declare(broker.name("orders"))
    for header in ("nonsense", "00-x-y-01", 7, {"a": 1}):
        properties = pika.BasicProperties(headers={"traceparent": header})
        channel.basic_publish("", broker.name("orders"), b"1", properties)
        consumed(traced, channel, broker.name("orders"), "iterator")
    assert [parent for name, _, _, parent, _ in spans(traced) if name == "process orders"] == [None] * 4


def test_getting_an_answer_in_the_middle_of_an_operation_is_a_step_of_it(traced: Lab) -> None:
    """Whatever follows in the operation stays below it, and so does the operation after it."""
    broker = traced.broker()
    channel = broker.connect().channel()
    channel.queue_declare(broker.name("answers"))
    assert traced.recorder is not None
    work = traced.recorder.wrap("work", lambda: None)
    channel.basic_publish("", broker.name("answers"), b"1")

    def ask() -> None:
        got(channel, broker.name("answers"))
        work()

    traced.recorder.wrap("ask", ask)()
    found = {name: rest for name, *rest in spans(traced)}
    assert found["receive answers"][2] == found["work"][2] == found["ask"][1]
    assert found["ask"][2] is None
    assert traced.recorder.idle


def worker(lab: Any, inbox: Any) -> None:
    """Records the messages of a queue, until it is asked to end."""
    channel = lab.broker().connect().channel()
    channel.basic_consume(lab.broker().name("orders"), lambda *message: None, auto_ack=True)
    inbox.reached(1)
    lab.broker().consume_until_stopped(channel, inbox)


def test_at_the_end_of_the_traced_pass_consumers_have_taken_what_was_in_their_queues(
    broker_url: BrokerUrl | None, tmp_path: Path
) -> None:
    """So that a trace shows what became of the last request, too."""
    with running(setting(tmp_path, broker_url, traced=True)) as lab:
        broker = lab.broker()
        channel = broker.connect().channel()
        channel.queue_declare(broker.name("orders"))
        channel.confirm_delivery()
        lab.spawn(worker, "worker").wait_until(1)
        for _ in range(50):
            channel.basic_publish("", broker.name("orders"), b"1")
        lab.close(finish=True)
        processed = [record for _, record in tracing.collect(tmp_path) if record[0] == "process orders"]
        assert len(processed) == 50
