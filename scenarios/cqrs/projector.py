"""The reading side of ``projection``: a process that applies events to the read store, each once and in order."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .world import VIEWS, Key, Position, Totals, transaction

if TYPE_CHECKING:
    from archlab.lab import Inbox, Lab

TABLES = """
    CREATE TABLE totals (seller INTEGER, view TEXT, status TEXT, key, orders INTEGER, units INTEGER, revenue INTEGER,
        PRIMARY KEY (seller, view, status, key)) WITHOUT ROWID;
    CREATE TABLE progress (position INTEGER NOT NULL);
    CREATE TABLE parked (position INTEGER PRIMARY KEY, event TEXT NOT NULL, error TEXT NOT NULL);
    INSERT INTO progress VALUES (0);
"""
ADD = """
    INSERT INTO totals VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        orders = orders + excluded.orders, units = units + excluded.units, revenue = revenue + excluded.revenue
"""
ATTEMPTS = 3
"""How often an event may fail before it is parked: an error may pass, but it must not hold up the others for ever."""
PAUSE = 0.02
"""Seconds between attempts."""

Event = tuple[Position, str]
Row = tuple[int, str, str, Key]
"""Seller, view, status and key: what a row of the totals stands for."""


class OutOfOrder(ValueError):
    """An event came before the one that precedes it. Nothing has changed."""


class Projector:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.shop = lab.database()
        self.store = lab.database("views", lab.knobs.store_distance / 1000)
        self.views = tuple(VIEWS)[: lab.knobs.views]
        self.failures: Counter[Position] = Counter()
        self.stalled = False
        self.position = self._position()

    def catch_up(self) -> Position:
        """Applies the events that the outbox holds beyond the position of the read store."""
        if events := self.events(after=self.position):
            self.lab.crash_point("between event and projection")
            self.apply(events)
        return self.position

    def apply(self, events: Iterable[Event]) -> None:
        """Adds the events to the totals and moves the position, in one transaction of the read store."""
        with transaction(self.store):
            self._apply(events, ATTEMPTS)

    def rebuild(self) -> None:
        """Derives the totals from all events again; pages show the old ones until it commits."""
        with transaction(self.store):
            self.store.execute("DELETE FROM totals")
            self.store.execute("UPDATE progress SET position = 0")
            self._apply(self.events(after=Position(0)), attempts=1)

    def events(self, after: Position) -> list[Event]:
        sql = "SELECT position, event FROM outbox WHERE position > ? ORDER BY position"
        return list(self.shop.execute(sql, (after,)))

    def _apply(self, events: Iterable[Event], attempts: int) -> None:
        position, parked = self._position(), []
        sums: defaultdict[Row, Totals] = defaultdict(Totals)
        self.stalled = False
        for at, event in events:
            if at <= position:
                continue  # applied before: delivery is at least once
            if at > position + 1:
                raise OutOfOrder(f"event {at} came when {position + 1} was due")
            try:
                for row, totals in self._changes(event):
                    sums[row].add(totals)
            except Exception as error:
                self.failures[at] += 1
                if self.failures[at] < attempts:
                    self.stalled = True
                    break
                parked.append((at, event, repr(error)))
            position = at
        self.store.executemany(ADD, [(*row, t.orders, t.units, t.revenue) for row, t in sums.items()])
        if parked:
            self.store.executemany("INSERT OR REPLACE INTO parked VALUES (?, ?, ?)", parked)
        self.lab.crash_point("between totals and position")
        self.store.execute("UPDATE progress SET position = ?", (position,))
        self.position = position

    def _changes(self, event: str) -> list[tuple[Row, Totals]]:
        """What an event adds to the totals and what it takes away."""
        fact = json.loads(event)
        quantity, revenue = fact["quantity"], fact["quantity"] * fact["unit_price"] - fact["discount"]
        moves = [(fact["status"], Totals(1, quantity, revenue))]
        if fact["was"]:
            moves.append((fact["was"], Totals(-1, -quantity, -revenue)))
        return [((fact["seller"], view, status, fact[view]), t) for view in self.views for status, t in moves]

    def _position(self) -> Position:
        return Position(self.store.execute("SELECT position FROM progress").fetchone()[0])


def main(lab: Lab, inbox: Inbox) -> None:
    projector = Projector(lab)
    inbox.reached(projector.catch_up())
    while True:
        # A message only says that there is something to do; what there is to do stands in the outbox.
        position = inbox.receive(PAUSE if projector.stalled else None)
        if projector.stalled or position > projector.position:
            time.sleep(lab.knobs.projector_delay / 1000)
            inbox.reached(projector.catch_up())
