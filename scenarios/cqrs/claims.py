"""The sentences of the lesson, each judged by a pure function of a run.

Held only where the measurements support it, refuted only where they contradict it, else inconclusive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archlab.scenario import Claim, Finding, about_the_workloads, held, inconclusive, refuted

if TYPE_CHECKING:
    from archlab.scenario import Measurement, Run

SMALLER = 3.0
"""By how much a page without entities must be quicker for the sentence "a fraction of the time"."""
MARGIN = 0.001
"""Seconds a page that nobody notices."""
DOUBLE = 2.0
STANDS = {"met": "meets every bound", "missed": "misses a bound", "uncertain": "may miss a bound"}
ONE_DATABASE = ("crud", "queries", "summary")
GUARDS = ("version alone", "version, full state")


def meets(run: Run, design: str, workload: str) -> str:
    """``met`` where every bound is, ``missed`` where one is not, else ``uncertain``."""
    outcomes = {r.outcome for r in run.requirements if (r.design, r.workload) == (design, workload)}
    if "missed" in outcomes:
        return "missed"
    return "met" if outcomes == {"met"} else "uncertain"


def misses(run: Run, design: str, workload: str) -> str:
    """Which bounds a design misses and how: ``page_p95 (falls behind: 29 of 100 a second)``."""
    missed = [r for r in run.requirements if (r.design, r.workload, r.outcome) == (design, workload, "missed")]
    return ", ".join(f"{r.metric} ({r.why})" for r in missed[:1]) or "nothing"


def observed(run: Run, experiment: str, metric: str, design: str = "projection", **at: object) -> list[Measurement]:
    """What an experiment observed of a design at a place in it, one measurement a workload."""
    asked = (m for w in run.workloads for m in run.all_measured(metric, design, w.name))
    return [m for m in asked if m.experiment == experiment and dict(m.at) == at]


def some_cases(found: list[Measurement]) -> list[str]:
    """Some of what was counted there."""
    return [case for m in found for case in m.cases]


def most(found: list[Measurement]) -> float:
    return max(max(m.by_round) for m in found)


def least(found: list[Measurement]) -> float:
    return min(min(m.by_round) for m in found)


def time(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms" if seconds >= 0.001 else f"{seconds * 1e6:.0f} µs"


def percent(*shares: float) -> str:
    """``98 to 100 %``; once where they are alike."""
    return f"{' to '.join(dict.fromkeys(f'{100 * share:.0f}' for share in shares))} %"


@about_the_workloads
def faster(run: Run) -> Finding:
    c = run.compared("page_time", "pressure", "crud", "queries")
    if c is None:
        return inconclusive("crud and queries have no page times to compare")
    evidence = f"a page from crud takes {c.ratio:.0f} × ({c.low:.0f}–{c.high:.0f}) the time of one from queries"
    if c.low >= SMALLER:
        return held(evidence)
    return refuted(evidence) if c.high < SMALLER else inconclusive(evidence)


@about_the_workloads
def start_simple(run: Run) -> Finding:
    crud, queries = meets(run, "crud", "pressure"), meets(run, "queries", "pressure")
    if crud == "missed" and queries == "met":
        return held(f"crud misses {misses(run, 'crud', 'pressure')}; queries meets every bound")
    if crud == "met":
        return refuted("crud meets every bound at pressure")
    if queries == "missed":
        return refuted(f"queries misses {misses(run, 'queries', 'pressure')}")
    return inconclusive(f"at pressure crud is {crud}, queries {queries}")


@about_the_workloads
def bloat(run: Run) -> Finding:
    crud, projection = run.design("crud"), run.design("projection")
    one, other = (run.measured("page_time", d, "calm") for d in ("crud", "projection"))
    enough = meets(run, "crud", "calm")
    if one is None or other is None or one.high is None or other.low is None or one.low is None or other.high is None:
        return inconclusive("no page times at calm")
    most_gained, least_gained = one.high - other.low, one.low - other.high
    lines, files = projection.lines / crud.lines, (projection.change_files, crud.change_files)
    evidence = (
        f"crud {STANDS[enough]}; the projection gains at most "
        f"{time(max(0.0, most_gained))} a page, for {lines:.1f} × the code lines ({projection.lines} to {crud.lines}), "
        f"{projection.processes} processes to {crud.processes} and {files[0]} files to {files[1]} in the change request"
    )
    if enough == "missed" or least_gained >= MARGIN or lines < DOUBLE or files[0] <= files[1]:
        return refuted(evidence)
    return held(evidence) if enough == "met" and most_gained < MARGIN else inconclusive(evidence)


def rules_hold(run: Run) -> Finding:
    designs = {*ONE_DATABASE, "projection"}
    tried = [m for m in run.measurements if m.experiment == "rules" and m.design in designs]
    if {m.design for m in tried} != designs:
        return inconclusive("not tried on all designs")
    broken = [f"{m.design} ({m.at['rule']})" for m in tried if most([m]) > 0]
    if broken:
        return refuted(f"accepted against a rule: {', '.join(broken)}")
    return held(f"{len({m.at['rule'] for m in tried})} rules, each broken on purpose, refused by all designs")


def stale(run: Run) -> Finding:
    projection = observed(run, "staleness", "own_order_missing", looked="at once")
    others = [m for d in ONE_DATABASE for m in observed(run, "staleness", "own_order_missing", d, looked="at once")]
    lag = observed(run, "staleness", "stale_for")
    if not projection or len(others) < len(ONE_DATABASE) or not lag:
        return inconclusive("staleness was not observed on all designs")
    evidence = (
        f"looked for at once, one's own order is missing in {percent(least(projection), most(projection))} of the "
        f"projection's pages, for up to {time(most(lag))}, and in {percent(most(others))} of the others'"
    )
    if most(others) > 0 or most(projection) == 0:
        return refuted(evidence)
    return held(evidence) if least(projection) > 0 else inconclusive(evidence)


def waiting_helps(run: Run) -> Finding:
    waited = observed(run, "staleness", "own_order_missing", looked="after waiting")
    if not waited:
        return inconclusive("not observed")
    evidence = f"after waiting for its position, one's own order is missing in {percent(most(waited))} of the pages"
    return refuted(evidence) if most(waited) > 0 else held(evidence)


def _shown_then_none(run: Run, experiment: str, before: dict[str, str], after: dict[str, str], say: str) -> Finding:
    """A fault must be seen to diverge ``before`` it is answered, and to leave nothing ``after``."""
    first = observed(run, experiment, "divergent", **before) if before else []
    then = observed(run, experiment, "divergent", **after)
    if not then or (before and not first):
        return inconclusive("not observed")
    evidence = say.format(first=least(first) if first else 0, then=most(then))
    if most(then) > 0 or (first and most(first) == 0):
        return refuted(evidence, some_cases(then))
    cases = some_cases(first)
    return held(evidence, cases) if not first or least(first) > 0 else inconclusive(evidence, cases)


def killed(run: Run) -> Finding:
    say = "{first:.0f} or more totals are wrong while the projector is dead, {then:.0f} once it has caught up"
    return _shown_then_none(run, "projector_killed", {"stage": "projector dead"}, {"stage": "caught up"}, say)


def replayed(run: Run) -> Finding:
    say = "with every event delivered once more {then:.0f} totals are wrong"
    return _shown_then_none(run, "events_replayed", {}, {"stage": "replayed"}, say)


def reordered(run: Run) -> Finding:
    refusals = observed(run, "events_reordered", "refused")
    say = "with late events delivered last one first, {then:.0f} totals are wrong in the end"
    found = _shown_then_none(run, "events_reordered", {}, {"guard": "position, refuses gaps"}, say)
    if not refusals or found.outcome != "held":
        return found
    evidence = f"refused in {percent(least(refusals))} of the rounds; {found.evidence}"
    return (held if least(refusals) == 1 else refuted)(evidence, found.cases)


def parked(run: Run) -> Finding:
    count = observed(run, "poison", "parked")
    say = "{first:.0f} or more totals are wrong while it stalls, {then:.0f} once the event is parked"
    found = _shown_then_none(run, "poison", {"stage": "stalled"}, {"stage": "parked"}, say)
    if not count or found.outcome != "held":
        return found
    evidence = f"{found.evidence}; {least(count):.0f} parked"
    return (held if least(count) == most(count) == 1 else refuted)(evidence, found.cases)


def rebuilt(run: Run) -> Finding:
    say = "of a store with {first:.0f} or more damaged totals, {then:.0f} differ from before once it is rebuilt"
    return _shown_then_none(run, "rebuild", {"stage": "damaged"}, {"stage": "rebuilt"}, say)


@about_the_workloads
def summary_first(run: Run) -> Finding:
    outcomes = {w: meets(run, "summary", w) for w in ("calm", "pressure")}
    missing = observed(run, "staleness", "own_order_missing", "summary", looked="at once")
    c = run.compared("page_time", "pressure", "summary", "projection")
    if not missing or c is None:
        return inconclusive("not observed")
    evidence = (
        f"summary: calm {outcomes['calm']}, pressure {outcomes['pressure']}, own order missing in "
        f"{percent(most(missing))}; its page takes {c.ratio:.2f} × ({c.low:.2f}–{c.high:.2f}) the time of the "
        f"projection's: {c.outcome}"
    )
    if "missed" in outcomes.values() or most(missing) > 0 or c.outcome == "worse":
        return refuted(evidence)
    # A page that is slower by less than anybody notices is as fast.
    as_fast = c.outcome in ("equivalent", "better")
    return held(evidence) if set(outcomes.values()) == {"met"} and as_fast else inconclusive(evidence)


@about_the_workloads
def far_needs_projection(run: Run) -> Finding:
    outcomes = {d: meets(run, d, "far_views") for d in (*ONE_DATABASE, "projection")}
    if outcomes == dict.fromkeys(ONE_DATABASE, "missed") | {"projection": "met"}:
        said = "; ".join(f"{d} misses {misses(run, d, 'far_views')}" for d in ONE_DATABASE)
        return held(f"{said}; projection meets every bound{_assumed(run)}")
    evidence = ", ".join(f"{design} {outcome}" for design, outcome in outcomes.items())
    contradicted = outcomes["projection"] == "missed" or "met" in [outcomes[d] for d in ONE_DATABASE]
    return refuted(evidence) if contradicted else inconclusive(evidence)


def _assumed(run: Run) -> str:
    """What the bench injects, so that nobody takes it for a finding."""
    far = next((w.settings.get("store_distance") for w in run.workloads if w.name == "far_views"), None)
    return "" if far is None else f" (assumed: the store is {far:g} ms away)"


@about_the_workloads
def faster_needed_rarely(run: Run) -> Finding:
    c = run.compared("page_time", "pressure", "queries", "projection")
    queries = meets(run, "queries", "pressure")
    if c is None:
        return inconclusive("queries and projection have no page times to compare")
    standing = f"is within every bound{_break_even(run)}" if queries == "met" else f"is {queries}"
    times = f"{c.ratio:.1f} × ({c.low:.1f}–{c.high:.1f})"
    evidence = f"the query's page takes {times} the time of the read store's, and queries {standing}"
    if c.high <= 1 or queries == "missed":
        return refuted(evidence)
    return held(evidence) if c.low > 1 and queries == "met" else inconclusive(evidence)


def _break_even(run: Run) -> str:
    """What an order costs more through the projection, in pages that it makes cheaper: time of the one who serves
    both. What the projector works in its own process is not in it."""
    more: dict[str, float] = {}
    for metric in ("page_time", "order_time"):
        query, store = (run.measured(metric, design, "pressure") for design in ("queries", "projection"))
        if query is None or store is None or query.value is None or store.value is None:
            return ""
        more[metric] = store.value - query.value
    if more["page_time"] >= 0 or more["order_time"] <= 0:
        return ""
    pages = more["order_time"] / -more["page_time"]
    return f" (the projector's own work apart, the read store saves time from {pages:.2g} pages an order)"


def guarded(run: Run) -> str:
    """What the two guards do to the same late events."""
    wrong = [observed(run, "events_reordered", "divergent", guard=guard) for guard in GUARDS]
    if not all(wrong):
        return "not tried in this run"
    differences, states = (f"{most(found):.0f}" for found in wrong)
    return f"{differences} totals wrong where differences came late, {states} where full states did"


def at_a_distance(run: Run) -> str:
    """The most orders a second at the farthest store of the run."""
    far = max((w.settings["store_distance"] for w in run.workloads), default=0.0)
    return f"at most {1000 / (2 * far):.0f} orders a second at {far:g} ms" if far else "no bound: the store is not away"


FOWLER = "https://martinfowler.com/bliki/CQRS.html"
DAHAN = "https://udidahan.com/2011/04/22/when-to-avoid-cqrs/"

CLAIMS = (
    Claim(
        "faster",
        "Under pressure a page without entities takes a fraction of the time of one built from them.",
        faster,
    ),
    Claim(
        "start-simple",
        "Under pressure a query shaped for the screen meets every bound that crud misses.",
        start_simple,
    ),
    Claim(
        "bloat",
        "In calm crud is enough: the projection gains less than 1 ms a page, for twice the code, one more process and "
        "more files in the change request.",
        bloat,
    ),
    Claim(
        "rules",
        "Every design refuses what breaks a rule: the split changes how pages are read, never what is allowed.",
        rules_hold,
    ),
    Claim(
        "stale",
        "The projection's page does not show one's own order at once; the three others always do.",
        stale,
    ),
    Claim("waiting", "Waiting for the position of one's own write makes it visible.", waiting_helps),
    Claim(
        "killed",
        "A projector killed between event and projection, or in the middle of it, leaves wrong totals until it catches "
        "up, then none.",
        killed,
    ),
    Claim(
        "replayed",
        "Replayed events change nothing: what lies before the read store's position is passed over.",
        replayed,
    ),
    Claim("reordered", "Reordered events are refused until those before them have come.", reordered),
    Claim(
        "version-guard",
        "A version guard alone drops a late difference; on the full state it does not.",
        kind="modelled",
        formula="applied only if version > newest",
        here=guarded,
        source="of differences that come last first only the last one counts, and all the others are lost; of full "
        "states the newest is all that is needed",
    ),
    Claim("parked", "A poison event stalls the projector until it is parked; the others then proceed.", parked),
    Claim("rebuild", "A rebuild from the events equals what was there.", rebuilt),
    Claim(
        "summary-first",
        "Where totals may live beside the orders, keeping them in the order's transaction is as fast and never stale.",
        summary_first,
    ),
    Claim(
        "far-needs-projection",
        "Where many views must live in a store that is far away (assumed), only the projection meets every bound.",
        far_needs_projection,
    ),
    Claim(
        "faster-nearly-always-needed-rarely",
        "Under pressure the read store's page is the faster one, and nobody needs it: the query meets every bound.",
        faster_needed_rarely,
    ),
    Claim(
        "distance",
        "An order that writes to a store at a distance before it commits waits for two round trips: one worker places "
        "at most 1000 ÷ (2 × store_distance) orders a second, whatever the hardware.",
        kind="modelled",
        formula="orders a second ≤ 1000 ÷ (2 × store_distance)",
        here=at_a_distance,
        source="summary's round trips: one for all its rows, one for COMMIT, each of store_distance ms",
    ),
    Claim(
        "cautious",
        "For most systems CQRS adds a complexity that is a risk; it belongs to parts of a system, not to all of it.",
        kind="reported",
        source=FOWLER,
    ),
    Claim(
        "most-should-not",
        "Most who used CQRS should not have, says one of those who made it known.",
        kind="reported",
        source=DAHAN,
    ),
)
