"""Says in one sentence how an edited design compares with its original."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from archlab.run import Comparison, Measurement, Run
from archlab.scenario import Metric, Scenario
from archlab.view import facts, units

FALLS_BEHIND = "falls behind"


@dataclass
class _Found:
    """What the figures of the two say, metric by metric."""

    both_behind: bool = False
    different: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    alike: int = 0


def sentences(run: Run, scenario: Scenario | None = None) -> list[str]:
    """``crud-mine beside crud at pressure: page, work alone, 1.4 × sooner; nothing else noticeably different.``"""
    workload = facts.shown_workload(run, scenario)
    told = []
    for original, mine in facts.edited(run):
        parts = [*_decides(run, workload, original.name, mine.name)]
        parts += _figures(_look(run, scenario, workload, original.name, mine.name))
        if parts:
            told.append(f"{mine.name} beside {original.name} at {workload}: {'; '.join(parts)}.")
    return told


def _decides(run: Run, workload: str, original: str, mine: str) -> Iterable[str]:
    """Whether the edit decides anything: a bound is met that was missed, or the other way round.

    What refutes a claim of the original pays for its bounds with something that was promised: it is not praised.
    """
    told = {claim.text: claim.id for claim in run.claims if not claim.edited}
    refutes = [told.get(claim.text, claim.id) for claim in run.claims if claim.edited == mine]
    if refutes:
        yield f"it refutes the {'claim' if len(refutes) == 1 else 'claims'} {units.listed(refutes)}"
    before, now = (
        {r.outcome for r in run.requirements if (r.workload, r.design) == (workload, name)} for name in (original, mine)
    )
    if "missed" in before and now == {"met"} and not refutes:
        yield "it meets every requirement"
    elif "missed" in now and before == {"met"}:
        yield "it misses a requirement"


def _figures(found: _Found) -> list[str]:
    parts = ["both fall behind"] if found.both_behind else []
    parts += found.different
    if len(found.unknown) > found.alike and not found.different:
        return [*parts, "this run cannot tell"]
    if found.unknown:
        few = len(found.unknown) <= 2
        which = " and ".join(found.unknown) if few else f"{units.word(len(found.unknown))} figures"
        parts.append(f"this run cannot tell for {which}")
    if found.alike:
        parts.append("nothing else noticeably different" if parts else "nothing noticeably different")
    return parts


def _look(run: Run, scenario: Scenario | None, workload: str, original: str, mine: str) -> _Found:
    found = _Found()
    declared = {m.name: m for m in scenario.metrics} if scenario else {}
    there = dict.fromkeys(m.metric for m in run.measurements if (m.workload, m.design) == (workload, mine))
    for name in sorted(there, key=list(declared).index) if set(there) <= set(declared) else there:
        metric = declared.get(name)
        says = metric.says if metric else name.replace("_", " ")
        compared = facts.compared(run, name, workload, original, mine)
        a, b = (list(run.all_measured(name, design, workload)) for design in (original, mine))
        if compared is not None:
            _tell_compared(found, compared, says, mine, b[0])
        elif len(a) == len(b) == 1 and not (metric and metric.view):
            _tell_apart(found, metric, says, a[0], b[0])
    return found


def _tell_compared(found: _Found, c: Comparison, says: str, mine: str, m: Measurement) -> None:
    if c.outcome == "equivalent":
        found.alike += 1
    elif c.outcome == "cannot tell" or c.ratio <= 0:
        found.unknown.append(says)
    else:
        better = (c.outcome == "better") == (c.a == mine)  # the outcome is told of a
        good, bad = ("sooner", "slower") if m.unit == "s" else ("better", "worse")
        found.different.append(f"{says}, {units.ratio(max(c.ratio, 1 / c.ratio))} {good if better else bad}")


def _tell_apart(found: _Found, metric: Metric | None, says: str, a: Measurement, b: Measurement) -> None:
    """Figures that make no ratio: one of them is nothing at all, or there is none."""
    counted = metric.counted if metric else a.unit not in ("s", "share")
    if a.value is None and b.value is None:
        found.both_behind |= a.note.startswith(FALLS_BEHIND) and b.note.startswith(FALLS_BEHIND)
    elif a.value is None or b.value is None:
        found.different.append(f"{says}, {_told(b)} instead of {_told(a).replace(FALLS_BEHIND, 'falling behind')}")
    elif min(a.rounds, b.rounds) < 2 and not counted:
        found.unknown.append(says)
    elif abs(a.value - b.value) <= (metric.noticeable if metric else 0):
        found.alike += 1
    elif not counted and _overlap(a, b):
        found.unknown.append(says)
    else:
        found.different.append(f"{says}, {_told(b)} instead of {_told(a)}")


def _told(m: Measurement) -> str:
    return units.measured(m.value, m.unit) if m.value is not None else m.note.partition(":")[0] or "no figure"


def _overlap(a: Measurement, b: Measurement) -> bool:
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return False
    return a.low <= b.high and b.low <= a.high
