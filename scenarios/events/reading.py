"""What a run recorded, for the claims: figures by design and place, and the mistake that a wrong figure points to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from archlab.scenario import Finding, held, refuted

if TYPE_CHECKING:
    from archlab.scenario import Measurement, Run

ASYNCHRONOUS = ("jobs-table", "events")
CALLS = ("http-chain", "http-resilient")
BETWEEN, RELAYED, AFTER_EFFECT = "between commit and publish", "between publish and mark", "between effect and ack"
KEYED = f"{AFTER_EFFECT}, provider with keys"
FEW = 3
"""Attempts after which a message of which nothing can be made is set aside."""
CONFIDENT = 1.96
"""Standard errors on each side of a share: 95 % of such intervals hold the true one."""
MISTAKES = {
    ("lost", "before the effect"): "acknowledges a message before its effect",
    ("lost", BETWEEN): "commits the order and tells others afterwards, without an outbox",
    ("lost", "no queue is bound"): "publishes without mandatory, so that what reaches no queue is lost",
    ("duplicated", AFTER_EFFECT): "keeps no key in the transaction of the effect",
    ("duplicated", RELAYED): "keeps no key in the transaction of the effect",
    ("mails_duplicated", KEYED): "sends no idempotency key along",
    ("unasked", BETWEEN): "publishes before it commits",
}
"""What a design does wrong that has a count above 0 at a crash point."""


def seen(run: Run, metric: str, design: str, experiment: str = "", **at: object) -> list[Measurement]:
    """What was observed of a design, in every workload and at every place that has these values."""
    return [
        m
        for m in run.measurements
        if (m.metric, m.design) == (metric, design)
        and m.experiment.startswith(experiment)
        and all(m.at.get(key) == value for key, value in at.items())
    ]


def most(run: Run, metric: str, design: str, experiment: str = "", **at: object) -> float | None:
    """The largest figure of any round; None where nothing was observed."""
    return max((max(m.by_round) for m in seen(run, metric, design, experiment, **at) if m.by_round), default=None)


def counts(
    run: Run, metric: str, designs: Iterable[str], experiment: str = "", **at: object
) -> dict[str, float] | None:
    """Design → its largest figure; None where one of them was not observed."""
    found = {design: most(run, metric, design, experiment, **at) for design in designs}
    known = {design: value for design, value in found.items() if value is not None}
    return known if len(known) == len(found) else None


def told(counted: Mapping[str, float], unit: str = "") -> str:
    """``http-chain 2, events 0``."""
    return ", ".join(f"{design} {value:g}{unit}" for design, value in counted.items())


def decided(holds: bool, evidence: str) -> Finding:
    return held(evidence) if holds else refuted(evidence)


NOT_TRIED = "this run did not try it on every design: run it without --quick and without --design"


def interval(share: float, n: float) -> tuple[float, float]:
    """The interval of a share that was seen in ``n`` runs (Wilson's, 95 %): it is right for few runs and for 0, too."""
    z = CONFIDENT**2 / n
    middle, half = (share + z / 2) / (1 + z), math.sqrt(z * share * (1 - share) + z * z / 4) / (1 + z)
    return max(0.0, middle - half), min(1.0, middle + half)


def by_mistake(run: Run, designs: Iterable[str]) -> str:
    """``; events acknowledges a message before its effect``: what the counts at the crash points point to."""
    made = {
        f"; {design} {mistake}": None
        for design in designs
        for (metric, point), mistake in MISTAKES.items()
        if most(run, metric, design, crash_point=point)
    }
    return "".join(made)
