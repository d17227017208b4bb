"""The rules of a queue: order, limits, time to live, redelivery. No socket, no clock; the disk is a `Store`.

Time is passed in, in ms since 1970. What follows outside of the queue (a dead letter) goes through
the function that the queue is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum

from archlab.broker.arguments import QueueSettings
from archlab.broker.consumers import Consumer, Turns
from archlab.broker.errors import AmqpError
from archlab.broker.message import Message
from archlab.broker.queued import Kept, NoStore, Queued, Store
from archlab.broker.ready import Ready

# Of unacknowledged messages so many stay in memory, and so many octets of them.
MEMORY_UNACKED = 2_000
MEMORY_UNACKED_OCTETS = 8 << 20
# What expires together is in memory together, on its way to the dead-letter exchange: so no more than this at once.
EXPIRE_AT_ONCE, EXPIRE_OCTETS_AT_ONCE = 1_000, 8 << 20

DeadLetters = Callable[["Queue", Message, str], None]


class Outcome(Enum):
    """What became of a message that was published to a queue."""

    KEPT = "in memory"
    STORED = "safe as soon as the store commits"
    REJECTED = "refused, the queue is full"


class Queue:
    """One queue: what is ready, what is out, who consumes. `owner` is the connection of an exclusive queue."""

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
        self.unacked_count = 0
        self._unacked_octets = 0  # in memory or not
        self.deleted = False
        self._store = store or NoStore()
        self._dead_letters = dead_letters if settings.dead_letter_exchange is not None else None
        self._ready = Ready(self._store, identity)
        self._next_position = 1
        self._return_number = 0
        self._delivered_up_to = 0
        self._may_expire = settings.message_ttl is not None
        self._has_limit = settings.max_length is not None or settings.max_length_bytes is not None
        self._exclusive_consumer: Consumer | None = None
        self._used_at = now

    @property
    def ready_count(self) -> int:
        return self._ready.count

    def recover(self, ready: int, octets: int, last: int, delivered_up_to: int) -> None:
        """Begins with what is on disk: `ready` messages of `octets` of body, up to position `last`."""
        self._ready.recover(ready, octets, delivered_up_to)
        self._next_position = max(last, delivered_up_to) + 1
        self._delivered_up_to = delivered_up_to
        self._may_expire = True

    # Publishing

    def publish(self, message: Message, now: int, forced: bool = False) -> Outcome:
        """Takes a message in, or hands it straight to a consumer that waits.

        A disk that is full refuses what would need it, unless `forced`: a dead letter is confirmed already and may not
        be lost.
        """
        settings = self.settings
        durable = settings.durable and (message.persistent or settings.quorum)
        if self._has_limit and settings.overflow != "drop-head" and self._over_limit(1, len(message.body)):
            if settings.overflow == "reject-publish-dlx":
                self._bury(message, "maxlen")
            return Outcome.REJECTED
        if self._store.full and not forced and (durable or self._ready.has_tail or self._many_are_out()):
            return Outcome.REJECTED
        queued = Queued(self._next_position, message, self._expiry(message, now))
        self._next_position += 1
        if queued.expires_at is not None:
            self._may_expire = True  # even if a consumer has it at once: it may come back
        consumer = self.consumers.next() if not self._ready.count else None
        if durable and (consumer is None or not consumer.no_ack):
            self._store.insert(self.identity, queued)
        if consumer is not None:
            self._hand_over(consumer, queued)
        else:
            self._ready.append(queued)
            self._drop_overflow()
            if queued.expires_at is not None:
                self.expire(now)
        return Outcome.STORED if queued.kept is Kept.DURABLE else Outcome.KEPT

    def _expiry(self, message: Message, now: int) -> int | None:
        lives = self.settings.message_ttl
        if message.expiration is not None:
            lives = message.expiration if lives is None else min(lives, message.expiration)
        return None if lives is None else now + lives

    def _over_limit(self, more: int = 0, more_octets: int = 0) -> bool:
        """Whether the ready messages and so many more would be too many; what is out does not count."""
        length, octets = self.settings.max_length, self.settings.max_length_bytes
        return (length is not None and self._ready.count + more > length) or (
            octets is not None and self._ready.octets + more_octets > octets
        )

    def _drop_overflow(self) -> None:
        if self._has_limit and self.settings.overflow == "drop-head":
            while self._ready.count and self._over_limit():
                self._remove(self._ready.pop(), "maxlen")

    # Taking from the head

    def message(self, queued: Queued) -> Message:
        return self._ready.message(queued)

    def get(self, now: int, no_ack: bool) -> Queued | None:
        """Takes the first message, for Basic.Get; None if the queue is empty."""
        self._used_at = now
        while not self.expire(now):
            pass
        if not self._ready.count:
            return None
        queued = self._ready.pop()
        self.message(queued)
        self._delivered(queued, no_ack)
        return queued

    def deliver(self, now: int) -> None:
        """Hands ready messages to consumers in turn, as long as one can take them."""
        # If more has expired than goes at once, the next message waits for the rest, whose deadline has passed already.
        while self.expire(now) and self._ready.count:
            consumer = self.consumers.next()
            if consumer is None:
                return
            queued = self._ready.pop()
            self.message(queued)
            self._hand_over(consumer, queued)

    def _hand_over(self, consumer: Consumer, queued: Queued) -> None:
        self._delivered(queued, consumer.no_ack)
        consumer.deliver(queued)
        if not consumer.no_ack:
            self.sent(queued)

    def sent(self, queued: Queued) -> None:
        """A client has got it and will acknowledge it: where many are out, its content waits on disk meanwhile."""
        if not self._many_are_out():
            return
        if queued.kept is Kept.NOWHERE:
            self._store.spill(self.identity, queued)
        queued.message = None

    def _many_are_out(self) -> bool:
        return self.unacked_count > MEMORY_UNACKED or self._unacked_octets > MEMORY_UNACKED_OCTETS

    def _delivered(self, queued: Queued, no_ack: bool) -> None:
        if no_ack:
            self._forget(queued)
            return
        self.unacked_count += 1
        self._unacked_octets += queued.weight
        if queued.kept is Kept.DURABLE and queued.position > self._delivered_up_to:
            self._delivered_up_to = queued.position
            self._store.mark_delivered(self.identity, queued.position)

    # What comes back

    def acknowledge(self, queued: Queued) -> None:
        """Done with: the message is gone."""
        self.unacked_count -= 1
        self._unacked_octets -= queued.weight
        self._forget(queued)

    def reject(self, queued: Queued) -> None:
        """Rejected without requeue: to the dead-letter exchange, if there is one."""
        self.unacked_count -= 1
        self._unacked_octets -= queued.weight
        self._remove(queued, "rejected")

    def requeue(self, returned: Iterable[Queued], now: int, lost: bool = False) -> None:
        """Takes unacknowledged messages back, marked as redelivered. `lost`: their consumer is gone.

        A classic queue puts them back to where they were. A quorum queue puts them ahead of what was never
        delivered, in the order of their return; but one without a delivery limit puts what a consumer
        returns by itself to the back, so that a poison message does not hold up the others.
        """
        for queued in returned:
            self.unacked_count -= 1
            self._unacked_octets -= queued.weight
            queued.redelivered = True
            if self.settings.quorum:
                self._return(queued, lost)
            else:
                self._ready.give_back(queued, queued.position)
        self._drop_overflow()
        self.expire(now)

    def _return(self, queued: Queued, lost: bool) -> None:
        """Takes one back into a quorum queue, which counts."""
        limit = self.settings.delivery_limit
        queued.returns += 1
        if limit is not None and queued.returns > limit:
            self._remove(queued, "delivery_limit")
        elif limit is None and not lost:
            self.message(queued)
            self._forget(queued)
            queued.position = self._next_position
            self._next_position += 1
            self._store.insert(self.identity, queued)
            self._ready.append(queued)
        else:
            self._store.count_return(self.identity, queued)
            self._return_number += 1
            self._ready.give_back(queued, self._return_number)

    def purge(self) -> int:
        """Empties the queue of ready messages, without dead letters; returns how many there were."""
        count = self._ready.count
        for queued in self._ready.clear(self._next_position - 1):
            self._forget(queued)
        return count

    # Time

    def expire(self, now: int) -> bool:
        """Drops from the head what has expired; behind a message that lives on, nothing expires.

        False if that is more than goes at once, and the rest is still there.
        """
        count = octets = 0
        while self._head_has_expired(now):
            if count >= EXPIRE_AT_ONCE or octets >= EXPIRE_OCTETS_AT_ONCE:
                return False
            queued = self._ready.pop()
            count, octets = count + 1, octets + queued.weight
            self._remove(queued, "expired")
        return True

    def _head_has_expired(self, now: int) -> bool:
        first = self._ready.first() if self._may_expire else None
        return first is not None and first.expires_at is not None and first.expires_at <= now

    @property
    def has_deadline(self) -> bool:
        """Whether `deadline` can be anything but None."""
        return self._may_expire or self.settings.expires is not None

    def deadline(self) -> int | None:
        """When to look again: the head expires, or the queue itself for lack of use."""
        times = []
        if self._may_expire and (first := self._ready.first()) is not None and first.expires_at is not None:
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
        if self._dead_letters is not None:
            self._bury(self.message(queued), reason)
        self._forget(queued)

    def _bury(self, message: Message, reason: str) -> None:
        if self._dead_letters is not None:
            self._dead_letters(self, message, reason)

    def _forget(self, queued: Queued) -> None:
        if queued.kept is not Kept.NOWHERE:
            self._store.delete(self.identity, queued)
