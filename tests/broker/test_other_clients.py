"""Clients unchanged: pika's select and asyncio adapters, aio-pika, and amqp-tools, which is written in C."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import uuid
from typing import Any

import aio_pika
import pamqp.commands
import pika
import pytest
from amqp_client import Client
from pika.adapters.asyncio_connection import AsyncioConnection

COUNT = 200


class EventDriven:
    """Declares, publishes with confirms and consumes what it published, all by callbacks."""

    def __init__(self, queue: str, stop: Any) -> None:
        self.queue = queue
        self.stop = stop
        self.confirmed: set[int] = set()
        self.bodies: list[bytes] = []
        self.error: BaseException | None = None

    def on_open(self, connection: Any) -> None:
        self.connection = connection
        connection.channel(on_open_callback=self.on_channel)

    def on_failure(self, connection: Any, error: BaseException) -> None:
        self.error = error
        self.stop()

    def on_channel(self, channel: Any) -> None:
        self.channel = channel
        channel.confirm_delivery(self.on_confirm)
        channel.queue_declare(self.queue, exclusive=True, callback=self.on_queue)

    def on_queue(self, _: Any) -> None:
        self.channel.basic_qos(prefetch_count=10)
        self.channel.basic_consume(self.queue, self.on_message)
        for number in range(COUNT):
            self.channel.basic_publish("", self.queue, b"%d" % number)

    def on_confirm(self, frame: Any) -> None:
        tag = frame.method.delivery_tag
        assert isinstance(frame.method, pika.spec.Basic.Ack)
        self.confirmed |= set(range(max(self.confirmed, default=0) + 1, tag + 1)) if frame.method.multiple else {tag}
        self.finish()

    def on_message(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        self.bodies.append(body)
        channel.basic_ack(method.delivery_tag)
        self.finish()

    def finish(self) -> None:
        if len(self.bodies) == COUNT and len(self.confirmed) == COUNT:
            self.connection.close()

    def on_closed(self, connection: Any, error: BaseException) -> None:
        self.stop()

    def check(self) -> None:
        assert self.error is None
        assert self.bodies == [b"%d" % number for number in range(COUNT)]
        assert self.confirmed == set(range(1, COUNT + 1))


def test_pika_select(broker: Any) -> None:
    client = EventDriven(f"archlab-{uuid.uuid4().hex}", lambda: connection.ioloop.stop())
    connection = pika.SelectConnection(
        pika.URLParameters(broker.url),
        on_open_callback=client.on_open,
        on_open_error_callback=client.on_failure,
        on_close_callback=client.on_closed,
    )
    connection.ioloop.start()
    connection.ioloop.close()
    client.check()


def test_pika_asyncio(broker: Any) -> None:
    async def run() -> EventDriven:
        done = asyncio.Event()
        client = EventDriven(f"archlab-{uuid.uuid4().hex}", done.set)
        AsyncioConnection(
            pika.URLParameters(broker.url),
            on_open_callback=client.on_open,
            on_open_error_callback=client.on_failure,
            on_close_callback=client.on_closed,
        )
        await asyncio.wait_for(done.wait(), 30)
        return client

    asyncio.run(run()).check()


def test_pika_renews_its_secret(client: Client) -> None:
    """As clients do whose token expires. With a password whatever they send is fine, and nothing changes."""
    queue = client.queue()
    client.connection.update_secret("another word", "the old one expires")
    client.publish(queue, b"still there")
    assert client.drain(queue) == [b"still there"]


def test_aio_pika(broker: Any) -> None:
    """Confirms, returns, consuming, and an answer through a queue of its own."""

    async def run() -> tuple[list[bytes], bytes]:
        connection = await aio_pika.connect(broker.url)
        async with connection:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=10)
            queue = await channel.declare_queue(exclusive=True)
            exchange = await channel.declare_exchange(
                f"archlab-{uuid.uuid4().hex}", aio_pika.ExchangeType.TOPIC, auto_delete=True
            )
            await queue.bind(exchange, "orders.#")
            for number in range(COUNT):
                confirmation = await exchange.publish(aio_pika.Message(b"%d" % number), "orders.placed")
                assert isinstance(confirmation, pamqp.commands.Basic.Ack), confirmation
            bodies = []
            async with queue.iterator() as messages:
                async for message in messages:
                    async with message.process():
                        bodies.append(message.body)
                    if len(bodies) == COUNT:
                        break
            answers = await channel.declare_queue(exclusive=True)
            await channel.default_exchange.publish(aio_pika.Message(b"ping", reply_to=answers.name), queue.name)
            asked = await queue.get(timeout=10)
            await asked.ack()
            assert asked.reply_to is not None
            await channel.default_exchange.publish(aio_pika.Message(b"pong"), asked.reply_to)
            answer = await answers.get(timeout=10, no_ack=True)
            with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
                await channel.declare_queue("archlab-nowhere", passive=True)
            return bodies, answer.body

    bodies, answer = asyncio.run(run())
    assert bodies == [b"%d" % number for number in range(COUNT)]
    assert answer == b"pong"


def amqp_tool(name: str) -> str:
    found = shutil.which(name)
    if found is None and "CI" not in os.environ:
        pytest.skip(f"{name} is not installed (Debian package amqp-tools)")
    assert found is not None, "amqp-tools must be there in CI"
    return found


def test_amqp_tools(broker: Any) -> None:
    """Declared, published, got, consumed and deleted from a shell."""
    with Client(broker.port) as client:
        queue = client.name()

        def run(tool: str, *arguments: str, stdin: str = "") -> str:
            done = subprocess.run(
                [amqp_tool(tool), "--url", broker.url.rstrip("/"), *arguments],
                input=stdin,
                capture_output=True,
                text=True,
                timeout=30,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        assert run("amqp-declare-queue", "--queue", queue, "--durable").strip() == queue
        run("amqp-publish", "--routing-key", queue, "--body", "first", "--persistent")
        run("amqp-publish", "--routing-key", queue, stdin="x" * 300_000)
        run("amqp-publish", "--routing-key", queue, "--body", "last")
        assert run("amqp-get", "--queue", queue) == "first"
        assert run("amqp-consume", "--queue", queue, "--count", "2", "cat") == "x" * 300_000 + "last"
        run("amqp-delete-queue", "--queue", queue)
        assert not client.exists(queue)
