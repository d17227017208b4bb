"""The ready messages of one queue, in order: a head in memory, a tail on disk. No rules, no clock."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator

from archlab.broker.message import Message
from archlab.broker.queued import Kept, Queued, Store

# Beyond these a queue keeps its messages on disk and only its head in memory.
MEMORY_MESSAGES = 8_000
MEMORY_OCTETS = 8 << 20
LOAD_AT_ONCE = 1_000


class Ready:
    """What waits for delivery. `count` and `octets` (of body) are of all, in memory or not.

    Three parts, taken from in this order: what came back (it once was at the head, so it is older than
    all that stayed), the head, the tail.
    """

    def __init__(self, store: Store, queue: int) -> None:
        self.count = 0
        self.octets = 0
        self.has_tail = False
        self._store = store
        self._queue = queue
        self._returned: list[tuple[int, Queued]] = []
        self._head: deque[Queued] = deque()
        self._head_octets = 0
        self._tail_count = 0
        self._tail_after = 0  # the position behind which the tail begins
        self._delivered_up_to = 0  # before the broker was started

    def recover(self, count: int, octets: int, delivered_up_to: int) -> None:
        """Begins with what is on disk."""
        self.count = self._tail_count = count
        self.octets = octets
        self.has_tail = count > 0
        self._delivered_up_to = delivered_up_to

    def append(self, queued: Queued) -> None:
        """Adds the newest."""
        self.count += 1
        self.octets += queued.size
        if not self.has_tail and len(self._head) < MEMORY_MESSAGES and self._head_octets < MEMORY_OCTETS:
            self._head.append(queued)
            self._head_octets += queued.weight
            return
        if queued.kept is Kept.NOWHERE:
            self._store.spill(self._queue, queued)
        if not self.has_tail:
            self.has_tail = True
            self._tail_after = queued.position - 1
        self._tail_count += 1

    def give_back(self, queued: Queued, order: int) -> None:
        """Puts one back that was taken; among those that came back the lowest `order` is first."""
        heapq.heappush(self._returned, (order, queued))
        self.count += 1
        self.octets += queued.size

    def first(self) -> Queued | None:
        if self._returned:
            return self._returned[0][1]
        if not self._head and self.has_tail:
            self._load()
        return self._head[0] if self._head else None

    def pop(self) -> Queued:
        """Takes the first; there must be one."""
        if self._returned:
            queued = heapq.heappop(self._returned)[1]
        else:
            if not self._head:
                self._load()
            queued = self._head.popleft()
            self._head_octets -= queued.weight
        self.count -= 1
        self.octets -= queued.size
        return queued

    def _load(self) -> None:
        loaded = self._store.load(self._queue, self._tail_after, LOAD_AT_ONCE, MEMORY_OCTETS)
        for queued in loaded:
            queued.redelivered = queued.redelivered or queued.position <= self._delivered_up_to
            self._head_octets += queued.weight
        self._head.extend(loaded)
        self._tail_count -= len(loaded)
        self._tail_after = loaded[-1].position
        self.has_tail = self._tail_count > 0

    def message(self, queued: Queued) -> Message:
        """Its message, from disk if it is there only."""
        if queued.message is None:
            queued.message = self._store.read(self._queue, queued)
        return queued.message

    def clear(self, last: int) -> Iterator[Queued]:
        """Drops everything, up to position `last`; yields what the caller must make the disk forget one by one."""
        returned = [queued for _, queued in self._returned]
        first = self._head[0].position if self._head else self._tail_after + 1
        if self.has_tail or any(queued.kept is not Kept.NOWHERE for queued in self._head):
            # Unacknowledged messages are all older than the head, so a range spares them.
            self._store.delete_range(self._queue, first, last)
        self._returned.clear()
        self._head.clear()
        self._head_octets = self._tail_count = self.count = self.octets = 0
        self.has_tail = False
        yield from returned
