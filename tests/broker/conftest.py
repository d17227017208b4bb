"""Two brokers, one suite: every test that asks for `broker` runs on the embedded one and on RabbitMQ."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The helpers beside this file; pytest's importlib mode leaves the path alone.
sys.path.insert(0, str(Path(__file__).parent))

from amqp_client import Client
from amqp_raw import RawClient

from archlab.broker import running_broker

RABBITMQ_PORT = 5672


class Server:
    """A broker under test."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.port = port
        self.url = f"amqp://guest:guest@127.0.0.1:{port}/"

    @property
    def embedded(self) -> bool:
        return self.name == "embedded"


def rabbitmq_answers() -> bool:
    try:
        with socket.create_connection(("127.0.0.1", RABBITMQ_PORT), timeout=1):
            return True
    except OSError:
        return False


def rabbitmq_or_skip() -> Server:
    # On a laptop without RabbitMQ its half is skipped; in CI it must be there, and a test fails if it is not.
    if "CI" not in os.environ and not rabbitmq_answers():
        pytest.skip(f"no RabbitMQ on 127.0.0.1:{RABBITMQ_PORT}")
    return Server("rabbitmq", RABBITMQ_PORT)


@pytest.fixture(scope="session")
def embedded() -> Iterator[Server]:
    """One embedded broker for all tests that leave nothing behind."""
    with running_broker() as running:
        yield Server("embedded", running.port)


@pytest.fixture(scope="session")
def rabbitmq() -> Server:
    return rabbitmq_or_skip()


@pytest.fixture(params=["embedded", "rabbitmq"])
def broker(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def client(broker: Server) -> Iterator[Client]:
    """A connection of pika's with a confirming channel; what it declares is deleted afterwards."""
    with Client(broker.port) as connected:
        yield connected


@pytest.fixture
def raw(broker: Server) -> Iterator[RawClient]:
    """A connection byte by byte, before its protocol header."""
    with RawClient(broker.port) as connected:
        yield connected
