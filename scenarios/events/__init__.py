"""Topic 21, event-driven basics: must a checkout wait for what follows from it?"""

from __future__ import annotations

from archlab.scenario import (
    Action,
    Experiment,
    Knob,
    Later,
    Ledger,
    Load,
    Metric,
    Requirement,
    Scenario,
    Series,
    Step,
    Workload,
)

from . import ack_first, events, http_chain, http_resilient, jobs_table, requeue
from .claims import CLAIMS
from .words import WORDS

WORKLOAD, BAD_DAYS, DONE, SHOWN = (
    f"{__name__}.{module}" for module in ("workload", "bad_days", "experiments", "demonstrations")
)
"""Modules that are imported when they are needed: `archlab list` waits for none of them."""

KNOBS = (
    Knob(
        name="rate",
        default=300,
        low=10,
        high=1000,
        unit="checkouts a second",
        says="checkouts that arrive",
        read_from="the access log: checkouts in the busiest minute of a week ÷ 60, ÷ the number of workers",
    ),
    Knob(
        name="effects",
        default=4,
        low=1,
        high=4,
        unit="effects",
        says="what must follow from an order: an invoice, an e-mail, a line of the audit log, a row for analytics",
        read_from="a trace of one order: count the calls, jobs and messages that it leads to",
    ),
    Knob(
        name="listeners",
        default=0,
        low=0,
        high=1,
        unit="0 or 1",
        says="whether other teams listen to orders, and come and go",
        read_from="git log of the checkout: commits in a year that only tell one more service of an order",
        demand=True,
    ),
    Knob(
        name="email_ms",
        default=0.0,
        low=0.0,
        high=1000.0,
        unit="ms",
        says="time that the mail provider takes for one mail",
        read_from="the client's metrics or a trace: the median time of a call to the provider",
        assumed=True,
    ),
    Knob(
        name="slow_ms",
        default=150.0,
        low=0.0,
        high=2000.0,
        unit="ms",
        says="how much longer the provider takes on a bad day",
        read_from="the same metric in its worst hour of the last quarter",
        assumed=True,
    ),
    Knob(
        name="honours_keys",
        default=0,
        low=0,
        high=1,
        unit="0 or 1",
        says="whether the provider honours an idempotency key",
        read_from="the documentation of its API: look for Idempotency-Key",
        assumed=True,
    ),
    Knob(
        name="prefetch",
        default=10,
        low=1,
        high=1000,
        unit="messages",
        says="messages that a consumer may hold without having acknowledged them",
        read_from="rabbitmqctl list_consumers prefetch_count",
    ),
)

LEDGER = "crash points × designs (again: a mail sent twice; extra: for a checkout that failed)"


def ledger(entry: str) -> Ledger:
    return Ledger("crash_point", entry, LEDGER)


METRICS = (
    Metric("checkout_p95", "checkout, 95 %", "s", 0.010, operation="checkout"),
    Metric("checkout_time", "checkout, work alone", "s", 0.005, operation="checkout", quantile=0.5, of="service"),
    Metric("busy", "worker's time demanded", "share", 0.05, of="utilisation"),
    Metric(
        "failed_down",
        "checkouts that fail while e-mail is down",
        "share",
        0.001,
        operation="checkout",
        of="failures",
        counted=True,
        experiment="outage",
    ),
    Metric("missing", "effects that never came", "effects", 0.5, counted=True),
    Metric("twice", "effects that came twice", "effects", 0.5, counted=True),
    Metric("effect_after", "time until effects are done, 95 %", "s", 0.050),
    Metric("drained_after", "time until all waiting mails were sent", "s", 0.1),
    Metric("checkout_slow", "one checkout, by how the mail provider is", "s", 0.050),
    Metric("invoice_after", "an invoice there after, by how the mail provider is", "s", 0.050),
    Metric(
        "spike_latency",
        "longest checkout during a spike",
        "s",
        0.050,
        view=Series("t", "a tenfold spike, three times what the provider can send: the longest checkout"),
    ),
    Metric(
        "spike_queue",
        "mails to be sent during a spike",
        "mails",
        5,
        view=Series("t", "a tenfold spike, three times what the provider can send: mails that are still to be sent"),
    ),
    Metric(
        "overload_queue",
        "mails to be sent under a load above capacity",
        "mails",
        5,
        view=Series("t", "twice the load that the provider can take: mails that are still to be sent"),
    ),
    Metric("lost", "effects lost by a crash", "effects", 0.5, counted=True, view=ledger("lost")),
    Metric("duplicated", "invoices written twice", "invoices", 0.5, counted=True, view=ledger("twice")),
    Metric("mails_duplicated", "mails sent twice", "mails", 0.5, counted=True, view=ledger("again")),
    Metric("reordered", "effects out of order", "effects", 0.5, counted=True, view=ledger("late")),
    Metric("unasked", "effects of checkouts that failed", "effects", 0.5, counted=True, view=ledger("extra")),
    Metric("blocked", "other orders without an invoice, behind a poison message", "orders", 0.5, counted=True),
    Metric("attempts", "attempts at a poison message", "attempts", 0.5),
    Metric("set_aside", "poison messages set aside as dead letters", "messages", 0.5, counted=True),
    Metric("unreached", "orders that a new team does not receive", "orders", 0.5, counted=True),
    Metric("unreached_by", "orders that a team cannot use, by the kind of message", "orders", 0.5, counted=True),
    Metric("fact", "seen to be so", "", 0.5, better="higher", counted=True),
    Metric("slow_share", "share of the messages that a slow consumer takes", "share", 0.1),
    Metric("shared_time", "a slow and a quick consumer, until all is done", "s", 0.02),
    Metric("at_limit", "a message that kills its consumer, at a delivery limit", "", 0.5, counted=True),
    Metric("orphaned", "share of a consumer's traces that belong to no checkout", "share", 0.01, counted=True),
    Metric("storms", "runs in which calls still fail after the fault is over", "runs", 0.5, counted=True),
    Metric("poll_time", "one look at the jobs", "s", 0.001),
    Metric("orphans", "traces that belong to no checkout", "share", 0.01, of="orphans", counted=True),
)

REQUIREMENTS = (
    Requirement(
        "in-time",
        "checkout_p95",
        0.3,
        "s",
        "checkout, 95 %",
        "a customer who waits too long at the checkout leaves",
        ("calm", "pressure"),
    ),
    Requirement(
        "works-anyway",
        "failed_down",
        0,
        "share",
        "failed, e-mail down",
        "a mail can be sent later; a customer whose order fails is lost",
        ("pressure",),
    ),
    Requirement(
        "all-happen", "missing", 0, "effects", "effects that never came", "an order without an invoice is never paid"
    ),
    Requirement(
        "soon",
        "effect_after",
        1.0,
        "s",
        "effects there after",
        "a customer who gets no mail orders again, or calls",
        ("calm", "pressure"),
    ),
    Requirement(
        "nothing-lost",
        "lost",
        0,
        "effects",
        "effects lost by a crash",
        "every release restarts the processes, also in the middle of their work",
        ("teams",),
    ),
    Requirement(
        "once",
        "duplicated",
        0,
        "invoices",
        "invoices twice, by a crash",
        "a customer who gets two invoices complains",
        ("teams",),
    ),
    Requirement(
        "nothing-unasked",
        "unasked",
        0,
        "effects",
        "effects without an order",
        "a customer who did not order anything must not get an invoice",
        ("teams",),
    ),
    Requirement(
        "mails-once",
        "mails_duplicated",
        0,
        "mails",
        "mails twice, by a crash",
        "the provider honours an idempotency key, so this can be avoided",
        ("teams",),
        when=lambda knobs: knobs.honours_keys == 1,
    ),
    Requirement(
        "poison-apart",
        "blocked",
        0,
        "orders",
        "orders behind a poison one",
        "one message that cannot be read must not block the other orders",
        ("teams",),
    ),
    Requirement(
        "joins-alone",
        "unreached",
        0,
        "orders",
        "orders a new team misses",
        "another team can start and stop without a release of the shop",
        ("teams",),
        when=lambda knobs: knobs.listeners == 1,
    ),
)

WORKLOADS = (
    Workload(
        "calm", "one department of the shop itself, which is fast and always available", {"effects": 1}, closed=True
    ),
    Workload(
        "pressure", "{rate:.0f} checkouts a second, {effects:.0f} effects, and a mail provider that is down for a while"
    ),
    Workload(
        "teams", "processes crash, messages are invalid, and other teams join and leave", {"listeners": 1}, closed=True
    ),
)

DESIGNS = (http_chain.DESIGN, http_resilient.DESIGN, jobs_table.DESIGN, events.DESIGN, ack_first.DESIGN, requeue.DESIGN)
CONSUMERS_DIE = {"before the effect": 2, "between effect and ack": 2, "after the ack": 2}
"""Two consumers at each: one with a store of our own, one with the third party."""
ALWAYS = {"between commit and publish": 1, "poison message": 1}
CALLS = {"before the effect": 1, "between effect and answer": 1}
FAULTS = {
    "http-chain": ALWAYS | CALLS,
    "http-resilient": ALWAYS | CALLS,
    # The mailer dies once more after its effect, with a provider that honours keys.
    "jobs-table": ALWAYS | CONSUMERS_DIE | {"between effect and ack": 3},
    "events": ALWAYS
    | CONSUMERS_DIE
    | {"between effect and ack": 3, "between publish and mark": 1, "no queue is bound": 1, "the connection is cut": 1},
    "ack-first": ALWAYS | {"before the effect": 2, "after the effect": 2, "no queue is bound": 1},
    "requeue": ALWAYS | CONSUMERS_DIE | {"between effect and ack": 3, "no queue is bound": 1},
}
"""The faults that are injected into each design, and how often."""
SLOW = {"slow provider": 1}

EXPERIMENTS = (
    Experiment(
        "outage",
        workloads=("pressure",),
        rounds=1,
        load=Load(Later(WORKLOAD, "requests"), Later(WORKLOAD, "after_the_outage")),
        timeline=(
            Step(0.05, "the mail provider stops", Later(BAD_DAYS, "provider_stops"), fault="mail provider down"),
            Step(0.2, "the mail provider is back", Later(BAD_DAYS, "provider_returns")),
        ),
    ),
    Experiment("bad days", Later(BAD_DAYS, "bad_days"), ("pressure",), rounds=1, faults=SLOW, quick=False),
    Experiment("prefetch and polling", Later(SHOWN, "timed"), ("teams",), ("events",), 1, quick=False),
    # What is only counted, the longest first: each may run beside others.
    Experiment(
        "demonstrations",
        Later(SHOWN, "shown"),
        ("teams",),
        ("events",),
        rounds=1,
        faults={"late commit": 1, "a message kills its consumer": 8},
        quick=False,
        alone=False,
    ),
    Experiment(
        "retry storm",
        Later(f"{__name__}.storm", "storms"),
        ("pressure",),
        ("http-resilient",),
        rounds=1,
        faults={"the provider stops for a moment": 2},
        quick=False,
        alone=False,
    ),
    *(
        Experiment(
            f"faults of {name}",
            Later(DONE, "faults"),
            ("teams",),
            (name,),
            rounds=1,
            faults=strikes,
            quick=False,
            alone=False,
        )
        for name, strikes in reversed(FAULTS.items())
    ),
)

LOOKING = f"{__name__}.looking"
ACTIONS = (
    Action("order", "place an order", Later(LOOKING, "order")),
    Action("poison", "place one of which no invoice can be made", Later(LOOKING, "poison")),
    Action("effects", "what has followed from the orders", Later(LOOKING, "effects")),
    Action("queues", "what waits, is tried again, and is dead", Later(LOOKING, "queues")),
    Action("dead", "the dead letters", Later(LOOKING, "letters")),
    Action("replay", "give the dead letters another chance", Later(LOOKING, "replay")),
    Action("stop", "stop the mail provider", Later(LOOKING, "stop")),
    Action("start", "start it again", Later(LOOKING, "start")),
)

SCENARIO = Scenario(
    name="events",
    topic="21 · Events",
    question="Must a checkout wait for what follows from it?",
    problem="""\
A checkout leads to an invoice, an e-mail, a line in the audit log, analytics.
A third party sends the mails; now and then it is slow, or down for a while.
In calm there is one fast department. Under pressure checkouts must still
work. Then processes crash, messages are invalid, teams join and leave.
Calls, calls with retries, a table of jobs, events on a broker: what is enough?""",
    say_it="Publish what happened, not what others should do; make consumers idempotent; and start with a jobs table.",
    knobs=KNOBS,
    metrics=METRICS,
    requirements=REQUIREMENTS,
    workloads=WORKLOADS,
    designs=DESIGNS,
    load=Load(Later(WORKLOAD, "requests"), Later(WORKLOAD, "afterwards")),
    answers=Later(WORKLOAD, "answers"),
    data=Later(f"{__name__}.world", "seed"),
    experiments=EXPERIMENTS,
    claims=CLAIMS,
    shown=("checkout",),
    words=WORDS,
    actions=ACTIONS,
    change_request="Give loyalty points: one for every euro of an order, by a team of its own.",
    try_next=(
        (
            "archlab run events --workload pressure --set rate=600",
            "at which rate does the chain fail without any fault?",
        ),
        ("archlab run events --workload teams --set listeners=0", "is a broker needed if nobody else listens?"),
        ("archlab run events --set honours_keys=1", "what does an idempotency key at the provider change?"),
        ("archlab new mine --from events", "can you change http-resilient so that it loses no mail?"),
    ),
    seconds=27.0,
    needs=("services", "broker"),
)
