"""Exchanges, queues and bindings by name: declaring, deleting, binding. No socket, no clock.

Every refusal is an AmqpError with RabbitMQ's code and sentence. There is one virtual host, "/".
"""

from __future__ import annotations

import base64
import secrets
from typing import Protocol

from archlab.broker.arguments import (
    QueueSettings,
    check_same,
    check_same_arguments,
    check_same_queue,
    queue_settings,
)
from archlab.broker.errors import AmqpError, not_found, precondition_failed
from archlab.broker.exchange import Binding, Exchange, check_type
from archlab.broker.queue import Queue
from archlab.broker.routes import Routes
from archlab.broker.table import Table, encode_table

PREDECLARED = (
    ("", "direct", False),
    ("amq.direct", "direct", False),
    ("amq.fanout", "fanout", False),
    ("amq.headers", "headers", False),
    ("amq.match", "headers", False),
    ("amq.topic", "topic", False),
    ("amq.rabbitmq.trace", "topic", True),
)


class Disk(Protocol):
    """Where durable exchanges, queues and bindings are kept."""

    def save_queue(self, identity: int, name: str, auto_delete: bool, arguments: Table) -> None: ...
    def drop_queue(self, identity: int, durable: bool) -> None: ...
    def save_exchange(self, name: str, kind: str, auto_delete: bool, internal: bool, arguments: Table) -> None: ...
    def drop_exchange(self, name: str) -> None: ...
    def save_binding(self, binding: Binding) -> None: ...
    def drop_binding(self, binding: Binding) -> None: ...


class MakeQueue(Protocol):
    def __call__(self, settings: QueueSettings, owner: object | None) -> Queue: ...


class Topology:
    """All that is declared. `make_queue` builds a queue, `disk` remembers what is durable."""

    def __init__(self, disk: Disk, make_queue: MakeQueue) -> None:
        self.exchanges = {
            name: Exchange(name, kind, durable=True, internal=internal) for name, kind, internal in PREDECLARED
        }
        self.queues: dict[str, Queue] = {}
        self._disk = disk
        self._make_queue = make_queue
        self._bindings_to: dict[tuple[str, str], dict[Binding, None]] = {}  # by kind and name of the destination
        self.routes = Routes(self.exchanges, self.queues)

    # Queues

    def queue(self, name: str, connection: object) -> Queue:
        """The queue, for use by a connection. Raises AmqpError 404, or 405 if it is exclusive to another one."""
        queue = self.queues.get(name)
        if queue is None:
            raise not_found("queue", name)
        if queue.owner is not None and queue.owner is not connection:
            raise _locked(queue)
        return queue

    def declare_queue(
        self, name: str, arguments: Table, connection: object, *, durable: bool, exclusive: bool, auto_delete: bool
    ) -> Queue:
        """Makes a queue, or finds that it is there already just so. An empty name asks for one."""
        name = _clean(name)
        # An exclusive queue goes with its connection, so RabbitMQ does not make it durable.
        durable = durable and not exclusive
        if not name:
            if arguments.get(b"x-queue-type", (None, None))[1] == b"quorum":
                raise precondition_failed("Cannot declare a server-named queue for type rabbit_quorum_queue")
            name = "amq.gen-" + base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        elif name.startswith("amq.") and name not in self.queues:
            raise _reserved("queue", name)
        existing = self.queues.get(name)
        if existing is not None:
            if existing.owner is not (connection if exclusive else None):
                raise _locked(existing)
            check_same_queue(existing.settings, durable, auto_delete, arguments)
            return existing
        settings = queue_settings(name, arguments, durable=durable, exclusive=exclusive, auto_delete=auto_delete)
        queue = self._make_queue(settings, connection if exclusive else None)
        self.queues[name] = queue
        self.routes.forget()
        if settings.durable:
            self._disk.save_queue(queue.identity, name, auto_delete, arguments)
        return queue

    def delete_queue(self, queue: Queue) -> int:
        """Deletes a queue with its bindings; its consumers are told. Returns how many messages went with it."""
        if queue.deleted:
            return 0
        queue.deleted = True
        del self.queues[queue.name]
        self.routes.forget()
        self._disk.drop_queue(queue.identity, queue.settings.durable)
        self._remove_bindings_to("queue", queue.name)
        for consumer in queue.consumers:
            consumer.cancelled()
        return queue.ready_count

    # Exchanges

    def exchange(self, name: str) -> Exchange:
        """Raises AmqpError 404."""
        exchange = self.exchanges.get(name)
        if exchange is None:
            raise not_found("exchange", name)
        return exchange

    def declare_exchange(
        self, name: str, kind: str, arguments: Table, *, durable: bool, auto_delete: bool, internal: bool
    ) -> None:
        check_type(kind)
        name = _clean(name)
        _not_default(name)
        exchange = self.exchanges.get(name)
        if exchange is None:
            if name.startswith("amq."):
                raise _reserved("exchange", name)
            alternate = arguments.get(b"alternate-exchange")
            if alternate is not None and alternate.kind != "longstr":
                raise precondition_failed(
                    f"invalid type '{alternate.kind}' for arg 'alternate-exchange' in exchange '{name}' in vhost '/'"
                )
            self.exchanges[name] = Exchange(name, kind, durable, auto_delete, internal, arguments)
            self.routes.forget()
            if durable:
                self._disk.save_exchange(name, kind, auto_delete, internal, arguments)
            return
        what = f"exchange '{name}' in vhost '/'"
        check_same(what, "type", exchange.type, kind)
        check_same(what, "durable", exchange.durable, durable)
        check_same(what, "auto_delete", exchange.auto_delete, auto_delete)
        check_same(what, "internal", exchange.internal, internal)
        check_same_arguments(what, exchange.arguments, arguments, ("alternate-exchange",))

    def find_exchange(self, name: str) -> None:
        """A passive declaration."""
        name = _clean(name)
        _not_default(name)
        self.exchange(name)

    def delete_exchange(self, name: str, if_unused: bool) -> None:
        """Deleting what is not there is no error."""
        name = _clean(name)
        _not_default(name)
        if name.startswith("amq."):
            raise AmqpError(403, f"deletion of system exchange '{name}' in vhost '/' not allowed")
        exchange = self.exchanges.get(name)
        if exchange is None:
            return
        if if_unused and exchange.bindings:
            raise precondition_failed(f"exchange '{name}' in vhost '/' in use")
        self._drop_exchange(exchange)

    def _drop_exchange(self, exchange: Exchange) -> None:
        del self.exchanges[exchange.name]
        self.routes.forget()
        for binding in exchange.bindings:
            self._forget_binding(binding)
        if exchange.durable:
            self._disk.drop_exchange(exchange.name)
        self._remove_bindings_to("exchange", exchange.name)

    # Bindings

    def bind(self, source: str, kind: str, destination: str, key: str, arguments: Table, connection: object) -> None:
        """Binds a queue or an exchange (`kind`) to the exchange `source`. Twice is once."""
        source, destination = _clean(source), _clean(destination)
        self._check_ends(source, kind, destination)
        exchange = self.exchanges.get(source)
        target = self.queues.get(destination) if kind == "queue" else self.exchanges.get(destination)
        if exchange is None:
            raise not_found("exchange", source)
        if target is None:
            raise not_found(kind, destination)
        exchange.check_binding(arguments)
        if isinstance(target, Queue):
            self.queue(destination, connection)
        binding = _binding(source, kind, destination, key, arguments)
        if self.add_binding(exchange, binding, arguments) and exchange.durable and self._is_durable(target):
            self._disk.save_binding(binding)

    def add_binding(self, exchange: Exchange, binding: Binding, arguments: Table) -> bool:
        """False if it is there already."""
        if not exchange.bind(binding, arguments):
            return False
        self.routes.forget()
        self._bindings_to.setdefault((binding.kind, binding.destination), {})[binding] = None
        return True

    def unbind(self, source: str, kind: str, destination: str, key: str, arguments: Table, connection: object) -> None:
        """Unbinding what is not bound is no error."""
        source, destination = _clean(source), _clean(destination)
        self._check_ends(source, kind, destination)
        exchange = self.exchanges.get(source)
        if exchange is None:
            return
        binding = _binding(source, kind, destination, key, arguments)
        if binding not in exchange.bindings:
            return
        if kind == "queue":
            self.queue(destination, connection)
        self._unbind(exchange, binding)

    def _unbind(self, exchange: Exchange, binding: Binding) -> None:
        exchange.unbind(binding)
        self.routes.forget()
        self._forget_binding(binding)
        if exchange.auto_delete and not exchange.bindings and exchange.name in self.exchanges:
            self._drop_exchange(exchange)

    def _forget_binding(self, binding: Binding) -> None:
        destination = (binding.kind, binding.destination)
        del self._bindings_to[destination][binding]
        if not self._bindings_to[destination]:
            del self._bindings_to[destination]
        self._disk.drop_binding(binding)

    def _remove_bindings_to(self, kind: str, name: str) -> None:
        for binding in list(self._bindings_to.get((kind, name), ())):
            self._unbind(self.exchanges[binding.source], binding)

    @staticmethod
    def _is_durable(target: Queue | Exchange) -> bool:
        return target.settings.durable if isinstance(target, Queue) else target.durable

    @staticmethod
    def _check_ends(source: str, kind: str, destination: str) -> None:
        if not source or (kind == "exchange" and not destination):
            raise AmqpError(403, "operation not permitted on the default exchange")


def _binding(source: str, kind: str, destination: str, key: str, arguments: Table) -> Binding:
    # The order in which a client names its arguments makes no other binding.
    return Binding(source, kind, destination, key, encode_table(dict(sorted(arguments.items()))))


def _clean(name: str) -> str:
    return name.replace("\n", "").replace("\r", "")


def _not_default(name: str) -> None:
    if not name:
        raise AmqpError(403, "operation not permitted on the default exchange")


def _reserved(kind: str, name: str) -> AmqpError:
    return AmqpError(403, f"{kind} name '{name}' contains reserved prefix 'amq.*'")


def _locked(queue: Queue) -> AmqpError:
    return AmqpError(
        405,
        f"cannot obtain exclusive access to locked queue '{queue.name}' in vhost '/'. It could be originally "
        "declared on another connection or the exclusive property value does not match that of the original "
        "declaration.",
    )
