"""A prediction is made with a confidence, and scored so that honesty pays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab.learn.prediction import Prediction, brier


@given(st.integers(50, 100))
def test_more_confidence_scores_better_when_right_and_worse_when_wrong(confidence: int) -> None:
    assert 0 <= brier(confidence, True) <= brier(50, True) == 0.25 == brier(50, False) <= brier(confidence, False) <= 1


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
