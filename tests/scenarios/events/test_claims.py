"""Every claim can be held, refuted and left open: each is a pure function of what a run recorded.

``as_taught`` is a run in which everything is as the lesson says. Each test spoils one thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from archlab.run import DesignFacts, Measurement, Run, Span, Trace, Verdict, WorkloadFacts
from archlab.scenario import Scenario

claims = import_module("archlab.scenarios.events.claims")
limit = import_module("archlab.scenarios.events.limit")
reading = import_module("archlab.scenarios.events.reading")
shown = import_module("archlab.scenarios.events.claims_shown")

DESIGNS = ("http-chain", "http-resilient", "jobs-table", "events", "ack-first", "requeue")
ASYNCHRONOUS = ("jobs-table", "events")
BETWEEN, AFTER, KEYED = claims.BETWEEN, claims.AFTER_EFFECT, claims.KEYED
SETTINGS = {"slow_ms": 150.0, "honours_keys": 0}


def seen(experiment: str, design: str, metric: str, value: float, **at: object) -> Measurement:
    workload = "pressure" if experiment in ("load", "outage", "bad days") else "teams"
    return Measurement(experiment, design, workload, metric, "", "lower", value, value, value, 1, 1, at, (value,))


def everything() -> Iterable[Measurement]:
    for design in DESIGNS[:4]:
        yield seen("outage", design, "failed_down", 0.3 if design == "http-chain" else 0)
        yield seen("outage", design, "missing", 70 if design == "http-resilient" else 0, effect="email")
        yield seen("bad days", design, "checkout_slow", 0.002, provider="quick")
        yield seen("bad days", design, "checkout_slow", 0.152 if design.startswith("http") else 0.002, provider="slow")
        for team in ("has joined", "was away"):
            yield seen("faults of", design, "unreached", 0 if design == "events" else 3, team=team)
        yield seen("load", design, "orphans", 0)
    for design in DESIGNS:
        lost = 0 if design in ASYNCHRONOUS else 2
        yield seen("faults of", design, "lost", lost, crash_point=BETWEEN)
        yield seen("faults of", design, "lost", 2 if design == "ack-first" else 0, crash_point="before the effect")
        yield seen("faults of", design, "unasked", 0, crash_point=BETWEEN)
        yield seen("faults of", design, "duplicated", 1 if design == "requeue" else 0, crash_point=AFTER)
    for design in ASYNCHRONOUS:
        yield seen("bad days", design, "invoice_after", 0.005, provider="slow")
        yield seen("faults of", design, "mails_duplicated", 1, crash_point=AFTER)
        yield seen("faults of", design, "mails_duplicated", 0, crash_point=KEYED)
        yield seen("faults of", design, "blocked", 0, prefetch=1)
        yield seen("faults of", design, "attempts", 3, prefetch=1)
        yield seen("faults of", design, "set_aside", 1, prefetch=1)
        for number in range(6):
            yield seen("bad days", design, "overload_queue", 5 * (number + 1), t=number / 10)
    for message, unheard in (("fact", 0), ("command in disguise", 3)):
        yield seen("faults of", "events", "unreached_by", unheard, message=message)
    for prefetch, blocked in ((1, 10), (10, 0)):
        yield seen("faults of", "requeue", "blocked", blocked, prefetch=prefetch)
        yield seen("faults of", "requeue", "attempts", 400, prefetch=prefetch)
    for t, chain, waiting in ((0.1, 0.01, 0), (0.2, 0.2, 120), (0.6, 0.01, 0)):
        yield seen("bad days", "http-chain", "spike_latency", chain, t=t)
        yield seen("bad days", "events", "spike_latency", 0.002, t=t)
        yield seen("bad days", "http-chain", "spike_queue", 0, t=t)
        yield seen("bad days", "events", "spike_queue", waiting, t=t)
    for fact, _ in shown.FACTS.values():
        yield seen("demonstrations", "events", "fact", 1, fact=fact)
    for prefetch, share in ((0, 1.0), (1, 0.05), (10, 0.5)):
        yield seen("demonstrations", "events", "slow_share", share, prefetch=prefetch)
        yield seen("demonstrations", "events", "shared_time", 0.02 + 0.3 * share, prefetch=prefetch)
    for prefetch, taken in ((1, 0), (10, 9)):
        yield seen("demonstrations", "events", "at_limit", 4, prefetch=prefetch, count=limit.ATTEMPTS)
        yield seen("demonstrations", "events", "at_limit", taken, prefetch=prefetch, count=limit.INNOCENTS)
    for context, share in (("carried", 0), ("left out", 1)):
        yield seen("demonstrations", "events", "orphaned", share, context=context)
    for breaker, down in (("without", 6), ("with", 0)):
        yield seen("retry storm", "http-resilient", "storms", down, breaker=breaker, runs=6)
    for rows, index, time in ((1000, "with", 4e-6), (30_000, "with", 4e-6), (30_000, "without", 1e-3)):
        yield seen("demonstrations", "events", "poll_time", time, rows=rows, index=index)


def as_taught() -> Run:
    calm = [
        replace(seen("load", "http-chain", "effect_after", 0.001), workload="calm"),
        replace(seen("load", "events", "effect_after", 0.080), workload="calm"),
    ]
    root = Span("1", "1", None, "checkout", 0.0, 0.001, "worker")
    trace = Trace("events", "pressure", "checkout", 0.0, (root, replace(root, span_id="2", process="email consumer")))
    verdicts = {"calm": "http-chain", "pressure": "jobs-table", "teams": "events"}
    return Run(
        scenario="events",
        topic="",
        question="",
        seed=1,
        started="",
        seconds=1.0,
        workloads=tuple(WorkloadFacts(w, "", SETTINGS) for w in verdicts),
        designs=tuple(DesignFacts(d, d, "baseline", n, processes=n) for n, d in enumerate(DESIGNS, start=1)),
        measurements=(*everything(), *calm),
        faults=(),
        traces=(trace,),
        environment={},
        verdicts=tuple(Verdict(w, "sufficient", d, (d,)) for w, d in verdicts.items()),
    )


def judged(id: str, run: Run) -> str:  # noqa: A002 - the field's name
    judge: Callable[[Run], Any] = next(claim.judge for claim in claims.CLAIMS if claim.id == id)
    return str(judge(run).outcome)


MEASURED = [claim.id for claim in claims.CLAIMS if claim.kind == "measured"]


@pytest.mark.parametrize("id", MEASURED)
def test_as_taught_every_claim_is_held(id: str) -> None:  # noqa: A002 - the field's name
    assert judged(id, as_taught()) == "held"


@pytest.mark.parametrize("id", MEASURED)
def test_without_a_figure_every_claim_is_left_open(id: str) -> None:  # noqa: A002 - the field's name
    assert judged(id, replace(as_taught(), measurements=(), verdicts=(), traces=())) == "inconclusive"


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
) -> None:
    run, spoilt = as_taught(), 0
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
def test_another_verdict_refutes_what_is_said_of_it(id: str, workload: str, wrong: str) -> None:  # noqa: A002
    run = as_taught()
    verdicts = tuple(replace(v, design=wrong) if v.workload == workload else v for v in run.verdicts)
    assert judged(id, replace(run, verdicts=verdicts)) == "refuted"


def test_a_trace_that_ends_at_the_relay_refutes_that_it_crosses() -> None:
    run = as_taught()
    trace = replace(run.traces[0], spans=run.traces[0].spans[:1])
    assert judged("trace-crosses", replace(run, traces=(trace,))) == "refuted"


def test_every_claim_is_spoilt_here(scenario: Scenario) -> None:
    assert {claim.id for claim in scenario.claims if claim.kind == "measured"} == {one[0] for one in SPOILT} | {
        "start-simple"
    }


def test_storms_that_chance_may_explain_are_left_open() -> None:
    """Three of six runs against none of six: their intervals overlap."""
    run = as_taught()
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
