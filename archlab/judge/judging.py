"""Judges a run: comparisons, requirements, verdicts, claims. The same run always gets the same verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archlab.judge.claims import claim_outcomes, not_judged
from archlab.judge.comparisons import comparisons, noise
from archlab.judge.edits import in_its_originals_place
from archlab.judge.requirements import requirements
from archlab.judge.verdicts import findings, verdict, verdicts_along
from archlab.run import ClaimOutcome, Run
from archlab.scenario import Scenario


def judge(scenario: Scenario, run: Run) -> Run:
    """The run with everything that follows from its measurements. An invalid run is judged in nothing."""
    if not run.valid:
        return replace(run, claims=not_judged(scenario))
    run = replace(run, noise=noise(scenario, run))
    run = replace(run, comparisons=tuple(comparisons(scenario, run)))
    run = replace(run, requirements=tuple(requirements(scenario, run)))
    run = replace(run, verdicts=tuple(verdict(scenario, run, w.name) for w in run.workloads))
    run = replace(run, verdicts_along=tuple(verdicts_along(scenario, run)))
    run = replace(run, findings=tuple(dict.fromkeys((*run.findings, *findings(scenario, run)))))
    claims = claim_outcomes(scenario, run)
    return replace(run, claims=(*claims, *_refuted_by_edits(scenario, run, claims)))


def _refuted_by_edits(scenario: Scenario, run: Run, claims: tuple[ClaimOutcome, ...]) -> Iterator[ClaimOutcome]:
    """Claims that hold of the originals and do not once an edited design stands in its original's place."""
    for edited in (design for design in scenario.designs if design.edits):
        swapped = judge(*in_its_originals_place(scenario, run, edited.name))
        for claim, before in zip(swapped.claims, claims, strict=True):
            if claim.outcome == "refuted" != before.outcome:
                evidence = f"with {edited.name} in place of {edited.edits}: {claim.evidence}"
                yield replace(claim, id=f"{claim.id}-mine", evidence=evidence, edited=edited.name)
