"""Judges a run: comparisons, requirements, verdicts, claims. Pure: the same run always gets the same judgement."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise, product
from typing import Any, Literal

from archlab.bench.statistics import OVERLOAD, compare, enough_requests, median, noise_floor
from archlab.evolution import EDITED
from archlab.failure import describe
from archlab.run import (
    ClaimOutcome,
    Comparison,
    Measurement,
    Met,
    RequirementOutcome,
    Run,
    Verdict,
)
from archlab.scenario import Claim, Finding, Requirement, Scenario

Standing = Literal["enough", "misses", "pays", "self-inflicted", "uncertain", "misuse"]

ENOUGH_ROUNDS = 5
"""A percentile bound is judged by at least this many rounds."""
ENOUGH_VALUES = 3
"""A bound on one value a round by at least this many."""
WELL_INSIDE = 3.0
"""A workload is meant to lie this far inside its region: 3 × beyond the bound, or within a third of it."""


def judge(scenario: Scenario, run: Run) -> Run:
    """The run with everything that follows from its measurements. An invalid run is judged in nothing."""
    if not run.valid:
        claims = tuple(
            ClaimOutcome(c.id, c.text, c.kind, None, "not judged: the run is invalid") for c in scenario.claims
        )
        return replace(run, claims=claims)
    run = replace(run, noise=_noise(scenario, run))
    run = replace(run, comparisons=tuple(_comparisons(scenario, run)))
    run = replace(run, requirements=tuple(_requirements(scenario, run)))
    run = replace(run, verdicts=tuple(_verdict(scenario, run, w.name) for w in run.workloads))
    run = replace(run, findings=tuple(_findings(scenario, run)))
    claims = tuple(_claim(claim, run, bool(scenario.narrowed)) for claim in scenario.claims)
    return replace(run, claims=(*claims, *_refuted_by_edits(scenario, run, claims)))


def standing(run: Run, workload: str, design: str) -> Standing:
    """Which of the four quadrants a design stands in at a workload, or why it stands in none."""
    if run.design(design).role == "misuse":
        return "misuse"
    verdict, outcomes = run.verdict(workload), [r.outcome for r in _of(run, workload, design)]
    if "missed" in outcomes:
        return "misses"
    if verdict is None or not verdict.candidates:
        return "uncertain"
    last = run.design(verdict.candidates[-1])
    if verdict.status == "sufficient" and design == last.name:
        return "enough" if last.order == min(d.order for d in run.designs if d.role != "misuse") else "pays"
    surely = all(r.outcome == "met" for r in _of(run, workload, last.name))
    return "self-inflicted" if surely and run.design(design).order > last.order else "uncertain"


def clear_by(run: Run, workload: str, design: str) -> tuple[bool, float] | None:
    """How far a design lies inside its region: (passing?, factor).

    A design that passes is as far inside as its tightest bound; one that fails as far as the bound it fails the most.
    """
    judged = _of(run, workload, design)
    missed = [r.margin for r in judged if r.outcome == "missed" and r.margin is not None]
    if missed:
        return False, max(missed)
    met = [r.margin for r in judged if r.outcome == "met" and r.margin is not None]
    return (True, min(met)) if met and all(r.outcome == "met" for r in judged) else None


def _of(run: Run, workload: str, design: str) -> list[RequirementOutcome]:
    return [r for r in run.requirements if (r.workload, r.design) == (workload, design)]


def _noise(scenario: Scenario, run: Run) -> float | None:
    """The baseline's odd rounds against its even ones, over the time its requests take: the middle of what was seen."""
    baseline = next((d.name for d in scenario.designs if d.role == "baseline"), scenario.designs[0].name)
    served = {metric.name for metric in scenario.metrics if metric.operation and metric.of == "service"}
    floors = [
        noise_floor(m.by_round)
        for m in run.measurements
        if m.design == baseline and m.metric in served and m.rounds > 1 and min(m.by_round, default=0) > 0
    ]
    return median(floors) if floors else None


def _comparisons(scenario: Scenario, run: Run) -> Iterator[Comparison]:
    """Every pair of designs, the simpler first, on every metric that both have at a workload."""
    for metric in scenario.metrics:
        for workload in run.workloads:
            for a, b in combinations(scenario.designs, 2):
                one = run.measured(metric.name, a.name, workload.name)
                other = run.measured(metric.name, b.name, workload.name)
                # An overloaded design has fewer rounds: those that both have are pairs of the same number and seed.
                pairs = list(zip(one.by_round, other.by_round, strict=False)) if one and other else []
                if len(pairs) < 2 or min(map(min, pairs)) <= 0:
                    continue
                mine, others = zip(*pairs, strict=True)
                outcome, (ratio, low, high) = compare(mine, others, metric.better, metric.noticeable, run.noise or 0.0)
                yield Comparison(metric.name, workload.name, a.name, b.name, ratio, low, high, outcome)  # type: ignore[arg-type]  # one of the four words


def _requirements(scenario: Scenario, run: Run) -> Iterator[RequirementOutcome]:
    for requirement in scenario.requirements:
        for workload in run.workloads:
            if not requirement.demanded_in(workload.name):
                continue
            for design in scenario.designs:
                if not design.asked_at(workload.name):
                    continue
                found = list(run.all_measured(requirement.metric, design.name, workload.name))
                outcome, why, margin = _worst([_met(scenario, requirement, m) for m in found])
                yield RequirementOutcome(
                    requirement.id,
                    requirement.metric,
                    requirement.at_most,
                    requirement.unit,
                    workload.name,
                    design.name,
                    outcome,
                    why,
                    margin,
                )


BACKLOG = 1.25
"""A lasting demand of this many times what can be served misses every bound in the end, also one that the short
rounds of a run do not reach yet; nearer to 1 the noise of a machine decides."""

Judged = tuple[Met, str, "float | None"]


def _worst(judged: list[Judged]) -> Judged:
    """Of several places of one metric the worst counts; without any measurement nothing is known."""
    if not judged:
        return "uncertain", "not measured", None
    severity = {"missed": 0, "uncertain": 1, "met": 2}
    return min(judged, key=lambda one: (severity[one[0]], one[2] or math.inf))


def _met(scenario: Scenario, requirement: Requirement, m: Measurement) -> Judged:
    """One bound on one measurement, by the share over the bound in each round."""
    metric = scenario.metric(requirement.metric)
    allowed = 1 - metric.quantile if metric.operation else 0.0
    lost = sum(share > allowed + 1e-9 for share in m.over)
    behind = metric.of == "latency" and m.utilisation is not None and m.utilisation >= 1
    if behind and lost == len(m.over) and (m.utilisation or 0) >= OVERLOAD:
        return "missed", m.note, m.utilisation
    enough = 1 if metric.counted else ENOUGH_ROUNDS if metric.operation else ENOUGH_VALUES
    if m.rounds < enough:
        return "uncertain", f"only {m.rounds} of the {enough} rounds that a judgement needs", None
    timed = bool(m.value) and requirement.at_most > 0 and not metric.counted  # a count is not nearly something
    if behind and (m.utilisation or 0) >= BACKLOG:
        return "missed", m.note, m.utilisation
    if lost == len(m.over):
        margin = m.value / requirement.at_most if timed and m.value else None
        if behind:
            margin = m.utilisation
        return "missed", m.note or f"over the bound in {lost} of {m.rounds} rounds", margin
    if lost:
        return "uncertain", f"over the bound in {lost} of {m.rounds} rounds", None
    needed = enough_requests(metric.quantile) if metric.operation else 0
    if m.per_round < needed:
        return "uncertain", f"{m.per_round} requests a round of the {needed} that a judgement needs", None
    if behind:
        return "uncertain", m.note, None
    margin = requirement.at_most / m.value if timed and m.value else None
    return "met", f"within the bound in all {m.rounds} rounds", margin


def _verdict(scenario: Scenario, run: Run, workload: str) -> Verdict:
    """The first design, simplest first, that misses nothing; noise never recommends the grander one."""
    candidates: list[str] = []
    for design in scenario.designs:
        outcomes = {r.outcome for r in _of(run, workload, design.name)}
        if design.role == "misuse" or "missed" in outcomes:
            continue
        candidates.append(design.name)
        if outcomes <= {"met"}:  # where nothing is demanded, the simplest design will do
            break
    else:
        # Nobody surely meets everything: all that are left may.
        if not candidates:
            return Verdict(workload, "none", None, ())
        return Verdict(workload, "uncertain", None, tuple(candidates))
    if len(candidates) == 1:
        return Verdict(workload, "sufficient", candidates[0], tuple(candidates))
    return Verdict(workload, "uncertain", None, (candidates[0], candidates[-1]))


def _findings(scenario: Scenario, run: Run) -> Iterator[str]:
    """What the run says about the scheme itself."""
    ordered = [run.design(d.name) for d in scenario.designs if d.role != "misuse"]
    for simpler, grander in pairwise(ordered):
        bills = [
            (d.lines, d.modules, d.processes, d.tables, d.change_added + d.change_removed) for d in (simpler, grander)
        ]
        if all(small >= large for small, large in zip(*bills, strict=True)) and bills[0] != bills[1]:
            yield f"{simpler.name} stands before {grander.name} as the simpler, and costs more in every respect"
    for workload, design in product(run.workloads, run.designs):
        inside = clear_by(run, workload.name, design.name)
        if inside is not None and inside[1] < WELL_INSIDE and not run.turned:
            near = f"{workload.name}: {design.name} lies only {inside[1]:.1f} × inside its region"
            yield f"{near}; turn the workload's knobs further for a clear picture"


def _claim(claim: Claim, run: Run, narrowed: bool) -> ClaimOutcome:
    if claim.kind != "measured" or claim.judge is None:
        return ClaimOutcome(claim.id, claim.text, claim.kind, None, claim.source)
    try:
        finding: Finding = claim.judge(run)
    except Exception as error:
        # A broken claim must not cost the run; in a run narrowed to some designs a claim may lack what it asks for.
        what = "this run left out what it needs" if narrowed else f"{BROKEN} {describe(error)}"
        finding = Finding("inconclusive", what)
    return ClaimOutcome(claim.id, claim.text, claim.kind, finding.outcome, finding.evidence)


def _refuted_by_edits(scenario: Scenario, run: Run, claims: tuple[ClaimOutcome, ...]) -> Iterator[ClaimOutcome]:
    """Claims that hold of the originals and do not once an edited design stands in its original's place."""
    for edited in (d.name for d in scenario.designs if d.name.endswith(EDITED)):
        swapped = judge(*_in_its_originals_place(scenario, run, edited))
        for claim, before in zip(swapped.claims, claims, strict=True):
            if claim.outcome == "refuted" != before.outcome:
                evidence = f"with {edited} in place of {edited.removesuffix(EDITED)}: {claim.evidence}"
                yield replace(claim, id=f"{claim.id}{EDITED}", evidence=evidence)


def _in_its_originals_place(scenario: Scenario, run: Run, edited: str) -> tuple[Scenario, Run]:
    """The run as if there were no originals edited but this one, and it had its original's name."""
    original = edited.removesuffix(EDITED)
    designs = tuple(design for design in scenario.designs if not design.name.endswith(EDITED))
    kept = {design.name: design.name for design in designs} | {edited: original}
    del kept[original]
    renamed: dict[str, Any] = {
        of: tuple(replace(one, **{key: kept[name]}) for one in getattr(run, of) if (name := getattr(one, key)) in kept)
        for of, key in (("designs", "name"), ("measurements", "design"), ("faults", "design"), ("traces", "design"))
    }
    return replace(scenario, designs=designs), replace(run, **renamed)


BROKEN = "the claim itself failed:"


def broken_claims(run: Run) -> tuple[ClaimOutcome, ...]:
    """Claims whose judge raised: a fault of the scenario, not of what was measured."""
    return tuple(claim for claim in run.claims if claim.evidence.startswith(BROKEN))
