"""Designs of the scenario to ask, on both brokers."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from archlab import catalog
from archlab.lab import broker, forking, service
from archlab.lab.broker_address import BrokerAddress, BrokerUrl
from archlab.lab.lab import Lab
from archlab.lab.setting import Setting
from archlab.run import DesignFacts, Measurement, Run, Span, Trace, Verdict, WorkloadFacts
from archlab.scenario import Scenario

claims, limit, shown = (
    import_module(f"archlab.scenarios.events.{module}") for module in ("claims", "limit", "claims_shown")
)

Start = Callable[..., SimpleNamespace]


@pytest.fixture(scope="session", autouse=True)
def forked_quickly() -> None:
    """Processes are forked from a server that has imported what they need, as in a run."""
    forking.warm([*service.PRELOADED, *broker.PRELOADED, "archlab.scenarios.events.events"])


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    return catalog.find("events")


@pytest.fixture
def start(tmp_path: Path, broker_url: BrokerUrl | None) -> Iterator[Start]:
    """``start("events", effects=1)``: a running design with its ``lab``, on the embedded broker and on RabbitMQ.

    ``reference`` names a copy, whose designs may have been broken on purpose.
    """
    labs: list[Lab] = []
    address = BrokerAddress(broker_url, foreign=True) if broker_url else None

    def make(name: str, reference: str = "events", workload: str = "teams", **turned: float) -> SimpleNamespace:
        loaded = catalog.find(reference)
        folder = tmp_path / f"round-{len(labs)}"
        folder.mkdir()
        knobs = loaded.settings(loaded.workload(workload), turned)
        setting = Setting(catalog.source(reference), workload, knobs, "1", folder, design=name, broker=address)
        design = loaded.design(name)
        seeding = Lab(setting)
        loaded.data(seeding)
        if design.prepare:
            design.prepare(seeding)
        seeding.close(finish=True)
        lab = Lab(setting)
        labs.append(lab)
        running = design.start(lab)
        lab.ready()
        package = import_module(loaded.designs[0].start.__module__.rpartition(".")[0])
        return SimpleNamespace(lab=lab, design=running, scenario=loaded, package=package.__name__)

    yield make
    for lab in labs:
        lab.close(finish=False)
    gc.collect()  # connections of a design end with the process of its round, here with the test


# A run to judge

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


@pytest.fixture
def as_taught() -> Run:
    """A run in which everything is as the lesson says."""
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
