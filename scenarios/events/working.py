"""A worker of the jobs table: it does one job after the other, retries a failed one a few times, and then gives up."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from .world import Unusable, effect, own

if TYPE_CHECKING:
    from archlab.lab import Inbox, Lab

NEXT = "SELECT id, fact, attempts FROM jobs WHERE state = 'waiting' AND kind = ? AND due <= ? ORDER BY due, id LIMIT 1"
LATER = "UPDATE jobs SET state = ?, attempts = ?, due = ?, error = ? WHERE id = ?"
POLL = 0.05
"""Seconds between two looks where nobody says that there is something to do."""
PAUSE = 0.03
"""Seconds until a job that failed is tried again."""
ATTEMPTS = 3
"""Attempts at a job that cannot be processed."""
PATIENCE = 1000
"""Attempts at a job whose department does not answer: more, because the job is not at fault."""


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
        inbox.receive(timeout=POLL)  # each job is done within the trace of the order that woke this worker for it
        while own.work():
            inbox.receive(timeout=0)
