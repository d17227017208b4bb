"""What a test sees through pika, in few words: names of its own, waiting for events, cleaning up."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel

PATIENCE = 15.0  # seconds after which something that must happen counts as not happening


def eventually(condition: Callable[[], bool], what: str = "the condition") -> None:
    """Waits until the condition holds. Fails if it does not within PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come to hold within {PATIENCE} s"
        time.sleep(0.005)


class Inbox:
    """What a consumer got, in order."""

    def __init__(self, client: Client, channel: BlockingChannel, queue: str, **options: Any) -> None:
        self._client = client
        self.channel = channel
        self.queue = queue
        self.deliveries: list[tuple[Any, Any, bytes]] = []
        self.cancelled = False
        self.settles = True  # whether its deliveries are to be acknowledged
        channel.add_on_cancel_callback(self._on_cancel)
        self.tag = channel.basic_consume(queue, self._on_message, **options)

    def _on_message(self, channel: BlockingChannel, method: Any, properties: Any, body: bytes) -> None:
        self.deliveries.append((method, properties, body))

    def _on_cancel(self, frame: Any) -> None:
        self.cancelled = True

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, _, body in self.deliveries]

    def wait(self, count: int) -> list[bytes]:
        """Waits for that many deliveries in all; fails if they do not come, or if more came."""
        self._client.pump(lambda: len(self.deliveries) >= count, f"{count} deliveries (so far {self.bodies})")
        assert len(self.deliveries) == count, self.bodies
        return self.bodies

    def settled(self) -> list[bytes]:
        """What has come when nothing more is to come.

        Two answers from the queue and the channel behind it: whatever was under way before is here then.
        """
        for _ in range(2):
            self.channel.queue_declare(self.queue, passive=True)
        self._client.connection.process_data_events(0)
        return self.bodies

    def ack(self, index: int, multiple: bool = False) -> None:
        self.channel.basic_ack(self.deliveries[index][0].delivery_tag, multiple)

    def nack(self, index: int, requeue: bool, multiple: bool = False) -> None:
        self.channel.basic_nack(self.deliveries[index][0].delivery_tag, multiple, requeue)


class Client:
    """One blocking connection. `name` makes names that no other test has."""

    def __init__(self, port: int, **parameters: Any) -> None:
        self.port = port
        self.connection = pika.BlockingConnection(
            pika.ConnectionParameters("127.0.0.1", port, **{"heartbeat": 0, **parameters})
        )
        self.channel = self.confirming()
        self._prefix = f"archlab-{uuid.uuid4().hex[:10]}"
        self._queues: list[str] = []
        self._exchanges: list[str] = []

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.connection.is_open:
            with contextlib.suppress(pika.exceptions.AMQPError):  # the test may have killed the broker
                self.connection.close()
        if self._queues or self._exchanges:
            sweeper = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.port))
            channel = sweeper.channel()
            for queue in self._queues:
                channel.queue_delete(queue)
            for exchange in self._exchanges:
                channel.exchange_delete(exchange)
            sweeper.close()

    def name(self, what: str = "q") -> str:
        return f"{self._prefix}-{what}"

    def confirming(self) -> BlockingChannel:
        """A further channel on which basic_publish returns when the broker has the message."""
        channel = self.connection.channel()
        channel.confirm_delivery()
        return channel

    def queue(self, what: str = "q", *, arguments: dict[str, Any] | None = None, **options: Any) -> str:
        """Declares a queue and returns its name."""
        name = self.name(what)
        self.channel.queue_declare(name, arguments=arguments, **options)
        self._queues.append(name)
        return name

    def quorum_queue(self, what: str = "q", **arguments: Any) -> str:
        return self.queue(what, durable=True, arguments={"x-queue-type": "quorum", **arguments})

    def exchange(self, what: str, kind: str, **options: Any) -> str:
        name = self.name(what)
        self.channel.exchange_declare(name, kind, **options)
        self._exchanges.append(name)
        return name

    def publish(self, queue: str, *bodies: bytes, exchange: str = "", **properties: Any) -> None:
        """Publishes with a confirm each; pika raises UnroutableError or NackError if it is refused."""
        for body in bodies:
            self.channel.basic_publish(exchange, queue, body, pika.BasicProperties(**properties), mandatory=True)

    def get(self, queue: str, auto_ack: bool = True) -> tuple[Any, Any, bytes] | None:
        method, properties, body = self.channel.basic_get(queue, auto_ack)
        return None if method is None else (method, properties, body)

    def drain(self, queue: str) -> list[bytes]:
        """All ready messages, taken out."""
        bodies = []
        while (found := self.get(queue)) is not None:
            bodies.append(found[2])
        return bodies

    def wait_for(self, queue: str) -> tuple[Any, Any, bytes]:
        """Takes the first message, which may still be under way."""
        found: list[tuple[Any, Any, bytes]] = []

        def arrived() -> bool:
            taken = self.get(queue)
            if taken is not None:
                found.append(taken)
            return taken is not None

        eventually(arrived, f"a message in {queue}")
        return found[0]

    def ready(self, queue: str) -> int:
        return int(self.channel.queue_declare(queue, passive=True).method.message_count)

    def exists(self, queue: str) -> bool:
        """Whether there is such a queue; asked on a channel of its own, which an error closes."""
        channel = self.connection.channel()
        try:
            channel.queue_declare(queue, passive=True)
        except pika.exceptions.ChannelClosedByBroker as error:
            assert error.reply_code == 404
            return False
        channel.close()
        return True

    def consume(self, queue: str, channel: BlockingChannel | None = None, prefetch: int = 0, **options: Any) -> Inbox:
        channel = channel or self.channel
        if prefetch:
            channel.basic_qos(prefetch_count=prefetch)
        return Inbox(self, channel, queue, **options)

    def pump(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"within {PATIENCE} s there were not {what}"
            self.connection.process_data_events(0.02)


def closed_with(call: Callable[[], object]) -> tuple[int, str]:
    """The code and text with which the broker closes the channel or the connection on `call`."""
    try:
        call()
    except (pika.exceptions.ChannelClosedByBroker, pika.exceptions.ConnectionClosedByBroker) as error:
        return error.reply_code, error.reply_text
    raise AssertionError("the broker did not close anything")
