"""Judges each claim, from the run alone."""

from __future__ import annotations

from archlab.cases import bounded
from archlab.failure import describe
from archlab.judge.asked import UnknownName, asked
from archlab.run import ClaimOutcome, Run
from archlab.scenario import Claim, Finding, Scenario

BROKEN = "the claim itself failed:"
INVALID = "not judged: the run is invalid"


def claim_outcomes(scenario: Scenario, run: Run) -> tuple[ClaimOutcome, ...]:
    """One for every claim of the scenario, in its order."""
    seen = asked(scenario, run)
    return tuple(_outcome(claim, seen, bool(scenario.narrowed)) for claim in scenario.claims)


def not_judged(scenario: Scenario) -> tuple[ClaimOutcome, ...]:
    """The same for an invalid run, from which nothing follows; what others report stands."""
    said = [INVALID if claim.kind == "measured" else claim.source for claim in scenario.claims]
    told = zip(scenario.claims, said, strict=True)
    return tuple(_told(claim, Finding("inconclusive", evidence), judged=False) for claim, evidence in told)


def broken_claims(run: Run) -> tuple[ClaimOutcome, ...]:
    """Claims that cannot be judged: a fault of the scenario, not of what was measured."""
    return tuple(claim for claim in run.claims if claim.evidence.startswith(BROKEN))


def _outcome(claim: Claim, run: Run, narrowed: bool) -> ClaimOutcome:
    judge = claim.judge if claim.kind == "measured" else None
    try:
        if judge is not None:
            return _told(claim, judge(run), judged=True)
        return _told(claim, Finding("inconclusive", claim.here(run) if claim.here else claim.source), judged=False)
    except UnknownName as error:
        what = f"{BROKEN} {describe(error).removeprefix('UnknownName: ')}"
    except Exception as error:
        # A broken claim must not cost the run; in a run narrowed to some designs a claim may lack what it asks for.
        what = "this run left out what it needs" if narrowed else f"{BROKEN} {describe(error)}"
    return _told(claim, Finding("inconclusive", what), judge is not None)


def _told(claim: Claim, finding: Finding, judged: bool) -> ClaimOutcome:
    return ClaimOutcome(
        claim.id,
        claim.text,
        claim.kind,
        finding.outcome if judged else None,
        finding.evidence,
        formula=claim.formula,
        source=claim.source,
        cases=bounded(finding.cases),
    )
