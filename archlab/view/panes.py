"""Which designs are shown side by side, and whether each of them keeps up with the requests that arrive."""

from __future__ import annotations

from archlab.run import DesignFacts, Run, Waits
from archlab.scenario import Scenario
from archlab.view import facts


def panes(run: Run, workload: str, most: int, scenario: Scenario | None = None) -> list[DesignFacts]:
    """The designs to show side by side: the simplest, the verdict's and the full pattern, ``most`` of them at most.

    Before there is a verdict the simplest that kept up and within its bounds stands in for it. Where a design was
    edited, it and its original come first, then the full pattern: that is the comparison that somebody made it for.
    """
    able = facts.candidates(run)
    traced = {t.design for t in run.traces if t.workload == workload}
    pairs = [(original.name, mine.name) for original, mine in facts.edited(run)]
    first = next((pair for pair in pairs if traced.issuperset(pair)), ())
    verdict = run.verdict(workload)
    chosen: list[str] = [able[0].name] if able else []
    if verdict is not None and verdict.design is not None:
        chosen.append(verdict.design)
    elif verdict is not None:
        chosen += verdict.candidates[:1]
    else:
        chosen += [d.name for d in able if _traced_in_time(run, workload, d.name, scenario)][:1]
    pattern = facts.full_pattern(run)
    if pattern is not None:
        chosen = [*first, pattern.name, *chosen] if first else [*chosen, pattern.name]
    chosen += [d.name for d in able[1:]]
    keep = [name for name in dict.fromkeys(chosen) if name in traced][:most]
    return [d for d in facts.in_order(run) if d.name in keep]


def _traced_in_time(run: Run, workload: str, design: str, scenario: Scenario | None) -> bool:
    traced = [t for t in run.traces if (t.design, t.workload) == (design, workload)]
    if not traced or falls_behind(run, workload, design):
        return False
    bounds = [(t.latency, facts.trace_bound(run, scenario, t.operation, workload)) for t in traced]
    return all(bound is None or latency <= bound for latency, bound in bounds)


def waits(run: Run, workload: str, design: str, operation: str = "") -> Waits | None:
    """How long requests of a design waited in the traced pass: of one operation, or of the first that is shown."""
    for w in run.waits:
        if (w.workload, w.design) == (workload, design) and operation in ("", w.operation):
            return w
    return None


def falls_behind(run: Run, workload: str, design: str) -> bool | None:
    """Whether requests arrive faster than a design serves them: by the figures, and before there are any by the traced
    pass. None where no traced request arrived on a schedule."""
    traced, measured = waits(run, workload, design), facts.busy(run, workload, design)
    if traced is None:
        return None
    return (traced.busy if measured is None else measured) >= 1


def queue(run: Run, workload: str, design: str) -> dict[str, Waits]:
    """How the queue of a design that falls behind grew, by operation; empty where no queue was seen to last."""
    if not falls_behind(run, workload, design):
        return {}
    here = [w for w in run.waits if (w.workload, w.design) == (workload, design) and w.busy >= 1]
    return {w.operation: w for w in here}


def traced_otherwise(run: Run) -> list[str]:
    """Where the traced requests and the figures disagree about who falls behind: the figures stand."""
    told = []
    for design, workload in dict.fromkeys((w.design, w.workload) for w in run.waits):
        traced, measured = waits(run, workload, design), facts.busy(run, workload, design)
        if traced is None or measured is None or (traced.busy >= 1) == (measured >= 1):
            continue
        kept, fell = "keeps up", "falls behind"
        as_traced, untraced = (fell, kept) if traced.busy >= 1 else (kept, fell)
        told.append(f"{design} {as_traced} while it is traced, and {untraced} without tracing: the table counts")
    return told
