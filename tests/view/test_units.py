"""Figures in human units: what is shown can be read back, within the precision that is promised."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab.view import units

SIZES = {"µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "days": 86_400.0}


def read(text: str) -> float:
    """Seconds from what a time is shown as."""
    figure, unit = text.replace("−", "-").replace(",", "").split()
    return float(figure) * SIZES[unit]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0000045, "4.5 µs"),
        (0.00002, "20 µs"),
        (0.0001, "100 µs"),
        (0.0051, "5.1 ms"),
        (0.0263, "26 ms"),
        (1.2, "1.2 s"),
        (0.9997e-3, "1 ms"),
        (0.99968, "1 s"),
        (90, "90 s"),
        (180, "3 min"),
        (0, "0 s"),
        (4e-8, "<1 µs"),
        (-0.005, "−5 ms"),
        (None, "–"),
        (math.inf, "–"),
        (math.nan, "–"),
    ],
)
def test_duration_is_told_in_its_unit(seconds, shown):
    assert units.duration(seconds) == shown


@given(st.floats(1e-6, 1e7))
def test_duration_reads_back_within_five_per_cent(seconds):
    """Two significant digits: never further off than half of the second one."""
    assert math.isclose(read(units.duration(seconds)), seconds, rel_tol=0.051)


@given(st.floats(1e-6, 1e7))
def test_duration_never_needs_four_digits_below_a_second(seconds):
    figure, unit = units.duration(seconds).split()
    assert unit not in ("µs", "ms") or float(figure.replace(",", "")) < 1000


@given(st.floats(1e-6, 1e5), st.floats(0, 0.5), st.floats(0, 2))
def test_interval_shares_one_unit_and_keeps_its_order(value, below, above):
    text = units.interval(value, value * (1 - below), value * (1 + above), "s")
    if "–" not in text:
        return
    middle, span, unit = text.split()
    low, high = (float(x.replace(",", "")) for x in span.split("–"))
    assert low <= float(middle.replace(",", "")) <= high
    assert math.isclose(float(middle.replace(",", "")) * SIZES[unit], value, rel_tol=0.051)


def test_interval_examples():
    assert units.interval(0.0054, 0.0051, 0.0059, "s") == "5.4  5.1–5.9 ms"
    assert units.interval(0.058, 0.051, 0.066, "s") == "58  51–66 ms"
    assert units.interval(0.0, 0.0, 0.0, "s") == "at once"
    assert units.interval(17, 15, 20, "effects") == "17  15–20 effects"
    assert units.interval(None, 1.0, 2.0, "s") == "–"
    assert units.interval(0.005, None, None, "s") == "5 ms"
    assert units.interval(0.021, 0.018, 0.024, "share") == "2.1  1.8–2.4 %"
    assert units.interval(5e-8, 4e-8, 6e-8, "s") == "<1 µs"


@given(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from(["s", "share", "%", "orders", ""]))
def test_any_figure_can_be_shown(value, unit):
    for text in (units.figure(value, unit), units.measured(value, unit), units.interval(value, value, value, unit)):
        assert text and len(text) < 60


@given(st.floats(1, 1e9))
def test_ratio_reads_back_within_five_per_cent(value):
    assert math.isclose(float(units.ratio(value).removesuffix(" ×").replace(",", "")), value, rel_tol=0.051)


def test_small_words():
    assert units.ratio(620) == "620 ×"
    assert units.ratio(1.807) == "1.8 ×"
    assert units.ratio(13_400) == "13,000 ×"
    assert units.percent(0.041) == "4 %"
    assert units.percent(0.0034) == "0.3 %"
    assert units.percent(0.0001) == "<0.1 %"
    assert units.count(1, "file") == "1 file"
    assert units.count(4, "file") == "4 files"
    assert units.bound(0.1, "s") == "≤ 100 ms"
    assert units.bound(0, "effects") == "≤ 0"
    assert units.word(3) == "three"
    assert units.word(40) == "40"


def test_times_that_stand_side_by_side_share_the_unit_of_the_first():
    assert units.alike([0.0041, 0.0025, 0.00061, 0.0000004]) == (["4.1", "2.5", "0.61", "0.0004"], "ms")
