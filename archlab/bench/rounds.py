"""A round as plain data: what the child process is asked to do, and what it sends back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from archlab.bench.answers import Reply
from archlab.bench.orphans import Orphans
from archlab.lab.setting import Setting
from archlab.run import Event, Trace, Waits
from archlab.scenario import Load, Sample, Scenario

REQUESTS = 60
"""Requests of every operation that a round measures: p95 needs 59."""
QUICK_REQUESTS = 30
"""With --quick, where a single round would bound nothing anyway."""


@dataclass(frozen=True)
class Served:
    """One operation's requests in one round; seconds, infinite where unfinished or failed."""

    operation: str
    latencies: tuple[float, ...]
    services: tuple[float, ...]
    """Of those that were served alone."""
    rate: float
    """Requests a second that the schedule demands; 0 where it demands none (back to back, or all at once)."""
    failures: tuple[float, ...] = ()
    """How long each failed request took a worker: failing is work, too."""
    reasons: tuple[str, ...] = ()
    """Why the first few of them failed, with the number of the request: ``request 17: no answer``."""


@dataclass(frozen=True)
class Observed:
    """What a round sends back to the bench."""

    served: tuple[Served, ...] = ()
    samples: tuple[Sample, ...] = ()
    struck: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
    waits: tuple[Waits, ...] = ()
    """Of the traced pass, where requests arrive on a schedule."""
    events: tuple[Event, ...] = ()
    """What happened in a load with a timeline, in the order of time."""
    data_hash: str = ""
    answers: tuple[Reply, ...] = ()
    """To what all designs are asked alike."""
    answers_hash: str = ""
    processes: int = 0
    tables: int = 0
    queues: int = 0
    """Queues that were declared on the broker."""
    orphans: Orphans | None = None
    """Of the traced pass: its traces that belong to no request."""
    reachable: tuple[str, ...] = ()
    """Addresses on which it waits for whoever comes from beyond this machine."""
    failed: str = ""
    """A design or an experiment raised: one line with the place."""
    died: str = ""
    """A process ended that nobody had planned to end."""


@dataclass(frozen=True)
class Task:
    """What one round's process is asked to do; without an experiment it serves the workload's load."""

    setting: Setting
    data: Path
    """Folder with the seeded databases, copied for this round."""
    design: str
    experiment: str | None = None
    requests: int = REQUESTS
    """Of every operation, at least."""
    first: bool = True
    """Whether this is the first round of its kind: what is the same in all of them is looked at once."""


def load_of(scenario: Scenario, experiment: str) -> Load:
    """The load that an experiment serves, where it is one; the scenario's own for everything else."""
    return next((e.load for e in scenario.experiments if e.name == experiment and e.load), scenario.load)
