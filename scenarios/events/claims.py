"""The claims of the lesson, each judged by a pure function of a run.

Held only where the measurements support it, refuted only where they contradict it, else inconclusive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archlab.scenario import Claim, Finding, about_the_workloads, inconclusive

from .claims_shown import SHOWN
from .reading import (
    AFTER_EFFECT,
    ASYNCHRONOUS,
    BETWEEN,
    CALLS,
    FEW,
    KEYED,
    NOT_TRIED,
    by_mistake,
    counts,
    decided,
    interval,
    most,
    seen,
    told,
)

if TYPE_CHECKING:
    from archlab.scenario import Run

UNNOTICED = 0.050
"""Seconds more at a checkout that nobody notices."""
SPINS = 50
"""Attempts within a third of a second at which a message is said to spin: a bounded retry makes three."""


@about_the_workloads
def coupled(run: Run) -> Finding:
    failed = {d: most(run, "failed_down", d) for d in ("http-chain", *ASYNCHRONOUS)}
    missing = counts(run, "missing", ASYNCHRONOUS, "outage")
    if None in failed.values() or missing is None:
        return inconclusive(NOT_TRIED)
    shares = {d: share or 0.0 for d, share in failed.items()}
    evidence = f"checkouts that failed: {', '.join(f'{d} {share:.0%}' for d, share in shares.items())}; effects that "
    evidence += f"never came: {told(missing)}"
    return decided(shares.pop("http-chain") > 0 and not any(shares.values()) and not any(missing.values()), evidence)


@about_the_workloads
def best_effort(run: Run) -> Finding:
    failed, missing = most(run, "failed_down", "http-resilient"), most(run, "missing", "http-resilient", "outage")
    if failed is None or missing is None:
        return inconclusive(NOT_TRIED)
    return decided(
        failed == 0 < missing, f"{failed:.0%} of its checkouts failed, and {missing:g} mails were never sent"
    )


@about_the_workloads
def slow(run: Run) -> Finding:
    quick = counts(run, "checkout_slow", ("http-chain", *ASYNCHRONOUS), provider="quick")
    late = counts(run, "checkout_slow", ("http-chain", *ASYNCHRONOUS), provider="slow")
    if quick is None or late is None:
        return inconclusive(NOT_TRIED)
    delay = next(w.settings["slow_ms"] for w in run.workloads if w.name == "pressure") / 1000
    longer = {d: late[d] - quick[d] for d in late}
    evidence = f"{delay * 1000:.0f} ms more at the provider are " + ", ".join(
        f"{max(0.0, more) * 1000:.0f} ms more at a checkout of {d}" for d, more in longer.items()
    )
    if delay < 2 * UNNOTICED:
        return inconclusive(f"{evidence}: too little to tell from noise; turn up slow_ms")
    chain = longer.pop("http-chain")
    return decided(chain >= 0.8 * delay and max(longer.values()) < UNNOTICED, evidence)


def apart(run: Run) -> Finding:
    after = counts(run, "invoice_after", ASYNCHRONOUS, provider="slow")
    if after is None:
        return inconclusive(NOT_TRIED)
    delay = next(w.settings["slow_ms"] for w in run.workloads if w.name == "pressure") / 1000
    evidence = f"with {delay * 1000:.0f} ms more for every mail an invoice is there after " + ", ".join(
        f"{seconds * 1000:.0f} ms ({design})" for design, seconds in after.items()
    )
    if delay < 2 * UNNOTICED:
        return inconclusive(f"{evidence}: too little to tell from noise; turn up slow_ms")
    evidence += "".join(
        f"; invoices of {design} wait behind mails: they share a worker, or its prefetch"
        for design, seconds in after.items()
        if seconds >= 0.8 * delay
    )
    return decided(max(after.values()) < 0.8 * delay, evidence)


def over_time(run: Run, metric: str, design: str) -> list[tuple[float, float]]:
    """Moment and figure, in the order of time."""
    return sorted((float(m.at["t"]), max(m.by_round)) for m in seen(run, metric, design) if m.by_round)


@about_the_workloads
def spike(run: Run) -> Finding:
    latency = {d: over_time(run, "spike_latency", d) for d in ("http-chain", "events")}
    queue = {d: over_time(run, "spike_queue", d) for d in ("http-chain", "events")}
    if not all(latency.values()) or not all(queue.values()):
        return inconclusive(NOT_TRIED)
    longest = {d: max(value for _, value in points) for d, points in latency.items()}
    deepest = {d: max(value for _, value in points) for d, points in queue.items()}
    left = queue["events"][-1][1]
    evidence = (
        f"the longest checkout: http-chain {longest['http-chain'] * 1000:.0f} ms, events "
        f"{longest['events'] * 1000:.0f} ms; events had up to {deepest['events']:g} mails to send, {left:g} at the end"
    )
    chain_waits = longest["http-chain"] > 2 * longest["events"]
    return decided(chain_waits and deepest["events"] > MANY > left, evidence)


MANY = 20
"""Mails to be sent from which on a queue is called long here: a spike has a hundred."""


@about_the_workloads
def never_drains(run: Run) -> Finding:
    queues = {d: over_time(run, "overload_queue", d) for d in ASYNCHRONOUS}
    if not all(len(points) >= 4 for points in queues.values()):
        return inconclusive(NOT_TRIED)
    grown = {d: (points[len(points) // 2][1], points[-1][1]) for d, points in queues.items()}
    evidence = "mails to be sent, in the middle and at the end: "
    evidence += ", ".join(f"{d} {middle:g} and {end:g}" for d, (middle, end) in grown.items())
    return decided(all(end > 1.3 * middle > 0 for middle, end in grown.values()), evidence)


def verdict_is(run: Run, workload: str, wanted: str) -> Finding:
    verdict = run.verdict(workload)
    if verdict is None or verdict.status == "uncertain":
        return inconclusive(f"this run has no sure verdict at {workload}")
    return decided(
        verdict.design == wanted, f"the simplest sufficient design at {workload}: {verdict.design or 'none'}"
    )


@about_the_workloads
def start_simple(run: Run) -> Finding:
    return verdict_is(run, "pressure", "jobs-table")


@about_the_workloads
def for_others(run: Run) -> Finding:
    missed = counts(run, "unreached", (*CALLS, *ASYNCHRONOUS))
    if missed is None:
        return inconclusive(NOT_TRIED)
    events = missed.pop("events")
    evidence = f"orders that the new team did not receive: events {events:g}, {told(missed)}"
    return decided(events == 0 < min(missed.values()), evidence)


def facts(run: Run) -> Finding:
    missed = {said: most(run, "unreached_by", "events", message=said) for said in ("fact", "command in disguise")}
    if None in missed.values():
        return inconclusive(NOT_TRIED)
    evidence = "orders for which a team that joined could give no points: " + ", ".join(
        f"{value:g} with a {said}" for said, value in missed.items()
    )
    return decided(missed["fact"] == 0 < (missed["command in disguise"] or 0), evidence)


@about_the_workloads
def calm(run: Run) -> Finding:
    verdict = verdict_is(run, "calm", "http-chain")
    after = {d: run.measured("effect_after", d, "calm") for d in ("http-chain", "events")}
    chain, events = after["http-chain"], after["events"]
    if verdict.outcome == "inconclusive" or not (chain and events and chain.value and events.value):
        return inconclusive("this run has no sure verdict at calm, or no effects there")
    parts = {d: run.design(d).processes for d in after}
    evidence = (
        f"{verdict.evidence}; an effect is there after {chain.value * 1000:.1f} ms with http-chain, after "
        f"{events.value * 1000:.1f} ms with events; processes: {parts['http-chain']} against {parts['events']}"
    )
    sooner = events.high is not None and chain.low is not None and events.high < chain.low
    return decided(verdict.outcome == "held" and not sooner, evidence)


def crashes_survived(run: Run) -> Finding:
    lost, twice = counts(run, "lost", ASYNCHRONOUS), counts(run, "duplicated", ASYNCHRONOUS)
    unasked = counts(run, "unasked", ASYNCHRONOUS)
    if lost is None or twice is None or unasked is None:
        return inconclusive(NOT_TRIED)
    tried = {d: len(seen(run, "lost", d)) for d in ASYNCHRONOUS}
    evidence = f"lost: {told(lost)}; invoices twice: {told(twice)}; effects without an order: {told(unasked)}; at "
    evidence += told(tried, " crash points") + by_mistake(run, ASYNCHRONOUS)
    return decided(not any((*lost.values(), *twice.values(), *unasked.values())), evidence)


def dual_write(run: Run) -> Finding:
    without = counts(run, "lost", (*CALLS, "ack-first", "requeue"), crash_point=BETWEEN)
    beside = counts(run, "lost", ASYNCHRONOUS, crash_point=BETWEEN)
    if without is None or beside is None:
        return inconclusive(NOT_TRIED)
    evidence = f"effects lost by a crash after the commit: {told(without)}; {told(beside)}"
    evidence += by_mistake(
        run, [d for d, lost in without.items() if not lost] + [d for d, lost in beside.items() if lost]
    )
    return decided(min(without.values()) > 0 and not any(beside.values()), evidence)


def ack_first(run: Run) -> Finding:
    lost = counts(run, "lost", ("ack-first", "events"), crash_point="before the effect")
    if lost is None:
        return inconclusive(NOT_TRIED)
    return decided(lost["events"] == 0 < lost["ack-first"], f"effects lost by a crash before the effect: {told(lost)}")


def no_key(run: Run) -> Finding:
    twice = counts(run, "duplicated", ("requeue", "events"), crash_point=AFTER_EFFECT)
    if twice is None:
        return inconclusive(NOT_TRIED)
    return decided(twice["events"] == 0 < twice["requeue"], f"invoices written twice: {told(twice)}")


@about_the_workloads
def third_party(run: Run) -> Finding:
    mails = counts(run, "mails_duplicated", ASYNCHRONOUS, crash_point=AFTER_EFFECT)
    keyed = counts(run, "mails_duplicated", ASYNCHRONOUS, crash_point=KEYED)
    if mails is None or keyed is None:
        return inconclusive(NOT_TRIED)
    if any(w.settings["honours_keys"] for w in run.workloads):
        return inconclusive("the provider was told to honour keys throughout: set honours_keys=0 to see the difference")
    evidence = f"mails sent twice: {told(mails)}; where the provider honours a key: {told(keyed)}"
    evidence += by_mistake(run, (design for design, twice in keyed.items() if twice))
    return decided(min(mails.values()) > 0 and not any(keyed.values()), evidence)


def storm(run: Run) -> Finding:
    found = {
        str(m.at["breaker"]): (max(m.by_round), float(m.at["runs"]))
        for m in seen(run, "storms", "http-resilient")
        if m.by_round
    }
    if len(found) < 2:
        return inconclusive(NOT_TRIED)
    shares = {breaker: interval(down / runs, runs) for breaker, (down, runs) in found.items()}
    evidence = "most calls still failed long after the fault was over " + ", ".join(
        f"in {down:g} of {runs:g} runs {breaker} a breaker ({shares[breaker][0]:.0%} to {shares[breaker][1]:.0%})"
        for breaker, (down, runs) in found.items()
    )
    if 2 * found["with"][0] > found["with"][1]:
        return decided(False, evidence)  # a breaker that mostly does not help
    if found["without"][0] and shares["without"][0] <= shares["with"][1]:
        return inconclusive(f"{evidence}: too few runs to tell them apart")
    return decided(found["without"][0] > 0, evidence)


def poison_spins(run: Run) -> Finding:
    blocked = {n: most(run, "blocked", "requeue", prefetch=n) for n in (1, 10)}
    attempts = most(run, "attempts", "requeue", prefetch=1)
    if None in blocked.values() or attempts is None:
        return inconclusive(NOT_TRIED)
    evidence = f"at a prefetch of 1 requeue made {attempts:g} attempts at it and left {blocked[1]:g} other orders "
    evidence += f"without an invoice; at 10 it left {blocked[10]:g}"
    return decided(attempts >= SPINS and (blocked[1] or 0) > 0 == blocked[10], evidence)


def poison_parked(run: Run) -> Finding:
    blocked, attempts = counts(run, "blocked", ASYNCHRONOUS), counts(run, "attempts", ASYNCHRONOUS)
    aside = counts(run, "set_aside", ASYNCHRONOUS)
    if blocked is None or attempts is None or aside is None:
        return inconclusive(NOT_TRIED)
    evidence = f"attempts: {told(attempts)}; other orders blocked: {told(blocked)}; set aside: {told(aside)}"
    for design in ASYNCHRONOUS:
        if blocked[design]:
            evidence += f"; {design} puts it back at once and for ever"
        elif attempts[design] > FEW:
            evidence += f"; {design} tries again without a bound"
        elif not aside[design]:
            evidence += f"; {design} gives up, and no dead-letter queue that anybody looks at gets the message"
    parked = all(value == 1 for value in aside.values())
    return decided(not any(blocked.values()) and max(attempts.values()) <= FEW and parked, evidence)


CLAIMS = (
    Claim(
        "coupled",
        "While e-mail is down, checkouts that call it fail; checkouts that send the mail later do not.",
        coupled,
    ),
    Claim(
        "best-effort",
        "With retries and a circuit breaker checkouts go on, but the mails of the outage are never sent.",
        best_effort,
    ),
    Claim(
        "storm",
        "Retries can keep a provider down after its fault is over; a circuit breaker lets it recover.",
        storm,
    ),
    Claim("slow", "A slow provider adds its whole delay to a checkout of the chain, and nothing to the others.", slow),
    Claim("start-simple", "If the shop owns all the follow-up work, a jobs table is enough.", start_simple),
    Claim("apart", "If each kind of work has its own queue and worker, slow mails delay no invoice.", apart),
    Claim(
        "for-others",
        "Only with events does another team start to listen without a release of the shop.",
        for_others,
        border="requirement-driven",
    ),
    Claim(
        "facts-not-commands",
        "A fact contains what the next team needs; a message written for today's receivers does not.",
        facts,
    ),
    Claim(
        "calm", "With one fast department the chain is enough, and events do not make an effect happen sooner.", calm
    ),
    Claim(
        "crashes",
        "At no crash point do jobs-table and events lose an effect, write an invoice twice, or act without an order.",
        crashes_survived,
    ),
    Claim(
        "dual-write",
        "A process that commits first and publishes afterwards loses the message if it crashes in between.",
        dual_write,
    ),
    Claim(
        "ack-first",
        "If a consumer acknowledges a message before its effect and then crashes, the effect is lost.",
        ack_first,
    ),
    Claim("no-key", "Without a key, a crash between effect and acknowledgement repeats the effect.", no_key),
    Claim(
        "third-party",
        "After such a crash a third party sends a mail twice, unless it honours an idempotency key.",
        third_party,
    ),
    Claim(
        "poison-spins",
        "A poison message that is requeued at once and for ever blocks its queue at a prefetch of 1.",
        poison_spins,
    ),
    Claim(
        "poison-parked", "A poison message that is set aside after a few attempts blocks no other order.", poison_parked
    ),
    Claim(
        "spike",
        "A spike delays the checkouts of the chain; with events the queue grows instead, and drains afterwards.",
        spike,
    ),
    Claim(
        "never-drains", "A queue adds no capacity: while more arrives than is processed, it only grows.", never_drains
    ),
    *SHOWN,
    Claim(
        "retries-multiply",
        "r retries at each of d layers make up to (1 + r)^d calls at the last one.",
        kind="modelled",
        formula="calls ≤ (1 + r)^d",
        source="each layer repeats whatever the layer below repeats; with 2 retries at each of 3 layers one request "
        "can become 27 calls",
    ),
    Claim(
        "delivery-limit",
        "Quorum queues of RabbitMQ set a message aside after 20 deliveries from 4.0 on; before, they had no limit.",
        kind="reported",
        source="RabbitMQ, Quorum Queues: https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling",
    ),
)
