"""What is done to the designs beside serving their load: looking for one's own order, and five faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from archlab.lab import crash_points, sources
from archlab.scenario import Sample

from . import projection
from .workload import DONE, NEW_ORDERS, an_order, forbidden, obey, shown, time_unseen, which_wrong, wrong_totals
from .world import CancelOrder, Position

if TYPE_CHECKING:
    from archlab.lab import Lab

CRASHES = crash_points(sources(projection.DESIGN))
"""Where the projector is killed: at every crash point that its source names."""
CRASH = CRASHES[0]
REPLAY, REORDER, POISON, DAMAGE = "events replayed", "events reordered", "poison event", "read store damaged"
LOOKS = 3
"""Orders that one round looks for."""
PATIENCE = 10
"""Attempts after which a projector that has not parked a poison event is taken to hang on it for ever."""


def staleness(lab: Lab, design: Any) -> Iterator[Sample]:
    """Place an order and look at the page at once: is it there? Wait for its position, and look again."""
    for number in range(LOOKS):
        unseen, still_unseen = time_unseen(lab, design, 2 * NEW_ORDERS + number)
        yield Sample("stale_for", unseen)
        yield Sample("own_order_missing", float(unseen > 0), {"looked": "at once"})
        yield Sample("own_order_missing", float(still_unseen), {"looked": "after waiting"})


def divergent(lab: Lab, design: Any, at: dict[str, str]) -> Sample:
    """How many totals are wrong, and some of them."""
    wrong = which_wrong(lab, design)
    return Sample("divergent", len(wrong), at, tuple(wrong))


def rules(lab: Lab, design: Any) -> Iterator[Sample]:
    """One command against each rule: is it refused?"""
    cancelled = an_order(lab, 2 * NEW_ORDERS)
    for command in (cancelled, CancelOrder(cancelled.order)):
        assert obey(design, command) == DONE
    for rule, command in forbidden(lab, cancelled).items():
        yield Sample("accepted", float(obey(design, command) == DONE), {"rule": rule})


def projector_killed(lab: Lab, design: Any) -> Iterator[Sample]:
    """SIGKILL strikes the projector at each of its crash points."""
    for point in CRASHES:
        last = _events_without_projector(lab, design, point)
        yield divergent(lab, design, {"stage": "projector dead"})
        design.projector.start()
        design.wait_until_seen(last)
        yield divergent(lab, design, {"stage": "caught up"})


def events_replayed(lab: Lab, design: Any) -> Iterator[Sample]:
    """Every event there is, delivered once more."""
    design.wait_until_seen(design.place_order(an_order(lab, 2 * NEW_ORDERS)))
    reader = design.reading_side(lab)
    if events := reader.events(after=Position(0)):
        lab.struck(REPLAY)
    reader.apply(events)
    yield divergent(lab, design, {"stage": "replayed"})


def events_reordered(lab: Lab, design: Any) -> Iterator[Sample]:
    """The same late events, delivered last one first, to three kinds of reader."""
    _events_without_projector(lab, design)
    reader = design.reading_side(lab)
    events = reader.events(after=reader.position)
    if len(events) > 1:
        lab.struck(REORDER)
    refused = 0
    try:
        reader.apply(events[::-1])
    except ValueError:
        refused = 1
    yield Sample("refused", refused)
    reader.catch_up()
    yield divergent(lab, design, {"guard": "position, refuses gaps"})
    yield from _by_other_guards(lab, events)


def _by_other_guards(lab: Lab, events: list[tuple[Position, str]]) -> Iterator[Sample]:
    """A version guard on totals that are changed by differences, and one on the full state of each order."""
    store = lab.database("demonstration")
    store.executescript("""
        CREATE TABLE totals (status TEXT PRIMARY KEY, orders INTEGER NOT NULL);
        CREATE TABLE newest (version INTEGER NOT NULL);
        INSERT INTO newest VALUES (0);
        CREATE TABLE states (number INTEGER PRIMARY KEY, version INTEGER NOT NULL, status TEXT NOT NULL);
    """)
    add = "INSERT INTO totals VALUES (?, ?) ON CONFLICT DO UPDATE SET orders = orders + excluded.orders"
    keep = """
        INSERT INTO states VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version,
        status = excluded.status WHERE excluded.version > version
    """
    for version, event in events[::-1]:
        fact = json.loads(event)
        store.execute(keep, (fact["order"], version, fact["status"]))
        if store.execute("UPDATE newest SET version = ? WHERE version < ?", (version, version)).rowcount:
            store.execute(add, (fact["status"], 1))
            if fact["was"]:
                store.execute(add, (fact["was"], -1))
    numbers = ", ".join(str(json.loads(event)["order"]) for _, event in events)
    true = _counted(lab.database(), f"SELECT status, count(*) FROM orders WHERE id IN ({numbers}) GROUP BY 1")
    differences = _counted(store, "SELECT status, orders FROM totals WHERE orders != 0")
    states = _counted(store, "SELECT status, count(*) FROM states GROUP BY 1")
    yield Sample("divergent", len(true ^ differences), {"guard": "version alone"})
    yield Sample("divergent", len(true ^ states), {"guard": "version, full state"})


def _counted(store: Any, sql: str) -> set[tuple[str, int]]:
    return set(store.execute(sql))


def poison(lab: Lab, design: Any) -> Iterator[Sample]:
    """An event that cannot be applied, with good ones behind it."""
    lab.database().execute("INSERT INTO outbox (event) VALUES ('no event at all')")
    _events_without_projector(lab, design)
    reader = design.reading_side(lab)
    for attempt in range(PATIENCE):
        with suppress(Exception):  # whatever it raises was an attempt
            reader.catch_up()
        if attempt == 0:
            lab.struck(POISON)  # who passes over it at the first attempt has met it, too
        elif not wrong_totals(lab, design):
            break
        yield divergent(lab, design, {"stage": "stalled"})
    yield divergent(lab, design, {"stage": "parked"})
    yield Sample("parked", lab.database("views").execute("SELECT count(*) FROM parked").fetchone()[0])


def rebuild(lab: Lab, design: Any) -> Iterator[Sample]:
    """The read store is damaged; it is derived from the events again."""
    design.wait_until_seen(design.place_order(an_order(lab, 2 * NEW_ORDERS)))
    before = shown(lab, design)
    lab.database("views").execute("UPDATE totals SET orders = orders + 1, revenue = 0")
    lab.struck(DAMAGE)
    yield divergent(lab, design, {"stage": "damaged"})
    design.reading_side(lab).rebuild()
    after = shown(lab, design)
    wrong = sum(after.get(row) != before.get(row) for row in after.keys() | before.keys())
    yield Sample("divergent", wrong, {"stage": "rebuilt"})


def _events_without_projector(lab: Lab, design: Any, crash_at: str = CRASH) -> Position:
    """Kills the projector at a point on an event's way, and lets more happen; the last position."""
    design.projector.kill()
    design.projector.start(crash_at=crash_at)
    number = 2 * NEW_ORDERS + 10 * CRASHES.index(crash_at)
    first, second = an_order(lab, number + 1), an_order(lab, number + 2)
    design.place_order(first)
    design.projector.exited()
    design.place_order(second)
    last: Position = design.cancel_order(CancelOrder(first.order))
    return last
