"""The claims of the lesson, each judged by a pure function of a run.

Held only where the measurements support it, refuted only where they contradict it, else inconclusive.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from archlab.scenario import Claim, Finding, about_the_workloads, held, inconclusive, refuted

from .change_requests import CHANGES
from .world import DOMAINS

if TYPE_CHECKING:
    from archlab.scenario import Run

ALL = ("monolith", "extract-one", "microservices", "distributed-monolith")
OWN_DATA = ("extract-one", "microservices")
REMOTE = ("microservices", "distributed-monolith")
FAR, IN_TIME = 0.010, 0.200
"""Seconds: the longest round trip that is measured, and the bound of an order."""
LOST_CALLS, ORDERS = 0.1, 40
"""What the experiment assumes: the share of calls that are lost, and how many orders are placed meanwhile."""
NOT_TRIED = "this run did not try it on every design: run it without --quick, --design and --workload"

Places = dict[tuple[object, ...], float]


def seen(run: Run, metric: str, design: str, *keys: str, workload: str = "pressure") -> Places:
    """The values of these keys of a place → the largest figure there."""
    return {
        tuple(m.at[key] for key in keys): max(m.by_round)
        for m in run.all_measured(metric, design, workload)
        if m.by_round and all(key in m.at for key in keys)
    }


def cases(run: Run, metric: str, design: str) -> list[str]:
    return [case for m in run.all_measured(metric, design, "pressure") for case in m.cases]


def decided(holds: bool, evidence: str, some: list[str] | None = None) -> Finding:
    return held(evidence, some or ()) if holds else refuted(evidence, some or ())


def told(counted: Mapping[str, float], unit: str = "") -> str:
    return ", ".join(f"{design} {value:.3g}{unit}" for design, value in counted.items())


def _calls(number: float) -> str:
    return f"{number:g} {'call' if number == 1 else 'calls'}"


def enough(workload: str, design: str) -> Callable[[Run], Finding]:
    """Whether this is the simplest design that meets the requirements of a workload."""

    @about_the_workloads
    def judge(run: Run) -> Finding:
        verdict = run.verdict(workload)
        if verdict is None or verdict.status == "uncertain" or not set(ALL[:3]) <= {d.name for d in run.designs}:
            return inconclusive(NOT_TRIED)
        return decided(verdict.design == design, f"the simplest sufficient design is {verdict.design or 'none'}")

    return judge


def calls_cost(run: Run) -> Finding:
    """Orders at 10 ms, against those without distance and a round trip for each call, as intervals.

    Calls that come after a wait take longer than others by as much as those that were timed alone differ.
    """
    told_of, apart = [], []
    for design in ("extract-one", *REMOTE):
        calls, hops = seen(run, "calls", design).get(()), seen(run, "hop", design, "number").values()
        each = seen(run, "order_each", design, "rtt", "number")
        near, far = ([took for (rtt, _), took in each.items() if rtt == at] for at in (0.0, 1000 * FAR))
        if calls is None or not (near and far and hops):
            return inconclusive(NOT_TRIED)
        low, high = min(near) + calls * FAR, max(near) + calls * (FAR + max(hops) - min(hops))
        apart.append(max(min(far) / high, low / max(far)))
        told_of.append(
            f"{design}: calls {calls:g}, each {between(hops)} alone; an order takes {between(near)}, "
            f"at 10 ms {between((low, high))} expected and {between(far)} measured"
        )
    if all(ratio <= 1 for ratio in apart):
        return held("; ".join(told_of))
    return (refuted if max(apart) > 1.25 else inconclusive)("; ".join(told_of))


def between(seconds: Collection[float]) -> str:
    return f"{1000 * min(seconds):.3g} to {1000 * max(seconds):.3g} ms"


def far_apart(run: Run) -> Finding:
    """Where an order of each design reaches the bound: its time without distance, and a round trip for each call."""
    reached = {}
    for design in ("extract-one", *REMOTE):
        at, calls = seen(run, "order_at", design, "rtt"), seen(run, "calls", design).get(())
        if not at or not calls:
            return inconclusive(NOT_TRIED)
        reached[design] = 1000 * (IN_TIME - at[0.0,]) / calls
    evidence = f"an order takes 200 ms at a round trip of: {told(reached, ' ms')}"
    return decided(min(reached[d] for d in OWN_DATA) > 1000 * FAR, evidence)


def chatty(run: Run) -> Finding:
    took = seen(run, "order_of", "distributed-monolith", "way", "items")
    calls = seen(run, "calls_of", "distributed-monolith", "way", "items")
    if not took or not calls:
        return inconclusive(NOT_TRIED)
    ways = ("one by one", "in parallel", "in one batch")
    evidence = "an order of 20 items at 2 ms: " + ", ".join(
        f"{way} {calls[way, 20]:.0f} calls and {took[way, 20] * 1000:.0f} ms" for way in ways
    )
    grows = (
        calls["one by one", 20] > 2 * calls["one by one", 5] and calls["in one batch", 20] == calls["in one batch", 1]
    )
    same_calls = calls["in parallel", 20] == calls["one by one", 20]
    slower = took["one by one", 20] > 3 * took["in one batch", 20]
    return decided(grows and same_calls and slower, evidence)


@about_the_workloads
def contained(run: Run) -> Finding:
    spread = {design: seen(run, "spread", design, "domain", "trouble") for design in ALL}
    if not all(spread.values()):
        return inconclusive(NOT_TRIED)
    down = {d: sum(v for (_, trouble), v in s.items() if trouble == "down") for d, s in spread.items()}
    all_of_it = {d: sum(s.values()) for d, s in spread.items()}
    asked, failed = (
        {d: sum(seen(run, m, d, "domain", "trouble").values()) for d in ALL}
        for m in ("asked_meanwhile", "failed_meanwhile")
    )
    lost = {d: f"{failed[d]:g} of {asked[d]:g}" for d in ALL}
    evidence = (
        f"features that another domain's failure breaks, over five domains: {told(down)}; "
        f"requests for other features that failed meanwhile: {', '.join(f'{d} {n}' for d, n in lost.items())}"
    )
    if failed["microservices"] and not all_of_it["microservices"]:
        return inconclusive(evidence, cases(run, "failed_meanwhile", "microservices"))
    holds = all_of_it["microservices"] == 0 < down["distributed-monolith"] < down["extract-one"] < down["monolith"]
    return decided(holds, evidence, cases(run, "spread", "distributed-monolith"))


@about_the_workloads
def two_workers(run: Run) -> Finding:
    broken = {d: seen(run, "broken", d, "trouble", "feature") for d in ("monolith", "microservices")}
    if not all(broken.values()):
        return inconclusive(NOT_TRIED)
    killed = {d: sum(v for (t, _), v in b.items() if str(t).endswith("1 killed")) for d, b in broken.items()}
    return decided(
        killed["monolith"] == 0 < killed["microservices"],
        f"features that did not work while one process was dead, over five domains: {told(killed)}",
    )


def hogs(run: Run) -> Finding:
    slow = {d: seen(run, "hogged", d, "domain") for d in ("monolith", "microservices")}
    if not all(slow.values()):
        return inconclusive(NOT_TRIED)
    mean = {d: 1000 * sum(s.values()) / len(s) for d, s in slow.items()}
    stopped = {d: sum(seen(run, "hog_spread", d, "domain").values()) for d in slow}
    evidence = (
        f"slowest feature of the other domains, mean over five hogged ones: {told(mean, ' ms')}; "
        f"features that did not work: {told(stopped)}"
    )
    if mean["monolith"] > 1.5 * mean["microservices"]:
        return held(evidence)
    if mean["microservices"] > 1.5 * mean["monolith"]:
        return refuted(evidence)
    return inconclusive(f"{evidence}: too close to tell on this machine")


@about_the_workloads
def whole(run: Run) -> Finding:
    counts = {
        (design, metric): seen(run, metric, design, "crash_point")
        for design in ALL
        for metric in ("unserved", "held", "unpaid", "unfinished", "imbalance")
    }
    if not all(counts.values()):
        return inconclusive(NOT_TRIED)
    wrong = {d: sum(sum(at.values()) for (design, _), at in counts.items() if design == d) for d in ALL}
    points = {d: len(counts[d, "unserved"]) for d in ALL}
    tried = ", ".join(f"{d} {n}" for d, n in points.items())
    some = [case for d in ALL for case in cases(run, "unserved", d)]
    return decided(not any(wrong.values()), f"wrong after recovery: {told(wrong)}; crashes tried: {tried}", some)


def stale(run: Run) -> Finding:
    late = {
        d: sum(seen(run, "stale", d, "crash_point").values()) for d in ALL if run.all_measured("stale", d, "pressure")
    }
    if set(late) != set(ALL):
        return inconclusive(NOT_TRIED)
    evidence = f"orders at the old price after three changes: {told(late)}"
    copy = late.pop("microservices")
    if any(late.values()):
        return refuted(evidence)
    some = cases(run, "stale", "microservices")
    return held(evidence, some) if copy else inconclusive(f"{evidence}: every copy was updated in time")


def released_alone(run: Run) -> Finding:
    good = {d: seen(run, "good_orders", d).get(()) for d in REMOTE}
    real = {d: seen(run, "deploy_failed", d, "path") for d in REMOTE}
    if None in good.values() or not all(real.values()):
        return inconclusive(NOT_TRIED)
    evidence = "; ".join(
        f"{d}: {good[d]:g} of 2 orders of deployment without a failed mix, "
        + ", ".join(f"{path} {share:.0%} failed" for (path,), share in real[d].items())
        for d in REMOTE
    )
    first, last = real["microservices"]["stock → orders",], real["microservices"]["orders → stock",]
    lockstep = min(real["distributed-monolith"].values())
    holds = good == {"microservices": 1, "distributed-monolith": 0} and first == 0 < min(last, lockstep)
    return decided(holds, evidence, cases(run, "deploy_failed", "microservices"))


def releases(run: Run) -> Finding:
    needed = {d: {str(at): n for (at,), n in seen(run, "releases", d, "change").items()} for d in ALL}
    if not all(needed.values()):
        return inconclusive(NOT_TRIED)
    gift, currency, library = ({d: needed[d][change] for d in ALL} for change in CHANGES)
    evidence = f"gift wrapping: {told(gift)}; a second currency: {told(currency)}; the shared library: {told(library)}"
    alone = gift["monolith"] == library["monolith"] == 1 and set(currency.values()) == {1}
    holds = alone and gift["microservices"] == 2 and library["microservices"] == len(DOMAINS)
    return decided(holds, evidence, cases(run, "releases", "microservices"))


@about_the_workloads
def one_sin(run: Run) -> Finding:
    """Each mistake has its own symptom (the one at the same position), and no other."""
    found = seen(run, "symptom", "distributed-monolith", "sin", "symptom")
    if not found:
        return inconclusive(NOT_TRIED)
    sins, symptoms = (list(dict.fromkeys(place[i] for place in found)) for i in (0, 1))
    evidence = "; ".join(
        f"{sin}: {', '.join(str(symptom) for symptom in symptoms if found[sin, symptom]) or 'none'}" for sin in sins
    )
    return decided(
        all(bool(value) == (sins.index(at[0]) == symptoms.index(at[1])) for at, value in found.items()), evidence
    )


def hot(run: Run) -> str:
    """What the formula gives with the threads and the memory that were measured."""
    room = {d: seen(run, "waiting", d).get((), 0.0) for d in ALL}
    if not all(room.values()):
        return "threads and memory were not measured in this run"
    return f"payments that can wait at once within 512 MB: {told(room)}"


def product_of_calls(run: Run) -> Finding:
    parts = []
    for design in REMOTE:
        success, calls = seen(run, "success", design), seen(run, "calls", design)
        if not success or not calls:
            return inconclusive(NOT_TRIED)
        expected = (1 - LOST_CALLS) ** calls[()]
        apart = abs(success[()] - expected) / math.sqrt(expected * (1 - expected) / ORDERS)
        parts.append(
            (
                apart,
                f"{design}: {_calls(calls[()])}, {expected:.0%} expected, {success[()]:.0%} succeeded",
            )
        )
    evidence = "; ".join(said for _, said in parts)
    lost = all(seen(run, "success", design)[()] < 1 for design in REMOTE)  # else no call was lost, whatever fits
    return decided(lost and all(apart < 4 for apart, _ in parts), evidence)


def memory(run: Run) -> Finding:
    used = {d: seen(run, "memory", d).get(()) for d in ALL[:3]}
    if None in used.values():
        return inconclusive(NOT_TRIED)
    megabytes = {d: (value or 0) / 1e6 for d, value in used.items()}
    return decided(
        megabytes["microservices"] > 1.5 * megabytes["monolith"],
        f"resident memory of all processes: {told(megabytes, ' MB')}",
    )


def trace_crosses(run: Run) -> Finding:
    shares = {d.name: seen(run, "orphans", d.name).get(()) for d in run.designs}
    known = {name: 100 * share for name, share in shares.items() if share is not None}
    if "microservices" not in known:
        return inconclusive("no order was traced")
    # Far apart the distributed monolith is so slow that its saga gives orders up: those calls are work of its own.
    orphans = [share for name, share in known.items() if name != "distributed-monolith"]
    return decided(not any(orphans), f"traces that belong to no order: {told(known, ' %')}")


def logs_to_search(run: Run) -> Finding:
    """Of the lines of that time: those with the id of the failed order, and those that belong to no order."""
    found = {d: {m: seen(run, m, d, "context") for m in ("orphan_lines", "lines_to_read", "logs_to_open")} for d in ALL}
    if not all(all(figures.values()) for figures in found.values()):
        return inconclusive(NOT_TRIED)
    evidence = "; ".join(
        f"{d}: "
        + ", ".join(
            f"{context}: lines {figures['lines_to_read'][context,]:g}, logs {figures['logs_to_open'][context,]:g}"
            for context in ("passed on", "dropped")
        )
        for d, figures in found.items()
    )
    services = {d: found[d] for d in REMOTE}
    whole = all(f["orphan_lines"]["passed on",] == 0 for f in found.values())
    lost = all(f["lines_to_read"]["dropped",] > f["lines_to_read"]["passed on",] for f in services.values())
    return decided(whole and lost, evidence, cases(run, "lines_to_read", "microservices"))


def release_queue(run: Run) -> str:
    """One release a day at most; each team wants to release every sixth day."""
    teams = {w.name: w.settings["teams"] for w in run.workloads}
    waits = [f"{name}: {load / (1 - load):.1f} days" for name, n in teams.items() if 0 < (load := n / 6) < 1]
    return ", ".join(waits) or "nobody waits for anybody"


CLAIMS = (
    Claim("start-simple", "In calm the modular monolith meets every requirement.", enough("calm", "monolith")),
    Claim(
        "carve-out-one",
        "If only one domain is fragile, extracting this domain is enough.",
        enough("payment", "extract-one"),
    ),
    Claim(
        "five-teams",
        "If no team may suffer from another, only services that own their data are enough.",
        enough("pressure", "microservices"),
    ),
    Claim(
        "calls-cost",
        "Each call in sequence adds a whole round trip to an order.",
        calls_cost,
    ),
    Claim(
        "far-apart",
        "Up to a round trip of 10 ms distance changes no verdict; the number of calls in sequence says where it does.",
        far_apart,
        border="counted",
    ),
    Claim(
        "chatty",
        "With a call for each item, calls grow with the order; with one call for all items they do not.",
        chatty,
    ),
    Claim(
        "blast-radius",
        "When a domain is down, the monolith loses all features, microservices only those that need it.",
        contained,
    ),
    Claim("two-workers", "When one process dies, a monolith with two workers loses no feature.", two_workers),
    Claim("cpu-hog", "A CPU hog slows the other domains more inside a monolith than between services.", hogs),
    Claim(
        "hot-domain",
        "A domain that gets hot by waiting needs threads. For the same memory it gets no more of them as a service.",
        kind="modelled",
        formula="payments that wait at once = threads of a process × processes of payment that fit into the memory",
        here=hot,
        source="threads and memory are measured; the processes that would fit are not started",
    ),
    Claim("crashes", "After any crash in an order money and goods add up, by a transaction or by a saga.", whole),
    Claim(
        "late-copies",
        "A local copy of the prices is stale until its event has arrived; whoever reads them where they are never is.",
        stale,
    ),
    Claim(
        "released-alone",
        "With tolerant readers there is an order of deployment in which no customer's order fails twice; with strict "
        "contracts there is none.",
        released_alone,
    ),
    Claim(
        "services-to-release",
        "A change within one domain is one release in any design. Over two domains, or in a shared library, it is one "
        "for the monolith, and for microservices one for each service that it touches.",
        releases,
    ),
    Claim("one-sin", "Each mistake of the distributed monolith has its own symptom.", one_sin),
    Claim(
        "product-of-calls",
        "If calls are lost and nobody tries again, the share of orders that succeed is (1−q)^N.",
        product_of_calls,
    ),
    Claim("trace-crosses", "If every hop passes on the trace context, an order is one trace.", trace_crosses),
    Claim(
        "logs-to-search",
        "With the id passed on, one search finds every line of a failed order; without it they stand among all others.",
        logs_to_search,
    ),
    Claim("memory", "Five services need more memory than one application with two workers.", memory),
    Claim(
        "release-queue",
        "Teams that share one release queue wait for each other, and the wait grows faster than their number.",
        kind="modelled",
        formula="wait = load ÷ (1 − load) releases, load = teams ÷ 6",
        here=release_queue,
        source="M/M/1 queue; assumed: one release a day, and each team wants one every sixth day",
    ),
    Claim(
        "merge-that-paid",
        "Segment split its destinations to isolate failures, and merged more than 140 services into one again, because "
        "three engineers did nothing but keep them running.",
        kind="reported",
        source="Alexandra Noonan, Goodbye Microservices, 2018: https://segment.com/blog/goodbye-microservices/",
    ),
    Claim(
        "split-that-paid",
        "After a corrupted database stopped its deliveries for three days, Netflix replaced single points of failure "
        "by distributed services, over seven years.",
        kind="reported",
        source="Yury Izrailevsky, 2016, told in https://www.infoq.com/news/2016/03/Netflix-Cloud-Migration",
    ),
)
