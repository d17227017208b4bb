"""Connections of pika whose channels remember what they declare, and record spans in the traced pass.

In the measured pass a channel publishes and consumes with pika's own methods.
"""

from __future__ import annotations

import contextlib
import logging
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pika  # type: ignore[import-untyped]  # pika ships no py.typed marker
from pika import exceptions
from pika.adapters.blocking_connection import (  # type: ignore[import-untyped]  # the same
    BlockingChannel,
    BlockingConnection,
)
from pika.adapters.utils.connection_workflow import AMQPConnectorException  # type: ignore[import-untyped]  # the same
from pika.exceptions import AMQPError, ChannelClosedByBroker  # type: ignore[import-untyped]  # the same

from archlab.lab import declared
from archlab.lab.amqp_tracing import ChannelTracing
from archlab.lab.broker_address import BrokerAddress, BrokerUrl
from archlab.lab.client import HOST
from archlab.lab.errors import BrokerFailed

# A service logs from INFO on, and there pika tells the whole life of every connection.
logging.getLogger("pika").setLevel(logging.WARNING)

UNREACHABLE = (AMQPError, AMQPConnectorException, OSError)
"""What pika raises where a broker does not answer, or answers no."""
USUAL = {"socket_timeout": 5.0, "stack_timeout": 10.0, "blocked_connection_timeout": 10.0, "heartbeat": 60}
"""Seconds. pika's own would wait for a silent broker for longer than a round lasts; with a shorter heartbeat the broker
would close connections that are not used for a while."""
EXPIRES = 300_000
"""Milliseconds without a use after which a queue on a broker of somebody else's is gone, even if archlab was killed."""
KEPT = ("direct", "topic")
"""Types of exchanges that route by a key: a queue that is bound with a key of its own gets no message from them."""
KEEPS = ".kept"
"""The name of the queue that keeps an exchange, and the key of its binding, after the name of the exchange."""
TICK = 0.005
"""Seconds between two looks at a queue that is to become empty."""
EMPTY = 0.05
"""Seconds for which queues stay empty when nothing is on its way to them; a publisher need not wait for a confirm."""
NOBODY_TAKES = 0.5
"""Seconds after which messages that stay in their queues are taken to be nobody's; a consumer starts in less."""


def parameters(url: BrokerUrl, port: int | None = None, **extra: Any) -> pika.URLParameters:
    """What pika connects with. ``port`` leads to a proxy on loopback that stands in front of the broker."""
    found = pika.URLParameters(url.reveal())
    given = parse_qs(urlsplit(url.reveal()).query)
    for name, value in ({name: value for name, value in USUAL.items() if name not in given} | extra).items():
        setattr(found, name, value)
    if port is not None:
        if found.ssl_options is not None:  # the certificate is still the broker's
            found.ssl_options = pika.SSLOptions(
                found.ssl_options.context, found.ssl_options.server_hostname or url.host
            )
        found.host, found.port = HOST, port
    return found


def connected(address: BrokerAddress, folder: Path, how: pika.URLParameters, tracing: Any = None) -> BlockingConnection:
    """A connection. ``tracing(channel)`` wraps the channels of the traced pass."""
    connection = BlockingConnection(how)
    open_channel = connection.channel

    def channel(channel_number: int | None = None) -> BlockingChannel:
        opened = open_channel(channel_number)
        Declarations(opened, address, folder)
        if tracing is not None:
            ChannelTracing(opened, *tracing)
        return opened

    connection.channel = channel
    return connection


class Declarations:
    """Stands in for a channel's declarations: it keeps names apart, and remembers what is to be removed."""

    def __init__(self, channel: BlockingChannel, address: BrokerAddress, folder: Path) -> None:
        self._address = address
        self._folder = folder
        self._declare_queue = channel.queue_declare
        self._declare_exchange, self._bind = channel.exchange_declare, channel.queue_bind
        channel.queue_declare = self.queue_declare
        channel.exchange_declare = self.exchange_declare

    def queue_declare(
        self,
        queue: str,
        passive: bool = False,
        durable: bool = False,
        exclusive: bool = False,
        auto_delete: bool = False,
        arguments: dict[str, Any] | None = None,
    ) -> Any:
        if passive:
            return self._declare_queue(queue, passive=True)
        if queue:
            self._check(queue)
            declared.remember(self._folder, "queue", queue, exclusive)
        if self._address.foreign and not exclusive and (arguments or {}).get("x-queue-type") != "stream":
            arguments = {"x-expires": EXPIRES, **(arguments or {})}
        answer = self._declare_queue(queue, False, durable, exclusive, auto_delete, arguments)
        if not queue:  # only the broker knows its name; until it is written, x-expires is what removes it
            declared.remember(self._folder, "queue", answer.method.queue, exclusive)
        return answer

    def exchange_declare(
        self,
        exchange: str,
        exchange_type: str = "direct",
        passive: bool = False,
        durable: bool = False,
        auto_delete: bool = False,
        internal: bool = False,
        arguments: dict[str, Any] | None = None,
    ) -> Any:
        if passive:
            return self._declare_exchange(exchange, passive=True)
        self._check(exchange)
        declared.remember(self._folder, "exchange", exchange)
        # An exchange does not expire. One that is deleted with its last binding goes away with the queue that keeps it.
        kept = self._address.foreign and not auto_delete and exchange_type in KEPT
        answer = self._declare_exchange(
            exchange, exchange_type, False, durable, auto_delete or kept, internal, arguments
        )
        if kept:
            queue = exchange + KEEPS
            self._declare_queue(queue, False, True, False, False, {"x-expires": EXPIRES})
            self._bind(queue, exchange, queue)
        return answer

    def _check(self, name: str) -> None:
        if self._address.foreign and not name.startswith(self._address.prefix):
            raise BrokerFailed(
                f"{name!r} could be a name of somebody else's on the broker at {self._address.url}. "
                f"Declare broker.name({name!r}) instead: it is unique to the round, and removed at its end."
            )


def remove(folder: Path, url: BrokerUrl) -> None:
    """Removes from the broker what was declared, by processes that live or died. Raises what is UNREACHABLE."""
    found = [thing for thing in declared.names(folder) if not thing.exclusive]
    if found:
        connection = BlockingConnection(parameters(url))
        with contextlib.closing(connection):
            channel = connection.channel()
            for thing in reversed(found):
                try:
                    if thing.kind == "exchange":
                        channel.exchange_delete(thing.name)
                    channel.queue_delete(thing.name + (KEEPS if thing.kind == "exchange" else ""))
                except ChannelClosedByBroker:  # it is in use in a way that forbids it: the rest can be removed
                    channel = connection.channel()
    declared.forget(folder)


def wait_until_taken(folder: Path, url: BrokerUrl, patience: float) -> None:
    """Waits until consumers have taken every message, for ``patience`` seconds at most; not where nobody takes any."""
    deadline = time.monotonic() + patience
    with contextlib.suppress(*UNREACHABLE), contextlib.closing(BlockingConnection(parameters(url))) as connection:
        before, changed = [-1], 0.0
        while (now := time.monotonic()) < deadline:
            waiting = list(_waiting(connection, folder))
            if waiting != before:
                before, changed = waiting, now
            elif now > changed + (NOBODY_TAKES if any(waiting) else EMPTY):
                return
            time.sleep(TICK)


def _waiting(connection: BlockingConnection, folder: Path) -> Iterator[int]:
    """The messages in every queue that was declared."""
    for thing in declared.names(folder):
        if thing.kind == "queue" and not thing.exclusive:
            with contextlib.suppress(ChannelClosedByBroker):  # it is gone
                yield connection.channel().queue_declare(thing.name, passive=True).method.message_count


def product(url: BrokerUrl) -> str:
    """What the broker says that it is: ``RabbitMQ 3.10.8``. Raises BrokerFailed where it cannot be used."""
    try:
        with contextlib.closing(BlockingConnection(parameters(url))) as connection:
            said = connection._impl.server_properties  # pika has no public way to ask for what the broker said
            _try(connection.channel())
    except ChannelClosedByBroker as refused:
        raise BrokerFailed(
            f"the broker at {url} cannot be used: it says {refused.reply_text}. The user needs all three permissions "
            "for names that begin with archlab-: rabbitmqctl set_permissions -p VHOST USER '^archlab-' '.*' '.*'"
        ) from None
    except (*UNREACHABLE, ValueError, TypeError, AttributeError) as error:
        raise BrokerFailed(
            f"the broker at {url} cannot be used: {_why(error)}. Start it or correct the URL; without --broker and "
            "ARCHLAB_BROKER archlab uses its own."
        ) from None
    return " ".join(str(said[key]) for key in ("product", "version") if key in said)


def _try(channel: BlockingChannel) -> None:
    """Does once what a round does. Raises ChannelClosedByBroker where the user may not."""
    name = BrokerAddress(BrokerUrl(""), foreign=True).prefix + "tried"
    channel.exchange_declare(name, auto_delete=True)
    channel.queue_declare(name, exclusive=True)
    channel.queue_bind(name, name)
    channel.confirm_delivery()
    channel.basic_publish(name, name, b"")
    channel.basic_get(name, auto_ack=True)
    channel.queue_delete(name)


def _why(error: BaseException) -> str:
    """The reason in a clause. Never what pika says of a URL that it cannot read."""
    if isinstance(error, exceptions.ProbableAuthenticationError):
        return "it refuses the user or the password"
    if isinstance(error, exceptions.ProbableAccessDeniedError):
        return "there is no such vhost, or the user may not use it"
    if isinstance(error, exceptions.ConnectionClosedByBroker):
        return f"it says {error.reply_text}"
    inner: Any = error
    while not isinstance(inner, OSError):
        inner = getattr(inner, "exception", None) or next((a for a in inner.args if isinstance(a, BaseException)), None)
        if inner is None:
            break
    if isinstance(inner, TimeoutError) or isinstance(error, AMQPConnectorException):
        return "nothing answers there in time"
    if isinstance(inner, ssl.SSLError):
        return f"TLS fails there ({(inner.reason or 'no reason given').lower().replace('_', ' ')})"
    if isinstance(inner, OSError):
        return (inner.strerror or type(inner).__name__).lower()
    if isinstance(error, AMQPError):
        return "what is there does not speak AMQP 0-9-1"
    return "the options behind the ? of the URL are none of pika's"
