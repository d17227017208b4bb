"""Figures from rounds: intervals, quantiles, and outcomes of comparisons that more measuring never turns wrong."""

from __future__ import annotations

import itertools
import math
import random
import statistics as standard

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab.statistics import (
    compare,
    enough_requests,
    mean_interval,
    median,
    noise_floor,
    paired_ratio,
    quantile,
    round_interval,
    student_t,
)

seconds = st.floats(1e-7, 1e3)
rounds = st.lists(seconds, min_size=1, max_size=40)
pairs = st.lists(st.tuples(seconds, seconds), min_size=2, max_size=40)
OPPOSITE = {"better": "worse", "worse": "better", "equivalent": "equivalent", "cannot tell": "cannot tell"}


def simulated(rng: random.Random, ratio: float, count: int, noise: float = 0.06) -> tuple[list[float], list[float]]:
    """Paired rounds of two designs, the first ``ratio`` times as slow, on a machine whose speed drifts."""
    a, b, drift = [], [], 0.0
    for _ in range(count):
        drift = 0.7 * drift + rng.gauss(0, 0.1)
        a.append(ratio * math.exp(drift + rng.gauss(0, noise)))
        b.append(math.exp(drift + rng.gauss(0, noise)))
    return a, b


# Intervals


@given(rounds)
def test_an_interval_contains_its_value(values: list[float]) -> None:
    for value, low, high in (mean_interval(values), round_interval(values)):
        assert low <= value <= high


@given(rounds, st.floats(-1e3, 0))
def test_an_interval_over_figures_that_are_not_positive_is_their_whole_range(values: list[float], least: float) -> None:
    values = [*values, least]
    value, low, high = round_interval(values)
    assert value == pytest.approx(standard.median(values))
    assert (low, high) == (min(values), max(values))


@given(seconds, st.integers(2, 40))
def test_rounds_that_agree_leave_no_doubt(value: float, count: int) -> None:
    assert round_interval([value] * count) == (value, value, value)


@given(seconds)
def test_a_single_round_bounds_nothing(value: float) -> None:
    assert mean_interval([value]) == (value, -math.inf, math.inf)
    _, low, high = round_interval([value])
    assert low == 0
    assert high > 1e300


@given(st.lists(seconds, min_size=5, max_size=40), st.floats(1e-3, 1e3))
def test_a_faster_clock_scales_the_whole_interval(values: list[float], factor: float) -> None:
    scaled = round_interval([value * factor for value in values])
    assert scaled == pytest.approx([figure * factor for figure in round_interval(values)], rel=1e-6)


def test_the_intervals_hold_what_they_promise() -> None:
    """95 in 100 of the intervals of simulated rounds contain the truth."""
    rng = random.Random(1)
    for count in (2, 5, 10, 30):
        hits = 0
        for _ in range(2000):
            _, low, high = mean_interval([rng.gauss(3, 1) for _ in range(count)])
            hits += low <= 3 <= high
        assert 0.935 < hits / 2000 < 0.965


def test_students_t_falls_towards_its_limit_and_never_below() -> None:
    values = [student_t(degrees) for degrees in range(1, 200)]
    assert values == sorted(values, reverse=True)
    assert values[0] == pytest.approx(12.706)
    assert values[9] == pytest.approx(2.228)
    assert values[-1] > 1.96


# Quantiles


@given(st.lists(st.floats(allow_nan=False), min_size=1), st.floats(0.01, 0.99))
def test_a_quantile_is_the_smallest_value_that_enough_do_not_exceed(values: list[float], q: float) -> None:
    found = quantile(values, q)
    assert found in values
    assert sum(value <= found for value in values) >= q * len(values) - 1e-9
    assert sum(value < found for value in values) < q * len(values) + 1e-9


def test_an_unfinished_request_stands_behind_all_others() -> None:
    assert quantile([1.0] * 57 + [math.inf] * 3, 0.95) == 1.0
    assert math.isinf(quantile([1.0] * 56 + [math.inf] * 4, 0.95))


@given(st.lists(st.floats(-1e9, 1e9), min_size=1))
def test_the_median_is_the_usual_one(values: list[float]) -> None:
    assert median(values) == pytest.approx(standard.median(values))


@pytest.mark.parametrize(("q", "needed"), [(0.95, 59), (0.99, 299), (0.999, 2995)])
def test_the_requests_that_a_percentile_needs(q: float, needed: int) -> None:
    """Needed is the first count at which all of them within the bound is no luck (p ≤ 5 %)."""
    assert enough_requests(q) == needed
    assert q**needed <= 0.05 < q ** (needed - 1)


# Comparisons


@given(pairs)
def test_a_paired_ratio_contains_its_value_and_turns_over_with_its_sides(both: list[tuple[float, float]]) -> None:
    a, b = [x for x, _ in both], [y for _, y in both]
    ratio, low, high = paired_ratio(a, b)
    assert low <= ratio <= high
    assert paired_ratio(b, a)[0] == pytest.approx(1 / ratio)


@given(pairs, st.floats(0, 10), st.floats(0, 0.5), st.sampled_from(["lower", "higher"]))
def test_who_is_better_does_not_depend_on_who_is_named_first(
    both: list[tuple[float, float]], noticeable: float, noise: float, better: str
) -> None:
    a, b = [x for x, _ in both], [y for _, y in both]
    outcome = compare(a, b, better, noticeable, noise)[0]
    assert compare(b, a, better, noticeable, noise)[0] == OPPOSITE[outcome]
    assert compare(a, b, "higher" if better == "lower" else "lower", noticeable, noise)[0] == OPPOSITE[outcome]


@given(pairs, st.floats(0, 10), st.floats(0, 0.5))
def test_better_and_worse_are_beyond_noise_and_beyond_what_anybody_notices(
    both: list[tuple[float, float]], noticeable: float, noise: float
) -> None:
    a, b = [x for x, _ in both], [y for _, y in both]
    outcome, (ratio, low, high) = compare(a, b, "lower", noticeable, noise)
    apart, least, most = mean_interval([x - y for x, y in both])
    if outcome in ("better", "worse"):
        assert high < 1 or low > 1
        assert abs(math.log(ratio)) > math.log1p(noise)
        assert most < -noticeable or least > noticeable
        assert (outcome == "better") == (ratio < 1)
        assert abs(apart) > noticeable
    if outcome == "equivalent":
        assert -noticeable < least <= most < noticeable


@pytest.mark.parametrize(
    ("a", "noticeable", "noise", "outcome"),
    [
        ([0.020, 0.021, 0.019, 0.020, 0.020], 0.001, 0.02, "worse"),
        ([0.005, 0.0051, 0.0049, 0.005, 0.005], 0.001, 0.02, "better"),
        ([0.0101, 0.0099, 0.0100, 0.0102, 0.0100], 0.001, 0.02, "equivalent"),
        ([0.020, 0.021, 0.019, 0.020, 0.020], 0.001, 1.5, "cannot tell"),  # the baseline itself wobbles more
        ([0.020, 0.021, 0.019, 0.020, 0.020], 0.1, 0.02, "equivalent"),  # twice as slow, and nobody would notice
        ([0.010, 0.030, 0.005, 0.020, 0.011], 0.001, 0.02, "cannot tell"),
    ],
)
def test_the_four_outcomes(a: list[float], noticeable: float, noise: float, outcome: str) -> None:
    b = [0.010, 0.010, 0.0101, 0.0100, 0.0099]
    assert compare(a, b, "lower", noticeable, noise)[0] == outcome


@pytest.mark.parametrize("count", [5, 10, 20, 40])
def test_a_design_against_its_own_copy_alarms_in_one_of_twenty_at_most(count: int) -> None:
    """Simulated A/A comparisons, however many rounds, with no margin to hide behind."""
    rng = random.Random(count)
    alarms = 0
    for _ in range(1000):
        a, b = simulated(rng, 1.0, count)
        alarms += compare(a, b, "lower", 0.0, noise_floor(b))[0] in ("better", "worse")
    assert alarms / 1000 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 1000)


@pytest.mark.parametrize(
    ("ratio", "noticeable", "right"),
    [(1.5, 0.1, "worse"), (1 / 1.5, 0.1, "better"), (1.02, 0.2, "equivalent"), (1.0, 0.2, "equivalent")],
)
def test_more_rounds_find_more_and_never_turn_a_right_outcome_wrong(
    ratio: float, noticeable: float, right: str
) -> None:
    """Of 200 simulated runs, looked at after 5, 10, 20, 40 rounds: wrong outcomes never, right ones ever more."""
    shares = []
    runs = [simulated(random.Random(seed), ratio, 40) for seed in range(200)]
    for count in (5, 10, 20, 40):
        outcomes = [compare(a[:count], b[:count], "lower", noticeable, 0.05)[0] for a, b in runs]
        assert set(outcomes) <= {right, "cannot tell"}
        shares.append(outcomes.count(right) / len(outcomes))
    assert shares[-1] > 0.99
    assert all(later >= earlier - 0.02 for earlier, later in itertools.pairwise(shares))


@given(rounds)
def test_the_noise_floor_is_no_share_below_zero_and_one_round_has_none(values: list[float]) -> None:
    assert noise_floor(values) >= 0
    assert (noise_floor(values) == math.inf) == (len(values) == 1)


def test_the_noise_floor_is_the_odd_rounds_against_the_even_ones() -> None:
    assert noise_floor([1.0, 1.1, 1.0, 1.1, 1.0]) == pytest.approx(0.1)
    assert noise_floor([3.0, 3.0, 3.0]) == 0
