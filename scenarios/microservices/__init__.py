"""Topic 22, microservices: when does a shop need more than one application?"""

from __future__ import annotations

from archlab.scenario import (
    Experiment,
    Grid,
    Knob,
    Later,
    Ledger,
    Load,
    Mark,
    Metric,
    Requirement,
    Scenario,
    Series,
    Workload,
)

from . import distributed_monolith, extract_one, microservices, monolith
from .claims import CLAIMS
from .words import WORDS

WORKLOAD, DONE = f"{__name__}.workload", f"{__name__}.experiments"
"""Modules that are imported when they are needed: `archlab list` waits for none of them."""

KNOBS = (
    Knob(
        "rate",
        200,
        1,
        500,
        "orders a second",
        "orders that arrive",
        "the access log: orders in the busiest minute ÷ 60",
    ),
    Knob(
        "items",
        5,
        1,
        20,
        "items",
        "items in an order",
        "SELECT avg(n) FROM (SELECT count(*) n FROM lines GROUP BY order_id)",
    ),
    Knob(
        "teams",
        0,
        0,
        5,
        "teams",
        "teams whose domain must be released alone, and must not suffer from others: none, payment alone, or all five",
        "the organisation chart, and git log: who waits for whom before a release?",
        demand=True,
    ),
    Knob(
        "rtt",
        0.0,
        0.0,
        100.0,
        "ms",
        "round trip between two services",
        "ping from one service's host to another",
        assumed=True,
    ),
    Knob(
        "failure_rate",
        0.0,
        0.0,
        0.5,
        "share",
        "calls lost on the way",
        "the client's metrics: errors ÷ calls",
        assumed=True,
    ),
    Knob(
        "check_ms",
        2.0,
        0.0,
        500.0,
        "ms",
        "time that the outside risk check takes",
        "a trace: the call's median",
        assumed=True,
    ),
    Knob(
        "context",
        1,
        0,
        1,
        "0 or 1",
        "whether calls pass on the id of the request that they work for",
        "the logs of two services: does one order have the same id in both?",
    ),
    Knob(
        "per_item",
        1,
        0,
        2,
        "0, 1 or 2",
        "distributed-monolith: calls in one batch, for every item, or in parallel",
        "a trace of one order: count the calls",
    ),
    Knob(
        "shared_database",
        1,
        0,
        1,
        "0 or 1",
        "distributed-monolith: whether its services share a database",
        "connection strings in the configuration",
    ),
    Knob(
        "strict",
        1,
        0,
        1,
        "0 or 1",
        "distributed-monolith: whether contracts forbid unknown fields",
        "schemas: additionalProperties: false",
    ),
)

LEDGER = "crashes and price changes × designs"
WORKS, BROKEN = Mark("·", "works", good=True), Mark("✗", "does not work", good=False)


def entry(word: str) -> Ledger:
    return Ledger("crash_point", word, LEDGER)


METRICS = (
    Metric("order_p95", "order, 95 %", "s", 0.020, operation="order"),
    Metric("order_time", "order, work alone", "s", 0.005, operation="order", quantile=0.5, of="service"),
    Metric("failed", "orders that fail", "share", 0.001, operation="order", of="failures"),
    Metric(
        "order_at",
        "one order, by round trip",
        "s",
        0.005,
        view=Series("rtt", "one order, by the round trip between services in ms"),
    ),
    Metric("order_each", "each order, near and far", "s", 0.005),
    Metric("hop", "one call, beside the round trip", "s", 0.001),
    Metric("calls", "calls between services for one order", "calls", 0.5, counted=True),
    Metric("order_of", "one order at 2 ms, by items", "s", 0.005),
    Metric("calls_of", "calls for one order, by items", "calls", 0.5, counted=True),
    Metric("success", "orders that succeed while calls are lost", "share", 0.05, better="higher"),
    Metric(
        "broken",
        "features that do not work",
        "",
        0.5,
        counted=True,
        view=Grid("trouble", "feature", "domains in trouble × features", {0: WORKS, 1: BROKEN}, "broken"),
    ),
    Metric("spread", "features broken by another domain's crash", "features", 0.5, counted=True),
    Metric("hog_spread", "features broken by another domain's CPU hog", "features", 0.5, counted=True),
    Metric("waiting", "payments that can wait at once, within 512 MB", "payments", 20, better="higher", counted=True),
    Metric("asked_meanwhile", "requests for other features during a domain's trouble", "requests", 10),
    Metric("failed_meanwhile", "requests for other features that fail meanwhile", "requests", 0.5),
    Metric("hogged", "slowest other feature while a domain is hogged", "s", 0.010),
    Metric(
        "unserved",
        "customers charged without their order",
        "orders",
        0.5,
        counted=True,
        view=entry("charged for nothing"),
    ),
    Metric("held", "stock held for nobody", "orders", 0.5, counted=True, view=entry("stock held")),
    Metric("unpaid", "orders confirmed and not charged", "orders", 0.5, counted=True, view=entry("unpaid")),
    Metric("unfinished", "orders neither finished nor undone", "orders", 0.5, counted=True, view=entry("unfinished")),
    Metric("imbalance", "cents and pieces that do not add up", "", 0.5, counted=True, view=entry("missing")),
    Metric(
        "mix_failed",
        "orders that fail, old and new versions together",
        "share",
        0.01,
        counted=True,
        view=Grid("orders", "stock", "version of orders × version of stock: share of orders that fail", {0: WORKS}),
    ),
    Metric(
        "releases",
        "services to release for a change",
        "services",
        0.5,
        counted=True,
        view=Grid("change", "what", "change requests: services to release"),
    ),
    Metric(
        "symptom",
        "symptoms of one sin alone",
        "",
        0.5,
        counted=True,
        view=Grid(
            "sin",
            "symptom",
            "one sin alone × its symptoms",
            {0: Mark("·", "absent", True), 1: Mark("✗", "there", False)},
        ),
    ),
    Metric("good_orders", "orders of deployment without a failed mix, of 2", "", 0.5, "higher", counted=True),
    Metric("deploy_failed", "orders that fail twice during a deployment", "share", 0.01, counted=True),
    Metric("stale", "orders at the old price after price changes", "orders", 0.5, view=entry("at the old price")),
    Metric("orphan_lines", "log lines that belong to no order", "share", 0.01),
    Metric("lines_to_read", "log lines to read for one failed order", "lines", 1),
    Metric("logs_to_open", "logs to open for one failed order", "logs", 1),
    Metric("memory", "memory of all processes", "B", 5_000_000),
    Metric("orphans", "traces that belong to no order", "share", 0.01, of="orphans", counted=True),
)

REQUIREMENTS = (
    Requirement(
        "in-time", "order_p95", 0.2, "s", "order, 95 %", "a customer who waits longer doubts that the order worked"
    ),
    Requirement(
        "whole",
        "unserved",
        0,
        "orders",
        "charged for nothing",
        "a customer who pays for nothing does not come back",
        ("pressure",),
    ),
    Requirement(
        "money",
        "imbalance",
        0,
        "",
        "money and goods add up",
        "the accountant has to sign the books",
        ("pressure",),
    ),
    Requirement(
        "payment-contained",
        "spread",
        0,
        "features",
        "payment's crash spreads",
        "payment depends on an outside provider; the other domains must not",
        ("payment",),
        at={"domain": "payment"},
        when=lambda knobs: knobs.teams >= 1,
    ),
    Requirement(
        "contained",
        "spread",
        0,
        "features",
        "a domain's crash spreads",
        "each team is on call for its own domain, and for no other",
        ("pressure",),
        when=lambda knobs: knobs.teams >= 2,  # from two teams on it is about all
    ),
    Requirement(
        "hog-contained",
        "hog_spread",
        0,
        "features",
        "a CPU hog stops others",
        "a computation that runs wild in one domain must not stop another team's features",
        ("payment", "pressure"),
        when=lambda knobs: knobs.teams >= 1,
    ),
    Requirement(
        "hot-payment",
        "waiting",
        None,
        "payments",
        "payments waiting at once",
        "200 orders a second wait for an outside check that takes half a second, and the shop has 512 MB",
        ("pressure",),
        at_least=100,
    ),
)

WORKLOADS = (
    Workload("calm", "one team owns the shop", closed=True),
    Workload("payment", "payment depends on an outside provider, and has its own team", {"teams": 1}, closed=True),
    Workload(
        "pressure",
        "{rate:.0f} orders a second, and {teams:.0f} teams that must not suffer from each other",
        {"teams": 5},
    ),
)

DESIGNS = (monolith.DESIGN, extract_one.DESIGN, microservices.DESIGN, distributed_monolith.DESIGN)
ALL = tuple(design.name for design in DESIGNS)
TROUBLES = {"one process killed": 5, "down": 5, "CPU hog": 5}
CRASHES = {
    "monolith": {"between stock and payment": 1, "between payment and order": 1},
    "extract-one": {
        "before stock": 1,
        "between stock and payment": 1,
        "between payment and order": 2,
        "between refund and release": 1,
        "payment down": 1,
    },
    **{
        name: {
            "before stock": 1,
            "between stock and payment": 1,
            "between payment and order": 3,
            "between refund and release": 1,
            "payment down": 1,
            "stock down": 1,
        }
        for name in ("microservices", "distributed-monolith")
    },
}

REMOTE = ("microservices", "distributed-monolith")
RELEASES = f"{__name__}.deployments"

EXPERIMENTS = (
    Experiment("blast radius", Later(DONE, "blast"), ("pressure",), (), 1, TROUBLES),
    Experiment(
        "payment in trouble", Later(DONE, "blast_of_payment"), ("payment",), ALL[:3], 1, dict.fromkeys(TROUBLES, 1)
    ),
    Experiment("figures", Later(DONE, "figures"), ("pressure",), rounds=1, quick=False),
    # What is only counted, the longest first: each may run beside others.
    Experiment(
        "one sin alone", Later(RELEASES, "alone"), ("pressure",), ("distributed-monolith",), 1, quick=False, alone=False
    ),
    Experiment("releases", Later(RELEASES, "released"), ("pressure",), REMOTE, 1, quick=False, alone=False),
    *(
        Experiment(
            f"crashes of {name}",
            Later(DONE, "crashed"),
            ("pressure",),
            (name,),
            rounds=1,
            faults=strikes,
            quick=False,
            alone=False,
        )
        for name, strikes in reversed(CRASHES.items())
    ),
    Experiment("mishaps", Later(DONE, "mishaps"), ("pressure",), rounds=1, quick=False, alone=False),
)

SCENARIO = Scenario(
    name="microservices",
    topic="22 · Microservices",
    question="When does a shop need more than one application?",
    problem="""\
A shop has a catalogue, prices, stock, payment and orders.
In calm one team owns all of it. Then payment gets a team of its own, because
it depends on somebody outside. Under pressure five teams share the shop, and
none must suffer when the domain of another crashes, or uses up the CPU.
One application, one part extracted, five services: what is enough?""",
    say_it="Start with a modular monolith. Split where a team or a failure demands it, along data that nobody shares.",
    knobs=KNOBS,
    metrics=METRICS,
    requirements=REQUIREMENTS,
    workloads=WORKLOADS,
    designs=DESIGNS,
    load=Load(Later(WORKLOAD, "requests"), connections=8, busy="its connection"),
    answers=Later(WORKLOAD, "answers"),
    data=Later(f"{__name__}.seeding", "nothing"),
    experiments=EXPERIMENTS,
    claims=CLAIMS,
    shown=("order",),
    words=WORDS,
    change_request="Gift wrapping: an order can ask for it, and the warehouse has to know.",
    try_next=(
        (
            "archlab run microservices --workload pressure --set teams=0",
            "is anything but the monolith needed if one team owns all?",
        ),
        (
            "archlab run microservices --workload pressure --set rtt=10",
            "which design is still in time when the services are far apart?",
        ),
        (
            "archlab run microservices --workload pressure --set items=20",
            "what does an order of twenty items cost each design?",
        ),
        ("archlab new mine --from microservices", "can you repair the distributed monolith?"),
    ),
    seconds=37.0,
    needs=("services", "broker"),
)
