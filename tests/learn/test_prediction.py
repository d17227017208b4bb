"""A prediction is right, wrong or undecided beside a run, and is scored so that honesty pays."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab.learn.prediction import Outcome, Prediction, brier, calibration, outcome
from archlab.run import Run, Verdict

DESIGNS = ["crud", "queries", "projection"]


def run(
    status: Literal["sufficient", "uncertain", "none"],
    design: str | None = None,
    candidates: tuple[str, ...] = (),
    invalid: tuple[str, ...] = (),
) -> Run:
    verdicts = (Verdict("pressure", status, design, candidates),)
    return Run("cqrs", "", "", 1, "", 1.0, (), (), (), (), (), {}, invalid_reasons=invalid, verdicts=verdicts)


@pytest.mark.parametrize(
    ("predicted", "happened", "result"),
    [
        ("queries", run("sufficient", "queries"), "right"),
        ("projection", run("sufficient", "queries"), "wrong"),
        (None, run("sufficient", "queries"), "wrong"),
        (None, run("none"), "right"),
        ("crud", run("none"), "wrong"),
        ("queries", run("uncertain", None, ("queries", "projection")), "undecided"),
        ("crud", run("uncertain", None, ("queries", "projection")), "wrong"),
        (None, run("uncertain", None, ("queries",)), "undecided"),
        ("queries", run("sufficient", "queries", invalid=("suspended",)), "undecided"),
    ],
)
def test_the_outcome_beside_the_verdict(predicted: str | None, happened: Run, result: str) -> None:
    beside = outcome(Prediction(predicted, "pressure", 70), happened)
    assert beside.result == result
    assert (beside.brier is None) == (result == "undecided")
    assert beside.why.endswith(".") or not happened.valid


def test_a_workload_that_was_not_run_decides_nothing() -> None:
    assert outcome(Prediction("crud", "calm", 70), run("none")).result == "undecided"


@given(st.sampled_from([*DESIGNS, None]), st.integers(50, 100), st.sampled_from(DESIGNS))
def test_more_confidence_scores_better_when_right_and_worse_when_wrong(
    design: str | None, confidence: int, enough: str
) -> None:
    beside = outcome(Prediction(design, "pressure", confidence), run("sufficient", enough))
    toss = outcome(Prediction(design, "pressure", 50), run("sufficient", enough))
    assert beside.brier is not None
    assert toss.brier == 0.25
    assert 0 <= beside.brier <= 1
    assert (beside.brier <= 0.25) == (beside.result == "right" or confidence == 50)


@given(st.integers(50, 100), st.integers(50, 100))
def test_saying_what_one_believes_scores_best(belief: int, said: int) -> None:
    """The rule is proper: nobody gains, on average, by another number than their own."""

    def expected(confidence: int) -> float:
        return belief / 100 * brier(confidence, True) + (1 - belief / 100) * brier(confidence, False)

    assert expected(belief) <= expected(said) + 1e-12


@pytest.mark.parametrize("confidence", [49, 101, -1])
def test_a_confidence_below_a_toss_is_another_prediction(confidence: int) -> None:
    with pytest.raises(ValueError, match="from 50 to 100"):
        Prediction("crud", "calm", confidence)


def test_calibration_is_the_mean_of_what_was_decided() -> None:
    decided = [Outcome("right", "", 0.04), Outcome("wrong", "", 0.64), Outcome("undecided", "", None)]
    assert calibration(decided) == pytest.approx(0.34)
    assert calibration(decided[2:]) is None
