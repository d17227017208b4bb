"""Figures from rounds. The unit is the round: requests within one are correlated, and judging them one by one alarms
falsely in a third of the cases and more."""

from __future__ import annotations

import math
from collections.abc import Sequence

# Student's t, two-sided 95 %, by degrees of freedom (any statistics textbook's table); 1.96 in the limit.
_T: tuple[float, ...] = (
    12.706,
    4.303,
    3.182,
    2.776,
    2.571,
    2.447,
    2.365,
    2.306,
    2.262,
    2.228,
    2.201,
    2.179,
    2.160,
    2.145,
    2.131,
)
_T += (2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042)

OVERLOAD = 2.0
"""A demand of this many times what can be served needs no further round: no noise doubles a worker's speed."""

Interval = tuple[float, float, float]
"""Value, low, high."""


def student_t(degrees: int) -> float:
    """The 97.5 % quantile of Student's t. Beyond the table the nearest tabled one, which is slightly wider."""
    return _T[min(degrees, len(_T)) - 1]


def quantile(values: Sequence[float], q: float) -> float:
    """The smallest value that at least a share ``q`` of ``values`` does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def mean_interval(values: Sequence[float]) -> Interval:
    """Mean and its 95 % t-interval; with a single value the interval is unbounded."""
    count = len(values)
    mean = math.fsum(values) / count
    if count == 1:
        return mean, -math.inf, math.inf
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1) / count)
    half = student_t(count - 1) * spread
    return mean, mean - half, mean + half


def round_interval(values: Sequence[float]) -> Interval:
    """A metric over its rounds. Positive figures are averaged as logarithms (times are skewed, ratios matter);
    where one is zero or below, the median with the whole range stands."""
    if min(values) == max(values) and len(values) > 1:
        return values[0], values[0], values[0]
    if min(values) > 0:
        value, low, high = mean_interval([math.log(value) for value in values])
        # A single round bounds nothing; an interval beyond any float is as good as none.
        return math.exp(value), math.exp(low), math.exp(min(high, 700.0))
    return median(values), min(values), max(values)


def paired_ratio(a: Sequence[float], b: Sequence[float]) -> Interval:
    """The ratio a/b with its 95 % interval, paired round by round (the machine's speed drifts; pairs share it)."""
    value, low, high = mean_interval([math.log(x / y) for x, y in zip(a, b, strict=True)])
    return math.exp(value), math.exp(low), math.exp(min(high, 700.0))


def noise_floor(baseline: Sequence[float]) -> float:
    """How far the baseline's odd rounds lie from its even ones, as a share: 0.04 is ±4 %."""
    odd, even = baseline[0::2], baseline[1::2]
    if not odd or not even:
        return math.inf
    apart = math.fsum(map(math.log, odd)) / len(odd) - math.fsum(map(math.log, even)) / len(even)
    return math.exp(abs(apart)) - 1


def compare(
    a: Sequence[float], b: Sequence[float], better: str, noticeable: float, noise: float
) -> tuple[str, Interval]:
    """Whether a is better or worse than b: beyond noise and the noticeable margin; (outcome, ratio a/b).

    ``equivalent`` when the whole interval of the difference lies within the margin, else ``cannot tell``.
    """
    ratio, low, high = paired_ratio(a, b)
    _, least, most = mean_interval([x - y for x, y in zip(a, b, strict=True)])
    if -noticeable < least and most < noticeable:
        return "equivalent", (ratio, low, high)
    beyond_noise = (low > 1 or high < 1) and abs(math.log(ratio)) > math.log1p(noise)
    if beyond_noise and (least > noticeable or most < -noticeable):
        a_is_better = (ratio < 1) == (better == "lower")
        return "better" if a_is_better else "worse", (ratio, low, high)
    return "cannot tell", (ratio, low, high)


def enough_requests(q: float) -> int:
    """The fewest requests that can show, with none over the bound, that at most 1 − q are over, with 95 % confidence:
    p95 needs 59, p99 299, p99.9 2,995 (the rule of three, exactly: q^n ≤ 0.05)."""
    return math.ceil(math.log(0.05) / math.log(q))
