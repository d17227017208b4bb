"""Runs the queues that have work: deliveries, dead letters, timers, alarms, commits.

Commands from clients change queues at once; what follows from them (a delivery, a dead letter) is
worked off after each, and what is to be sent waits until the disk has what it must have (`settle`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import TYPE_CHECKING

from archlab.broker import reply_to
from archlab.broker.arguments import QueueSettings, queue_settings
from archlab.broker.dead_letter import dead_letter, would_cycle
from archlab.broker.exchange import Exchange
from archlab.broker.message import Message, parse_properties
from archlab.broker.queue import Queue
from archlab.broker.spill import RETRY_AFTER
from archlab.broker.storage import Storage
from archlab.broker.topology import Topology

if TYPE_CHECKING:
    from archlab.broker.channel import Channel
    from archlab.broker.connection import Connection
    from archlab.broker.deliveries import ChannelConsumer
    from archlab.broker.reply_to import ReplyConsumer
    from archlab.broker.stream import Stream

log = logging.getLogger("archlab.broker")

WELL_SUPPLIED_WAIT = 0.002  # seconds, at most, for a consumer that has enough to do


class Broker:
    """The state that all connections share. Lives in one asyncio loop."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.topology = Topology(storage, self._make_queue)
        self.connections: set[Connection] = set()
        self.reply_consumers: dict[str, ReplyConsumer] = {}  # by their address
        self._loop = asyncio.get_running_loop()
        self._active: dict[Queue, None] = {}
        self._dead: deque[tuple[Queue, Message, str]] = deque()
        self._timers: dict[Queue, tuple[int, asyncio.TimerHandle]] = {}
        self._well_supplied: dict[ChannelConsumer, None] = {}
        self._unsent: dict[Stream, None] = {}
        self._unconfirmed: dict[Channel, None] = {}
        self._settling = False
        self._retrying = False  # a disk that was full will be tried again
        self.receiving = False  # a client's input is being worked through
        self._recover()

    @staticmethod
    def now() -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    # What survived

    def _recover(self) -> None:
        topology, storage = self.topology, self.storage
        for name, kind, auto_delete, internal, arguments in storage.exchanges():
            topology.exchanges[name] = Exchange(name, kind, True, auto_delete, internal, arguments)
        for stored in storage.queues():
            settings = queue_settings(stored.name, stored.arguments, durable=True, auto_delete=stored.auto_delete)
            queue = self._make_queue(settings, None, stored.identity)
            queue.recover(stored.ready, stored.octets, stored.last, stored.delivered_up_to)
            topology.queues[stored.name] = queue
            self.activate(queue)
        for binding, arguments in storage.bindings():
            topology.add_binding(topology.exchanges[binding.source], binding, arguments)
        self.work()

    def _make_queue(self, settings: QueueSettings, owner: object | None, identity: int | None = None) -> Queue:
        return Queue(
            settings,
            identity=self.storage.new_queue() if identity is None else identity,
            owner=owner,
            store=self.storage,
            dead_letters=lambda queue, message, reason: self._dead.append((queue, message, reason)),
            now=self.now(),
        )

    # What has something to do

    def activate(self, queue: Queue) -> None:
        """Something about the queue changed: see whether it can deliver, or must set its alarm."""
        self._active[queue] = None

    def wake_later(self, consumer: ChannelConsumer) -> None:
        """The consumer can take messages again, but need not have them at once."""
        if not self._well_supplied:
            self._loop.call_later(WELL_SUPPLIED_WAIT, self._wake_well_supplied)
        self._well_supplied[consumer] = None

    def _wake_well_supplied(self) -> None:
        consumers, self._well_supplied = self._well_supplied, {}
        for consumer in consumers:
            consumer.channel.deliveries.wake(consumer)
        self.work()
        self.settle_soon()

    def unsent(self, connection: Stream) -> None:
        """The connection has something to send."""
        self._unsent[connection] = None
        self.settle_soon()

    def unconfirmed(self, channel: Channel) -> None:
        """The channel owes its publisher a confirm."""
        self._unconfirmed[channel] = None
        self.settle_soon()

    def delete_queue(self, queue: Queue) -> int:
        timer = self._timers.pop(queue, None)
        if timer is not None:
            timer[1].cancel()
        return self.topology.delete_queue(queue)

    def work(self) -> None:
        """Delivers and buries until there is nothing left to do."""
        while self._active or self._dead:
            now = self.now()
            while self._dead:
                self._bury(*self._dead.popleft(), now)
            active, self._active = self._active, {}
            for queue in active:
                if not queue.deleted:
                    queue.deliver(now)
                    if queue.has_deadline:
                        self._set_alarm(queue, now)
            if self.storage.dirty:
                self.settle_soon()

    def _bury(self, queue: Queue, message: Message, reason: str, now: int) -> None:
        settings = queue.settings
        exchange = self.topology.exchanges.get(settings.dead_letter_exchange or "")
        if exchange is None:
            return
        dead = dead_letter(message, queue.name, reason, exchange.name, settings.dead_letter_routing_key, now // 1000)
        properties = parse_properties(dead.properties)
        keys = [dead.routing_key, *properties.routing_headers()]
        reply_to.answer(self, exchange, keys, dead)
        for target in self.topology.routes.find(exchange, keys, properties.headers):
            if reason != "rejected" and would_cycle(dead, target.name):
                log.warning(
                    "a dead letter of queue '%s' came round to queue '%s' and is dropped", queue.name, target.name
                )
                continue
            target.publish(dead, now, forced=True)
            self.activate(target)

    def _set_alarm(self, queue: Queue, now: int) -> None:
        deadline = queue.deadline()
        current = self._timers.get(queue)
        if current is not None:
            if current[0] == deadline:
                return
            current[1].cancel()
            del self._timers[queue]
        if deadline is not None:
            # One more millisecond: better late than to look before it is time and look again.
            delay = max(0, deadline - now + 1) / 1000
            self._timers[queue] = (deadline, self._loop.call_later(delay, self._alarm, queue))

    def _alarm(self, queue: Queue) -> None:
        self._timers.pop(queue, None)
        if queue.unused_for_too_long(self.now()):
            self.delete_queue(queue)
        else:
            self.activate(queue)
        self.work()
        self.settle_soon()

    # What is to be sent

    def settle_soon(self) -> None:
        """Commits and sends at the end of the loop's round."""
        # Not at once, so that what several clients did in one round shares one commit.
        if not self._settling and not self.receiving:
            self._settling = True
            self._loop.call_soon(self.settle)

    def received(self) -> None:
        """A client's input has been worked through: sends what need not wait for the disk."""
        self.receiving = False
        if self.storage.dirty:
            self.settle_soon()
        elif self._unsent or self._unconfirmed:
            self._send(safe=True)

    def settle(self) -> None:
        """Commits, confirms what is now safe, and sends."""
        safe, self._settling = True, False
        if self.storage.dirty:
            safe = self.storage.commit(sync=any(channel.awaits_disk for channel in self._unconfirmed))
        self._send(safe)
        if not safe and not self._retrying:
            self._retrying = True
            self._loop.call_later(RETRY_AFTER, self._retry)

    def _retry(self) -> None:
        self._retrying = False
        self.settle_soon()

    def _send(self, safe: bool) -> None:
        """Confirms and flushes. `safe`: the disk has all that was published until now."""
        self._settling = True  # what the confirms write is flushed below
        channels, self._unconfirmed = self._unconfirmed, {}
        try:
            for channel in channels:
                channel.confirm(safe)
        finally:  # else nothing would ever be sent again
            self._settling = False
        connections, self._unsent = self._unsent, {}
        for connection in connections:
            connection.flush()
        self.work()
