"""What somebody expects of a run, and how a confidence is scored: predicting is what makes a demonstration teach."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Prediction:
    """Which design will be enough in a workload, and how sure somebody is of it."""

    design: str | None
    """None: none of them will be."""
    workload: str
    confidence: int
    """Percent, 50 to 100: below 50, something else would be the prediction."""

    def __post_init__(self) -> None:
        if not 50 <= self.confidence <= 100:
            raise ValueError(f"a confidence is from 50 to 100 percent, not {self.confidence}")


def brier(confidence: int, right: bool) -> float:
    """The squared distance of a confidence (percent) from what came of it: 0 is best, 0.25 a coin's toss, 1 worst.

    Brier, Verification of forecasts expressed in terms of probability (1950), for one of two outcomes.
    """
    return (confidence / 100 - right) ** 2
