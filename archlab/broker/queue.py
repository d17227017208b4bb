"""The rules of a queue: order, limits, time to live, redelivery. No socket, no clock; the disk is a `Store`.

Time is passed in, in ms since 1970. What follows outside of the queue (a dead letter) goes through
the function that the queue is given.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum

from archlab.broker.arguments import QueueSettings
from archlab.broker.consumers import Consumer, Turns
from archlab.broker.errors import AmqpError
from archlab.broker.message import Message
from archlab.broker.queued import Kept, NoStore, Queued, Store

# Beyond these a queue keeps its messages on disk and only its head in memory.
MEMORY_MESSAGES = 8_000
MEMORY_BYTES = 8 << 20
# Of unacknowledged messages that are on disk anyway, this many stay in memory too.
MEMORY_UNACKED = 2_000
LOAD_AT_ONCE = 1_000

DeadLetters = Callable[["Queue", Message, str], None]


class Outcome(Enum):
    """What became of a message that was published to a queue."""

    KEPT = "in memory"
    STORED = "safe as soon as the store commits"
    REJECTED = "refused, the queue is full"


class Queue:
    """One queue: what is ready, what is out, who consumes.

    `owner` is the connection of an exclusive queue.
    """

    def __init__(
        self,
        settings: QueueSettings,
        *,
        identity: int = 0,
        owner: object | None = None,
        store: Store | None = None,
        dead_letters: DeadLetters | None = None,
        now: int = 0,
    ) -> None:
        self.settings = settings
        self.name = settings.name
        self.identity = identity
        self.owner = owner
        self.consumers = Turns(settings.single_active_consumer)
        self.ready_count = 0
        self.unacked_count = 0
        self.deleted = False
        self._store = store or NoStore()
        self._dead_letters = dead_letters
        self._ready_bytes = 0
        # Returned messages go first: whatever left the head is older than all that stayed.
        self._returned: list[tuple[int, Queued]] = []
        self._head: deque[Queued] = deque()
        self._head_bytes = 0
        self._tail_count = 0  # on disk only, behind the head
        self._tail_after = 0  # the position behind which the tail begins
        self._next_position = 1
        self._return_number = 0
        self._delivered_up_to = 0
        self._may_expire = settings.message_ttl is not None
        self._exclusive_consumer: Consumer | None = None
        self._used_at = now

    # Publishing

    def publish(self, message: Message, now: int, forced: bool = False) -> Outcome:
        """Takes a message in, or hands it straight to a consumer that waits.

        A disk that is full refuses it, unless `forced`: a dead letter is confirmed already and may not be lost.
        """
        settings = self.settings
        durable = settings.durable and (message.persistent or settings.quorum)
        if settings.overflow != "drop-head" and self._would_overflow(message):
            if settings.overflow == "reject-publish-dlx":
                self._bury(message, "maxlen")
            return Outcome.REJECTED
        if self._store.full and (durable or self._tail_count) and not forced:
            return Outcome.REJECTED
        queued = Queued(self._next_position, message, len(message.body), self._expiry(message, now))
        self._next_position += 1
        consumer = self.consumers.next() if not self.ready_count else None
        if durable and (consumer is None or not consumer.no_ack):
            self._store.insert(self.identity, queued)
        if consumer is not None:
            self._hand_over(consumer, queued)
        else:
            self._append(queued)
            self._drop_overflow()
            if queued.expires_at is not None:
                self._may_expire = True
                self.expire(now)
        return Outcome.STORED if queued.kept is Kept.DURABLE else Outcome.KEPT

    def _expiry(self, message: Message, now: int) -> int | None:
        lives = [ttl for ttl in (self.settings.message_ttl, message.expiration) if ttl is not None]
        return now + min(lives) if lives else None

    def _would_overflow(self, message: Message) -> bool:
        settings = self.settings
        return (settings.max_length is not None and self.ready_count + 1 > settings.max_length) or (
            settings.max_length_bytes is not None and self._ready_bytes + len(message.body) > settings.max_length_bytes
        )

    def _append(self, queued: Queued) -> None:
        self.ready_count += 1
        self._ready_bytes += queued.size
        if self._tail_count or len(self._head) >= MEMORY_MESSAGES or self._head_bytes >= MEMORY_BYTES:
            if queued.kept is Kept.NOWHERE:
                self._store.spill(self.identity, queued)
            if not self._tail_count:
                self._tail_after = queued.position - 1
            self._tail_count += 1
        else:
            self._head.append(queued)
            self._head_bytes += queued.size

    def _drop_overflow(self) -> None:
        """Drops from the head until the limits hold; only ready messages count."""
        settings = self.settings
        if settings.overflow != "drop-head":
            return
        while self.ready_count and (
            (settings.max_length is not None and self.ready_count > settings.max_length)
            or (settings.max_length_bytes is not None and self._ready_bytes > settings.max_length_bytes)
        ):
            self._remove(self._pop(), "maxlen")

    # Taking from the head

    def _first(self) -> Queued | None:
        if self._returned:
            return self._returned[0][1]
        if not self._head and self._tail_count:
            self._load()
        return self._head[0] if self._head else None

    def _pop(self) -> Queued:
        if self._returned:
            queued = heapq.heappop(self._returned)[1]
        else:
            if not self._head:
                self._load()
            queued = self._head.popleft()
            self._head_bytes -= queued.size
        self.ready_count -= 1
        self._ready_bytes -= queued.size
        return queued

    def _load(self) -> None:
        loaded = self._store.load(self.identity, self._tail_after, LOAD_AT_ONCE)
        for queued in loaded:
            queued.redelivered = queued.position <= self._delivered_up_to
            self._may_expire = self._may_expire or queued.expires_at is not None
            self._head_bytes += queued.size
        self._head.extend(loaded)
        self._tail_count -= len(loaded)
        if loaded:
            self._tail_after = loaded[-1].position

    def message(self, queued: Queued) -> Message:
        """The message, from disk if it is there only."""
        if queued.message is None:
            queued.message = self._store.read(self.identity, queued)
        return queued.message

    def get(self, now: int, no_ack: bool) -> Queued | None:
        """Takes the first message, for Basic.Get; None if the queue is empty."""
        self._used_at = now
        self.expire(now)
        if not self.ready_count:
            return None
        queued = self._pop()
        self.message(queued)
        self._delivered(queued, no_ack)
        return queued

    def deliver(self, now: int) -> None:
        """Hands ready messages to consumers in turn, as long as one can take them."""
        self.expire(now)
        while self.ready_count:
            consumer = self.consumers.next()
            if consumer is None:
                return
            queued = self._pop()
            self.message(queued)
            self._hand_over(consumer, queued)
            self.expire(now)

    def _hand_over(self, consumer: Consumer, queued: Queued) -> None:
        self._delivered(queued, consumer.no_ack)
        consumer.deliver(queued)
        if self.unacked_count > MEMORY_UNACKED and queued.kept is not Kept.NOWHERE:
            queued.message = None

    def _delivered(self, queued: Queued, no_ack: bool) -> None:
        if no_ack:
            self._forget(queued)
            return
        self.unacked_count += 1
        if queued.kept is Kept.DURABLE and queued.position > self._delivered_up_to:
            self._delivered_up_to = queued.position
            self._store.mark_delivered(self.identity, queued.position)

    # What comes back

    def acknowledge(self, queued: Queued) -> None:
        """Done with: the message is gone."""
        self.unacked_count -= 1
        self._forget(queued)

    def reject(self, queued: Queued) -> None:
        """Rejected without requeue: to the dead-letter exchange, if there is one."""
        self.unacked_count -= 1
        self._remove(queued, "rejected")

    def requeue(self, returned: Iterable[Queued], now: int, lost: bool = False) -> None:
        """Takes unacknowledged messages back, marked as redelivered. `lost`: their consumer is gone.

        A classic queue puts them back to where they were. A quorum queue puts them ahead of what was never
        delivered, in the order of their return; but one without a delivery limit puts what a consumer
        returns by itself to the back, so that a poison message does not hold up the others.
        """
        limit = self.settings.delivery_limit
        for queued in returned:
            self.unacked_count -= 1
            queued.redelivered = True
            order = queued.position
            if self.settings.quorum:
                queued.returns += 1
                self._return_number += 1
                order = self._return_number
                if limit is not None and queued.returns > limit:
                    self._remove(queued, "delivery_limit")
                    continue
                if limit is None and not lost:
                    self._to_the_back(queued)
                    continue
                if queued.kept is Kept.DURABLE:
                    self._store.count_return(self.identity, queued)
            heapq.heappush(self._returned, (order, queued))
            self.ready_count += 1
            self._ready_bytes += queued.size
        self._drop_overflow()
        self.expire(now)

    def _to_the_back(self, queued: Queued) -> None:
        self.message(queued)
        self._forget(queued)
        queued.position = self._next_position
        self._next_position += 1
        self._store.insert(self.identity, queued)
        self._append(queued)

    def purge(self) -> int:
        """Empties the queue of ready messages, without dead letters; returns how many there were."""
        count = self.ready_count
        for _, queued in self._returned:
            self._forget(queued)
        # Unacknowledged messages are all older than the head, so a range spares them.
        first = self._head[0].position if self._head else self._tail_after + 1
        if any(queued.kept is not Kept.NOWHERE for queued in self._head) or self._tail_count:
            self._store.delete_range(self.identity, first, self._next_position - 1)
        self._returned.clear()
        self._head.clear()
        self._head_bytes = self._tail_count = 0
        self.ready_count = self._ready_bytes = 0
        return count

    def recover(self, ready: int, octets: int, last: int, delivered_up_to: int) -> None:
        """Begins with what is on disk: `ready` messages of `octets` of body, up to position `last`."""
        self.ready_count = self._tail_count = ready
        self._ready_bytes = octets
        self._next_position = max(last, delivered_up_to) + 1
        self._delivered_up_to = delivered_up_to

    # Time

    def expire(self, now: int) -> None:
        """Drops from the head what has expired; behind a message that lives on, nothing expires."""
        while self._may_expire and (first := self._first()) is not None:
            if first.expires_at is None or first.expires_at > now:
                return
            self._remove(self._pop(), "expired")

    @property
    def has_deadline(self) -> bool:
        """Whether `deadline` can be anything but None."""
        return self._may_expire or self.settings.expires is not None

    def deadline(self) -> int | None:
        """When to look again: the head expires, or the queue itself for lack of use."""
        times = []
        if self._may_expire and (first := self._first()) is not None and first.expires_at is not None:
            times.append(first.expires_at)
        if self.settings.expires is not None and not self.consumers:
            times.append(self._used_at + self.settings.expires)
        return min(times, default=None)

    def unused_for_too_long(self, now: int) -> bool:
        return self.settings.expires is not None and not self.consumers and now >= self._used_at + self.settings.expires

    def use(self, now: int) -> None:
        """Declared again: x-expires starts over."""
        self._used_at = now

    # Consumers

    def add_consumer(self, consumer: Consumer, exclusive: bool) -> None:
        """Raises AmqpError 403 if one of them would not be alone that must be."""
        if self._exclusive_consumer is not None or (exclusive and self.consumers):
            raise AmqpError(403, f"queue '{self.name}' in vhost '/' in exclusive use")
        self.consumers.add(consumer)
        if exclusive:
            self._exclusive_consumer = consumer

    def remove_consumer(self, consumer: Consumer, now: int) -> bool:
        """True if the queue goes with its last consumer (auto-delete)."""
        self.consumers.remove(consumer)
        if self._exclusive_consumer is consumer:
            self._exclusive_consumer = None
        if not self.consumers:
            self._used_at = now
        return self.settings.auto_delete and not self.consumers

    # The end of a message

    def _remove(self, queued: Queued, reason: str) -> None:
        if self._dead_letters is not None and self.settings.dead_letter_exchange is not None:
            self._dead_letters(self, self.message(queued), reason)
        self._forget(queued)

    def _bury(self, message: Message, reason: str) -> None:
        if self._dead_letters is not None and self.settings.dead_letter_exchange is not None:
            self._dead_letters(self, message, reason)

    def _forget(self, queued: Queued) -> None:
        if queued.kept is not Kept.NOWHERE:
            self._store.delete(self.identity, queued)
