"""Every claim can be held, refuted and left open: each is a pure function of what a run recorded.

Each test spoils one thing of a run in which everything is as the lesson says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from archlab.run import Run
from archlab.scenario import Scenario

claims = import_module("archlab.scenarios.events.claims")
limit = import_module("archlab.scenarios.events.limit")
reading = import_module("archlab.scenarios.events.reading")
shown = import_module("archlab.scenarios.events.claims_shown")

BETWEEN, AFTER, KEYED = claims.BETWEEN, claims.AFTER_EFFECT, claims.KEYED


def judged(id: str, run: Run) -> str:  # noqa: A002 - the field's name
    judge: Callable[[Run], Any] = next(claim.judge for claim in claims.CLAIMS if claim.id == id)
    return str(judge(run).outcome)


MEASURED = [claim.id for claim in claims.CLAIMS if claim.kind == "measured"]


@pytest.mark.parametrize("id", MEASURED)
def test_as_taught_every_claim_is_held(id: str, as_taught: Run) -> None:  # noqa: A002 - the field's name
    assert judged(id, as_taught) == "held"


@pytest.mark.parametrize("id", MEASURED)
def test_without_a_figure_every_claim_is_left_open(id: str, as_taught: Run) -> None:  # noqa: A002 - the field's name
    assert judged(id, replace(as_taught, measurements=(), verdicts=(), traces=())) == "inconclusive"


SPOILT = (
    ("coupled", "failed_down", "http-chain", {}, 0),
    ("coupled", "failed_down", "events", {}, 0.1),
    ("coupled", "missing", "jobs-table", {}, 1),
    ("best-effort", "missing", "http-resilient", {}, 0),
    ("best-effort", "failed_down", "http-resilient", {}, 0.2),
    ("slow", "checkout_slow", "http-chain", {"provider": "slow"}, 0.01),
    ("slow", "checkout_slow", "events", {"provider": "slow"}, 0.2),
    ("apart", "invoice_after", "jobs-table", {}, 0.16),
    ("for-others", "unreached", "events", {"team": "was away"}, 3),
    ("for-others", "unreached", "jobs-table", {}, 0),
    ("facts-not-commands", "unreached_by", "events", {"message": "fact"}, 3),
    ("facts-not-commands", "unreached_by", "events", {"message": "command in disguise"}, 0),
    ("calm", "effect_after", "events", {}, 0.0001),
    ("crashes", "lost", "events", {"crash_point": BETWEEN}, 1),
    ("crashes", "duplicated", "jobs-table", {}, 1),
    ("crashes", "unasked", "events", {}, 1),
    ("dual-write", "lost", "events", {"crash_point": BETWEEN}, 2),
    ("dual-write", "lost", "requeue", {"crash_point": BETWEEN}, 0),
    ("ack-first", "lost", "ack-first", {"crash_point": "before the effect"}, 0),
    ("no-key", "duplicated", "requeue", {}, 0),
    ("no-key", "duplicated", "events", {}, 1),
    ("third-party", "mails_duplicated", "events", {"crash_point": AFTER}, 0),
    ("third-party", "mails_duplicated", "events", {"crash_point": KEYED}, 1),
    ("poison-spins", "attempts", "requeue", {"prefetch": 1}, 3),
    ("poison-spins", "blocked", "requeue", {"prefetch": 10}, 10),
    ("poison-parked", "blocked", "events", {}, 10),
    ("poison-parked", "attempts", "events", {}, 100),
    ("poison-parked", "set_aside", "events", {}, 0),
    ("spike", "spike_latency", "events", {"t": 0.2}, 0.3),
    ("spike", "spike_latency", "http-chain", {}, 0.001),
    ("spike", "spike_queue", "events", {"t": 0.6}, 100),
    ("never-drains", "overload_queue", "events", {"t": 0.5}, 10),
    ("prefetch", "slow_share", "events", {"prefetch": 1}, 0.9),
    ("prefetch", "shared_time", "events", {"prefetch": 1}, 0.9),
    ("limit-takes-others", "at_limit", "events", {"prefetch": 10, "count": limit.INNOCENTS}, 0),
    ("limit-takes-others", "at_limit", "events", {"prefetch": 1, "count": limit.INNOCENTS}, 9),
    ("storm", "storms", "http-resilient", {"breaker": "without"}, 0),
    ("trace-crosses", "orphaned", "events", {"context": "carried"}, 1),
    ("trace-crosses", "orphaned", "events", {"context": "left out"}, 0),
    ("poll-cost", "poll_time", "events", {"index": "without"}, 4e-6),
    ("poll-cost", "poll_time", "events", {"rows": 30_000, "index": "with"}, 1e-3),
    ("trace-crosses", "orphans", "events", {}, 0.5),
    *((claim, "fact", "events", {"fact": fact}, 0) for claim, (fact, _) in shown.FACTS.items()),
)


@pytest.mark.parametrize(("id", "metric", "design", "at", "value"), SPOILT)
def test_each_figure_that_says_otherwise_refutes_its_claim(
    id: str,  # noqa: A002 - the field's name
    metric: str,
    design: str,
    at: dict[str, object],
    value: float,
    as_taught: Run,
) -> None:
    run, spoilt = as_taught, 0
    measurements = []
    for m in run.measurements:
        if (m.metric, m.design) == (metric, design) and all(m.at.get(key) == at[key] for key in at):
            m, spoilt = replace(m, value=value, low=value, high=value, by_round=(value,)), spoilt + 1
        measurements.append(m)
    assert spoilt
    assert judged(id, replace(run, measurements=tuple(measurements))) == "refuted"


@pytest.mark.parametrize(("id", "workload", "wrong"), [
    ("start-simple", "pressure", "events"), ("calm", "calm", "events"),
])  # fmt: skip
def test_another_verdict_refutes_what_is_said_of_it(
    id: str,  # noqa: A002 - the field's name
    workload: str,
    wrong: str,
    as_taught: Run,
) -> None:
    run = as_taught
    verdicts = tuple(replace(v, design=wrong) if v.workload == workload else v for v in run.verdicts)
    assert judged(id, replace(run, verdicts=verdicts)) == "refuted"


def test_a_trace_that_ends_at_the_relay_refutes_that_it_crosses(as_taught: Run) -> None:
    run = as_taught
    trace = replace(run.traces[0], spans=run.traces[0].spans[:1])
    assert judged("trace-crosses", replace(run, traces=(trace,))) == "refuted"


def test_every_claim_is_spoilt_here(scenario: Scenario) -> None:
    assert {claim.id for claim in scenario.claims if claim.kind == "measured"} == {one[0] for one in SPOILT} | {
        "start-simple"
    }


def test_a_breaker_that_mostly_does_not_help_refutes_the_storm(as_taught: Run) -> None:
    found = tuple(replace(m, by_round=(6,)) if m.metric == "storms" else m for m in as_taught.measurements)
    assert judged("storm", replace(as_taught, measurements=found)) == "refuted"


def test_storms_that_chance_may_explain_are_left_open(as_taught: Run) -> None:
    """Three of six runs against none of six: their intervals overlap."""
    run = as_taught
    measurements = tuple(
        replace(m, by_round=(3,)) if m.metric == "storms" and m.at["breaker"] == "without" else m
        for m in run.measurements
    )
    assert judged("storm", replace(run, measurements=measurements)) == "inconclusive"


@pytest.mark.parametrize("down", range(7))
def test_the_interval_of_a_share_holds_it_and_stays_between_none_and_all(down: int) -> None:
    low, high = reading.interval(down / 6, 6)
    assert 0 <= low <= down / 6 + 1e-9
    assert down / 6 - 1e-9 <= high <= 1
    assert high - low > reading.interval(down / 6, 60)[1] - reading.interval(down / 6, 60)[0]
