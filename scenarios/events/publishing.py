"""A producer without an outbox: it commits the order, then publishes the fact by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .topology import PLACED, exchange
from .world import Order, place, text

if TYPE_CHECKING:
    from archlab.lab import Lab


class Checkout:
    """``reach`` is not needed: it has a connection of its own."""

    def __init__(self, lab: Lab, reach: dict[str, Any]) -> None:
        self.lab = lab
        self.shop = lab.database()
        self.channel = lab.broker().connect().channel()
        self.exchange = exchange(self.channel, lab.broker())

    def checkout(self, order: Order) -> int:
        from pika import BasicProperties  # type: ignore[import-untyped]  # pika ships no py.typed marker

        fact = place(self.shop, order)
        self.lab.crash_point("between commit and publish")
        self.channel.basic_publish(self.exchange, PLACED, text(fact).encode(), BasicProperties(delivery_mode=2))
        return order.id


def declare(channel: Any, lab: Lab, kind: str) -> str:
    """A durable queue for one consumer, and nothing beside it."""
    name = str(lab.broker().name(kind))
    channel.queue_declare(name, durable=True)
    channel.queue_bind(name, exchange(channel, lab.broker()), "order.#")
    return name
