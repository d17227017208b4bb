"""Decides the verdict of each workload, and how each design stands there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise, product
from typing import Any, Literal

from archlab.judge.requirements import outcomes_of, requirements
from archlab.run import DesignFacts, Run, Verdict
from archlab.scenario import Scenario

Standing = Literal["enough", "misses", "pays", "self-inflicted", "uncertain", "misuse"]

WELL_INSIDE = 3.0
"""A workload is meant to lie this far inside its region: 3 × beyond the bound, or within a third of it."""


def verdict(scenario: Scenario, run: Run, workload: str, at: Mapping[str, Any] | None = None) -> Verdict:
    """The first design, simplest first, that misses nothing; noise never recommends the grander one.

    ``at`` is the place that the requirements of the run were judged at, empty for the workload as a whole.
    """
    at = at or {}
    candidates: list[str] = []
    for design in scenario.designs:
        outcomes = {r.outcome for r in outcomes_of(run, workload, design.name)}
        if design.role == "misuse" or "missed" in outcomes:
            continue
        candidates.append(design.name)
        if outcomes <= {"met"}:  # where nothing is demanded, the simplest design will do
            break
    else:
        # Nobody surely meets everything: all that are left may.
        if not candidates:
            return Verdict(workload, "none", None, (), at)
        return Verdict(workload, "uncertain", None, tuple(candidates), at)
    if len(candidates) == 1:
        return Verdict(workload, "sufficient", candidates[0], tuple(candidates), at)
    return Verdict(workload, "uncertain", None, (candidates[0], candidates[-1]), at)


def verdicts_along(scenario: Scenario, run: Run) -> Iterator[Verdict]:
    """A verdict for each value of the knob, for every workload that is served at several."""
    for workload in scenario.workloads:
        for knob in workload.along:
            measured = [m for m in run.measurements if m.workload == workload.name and knob in m.at]
            for value in sorted({m.at[knob] for m in measured}):
                at = {knob: value}
                there = replace(run, requirements=tuple(requirements(scenario, run, at)))
                yield verdict(scenario, there, workload.name, at)


def standing(run: Run, workload: str, design: str) -> Standing:
    """Which of the four quadrants a design stands in at a workload, or why it stands in none."""
    if run.design(design).role == "misuse":
        return "misuse"
    verdict, outcomes = run.verdict(workload), [r.outcome for r in outcomes_of(run, workload, design)]
    if "missed" in outcomes:
        return "misses"
    if verdict is None or not verdict.candidates:
        return "uncertain"
    last = run.design(verdict.candidates[-1])
    if verdict.status == "sufficient" and design == last.name:
        return "enough" if last.order == min(d.order for d in run.designs if d.role != "misuse") else "pays"
    surely = all(r.outcome == "met" for r in outcomes_of(run, workload, last.name))
    return "self-inflicted" if surely and run.design(design).order > last.order else "uncertain"


def clear_by(run: Run, workload: str, design: str) -> tuple[bool, float] | None:
    """How far a design lies inside its region: (passing?, factor).

    A design that passes is as far inside as its tightest bound; one that fails as far as the bound it fails the most.
    """
    judged = outcomes_of(run, workload, design)
    missed = [r.margin for r in judged if r.outcome == "missed" and r.margin is not None]
    if missed:
        return False, max(missed)
    met = [r.margin for r in judged if r.outcome == "met" and r.margin is not None]
    return (True, min(met)) if met and all(r.outcome == "met" for r in judged) else None


def _lines(scenario: Scenario, run: Run, design: DesignFacts) -> float:
    """The lines of a design at the first workload, where they depend on its knobs; else those of its code."""
    m = run.measured(scenario.lines, design.name, scenario.workloads[0].name) if scenario.lines else None
    return m.value if m is not None and m.value is not None else design.lines


def findings(scenario: Scenario, run: Run) -> Iterator[str]:
    """What the run says about the scheme itself."""
    ordered = [run.design(d.name) for d in scenario.designs if d.role != "misuse"]
    for simpler, grander in pairwise(ordered):
        bills = [
            (_lines(scenario, run, d), d.modules, d.processes, d.tables, d.change_added + d.change_removed)
            for d in (simpler, grander)
        ]
        if all(small >= large for small, large in zip(*bills, strict=True)) and bills[0] != bills[1]:
            yield f"{simpler.name} is listed as simpler than {grander.name}, yet costs more in every respect"
    for workload in scenario.workloads:
        for knob in workload.along if run.flips(workload.name) else ():
            yield f"{workload.name}: the verdict depends on {knob}; name its value when you quote this verdict"
    candidates = [design for design in run.designs if design.role != "misuse"]  # no verdict depends on the others
    for facts, design in product(run.workloads, candidates):
        inside = clear_by(run, facts.name, design.name)
        if inside is not None and inside[1] < WELL_INSIDE and not run.turned:
            how = "only {:.1f} × within its bounds" if inside[0] else "only {:.1f} × beyond its bound"
            near = f"{facts.name}: {design.name} is {how.format(inside[1])}"
            yield f"{near}, so this verdict is close"
