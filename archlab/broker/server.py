"""The process of the broker: listens on loopback, and shuts down in good order."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from archlab import __version__
from archlab.broker.broker import Broker
from archlab.broker.connection import Connection
from archlab.broker.errors import AmqpError, BrokerError
from archlab.broker.storage import Storage
from archlab.broker.waiting import Watchful

log = logging.getLogger("archlab.broker")

HOST = "127.0.0.1"
SHUTDOWN_TIMEOUT = 2.0  # seconds for clients to answer the close they get
PARENT_CHECK = 1.0  # seconds
BACKLOG = 1024  # clients that may wait to be let in


def listen(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 picks a free one. Raises BrokerError if the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # A port that a broker just left is free again at once; on Linux and macOS this never shares a live one.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise BrokerError(
            f"port {port} cannot be used on {HOST} ({reason}): "
            "choose another one with --port, or leave it out for a free one"
        ) from error
    return listener


def run(port: int, data: Path, ready: Callable[[int], None], parent_pipe: int | None = None) -> None:
    """Runs a broker until SIGTERM, and until SIGINT or, if given, the end of `parent_pipe` (a file descriptor).

    `ready` is called with the port when clients can connect. Raises BrokerError if it cannot run.
    """
    with listen(port) as listener:
        storage = Storage(data)
        try:
            with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(Watchful())) as runner:
                runner.run(_serve(listener, storage, ready, parent_pipe))
        finally:
            storage.close()


async def _serve(
    listener: socket.socket, storage: Storage, ready: Callable[[int], None], parent_pipe: int | None
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    broker = None
    try:
        broker = Broker(storage)
    except (AmqpError, sqlite3.Error, ValueError, TypeError, LookupError) as error:
        # SQLite has no checksums: what it can read need not be what was written.
        log.warning("what is in the data file makes no sense: %s", error)
    if broker is None:  # not above, where the error still holds on to what was read
        storage.begin_anew()
        broker = Broker(storage)
    properties = server_properties()
    loop.set_exception_handler(_report)
    # The backlog is also how often asyncio tries to accept in a row. When there are no more file descriptors it logs
    # and sets a timer for each of these tries, and each timer tries as often again: so it is one at a time.
    server = await loop.create_server(lambda: Connection(broker, properties), sock=listener, backlog=1)
    listener.listen(BACKLOG)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if parent_pipe is None:
        loop.add_signal_handler(signal.SIGINT, stop.set)
    else:
        _end_with_parent(loop, parent_pipe, stop)
    # What is there now stays; and messages are in no cycles, so to look for some among them every few hundred
    # allocations is time lost.
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    ready(listener.getsockname()[1])
    await stop.wait()
    server.close()
    for connection in list(broker.connections):
        connection.shut_down()
    deadline = loop.time() + SHUTDOWN_TIMEOUT
    while broker.connections and loop.time() < deadline:
        await asyncio.sleep(0.01)
    broker.settle()


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An error in the loop itself. That nobody can be let in (tried again each second) is no fault of ours."""
    error = context.get("exception")
    if isinstance(error, OSError) and "accept" in context["message"]:
        log.error("no client can connect at the moment: %s", error.strerror)
    else:
        loop.default_exception_handler(context)


def _end_with_parent(loop: asyncio.AbstractEventLoop, pipe: int, stop: asyncio.Event) -> None:
    """The parent holds the other end of the pipe: however it ends, the pipe does."""

    def readable() -> None:
        if not os.read(pipe, 1024):
            loop.remove_reader(pipe)
            stop.set()

    loop.add_reader(pipe, readable)
    # Another child that the parent forked may keep the pipe open; nobody keeps our parent's number.
    parent = os.getppid()

    def look() -> None:
        if os.getppid() != parent:
            stop.set()
        else:
            loop.call_later(PARENT_CHECK, look)

    look()


def server_properties() -> dict[str, Any]:
    """What clients are told in Connection.Start; the capabilities are those that are really there."""
    return {
        "capabilities": {
            "publisher_confirms": True,
            "exchange_exchange_bindings": True,
            "basic.nack": True,
            "consumer_cancel_notify": True,
            "connection.blocked": False,
            "consumer_priorities": True,
            "authentication_failure_close": True,
            "per_consumer_qos": True,
            "direct_reply_to": True,
        },
        "product": "archlab",
        "version": __version__,
        "platform": f"Python {sys.version.split()[0]}",
        "information": "An AMQP 0-9-1 broker for learning, after RabbitMQ 3.10",
    }
