"""A prediction beside what came of it: predicting is what makes a demonstration teach. Pure functions of a Run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from archlab.run import Run


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


@dataclass(frozen=True)
class Outcome:
    """What came of a prediction."""

    result: Literal["right", "wrong", "undecided"]
    why: str
    """A sentence: what the run found."""
    brier: float | None
    """(confidence - outcome)², 0 the best, 0.25 a coin's toss, 1 the worst; None while undecided.

    Brier, Verification of forecasts expressed in terms of probability (1950), for one of two outcomes.
    """


def outcome(prediction: Prediction, run: Run) -> Outcome:
    """The prediction beside the run. Undecided where the run is invalid, or its verdict uncertain and still open."""
    said = prediction.design or "none"
    if not run.valid:
        return Outcome("undecided", f"the run is invalid: {run.invalid_reasons[0]}", None)
    verdict = run.verdict(prediction.workload)
    if verdict is None:
        return Outcome("undecided", f"the run has no workload {prediction.workload}.", None)
    if verdict.status == "uncertain":
        if prediction.design is not None and prediction.design not in verdict.candidates:
            return _decided(prediction, False, f"it is {' or '.join(verdict.candidates)}, not {said}.")
        return Outcome("undecided", f"it is {' or '.join(verdict.candidates) or 'open'}: more rounds would tell.", None)
    found = verdict.design if verdict.status == "sufficient" else None
    sentence = f"{found} is the simplest design that is enough." if found else "no design is enough."
    return _decided(prediction, found == prediction.design, sentence)


def _decided(prediction: Prediction, right: bool, why: str) -> Outcome:
    return Outcome("right" if right else "wrong", why, brier(prediction.confidence, right))


def brier(confidence: int, right: bool) -> float:
    """The squared distance between a confidence (percent) and what came of it, 0 to 1; lower is better."""
    return (confidence / 100 - right) ** 2


def calibration(outcomes: Iterable[Outcome]) -> float | None:
    """The mean Brier score of what has been decided; None when nothing has."""
    scores = [outcome.brier for outcome in outcomes if outcome.brier is not None]
    return sum(scores) / len(scores) if scores else None
