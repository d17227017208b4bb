"""A message's place in one queue, and where the queue keeps what must not be lost or does not fit in memory."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

from archlab.broker.message import Message


class Kept(IntEnum):
    """Where a message is besides memory."""

    NOWHERE = 0
    SPILLED = 1  # on disk to save memory: gone with the broker
    DURABLE = 2  # on disk to survive the broker


class Queued:
    """One message in one queue, ready or waiting for its acknowledgement.

    `position` orders the queue and never changes. `size` is the body's, in octets; `weight` is the body's and
    the properties', about what it takes in memory. `expires_at` is in ms since 1970. `returns` counts how often
    it came back. `message` is None while it is on disk only.
    """

    __slots__ = ("expires_at", "kept", "message", "position", "redelivered", "returns", "size", "weight")

    def __init__(self, position: int, message: Message, expires_at: int | None = None) -> None:
        self.position = position
        self.message: Message | None = message
        self.size = len(message.body)
        self.weight = self.size + len(message.properties)
        self.expires_at = expires_at
        self.redelivered = False
        self.returns = 0
        self.kept = Kept.NOWHERE


class Store(Protocol):
    """The disk, as a queue sees it. What is written becomes safe when the broker commits, not before."""

    @property
    def full(self) -> bool:
        """The disk takes nothing at the moment."""
        ...

    def insert(self, queue: int, queued: Queued) -> None:
        """Keeps a message that must survive the broker."""

    def spill(self, queue: int, queued: Queued) -> None:
        """Keeps a message that only has no room in memory."""

    def delete(self, queue: int, queued: Queued) -> None:
        """Forgets a message that was inserted or spilled."""

    def delete_range(self, queue: int, first: int, last: int) -> None:
        """Forgets all messages from position `first` to `last`."""

    def mark_delivered(self, queue: int, position: int) -> None:
        """Remembers that every message up to `position` may have been delivered."""

    def count_return(self, queue: int, queued: Queued) -> None:
        """Remembers `queued.returns`."""

    def load(self, queue: int, after: int, limit: int, octets: int) -> list[Queued]:
        """The next messages behind position `after`, in order: up to `limit`, and up to the one that fills `octets`."""

    def read(self, queue: int, queued: Queued) -> Message:
        """One message that is on disk."""


class NoStore:
    """A store for queues that live in memory only; nothing may ever have to be read from it."""

    full = False

    def insert(self, queue: int, queued: Queued) -> None:
        queued.kept = Kept.DURABLE

    def spill(self, queue: int, queued: Queued) -> None:
        raise NotImplementedError("this queue has no disk to spill to")

    def delete(self, queue: int, queued: Queued) -> None:
        pass

    def delete_range(self, queue: int, first: int, last: int) -> None:
        pass

    def mark_delivered(self, queue: int, position: int) -> None:
        pass

    def count_return(self, queue: int, queued: Queued) -> None:
        pass

    def load(self, queue: int, after: int, limit: int, octets: int) -> list[Queued]:
        raise NotImplementedError("this queue has no disk to read from")

    def read(self, queue: int, queued: Queued) -> Message:
        raise NotImplementedError("this queue has no disk to read from")
