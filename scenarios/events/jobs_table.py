"""The order's transaction writes a job for each department; a worker for each kind of job does it, and tries again.

Good at: order and jobs are one transaction, so nothing is lost; a checkout waits for nobody. No broker: what is to be
    done, what has failed and how often is a SELECT away, in a database that you run already.
Fails when: others want to listen, too. Every job has a line in the checkout that writes it, and a worker that reads the
    shop's database: whoever joins or leaves needs a release of the shop.
Costs: workers that poll, an index that keeps polling cheap, and jobs that somebody deletes.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from archlab.scenario import Design

from .world import EFFECTS, Fact, Order, Unusable, effect, own, place, text, transaction, wanted

if TYPE_CHECKING:
    from archlab.lab import Inbox, Lab

JOBS = ("invoice", "email", "audit", "analytics")
"""What a checkout has done for it."""
TABLES = """
    CREATE TABLE jobs (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, fact TEXT NOT NULL, state TEXT NOT NULL,
        attempts INTEGER NOT NULL, due REAL NOT NULL, error TEXT);
    CREATE INDEX jobs_waiting ON jobs (kind, due) WHERE state = 'waiting';
"""
NEXT = "SELECT id, fact, attempts FROM jobs WHERE state = 'waiting' AND kind = ? AND due <= ? ORDER BY due, id LIMIT 1"
LATER = "UPDATE jobs SET state = ?, attempts = ?, due = ?, error = ? WHERE id = ?"
POLL = 0.05
"""Seconds between two looks where nobody says that there is something to do."""
PAUSE = 0.03
"""Seconds until a job that failed is tried again."""
ATTEMPTS = 3
"""How often a job of which nothing can be made is tried."""
PATIENCE = 1000
"""How often one is tried whose department does not answer: that is not the job's fault."""


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
        for worker in self.reach.values():
            worker.send(order.id)
        return order.id


class Worker:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.shop = lab.database()
        self.kind = own(lab)
        self.effect = effect(lab)

    def work(self) -> bool:
        """Does the next job that is due; false where none is."""
        row = self.shop.execute(NEXT, (self.kind, time.time())).fetchone()
        if row is None:
            return False
        job, fact, attempts = row
        self.lab.crash_point("before the effect")
        try:
            self.effect(json.loads(fact))
        except (OSError, Unusable) as error:
            self.failed(job, attempts + 1, error)
            return True
        self.lab.crash_point("between effect and ack")
        self.shop.execute("UPDATE jobs SET state = 'done' WHERE id = ?", (job,))
        self.lab.crash_point("after the ack")
        return True

    def failed(self, job: int, attempts: int, error: Exception) -> None:
        state = "waiting" if attempts < (ATTEMPTS if isinstance(error, Unusable) else PATIENCE) else "dead"
        self.shop.execute(LATER, (state, attempts, time.time() + PAUSE, str(error), job))


def worker(lab: Lab, inbox: Inbox) -> None:
    own = Worker(lab)
    inbox.reached(0)
    while True:
        while own.work():
            inbox.receive(timeout=0)
        inbox.receive(timeout=POLL)


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
)
