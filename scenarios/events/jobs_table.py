"""The order's transaction writes a job for each department; a worker for each kind of job does it, and tries again.

Good at: order and jobs are one transaction, so nothing is lost; a checkout waits for nobody. No broker: a SELECT
    shows what is waiting, what has failed and how often, in a database that you run already.
Fails when: other teams want to listen, too. Each kind of job needs a line in the checkout and a worker that reads the
    database of the shop, so a team that joins or leaves needs a release of the shop.
Costs: workers that poll, an index that keeps polling cheap, and jobs that somebody deletes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archlab.scenario import Design

from .working import worker
from .world import EFFECTS, Fact, Order, place, text, transaction, wanted

if TYPE_CHECKING:
    from archlab.lab import Lab

JOBS = ("invoice", "email", "audit", "analytics")
"""What a checkout has done for it."""
TABLES = """
    CREATE TABLE jobs (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, fact TEXT NOT NULL, state TEXT NOT NULL,
        attempts INTEGER NOT NULL, due REAL NOT NULL, error TEXT);
    CREATE INDEX jobs_waiting ON jobs (kind, due) WHERE state = 'waiting';
"""


def prepare(lab: Lab) -> None:
    lab.database().executescript(TABLES)


class Checkout:
    """The producer. ``reach`` are the workers; to be woken spares them a poll."""

    def __init__(self, lab: Lab, reach: dict[str, Any]) -> None:
        self.lab = lab
        self.shop = lab.database()
        self.kinds = wanted(lab, JOBS)
        self.reach = reach

    def checkout(self, order: Order) -> int:
        with transaction(self.shop):
            fact = place(self.shop, order)
            for kind in self.kinds:
                self.shop.execute("INSERT INTO jobs VALUES (NULL, ?, ?, 'waiting', 0, 0, NULL)", (kind, text(fact)))
        self.lab.crash_point("between commit and publish")
        for waiting in self.reach.values():
            waiting.send(order.id)
        return order.id


class Shop:
    done_at_once = False

    def __init__(self, lab: Lab) -> None:
        from .departments import provider

        self.provider = lab.service(provider, "email")
        self.workers = {
            kind: lab.spawn(worker, f"{kind} worker", {"email": self.provider}, {"effect": EFFECTS.index(kind)})
            for kind in wanted(lab, JOBS)
        }
        self.checkout = Checkout(lab, self.workers).checkout

    def set_aside(self, lab: Lab, kind: str) -> list[Fact]:
        """The jobs of a kind that were given up, for somebody to look at."""
        rows = lab.database().execute("SELECT fact FROM jobs WHERE state = 'dead' AND kind = ?", (kind,))
        return [json.loads(fact) for (fact,) in rows]

    def replay(self, lab: Lab, kind: str) -> int:
        """Gives the jobs of a kind that were given up another chance; how many."""
        again = "UPDATE jobs SET state = 'waiting', attempts = 0, due = 0 WHERE state = 'dead' AND kind = ?"
        return int(lab.database().execute(again, (kind,)).rowcount)


DESIGN = Design(
    name="jobs-table",
    title="jobs beside the order, and workers that do them",
    role="alternative",
    why="One transaction, one database, one SELECT to see what hangs; most teams need no more.",
    start=Shop,
    prepare=prepare,
    promises="An order and its jobs survive a crash together.",
    modules=("working",),
)
