"""Chooses which consumer of a queue gets the next message. No I/O, no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Protocol

from archlab.broker.queued import Queued


class Consumer(Protocol):
    """What a queue knows of a consumer."""

    priority: int
    no_ack: bool

    def ready(self) -> bool:
        """Whether it may get one more message now: its prefetch is not used up, its connection takes data."""

    def deliver(self, queued: Queued) -> None:
        """Gets a message."""

    def cancelled(self) -> None:
        """Its queue is gone."""


class Turns:
    """The consumers of a queue, highest priority first, in turn within one priority.

    As in RabbitMQ, a consumer that cannot take a message when its turn comes is put aside, and joins at
    the end of the line when it can again. With `single_active` only the first one gets messages.
    """

    def __init__(self, single_active: bool = False) -> None:
        self.single_active = single_active
        self._lines: dict[int, deque[Consumer]] = {}
        self._aside: dict[Consumer, None] = {}
        self._all: dict[Consumer, None] = {}
        self._active: Consumer | None = None

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Consumer]:
        return iter(list(self._all))

    def add(self, consumer: Consumer) -> None:
        self._all[consumer] = None
        self._join(consumer)
        if self._active is None:
            self._active = consumer

    def remove(self, consumer: Consumer) -> None:
        if consumer not in self._all:
            return
        del self._all[consumer]
        if self._aside.pop(consumer, False) is False:
            self._lines[consumer.priority].remove(consumer)
        if not self._lines.get(consumer.priority, True):
            del self._lines[consumer.priority]
        if self._active is consumer:
            # Looked for only where it matters: among thousands that all leave it would take long.
            others = self._all if self.single_active else ()
            self._active = max(others, key=lambda other: other.priority, default=None)

    def _join(self, consumer: Consumer) -> None:
        if consumer.priority not in self._lines:
            self._lines[consumer.priority] = deque()
            self._lines = dict(sorted(self._lines.items(), reverse=True))
        self._lines[consumer.priority].append(consumer)

    def next(self) -> Consumer | None:
        """The consumer whose turn it is, moved to the end of the line; None if nobody can take a message."""
        if self.single_active:
            return self._active if self._active is not None and self._active.ready() else None
        for line in self._lines.values():
            while line:
                consumer = line[0]
                if consumer.ready():
                    line.rotate(-1)
                    return consumer
                line.popleft()
                self._aside[consumer] = None
        return None

    def wake(self, consumer: Consumer) -> bool:
        """Puts a consumer back in line that was put aside, if it can take messages again; True if so."""
        if self.single_active:
            return consumer is self._active and consumer.ready()
        if consumer not in self._aside or not consumer.ready():
            return False
        del self._aside[consumer]
        self._join(consumer)
        return True
