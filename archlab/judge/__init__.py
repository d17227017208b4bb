"""Judges what was measured. Pure: it knows what a scenario declares and what a run recorded, and nothing else."""

from archlab.judge.claims import broken_claims
from archlab.judge.judging import judge
from archlab.judge.verdicts import WELL_INSIDE, Standing, clear_by, standing

__all__ = ["WELL_INSIDE", "Standing", "broken_claims", "clear_by", "judge", "standing"]
