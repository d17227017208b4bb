"""What the pictures ask of a run: pure questions, answered from its records (and its scenario's words, if at hand)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from archlab import judge
from archlab.judge import Standing
from archlab.run import Comparison, DesignFacts, Measurement, RequirementOutcome, Run, Trace
from archlab.scenario import Scenario
from archlab.view.page import BAD, DIM, GOOD, PAYS, SELF, UNSURE

MARKS: dict[Standing, tuple[str, str]] = {
    "enough": ("✓", GOOD),
    "misses": ("✗", BAD),
    "pays": ("★", PAYS),
    "self-inflicted": ("+", SELF),
    "uncertain": ("?", UNSURE),
    "misuse": ("·", DIM),
}
"""A sign and its colour. The word beside it carries the meaning."""

SHORT: dict[Standing, tuple[str, ...]] = {
    "enough": ("enough",),
    "misses": ("misses",),
    "pays": ("pays",),
    "self-inflicted": ("self-inflicted", "self-infl.", "self"),
    "uncertain": ("uncertain", "unsure"),
    "misuse": ("misuse",),
}


def standing(run: Run, workload: str, design: str) -> Standing | None:
    """One of the quadrants, or None where the run did not judge the design there.

    A misuse that misses a bound is shown as missing it: that is its symptom.
    """
    outcomes = [r.outcome for r in run.requirements if r.workload == workload and r.design == design]
    if not outcomes or not run.valid:
        return None
    stands: Standing = judge.standing(run, workload, design)
    return "misses" if stands == "misuse" and "missed" in outcomes else stands


def stands_as(run: Run, workload: str, design: str) -> list[tuple[str, str]]:
    """A mark with its word, longest first, each with its colour: ``+ self-inflicted``, ``+ self-infl.``, ``+ self``."""
    stands = standing(run, workload, design)
    if stands is None:
        return [("not asked", DIM), ("–", DIM)]
    mark, style = MARKS[stands]
    return [(f"{mark} {word}", style) for word in SHORT[stands]]


def in_order(run: Run) -> list[DesignFacts]:
    """The designs as the scenario orders them, simplest first, a misuse after the candidates that it misuses."""
    return sorted(run.designs, key=lambda d: d.order)


def candidates(run: Run) -> list[DesignFacts]:
    return [d for d in in_order(run) if d.role != "misuse"]


def simplest(run: Run) -> DesignFacts | None:
    return next(iter(candidates(run)), None)


def lines(run: Run, scenario: Scenario | None, design: DesignFacts, workload: str) -> int:
    """The lines of a design's code, at a workload where they depend on its knobs."""
    m = run.measured(scenario.lines, design.name, workload) if scenario and scenario.lines else None
    return round(m.value) if m is not None and m.value is not None else design.lines


def edited(run: Run) -> list[tuple[DesignFacts, DesignFacts]]:
    """(original, edited) of every design that somebody edited in a copy, where both were run."""
    named = {d.name: d for d in run.designs}
    pairs = [(named.get(d.edits), d) for d in in_order(run) if d.edits]
    return [(original, mine) for original, mine in pairs if original is not None]


def full_pattern(run: Run) -> DesignFacts | None:
    """The pattern in full: the scenario's own, not what somebody made of it."""
    mine = {d.name for _, d in edited(run)}
    able = [d for d in candidates(run) if d.name not in mine]
    patterns = [d for d in able if d.role == "pattern"]
    return patterns[-1] if patterns else able[-1] if able else None


def demands(run: Run, workload: str) -> list[RequirementOutcome]:
    """One outcome for every requirement of a workload, in the order of the run, for its bound and its words."""
    found: dict[str, RequirementOutcome] = {}
    for r in run.requirements:
        if r.workload == workload:
            found.setdefault(r.id, r)
    return list(found.values())


def outcome(run: Run, requirement: str, design: str, workload: str) -> RequirementOutcome | None:
    for r in run.requirements:
        if (r.id, r.design, r.workload) == (requirement, design, workload):
            return r
    return None


def behind(run: Run, r: RequirementOutcome) -> Measurement | None:
    """The measurement that a requirement's outcome was judged from: of several places the worst."""
    found = list(run.all_measured(r.metric, r.design, r.workload))
    judged = [m for m in found if m.at == r.at]
    # Runs of an earlier archlab do not say which place was judged: it was the one that is furthest over.
    return max(
        judged or found, key=lambda m: (sum(map(bool, m.over)), math.inf if m.value is None else m.value), default=None
    )


def compared(run: Run, metric: str, workload: str, a: str, b: str) -> Comparison | None:
    """Two designs compared, whichever is the simpler, by a metric that has one place; else None."""
    found = [*run.all_compared(metric, workload, a, b), *run.all_compared(metric, workload, b, a)]
    return found[0] if len(found) == 1 else None


def alone(run: Run, metric: str, design: str, workload: str) -> Measurement | None:
    """The measurement of a metric that has one place; None where it has several, or none."""
    found = list(run.all_measured(metric, design, workload))
    return found[0] if len(found) == 1 else None


def place(at: Mapping[str, Any], scenario: Scenario | None = None) -> str:
    """``rtt 2 ms, crash point before ack``: a place in words; a knob's value with its unit."""
    knobs = {knob.name: knob.unit for knob in scenario.knobs} if scenario else {}
    return ", ".join(f"{words(key)} {_at(value)} {knobs.get(key, '')}".rstrip() for key, value in at.items())


def _at(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def widest_workload(run: Run, metric: str) -> str:
    """The workload at which a metric has the most places."""
    measured = [m.workload for m in run.measurements if m.metric == metric]
    return max(dict.fromkeys(measured), key=measured.count, default="")


def missed_because(run: Run, r: RequirementOutcome) -> str:
    """Why there is no figure: ``falls behind: 29 of 100 a second``; empty where there is one."""
    m = behind(run, r)
    if m is not None and m.value is not None:
        return ""
    return (m.note if m is not None and m.note else r.why) or "no figure"


def serves(reason: str) -> tuple[str, str] | None:
    """``falls behind: 201 of 1594 a second`` → ``201``, ``1,594``: how many a second are served, and of how many. None
    for other reasons."""
    what, _, rate = reason.partition(": ")
    served, of, asked = rate.removesuffix(" a second").partition(" of ")
    grouped = [f"{int(rate):,}" if rate.isdecimal() else rate for rate in (served, asked)]
    return (grouped[0], grouped[1]) if what == "falls behind" and of else None


def busy(run: Run, workload: str, design: str) -> float | None:
    """The share of its time that the workload's own load demands of a design."""
    cell = ("load", workload, design)
    shares = [m.utilisation for m in run.measurements if (m.experiment, m.workload, m.design) == cell]
    return max((share for share in shares if share is not None), default=None)


def assumed(run: Run, scenario: Scenario | None) -> list[str]:
    """Knobs that the bench injects, where they are turned up: ``assumed: store_distance 5 ms (far_views)``."""
    where: dict[str, list[str]] = {}
    for knob in (knob for knob in scenario.knobs if knob.assumed) if scenario else ():
        for w in (w for w in run.workloads if w.settings.get(knob.name)):
            where.setdefault(f"assumed: {knob.name} {w.settings[knob.name]:g} {knob.unit}", []).append(w.name)
    return [f"{what} ({', '.join(names)})" for what, names in where.items()]


def left_out(run: Run, scenario: Scenario | None) -> str:
    """What a run left out: ``designs``, ``workloads`` or ``designs and workloads``; empty for nothing."""
    if scenario is None:
        return ""
    designs, workloads = {d.name for d in run.designs}, {w.name for w in run.workloads}
    missing = []
    if "--design" in scenario.narrowed or any(d.name not in designs for d in scenario.designs):
        missing.append("designs")
    if "--workload" in scenario.narrowed or any(w.name not in workloads for w in scenario.workloads):
        missing.append("workloads")
    return " and ".join(missing)


def says(scenario: Scenario | None, requirement: str) -> str:
    """A requirement in the scenario's words, else its id as words."""
    for r in scenario.requirements if scenario else ():
        if r.id == requirement:
            return r.says
    return requirement.replace("-", " ").replace("_", " ")


def latency_metrics(scenario: Scenario | None, operation: str) -> set[str]:
    """The metrics that are declared to be an operation's latency under the workload's own load."""
    metrics = scenario.metrics if scenario else ()
    return {m.name for m in metrics if (m.operation, m.of, m.experiment) == (operation, "latency", "")}


def shown_workload(run: Run, scenario: Scenario | None = None) -> str:
    """The workload whose traces are shown: the scenario's choice, else the one that was traced, else pressure."""
    names = [w.name for w in run.workloads]
    traced = [t.workload for t in run.traces]
    wanted = [scenario.shown_workload] if scenario else []
    for name in (*wanted, *dict.fromkeys(traced), "pressure", *reversed(names)):
        if name in names or name in traced:
            return name
    return ""


def words(operation: str) -> str:
    """``place_order`` → ``place order``."""
    return operation.replace("_", " ")


def shown_operations(run: Run, workload: str, scenario: Scenario | None = None) -> list[str]:
    traced = list(dict.fromkeys(t.operation for t in run.traces if t.workload == workload))
    wanted = [o for o in (scenario.shown if scenario else ()) if o in traced]
    return wanted or traced


def trace_bound(run: Run, scenario: Scenario | None, operation: str, workload: str) -> float | None:
    """The bound on an operation's latency, in seconds: the right edge of its waterfall. None where nobody declares it,
    and where the scenario is not at hand to say which metric is the operation's."""
    metrics = latency_metrics(scenario, operation)
    judged = [r.at_most for r in demands(run, workload) if r.metric in metrics]
    if scenario and not judged:  # the traces are shown before anything is judged
        knobs = next((w.settings for w in run.workloads if w.name == workload), None)
        asked = (r for r in scenario.requirements if r.metric in metrics and r.demanded_in(workload, knobs))
        judged = [r.at_most for r in asked]
    return next((bound for bound in judged if bound is not None), None)


def traces_of(run: Run, operation: str, workload: str, designs: Iterable[DesignFacts]) -> list[Trace | None]:
    return [run.trace(operation, d.name, workload) for d in designs]


def step_times(trace: Trace) -> list[tuple[str, float, float]]:
    """(name, first start, time of its own) of the steps below the root, in order of their start, in seconds.

    A span's own time leaves out its children's, so that the steps of a request add up to it. The work of
    others that goes on after the root's end is not a step: see ``seen_after``.
    """
    root = trace.root
    inside = [s for s in trace.spans if s is root or s.end <= root.end]
    children: dict[str | None, float] = {}
    for s in inside:
        children[s.parent_id] = children.get(s.parent_id, 0.0) + (s.end - s.start)
    steps: dict[str, list[float]] = {}
    for s in inside:
        if s is root:
            continue
        step = steps.setdefault(s.name, [s.start, 0.0])
        step[0] = min(step[0], s.start)
        step[1] += max(0.0, s.end - s.start - children.get(s.span_id, 0.0))
    return [(name, start, own) for name, (start, own) in sorted(steps.items(), key=lambda item: item[1][0])]


def seen_after(trace: Trace) -> float | None:
    """Seconds from the root's end to the end of the last span that it set off; None where all was done by then."""
    root = trace.root
    ends = [s.end for s in trace.spans if s.end > root.end]
    return max(ends) - root.end if ends else None


def borders(run: Run, scenario: Scenario | None) -> list[str]:
    """Where the verdict changes, and how that is known: ``from 5 endpoints on … (counted)``."""
    kinds = {claim.id: claim.border for claim in scenario.claims if claim.border} if scenario else {}
    return [f"{c.evidence} ({kinds[c.id]})" for c in run.claims if c.id in kinds and c.outcome == "held"]
