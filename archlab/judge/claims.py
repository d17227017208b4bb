"""The outcome of each claim, from the run alone."""

from __future__ import annotations

from archlab.failure import describe
from archlab.run import ClaimOutcome, Run
from archlab.scenario import Claim, Finding

BROKEN = "the claim itself failed:"


def claim_outcome(claim: Claim, run: Run, narrowed: bool) -> ClaimOutcome:
    if claim.kind != "measured" or claim.judge is None:
        return ClaimOutcome(claim.id, claim.text, claim.kind, None, claim.source)
    try:
        finding: Finding = claim.judge(run)
    except Exception as error:
        # A broken claim must not cost the run; in a run narrowed to some designs a claim may lack what it asks for.
        what = "this run left out what it needs" if narrowed else f"{BROKEN} {describe(error)}"
        finding = Finding("inconclusive", what)
    return ClaimOutcome(claim.id, claim.text, claim.kind, finding.outcome, finding.evidence)


def broken_claims(run: Run) -> tuple[ClaimOutcome, ...]:
    """Claims whose judge raised: a fault of the scenario, not of what was measured."""
    return tuple(claim for claim in run.claims if claim.evidence.startswith(BROKEN))
