"""Declares a new queue for one demonstration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archlab.lab import Lab


def fresh(lab: Lab, name: str, arguments: dict[str, Any] | None = None) -> tuple[Any, str]:
    """A channel of its own, and a durable queue with nothing beside it."""
    channel, queue = lab.broker().connect().channel(), lab.broker().name(name)
    channel.queue_declare(queue, durable=True, arguments=arguments)
    return channel, queue
