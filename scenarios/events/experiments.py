"""The experiments: crashes, a poison message, a team that joins."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from typing import TYPE_CHECKING, Any

from archlab.lab import Process, Toxic, compare, crash_points, sources
from archlab.scenario import Sample

from .topology import consumers
from .workload import LOOK, order, placed, wait_for_effects
from .world import EFFECTS, TABLES, happened, wanted

if TYPE_CHECKING:
    from archlab.lab import Lab

BETWEEN = "between commit and publish"
RELAYED = "between publish and mark"
AFTER_EFFECT = "between effect and ack"
PREFETCHES = (1, 10)
INNOCENT = 10
"""Orders behind a poison one."""
PATIENCE = 2.0
"""Seconds within which a poison message should have been given up."""
POISON, JOINED = "poison message", "loyalty"
UNBOUND, CUT = "no queue is bound", "the connection is cut"
BREAKER = 0.03
"""Seconds until a checkout is tried again whose circuit breaker may be open."""
TAKEN = 0.03
"""Seconds that a relay is given to publish while no queue is bound."""


def faults(lab: Lab, design: Any) -> Iterator[Sample]:
    """Crashes, a message that nobody can use, and a team that joins: one after the other, in the same system."""
    yield from crashed(lab, design)
    if lab.design.role != "misuse":
        yield from joined(lab, design)
    yield from poisoned(lab, design)


def points(design: Any) -> tuple[str, ...]:
    """The crash points that the code of a design names."""
    return crash_points(sources(design))


def crashed(lab: Lab, design: Any) -> Iterator[Sample]:
    """The process that reaches a crash point dies there and is restarted: what is lost, what happens twice?"""
    for number, point in enumerate(points(lab.design)):
        first = 20_000 + 100 * number
        if point == BETWEEN:
            answered = producer_dies(lab, design, first)
        else:
            dying = (
                [design.relay]
                if point == RELAYED
                else [w for k, w in design.workers.items() if k in wanted(lab, KILLED)]
            )
            answered = consumers_die(lab, design, first, point, dying)
        wait_for_effects(lab, design, answered, wanted(lab, KILLED))
        yield from ledger(lab, point, first)
    if AFTER_EFFECT in points(lab.design) and "email" in wanted(lab):
        yield from with_keys(lab, design)
    if hasattr(design, "broker"):
        yield from broker_faults(lab, design)


def with_keys(lab: Lab, design: Any) -> Iterator[Sample]:
    """The same crash of the mailer alone, with a provider that honours an idempotency key."""
    first = 29_000
    design.provider.client.post("/keys", {"honours": True})
    answered = consumers_die(lab, design, first, AFTER_EFFECT, [design.workers["email"]])
    wait_for_effects(lab, design, answered, wanted(lab, KILLED))
    yield from ledger(lab, f"{AFTER_EFFECT}, provider with keys", first)


KILLED = ("invoice", "email")
"""Whose consumers die: one with a store of our own, one with a third party."""


def producer_dies(lab: Lab, design: Any, first: int) -> list[int]:
    """A second shop, in a process of its own, dies in the middle of a checkout. The first one goes on."""
    shop = lab.spawn(checkouts, "second shop", getattr(design, "calls", None), crash_at=BETWEEN)
    shop.send(order(first))
    shop.exited()
    return [first, *placed(lab, design, [order(first + 1)])]


def checkouts(lab: Lab, inbox: Any) -> None:
    """A shop in a process of its own."""
    own = lab.module(lab.design).Checkout(lab, vars(lab.peers))
    while True:
        own.checkout(inbox.receive())


def consumers_die(lab: Lab, design: Any, first: int, point: str, dying: list[Any]) -> list[int]:
    for part in dying:
        # A process finishes what it does: else it would come to its crash point with work of before.
        part.stop() if isinstance(part, Process) else part.kill()
    noticed(lab, design, dying)
    for part in dying:
        part.start(crash_at=point)
        up(part)
    answered = placed(lab, design, [order(first)])
    while design.done_at_once and all(part.alive for part in dying):
        time.sleep(BREAKER)
        answered += placed(lab, design, [order(first := first + 1)])
    for part in dying:
        part.exited()
    answered += placed(lab, design, [order(first + 1)])
    for part in dying:
        part.start()
        up(part)
    return answered + placed(lab, design, [order(first + 2)])


def noticed(lab: Lab, design: Any, gone: list[Any]) -> None:
    """Waits until the broker has noticed who is gone: until then it goes on to send them messages."""
    if not hasattr(design, "broker"):
        return
    with closing(lab.broker().connect()) as connection:
        for queue in [lab.broker().name(kind) for kind, part in design.workers.items() if part in gone]:
            end = time.monotonic() + PATIENCE
            while consumers(connection.channel(), queue) and time.monotonic() < end:
                time.sleep(LOOK)


def up(part: Any) -> None:
    """Waits until a part serves: a process of a design says that it has reached 0 when it listens."""
    if isinstance(part.ready(), Process):
        part.wait_until(0)


def ledger(lab: Lab, point: str, first: int) -> Iterator[Sample]:
    """Compares the effects with the orders: each stored order has all of them, each failed order has none."""
    rows = lab.database().execute(
        "SELECT id FROM orders WHERE status = 'placed' AND id BETWEEN ? AND ?", (first, first + 99)
    )
    expected = [row for (row,) in rows]
    found = {
        kind: compare(expected, [o for o in happened(lab, kind) if first <= o < first + 100])
        for kind in wanted(lab, KILLED)
    }
    at = {"crash_point": point}
    lost = tuple(f"order {one}: no {kind}" for kind, f in found.items() for one in f.lost)
    again = {kind: tuple(f"order {one}: {kind} again" for one in f.duplicated) for kind, f in found.items()}
    yield Sample("lost", len(lost), at, lost)
    for metric, kind in (("duplicated", "invoice"), ("mails_duplicated", "email")):
        yield Sample(metric, len(again.get(kind, ())), at, again.get(kind, ()))
    yield Sample("reordered", sum(len(f.reordered) for f in found.values()), at)
    unasked = tuple(f"order {one} failed: {kind} all the same" for kind, f in found.items() for one in f.unexpected)
    yield Sample("unasked", len(unasked), at, unasked)


# The broker


def broker_faults(lab: Lab, design: Any) -> Iterator[Sample]:
    """For a while no queue is bound, so that a fact has nowhere to go. Then the connection, and the broker."""
    exchange = lab.broker().name("orders")
    channel = lab.broker().connect().channel()
    queues = [lab.broker().name(kind) for kind in wanted(lab)]
    for queue in queues:
        channel.queue_unbind(queue, exchange, "order.#")
    lab.struck(UNBOUND)
    answered = placed(lab, design, [order(25_000)])
    time.sleep(TAKEN)
    for queue in queues:
        channel.queue_bind(queue, exchange, "order.#")
    answered += placed(lab, design, [order(25_001)])
    wait_for_effects(lab, design, answered, wanted(lab, KILLED))
    yield from ledger(lab, UNBOUND, 25_000)
    if lab.design.role != "misuse":
        yield from cut_off(lab, design)
    if lab.design.role != "misuse" and not lab.broker().address.foreign:
        yield from restarted(lab, design)


def cut_off(lab: Lab, design: Any) -> Iterator[Sample]:
    """The connection between the consumers and the broker is cut in the middle of their work."""
    network = lab.proxy(lab.broker(), "network")
    consumer = lab.module(lab.design).consumer
    for kind in wanted(lab, KILLED):
        design.workers[kind].kill()
        calls, settings = {"email": design.provider, "broker": network}, {"effect": EFFECTS.index(kind)}
        design.workers[kind] = lab.spawn(consumer, f"{kind} consumer, by the network", calls, settings)
        up(design.workers[kind])
    answered = placed(lab, design, [order(26_000 + number) for number in range(20)])
    network.poison(Toxic(cut=True))
    lab.struck(CUT)
    answered += placed(lab, design, [order(26_020)])
    network.mend()
    wait_for_effects(lab, design, answered, wanted(lab, KILLED))
    yield from ledger(lab, CUT, 26_000)


def restarted(lab: Lab, design: Any) -> Iterator[Sample]:
    """The broker is killed, and starts again. Somebody else's broker cannot be."""
    answered = placed(lab, design, [order(27_000 + number) for number in range(20)])
    lab.broker().kill()
    lab.broker().start()
    answered += placed(lab, design, [order(27_020)])
    wait_for_effects(lab, design, answered, wanted(lab, KILLED))
    yield from ledger(lab, "the broker is killed", 27_000)


# Poison


def poisoned(lab: Lab, design: Any) -> Iterator[Sample]:
    """An order of which no invoice can be made, with good ones behind it, at every prefetch that is tried.

    A design without a broker has no prefetch: its place is 0.
    """
    consumer = getattr(lab.module(lab.design), "consumer", None)
    for number, prefetch in enumerate(PREFETCHES if consumer else (0,)):
        first = 30_000 + 100 * number
        if consumer:
            design.workers["invoice"].kill()
            settings = {"effect": EFFECTS.index("invoice"), "prefetch": prefetch}
            design.workers["invoice"] = lab.spawn(consumer, f"invoice consumer, prefetch {prefetch}", None, settings)
            up(design.workers["invoice"])
        yield from among_innocents(lab, design, first, {"prefetch": prefetch})
        if consumer:
            design.workers["invoice"].kill()  # it may spin
    lab.struck(POISON)


def among_innocents(lab: Lab, design: Any, first: int, at: dict[str, int]) -> Iterator[Sample]:
    placed(lab, design, [order(first, amount=None)])
    innocent = placed(lab, design, [order(first + 1 + number) for number in range(INNOCENT)])
    wait_for_effects(lab, design, innocent, ("invoice",))
    aside = set_aside(lab, design, first)
    tried = lab.database("invoice").execute("SELECT count(*) FROM refused WHERE order_id = ?", (first,)).fetchone()[0]
    blocked = without(lab, innocent, "invoice")
    yield Sample("blocked", len(blocked), at, blocked)
    yield Sample("attempts", tried, at)
    yield Sample("set_aside", aside, at)


def set_aside(lab: Lab, design: Any, order: int) -> int:
    """How often the order is found among the dead letters, after enough time."""
    if not hasattr(design, "set_aside"):
        return 0
    deadline = time.monotonic() + PATIENCE
    while True:
        found: int = sum(fact["order"] == order for fact in design.set_aside(lab, "invoice"))
        if found or time.monotonic() > deadline:
            return found
        time.sleep(LOOK)


def without(lab: Lab, orders: list[int], kind: str) -> tuple[str, ...]:
    """The orders that have not had an effect, a sentence each."""
    return tuple(f"order {one}: no {kind}" for one in sorted(set(orders) - set(happened(lab, kind))))


# A team that joins


def joined(lab: Lab, design: Any) -> Iterator[Sample]:
    """Another team starts to listen, goes away and comes back, while the shop goes on as it is."""
    changed = lab.module(lab.design.version())
    lab.database(JOINED).executescript(TABLES)
    listener = import_module(f"{changed.__package__}.loyalty").listener(lab)
    up(listener)
    came = placed(lab, design, [order(40_000 + number) for number in range(3)])
    wait_for_effects(lab, design, came, (JOINED,))
    unheard = without(lab, came, JOINED)
    yield Sample("unreached", len(unheard), {"team": "has joined"}, unheard)
    listener.stop()
    away = placed(lab, design, [order(40_100 + number) for number in range(3)])
    time.sleep(LOOK)
    listener.start()
    up(listener)
    wait_for_effects(lab, design, away, (JOINED,))
    unheard = without(lab, away, JOINED)
    yield Sample("unreached", len(unheard), {"team": "was away"}, unheard)
    if lab.design.role == "pattern":
        yield Sample("unreached_by", len(without(lab, came, JOINED)), {"message": "fact"})
        yield from told_by_commands(lab, design)
    listener.stop()


def told_by_commands(lab: Lab, design: Any) -> Iterator[Sample]:
    """The same team hears of orders from a shop whose messages hold what their receivers need today, and no more."""
    other = lab.module(lab.design.version("command")).Checkout(lab, {"relay": design.relay})
    came = placed(lab, other, [order(40_200 + number) for number in range(3)])
    wait_for_effects(lab, design, came)
    wait_for_effects(lab, design, came, (JOINED,))
    yield Sample("unreached_by", len(without(lab, came, JOINED)), {"message": "command in disguise"})
