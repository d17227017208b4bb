"""What survives: a SIGKILL at any moment, a disk that fills up, a folder that cannot be used."""

from __future__ import annotations

import os
import random
import resource
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pika
import pytest
from amqp_client import Client, eventually

from archlab.broker import BrokerError, RunningBroker, running_broker
from archlab.broker.datafile import FILE_NAME, VERSION
from archlab.broker.message import Message
from archlab.broker.queued import Queued
from archlab.broker.storage import Storage

KILLS = 12
SEED = 20_240_601


@pytest.fixture
def running() -> Iterator[RunningBroker]:
    with running_broker() as broker:
        yield broker


def test_what_is_durable_survives_a_kill(running: RunningBroker) -> None:
    """Durable exchanges, queues, bindings with their arguments, persistent messages in order; nothing else."""
    with Client(running.port) as client:
        channel = client.channel
        channel.exchange_declare("x", "topic", durable=True, arguments={"alternate-exchange": "amq.fanout"})
        channel.exchange_declare("brief", "fanout")
        channel.queue_declare("kept", durable=True, arguments={"x-message-ttl": 600_000, "x-dead-letter-exchange": "x"})
        channel.queue_declare("brief")
        channel.queue_declare("mine", durable=True, exclusive=True)
        channel.queue_bind("kept", "x", "a.#", {"some": "argument"})
        channel.queue_bind("kept", "brief")
        for number in range(10):
            client.publish("a.b", str(number).encode(), exchange="x", delivery_mode=1 + number % 2, app_id="me")
        client.publish("brief", b"x", delivery_mode=2)
        running.kill()
    running.restart()
    with Client(running.port) as client:
        # Declared again the same way: refused if any of it had changed.
        client.channel.exchange_declare("x", "topic", durable=True, arguments={"alternate-exchange": "amq.fanout"})
        client.channel.queue_declare(
            "kept", durable=True, arguments={"x-message-ttl": 600_000, "x-dead-letter-exchange": "x"}
        )
        assert not client.exists("brief")
        assert not client.exists("mine")
        client.publish("a.new", b"bound still", exchange="x", delivery_mode=2)
        found = [client.get("kept") for _ in range(6)]
        assert [got[2] for got in found if got] == [b"1", b"3", b"5", b"7", b"9", b"bound still"]
        assert found[0] is not None
        assert (found[0][0].redelivered, found[0][0].exchange, found[0][0].routing_key, found[0][1].app_id) == (
            False,
            "x",
            "a.b",
            "me",
        )


def test_deletions_survive_too(running: RunningBroker) -> None:
    with Client(running.port) as client:
        for queue in ("gone", "emptied", "kept"):
            client.channel.queue_declare(queue, durable=True)
            client.channel.queue_bind(queue, "amq.fanout")
            client.publish(queue, b"1", b"2", delivery_mode=2)
        client.channel.exchange_declare("gone", "fanout", durable=True)
        client.channel.queue_delete("gone")
        client.channel.exchange_delete("gone")
        client.channel.queue_purge("emptied")
        client.channel.queue_unbind("kept", "amq.fanout")
        running.kill()
    running.restart()
    with Client(running.port) as client:
        assert not client.exists("gone")
        client.channel.exchange_declare("gone", "direct")
        client.publish("", b"3", exchange="amq.fanout", delivery_mode=2)
        assert client.drain("emptied") == [b"3"]
        assert client.drain("kept") == [b"1", b"2"]


def test_what_was_delivered_is_marked_after_a_kill(running: RunningBroker) -> None:
    """Delivered and not acknowledged: there again, with redelivered; acknowledged: gone."""
    with Client(running.port) as client:
        client.channel.queue_declare("q", durable=True)
        client.publish("q", *[str(number).encode() for number in range(5)], delivery_mode=2)
        inbox = client.consume("q", prefetch=3)
        inbox.wait(3)
        inbox.ack(1)
        inbox.wait(4)  # the acknowledgement made room for one more
        running.kill()
    running.restart()
    with Client(running.port) as client:
        found = [client.get("q") for _ in range(4)]
        assert [(got[2], got[0].redelivered) for got in found if got] == [
            (b"0", True),
            (b"2", True),
            (b"3", True),
            (b"4", False),
        ]


def test_delivery_counts_survive_a_kill(running: RunningBroker) -> None:
    with Client(running.port) as client:
        client.channel.queue_declare("q", durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": 9})
        client.publish("q", b"x")
        inbox = client.consume("q", prefetch=1)
        for attempt in range(2):
            inbox.wait(attempt + 1)
            inbox.nack(attempt, requeue=True)
        inbox.wait(3)
        running.kill()
    running.restart()
    with Client(running.port) as client:
        found = client.get("q")
        assert found is not None
        assert (found[1].headers["x-delivery-count"], found[0].redelivered) == (2, True)


def test_a_kill_at_any_moment_loses_nothing_that_was_confirmed(running: RunningBroker) -> None:
    """Killed many times at random moments under load: every confirmed persistent message was consumed or is there.

    A publisher confirms each message, another many at once, a consumer acknowledges, a dead-letter exchange
    takes what it rejects; then everything is counted.
    """
    with Client(running.port) as client:
        client.channel.queue_declare("dead", durable=True)
        client.channel.queue_declare(
            "work", durable=True, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
        )
    confirmed: set[bytes] = set()
    consumed: set[bytes] = set()
    stop = threading.Event()

    def reconnecting(work: object) -> None:
        while not stop.is_set():
            try:
                with Client(running.port) as client:
                    work(client)  # type: ignore[operator]  # a function of a client
            except (pika.exceptions.AMQPError, OSError, ConnectionError):
                time.sleep(0.01)  # the broker is down; try again until it is back

    def publish(prefix: str) -> object:
        number = 0

        def work(client: Client) -> None:
            nonlocal number
            while not stop.is_set():
                number += 1
                body = f"{prefix}{number}".encode()
                client.publish("work", body, delivery_mode=2)
                confirmed.add(body)

        return work

    def consume(client: Client) -> None:
        for method, _, body in client.channel.consume("work", inactivity_timeout=0.1):
            if stop.is_set():
                return
            if method is not None:
                if hash(body) % 5:
                    consumed.add(body)
                    client.channel.basic_ack(method.delivery_tag)
                else:
                    client.channel.basic_reject(method.delivery_tag, requeue=False)

    threads = [threading.Thread(target=reconnecting, args=[work]) for work in (publish("a"), publish("b"), consume)]
    for thread in threads:
        thread.start()
    dice = random.Random(SEED)
    try:
        for _ in range(KILLS):
            before = len(confirmed)
            eventually(lambda before=before: len(confirmed) > before + 20, "confirms after a restart")
            time.sleep(dice.uniform(0, 0.1))  # the moment of the kill is what is random here
            running.kill()
            running.restart()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    with Client(running.port) as client:
        left = {*client.drain("work"), *client.drain("dead")}
    lost = confirmed - consumed - left
    assert len(confirmed) > KILLS * 20
    assert not lost, f"{len(lost)} of {len(confirmed)} confirmed messages are lost, e.g. {sorted(lost)[:5]}"


def test_many_messages_survive(running: RunningBroker) -> None:
    """More than stay in memory, of both kinds, in one durable queue: the order holds, before and after a kill."""
    count = 20_000
    with Client(running.port) as client:
        channel = client.connection.channel()
        channel.queue_declare("q", durable=True)
        for number in range(count):
            channel.basic_publish("", "q", str(number).encode(), pika.BasicProperties(delivery_mode=1 + number % 2))
        eventually(lambda: client.ready("q") == count, f"{count} messages")
        inbox = client.consume("q", auto_ack=False, prefetch=100)
        client.pump(lambda: len(inbox.deliveries) >= 100, "100 deliveries")
        assert [int(body) for body in inbox.bodies] == list(range(100))
        running.kill()
    running.restart()
    with Client(running.port) as client:
        assert [int(body) for body in client.drain("q")] == list(range(1, count, 2))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can limit another process's files")
def test_a_disk_that_fills_up_turns_confirms_into_nacks(running: RunningBroker) -> None:
    """Nothing that was confirmed is lost, transient messages go on, and when there is room again all is well."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    confirmed, refused = [], 0
    with Client(running.port) as client:
        client.channel.queue_declare("q", durable=True)
        client.channel.queue_declare("brief")
        client.publish("q", b"first", delivery_mode=2)
        # No file may grow beyond this: to SQLite that is a disk that is full.
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (512 << 10, limits[1]))
        for number in range(60):
            body = b"%d " % number + b"x" * 20_000
            try:
                client.publish("q", body, delivery_mode=2)
                confirmed.append(body)
            except pika.exceptions.NackError:
                refused += 1
        assert refused > 0
        assert confirmed
        client.publish("brief", b"transient", delivery_mode=1)
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, limits)

        def accepted() -> bool:
            try:
                client.publish("q", b"room again", delivery_mode=2)
            except pika.exceptions.NackError:
                return False
            return True

        eventually(accepted, "a confirm after there was room again")
        running.kill()
    assert "does not take any more" in running.log.read_text()
    running.restart()
    with Client(running.port) as client:
        kept = client.drain("q")
    assert {b"first", b"room again", *confirmed} <= set(kept)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can limit another process's files")
def test_a_full_disk_is_tried_again_when_nothing_waits_for_it(running: RunningBroker) -> None:
    """The one message that did not fit expires; there is room again, and the next one is taken."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Client(running.port) as client:
        client.channel.queue_declare("q", durable=True, arguments={"x-message-ttl": 50})
        client.publish("q", b"first", delivery_mode=2)
        eventually(lambda: client.ready("q") == 0, "an empty queue")
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (16 << 10, limits[1]))
        with pytest.raises(pika.exceptions.NackError):
            client.publish("q", b"x" * 100_000, delivery_mode=2)
        eventually(lambda: client.ready("q") == 0, "an empty queue")
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, limits)
        eventually(lambda: "takes messages again" in running.log.read_text(), "a line in the log")
        client.publish("q", b"room again", delivery_mode=2)


def test_a_newer_data_folder_is_left_alone(tmp_path: Path) -> None:
    with running_broker(tmp_path):
        pass
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(BrokerError, match=r"newer archlab .* upgrade with `pip install"), running_broker(tmp_path):
        pass
    assert (tmp_path / FILE_NAME).read_bytes() == before


@pytest.mark.parametrize("damage", ["no database", "a page overwritten"])
def test_a_damaged_file_is_set_aside(tmp_path: Path, damage: str) -> None:
    """The broker starts empty, says so, and the file is still there to look at."""
    with running_broker(tmp_path) as running, Client(running.port) as client:
        client.channel.queue_declare("q", durable=True)
        client.publish("q", *[b"x" * 3000] * 20, delivery_mode=2)
    path = tmp_path / FILE_NAME
    data = path.read_bytes()
    broken = b"this is no database" * 1000 if damage == "no database" else data[:4096] + b"\xff" * 8192 + data[12288:]
    path.write_bytes(broken)
    with running_broker(tmp_path) as running, Client(running.port) as client:
        assert not client.exists("q")
        client.channel.queue_declare("q", durable=True)
    aside = list(tmp_path.glob(f"{FILE_NAME}.damaged-*"))
    assert [part.read_bytes() for part in aside] == [broken]
    assert f"is damaged: set aside as {aside[0]}" in (tmp_path / "broker.log").read_text()


def test_what_makes_no_sense_is_set_aside_too(tmp_path: Path) -> None:
    """SQLite does not see a bit that flipped inside a value: the properties of a message are none any more."""
    with running_broker(tmp_path) as running, Client(running.port) as client:
        client.channel.queue_declare("q", durable=True, arguments={"x-expires": 100_000})
        client.publish("q", b"x", delivery_mode=2)
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("UPDATE message SET properties = x'ffff'")
    connection.close()
    with running_broker(tmp_path) as running, Client(running.port) as client:
        assert not client.exists("q")
        client.channel.queue_declare("new", durable=True)
        client.publish("new", b"x", delivery_mode=2)
        running.kill()
        running.restart()
        with Client(running.port) as again:
            assert again.drain("new") == [b"x"]
        log = running.log.read_text()
    aside = [path for path in tmp_path.glob(f"{FILE_NAME}.damaged-*") if not path.name.endswith("-wal")]
    assert len(aside) == 1
    assert f"is damaged: set aside as {aside[0]}" in log
    assert "Traceback" not in log


def test_a_damaged_file_that_cannot_be_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"this is no database" * 1000)

    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(BrokerError, match=r"damaged, and cannot be set aside \(Permission denied\); choose another"):
        Storage(tmp_path)


def test_a_data_folder_serves_one_broker(tmp_path: Path) -> None:
    with running_broker(tmp_path) as first:
        with pytest.raises(BrokerError, match="another broker is running on it"), running_broker(tmp_path):
            pass
        with Client(first.port) as client:
            client.channel.queue_declare("unharmed", durable=True)


def test_a_data_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(BrokerError, match=r"cannot be used: .*; choose another folder with --data"),
        running_broker(tmp_path / "file" / "data"),
    ):
        pass


def test_a_confirm_waits_for_the_disk_and_nothing_else_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit that a confirm waits for is synced, with the log that holds it; any other is not."""
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    if not sys.platform.startswith("linux"):
        pytest.skip("file descriptors are named in Linux's /proc")
    monkeypatch.setattr(os, "fsync", fsync)
    storage = Storage(tmp_path)
    queued = Queued(1, Message("", "q", b"", b"\x00\x00", b"x"))
    storage.insert(1, queued)
    assert storage.commit(sync=False)
    assert synced == []
    storage.insert(1, Queued(2, Message("", "q", b"", b"\x00\x00", b"x")))
    assert storage.commit(sync=True)
    assert synced == [str(tmp_path / f"{FILE_NAME}-wal")]
    assert [found.position for found in storage.load(1, 0, 10, 1000)] == [1, 2]
    storage.close()


def test_inserted_and_deleted_between_two_commits_costs_nothing(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    queued = Queued(1, Message("", "q", b"", b"\x00\x00", b"x"))
    storage.insert(1, queued)
    storage.delete(1, queued)
    assert not storage.dirty
    storage.close()
