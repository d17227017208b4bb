"""The claims of the lesson that a demonstration shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archlab.scenario import Claim, Finding, inconclusive

from .limit import ATTEMPTS, BLOCKED, INNOCENTS
from .reading import ASYNCHRONOUS, counts, decided, most, seen, told

if TYPE_CHECKING:
    from archlab.scenario import Run

NOT_SHOWN = "this run has not shown it: run it without --quick"
FACTS = {
    "silent-reject": ("rejected without a dead-letter exchange", "the message is gone, and nobody was told"),
    "silent-publish": ("confirmed to nowhere", "the broker confirmed it; with mandatory it came back"),
    "ack-twice": ("automatic, then by hand: 406", "the broker closed the channel with 406"),
    "reordered": ("competing consumers reorder", "the messages were done in another order than they were published"),
    "silent-consumer": ("a callback longer than the heartbeat", "the connection was lost, and the message came again"),
    "skipped": ("the highest id skips a row", "one poller never saw the row, the one that marks rows did (injected)"),
}


def fact(id: str) -> Claim:  # noqa: A002 - the field's name
    """A claim that a demonstration shows."""
    name, saw = FACTS[id]

    def judge(run: Run) -> Finding:
        found = seen(run, "fact", "events", fact=name)
        if not found:
            return inconclusive(NOT_SHOWN)
        return decided(all(min(m.by_round) == 1 for m in found), saw if found[0].value == 1 else f"not seen: {saw}")

    return Claim(id, DEMONSTRATED[id], judge)


DEMONSTRATED = {
    "silent-reject": "A message that is rejected where no dead-letter exchange is set is lost, and nothing says so.",
    "silent-publish": "A publish that reaches no queue is confirmed like any other, unless it is mandatory.",
    "ack-twice": "Whoever acknowledges what was acknowledged automatically loses the channel, with error 406.",
    "reordered": "Competing consumers do messages in another order than they were published.",
    "silent-consumer": "A callback longer than the heartbeat loses its connection, and its message is delivered again.",
    "skipped": "A poller that remembers the highest id skips a row whose transaction commits late.",
}


def prefetch(run: Run) -> Finding:
    shares = {n: most(run, "slow_share", "events", prefetch=n) for n in (0, 1, 10)}
    if None in shares.values():
        return inconclusive(NOT_SHOWN)
    known = {n: share or 0.0 for n, share in shares.items()}
    evidence = "the slow one of two consumers got " + ", ".join(
        f"{share:.0%} with {'no limit' if n == 0 else f'a prefetch of {n}'}" for n, share in known.items()
    )
    times = {n: most(run, "shared_time", "events", prefetch=n) or 0.0 for n in known}
    evidence += "; all was done after " + ", ".join(f"{seconds * 1000:.0f} ms" for seconds in times.values())
    return decided(known[0] > known[10] > known[1] and times[0] > times[10] > times[1], evidence)


def limit_takes_others(run: Run) -> Finding:
    found = {(m.at["prefetch"], m.at["count"]): max(m.by_round) for m in seen(run, "at_limit", "events") if m.by_round}
    taken = {prefetch: value for (prefetch, count), value in found.items() if count == INNOCENTS}
    if len(taken) < 2:
        return inconclusive(NOT_SHOWN)
    attempts, blocked = (max(found.get((n, what), 0.0) for n in taken) for what in (ATTEMPTS, BLOCKED))
    evidence = f"it was set aside after {attempts:g} attempts, for which {blocked:g} innocent messages waited; with it "
    evidence += "went " + ", ".join(
        f"{value:g} of them at a prefetch of {prefetch}" for prefetch, value in taken.items()
    )
    return decided(taken[10] > 0 == taken[1], evidence)


def poll_cost(run: Run) -> Finding:
    found = {(m.at["rows"], m.at["index"]): max(m.by_round) for m in seen(run, "poll_time", "events") if m.by_round}
    indexed = sorted((rows, value) for (rows, index), value in found.items() if index == "with")
    bare = [value for (_, index), value in found.items() if index == "without"]
    if len(indexed) < 2 or not bare:
        return inconclusive(NOT_SHOWN)
    (few, quick), (many, later) = indexed[0], indexed[-1]
    evidence = f"one look: {quick * 1e6:.0f} µs with {few:,} jobs done, {later * 1e6:.0f} µs with {many:,}; without "
    evidence += f"the index {bare[0] * 1e6:.0f} µs"
    return decided(later < 5 * quick and bare[0] > 5 * later, evidence)


STRAY = 0.05
"""Share of traces without a request up to which the context is said to travel: a worker that looks at its table at the
very moment finds a job before it is woken for it. Without a context it would be half of all traces."""


def trace_crosses(run: Run) -> Finding:
    orphans = counts(run, "orphans", ("http-chain", *ASYNCHRONOUS))
    trace = run.trace("checkout", "events", "pressure")
    if orphans is None or trace is None:
        return inconclusive("this run has no traces under pressure")
    crossed = sorted({span.process for span in trace.spans if "consumer" in span.process})
    evidence = f"a trace of events reaches {', '.join(crossed) or 'no consumer'}; traces that belong to no checkout: "
    evidence += told(orphans)
    tried = {said: most(run, "orphaned", "events", context=said) for said in ("carried", "left out")}
    if None in tried.values():
        return inconclusive(f"{evidence}; {NOT_SHOWN}")
    evidence += "; of a consumer's traces alone: " + ", ".join(
        f"{share:.0%} where the context is {said}" for said, share in tried.items()
    )
    apart = tried["carried"] == 0 and tried["left out"] == 1
    return decided(bool(crossed) and max(orphans.values()) < STRAY and apart, evidence)


SHOWN = (
    Claim(
        "prefetch",
        "The larger the prefetch of a slow consumer, the fewer messages a fast one gets, and the later all is done.",
        prefetch,
    ),
    Claim(
        "poll-cost",
        "With an index, polling the jobs costs the same however many are done; without it, the cost grows.",
        poll_cost,
    ),
    Claim(
        "trace-crosses",
        "The trace of a checkout reaches its consumers only if the message carries the trace context.",
        trace_crosses,
    ),
    Claim(
        "limit-takes-others",
        "At a delivery limit, a message that kills its consumer takes others that it held to the dead letters.",
        limit_takes_others,
    ),
    *map(fact, FACTS),
)
