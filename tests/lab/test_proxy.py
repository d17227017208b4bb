"""The proxy makes a network bad as it is told, in the direction that it is told, and counts where it strikes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from archlab import catalog
from archlab.lab.lab import Lab
from archlab.lab.proxy import Proxy
from archlab.lab.setting import Setting
from archlab.lab.toxic import Toxic

QUICK = 0.02
"""Seconds: well above what the proxy itself takes, well below what a test waits for."""


class Echo:
    """A service of any protocol: it sends back what it gets, behind a prefix."""

    def __init__(self, prefix: bytes = b"") -> None:
        self.prefix = prefix
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self.listener.close()

    def _accept(self) -> None:
        while True:
            with suppress(OSError):
                connection, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
                continue
            return

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while data := connection.recv(65536):
                connection.sendall(self.prefix + data)


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[SimpleNamespace]:
    echo = Echo()
    lab = Lab(Setting(catalog.source("none"), "calm", {}, "1", tmp_path))
    proxy: Proxy = lab.proxy(echo)
    yield SimpleNamespace(proxy=proxy, lab=lab, echo=echo)
    lab.close(finish=False)
    echo.close()


def connected(proxy: Proxy) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def exchange(connection: socket.socket, data: bytes = b"hello") -> float:
    """Seconds until what was sent is back."""
    began = time.perf_counter()
    connection.sendall(data)
    received = b""
    while len(received) < len(data):
        chunk = connection.recv(1 << 20)
        if not chunk:
            raise ConnectionError("ended")
        received += chunk
    assert received == data
    return time.perf_counter() - began


def test_untold_it_passes_everything_on(proxied: SimpleNamespace) -> None:
    with connected(proxied.proxy) as connection:
        exchange(connection, bytes(range(256)) * 4000)
    assert proxied.proxy.strikes() == {}
    assert proxied.lab.faults_struck() == []


@pytest.mark.parametrize(("direction", "ways"), [("up", 1), ("down", 1), ("both", 2)])
def test_latency_is_added_in_each_direction_it_is_asked_for(
    proxied: SimpleNamespace, direction: str, ways: int
) -> None:
    latency = 0.06
    with connected(proxied.proxy) as connection:
        exchange(connection)
        proxied.proxy.poison(Toxic(latency=latency, direction=direction))
        took = exchange(connection)
        assert ways * latency <= took < (ways + 1) * latency
        assert proxied.proxy.strikes() == {"latency": ways}
        proxied.proxy.mend()
        assert min(exchange(connection) for _ in range(3)) < latency / 2
    assert proxied.lab.faults_struck() == ["latency"]


def test_latency_is_a_delay_and_no_bottleneck(proxied: SimpleNamespace) -> None:
    """What is sent one after the other arrives one after the other, all of it one latency later and not ten."""
    proxied.proxy.poison(Toxic(latency=0.1, direction="up"))
    with connected(proxied.proxy) as connection:
        began = time.perf_counter()
        for i in range(10):
            connection.sendall(bytes([i]))
        received = b""
        while len(received) < 10:
            received += connection.recv(100)
        assert received == bytes(range(10))
        assert time.perf_counter() - began < 10 * 0.1


def test_jitter_never_swaps_bytes(proxied: SimpleNamespace) -> None:
    proxied.proxy.poison(Toxic(latency=0.01, jitter=0.01))
    with connected(proxied.proxy) as connection:
        for i in range(30):
            connection.sendall(bytes([i]) * 50)
        received = b""
        while len(received) < 1500:
            received += connection.recv(1 << 16)
        assert received == b"".join(bytes([i]) * 50 for i in range(30))
    assert proxied.proxy.strikes()["jitter"] >= 2


def test_bandwidth_paces(proxied: SimpleNamespace) -> None:
    proxied.proxy.poison(Toxic(bandwidth=1_000_000, direction="down"))
    with connected(proxied.proxy) as connection:
        assert 0.2 <= exchange(connection, b"x" * 200_000) < 1.0
    assert proxied.proxy.strikes()["bandwidth"] >= 1


def test_a_stalled_connection_says_nothing_and_goes_on_when_mended(proxied: SimpleNamespace) -> None:
    with connected(proxied.proxy) as connection:
        exchange(connection)
        proxied.proxy.poison(Toxic(stall=True, direction="down"))
        connection.settimeout(0.15)
        connection.sendall(b"ping")
        with pytest.raises(TimeoutError):
            connection.recv(10)
        assert proxied.proxy.strikes() == {"stall": 1}
        proxied.proxy.mend()
        connection.settimeout(5)
        assert connection.recv(10) == b"ping"


def test_a_connection_is_reset_after_so_many_bytes(proxied: SimpleNamespace) -> None:
    proxied.proxy.poison(Toxic(reset_after=8, direction="up"))
    with connected(proxied.proxy) as connection:
        exchange(connection, b"12345678")
        with pytest.raises(ConnectionResetError):
            exchange(connection, b"9")
            exchange(connection, b"9")
    assert proxied.proxy.strikes() == {"reset": 1}
    assert proxied.lab.faults_struck() == ["reset"]


def test_a_cut_ends_what_there_is_and_what_comes_until_it_is_mended(proxied: SimpleNamespace) -> None:
    connection = connected(proxied.proxy)
    exchange(connection)
    proxied.proxy.poison(Toxic(cut=True))
    with pytest.raises(OSError), connection:
        exchange(connection)
        exchange(connection)
    with pytest.raises(OSError), connected(proxied.proxy) as late:
        exchange(late)
    assert proxied.proxy.strikes()["cut"] == 2
    proxied.proxy.mend()
    with connected(proxied.proxy) as again:
        exchange(again)


def test_a_round_trip_takes_as_much_longer_as_was_asked_below_a_millisecond_too(proxied: SimpleNamespace) -> None:
    """A loop that rounds its timers up to a millisecond would add 2 ms and more for each of these latencies."""
    added = {}
    with connected(proxied.proxy) as connection:
        for latency in (0.00025, 0.002):
            proxied.proxy.poison(Toxic(latency=latency))
            added[latency] = sorted(exchange(connection) for _ in range(60))
        proxied.proxy.mend()
        bare = sorted(exchange(connection) for _ in range(60))
    assert added[0.002][30] - added[0.00025][30] > 0.0025, "3.5 ms were asked for"
    assert 0.0005 < added[0.00025][0] < bare[0] + 0.0012, "0.5 ms were asked for"


def test_a_new_target_is_that_of_new_connections_and_open_ones_stay(proxied: SimpleNamespace) -> None:
    other = Echo(prefix=b"other: ")
    try:
        with connected(proxied.proxy) as old:
            exchange(old)
            proxied.proxy.retarget(other)
            exchange(old)
            with connected(proxied.proxy) as new:
                new.sendall(b"hello")
                assert new.recv(100) == b"other: hello"
            exchange(old)
    finally:
        other.close()


def test_a_proxy_that_was_retargeted_keeps_its_target_when_it_is_started_again(proxied: SimpleNamespace) -> None:
    other = Echo(prefix=b"other: ")
    try:
        proxied.proxy.retarget(other)
        proxied.proxy.kill()
        proxied.proxy.start()
        with connected(proxied.proxy) as new:
            new.sendall(b"hello")
            assert new.recv(100) == b"other: hello"
    finally:
        other.close()


def test_it_serves_more_connections_than_select_could_watch(proxied: SimpleNamespace) -> None:
    """Each takes two file descriptors of the proxy's process; select(2) alone would end at 1024 of them."""
    resource = pytest.importorskip("resource")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if most != resource.RLIM_INFINITY and most < 2000:
        pytest.skip("too few file descriptors are allowed here (ulimit -n)")
    connections = []
    try:
        for _ in range(600):
            connections.append(connected(proxied.proxy))
            exchange(connections[-1])
    finally:
        for connection in connections:
            connection.close()


def test_a_service_that_is_down_is_down_through_the_proxy_too(proxied: SimpleNamespace) -> None:
    proxied.echo.close()
    with pytest.raises(OSError), connected(proxied.proxy) as connection:
        exchange(connection)
        exchange(connection)


def test_the_proxy_ends_with_its_lab(proxied: SimpleNamespace) -> None:
    port = proxied.proxy.port
    proxied.lab.close(finish=False)
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()


def test_amqp_passes_through_it_as_http_does(tmp_path: Path) -> None:
    """The embedded broker behind the proxy: a round trip takes longer, and a cut ends the connection."""
    import pika
    from pika.exceptions import AMQPError

    from archlab.broker import running_broker

    lab = Lab(Setting(catalog.source("none"), "calm", {}, "1", tmp_path))
    with running_broker() as broker:
        proxy = lab.proxy(broker)
        try:
            parameters = pika.ConnectionParameters("127.0.0.1", proxy.port, socket_timeout=5)
            connection = pika.BlockingConnection(parameters)
            channel = connection.channel()
            channel.queue_declare("orders")
            proxy.poison(Toxic(latency=0.03))
            began = time.perf_counter()
            channel.queue_declare("orders", passive=True)
            assert time.perf_counter() - began >= 0.06
            proxy.poison(Toxic(cut=True))
            with pytest.raises(AMQPError):
                channel.queue_declare("orders", passive=True)
            assert set(proxy.strikes()) == {"latency", "cut"}
        finally:
            lab.close(finish=False)
