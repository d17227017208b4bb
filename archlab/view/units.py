"""Formats figures in human units. Pure text: no screen, no colour.

A time chooses the unit in which it has one to three digits before the point, so that 0.0000045 s reads ``4.5 µs``. Two
significant digits are shown below ten and whole numbers above: what a run of a few seconds can know.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

NOTHING = "–"
"""Stands where there is no figure."""

AT_ONCE = "at once"

_TIMES = {"µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "days": 86_400.0}
_ENDS = {"µs": 1e-3, "ms": 1.0, "s": 120.0, "min": 7200.0, "h": 172_800.0}
"""A unit serves up to this many seconds; then the next takes over. Seconds go to two minutes."""

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def number(value: float) -> str:
    """``5.1``, ``26``, ``1,234``, ``0.25``; a zero after the point is dropped only where the number is whole."""
    if not math.isfinite(value):
        return NOTHING
    size = abs(value)
    if size >= 1e15:
        return f"{value:.1e}"
    if value == int(value) or size >= 9.95:
        return f"{value:,.0f}".replace("-", "−")
    if size >= 0.095:
        return (f"{value:.1f}" if size >= 0.995 else f"{value:.2f}").replace("-", "−")
    if size < 1e-4:
        return ("−" if value < 0 else "") + "<0.0001"
    return f"{value:.2g}".replace("-", "−")


def duration(seconds: float | None) -> str:
    """``4.5 µs``, ``26 ms``, ``1.2 s``, ``3 min``; ``<1 µs`` for what no clock here resolves; ``0 s`` for none."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 0:
        return "−" + duration(-seconds)
    if seconds == 0:
        return "0 s"
    if seconds < 0.995e-6:
        return "<1 µs"
    unit = time_unit(seconds)
    return f"{number(_rounded(seconds / _TIMES[unit]))} {unit}"


def time_unit(seconds: float) -> str:
    """The unit in which a time is told."""
    seconds = abs(seconds)
    for unit, end in _ENDS.items():
        if _rounded(seconds / _TIMES[unit]) * _TIMES[unit] < end * (1 - 1e-12):
            return unit
    return "days"


def figure(value: float | None, unit: str) -> str:
    """A figure of any unit: times in human units, shares in per cent, everything else with its unit behind it."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if unit == "s":
        return duration(value)
    if unit in ("share", "%"):
        return percent(value if unit == "share" else value / 100)
    return f"{number(value)} {_one(unit) if value == 1 else unit}".rstrip()


def _one(units: str) -> str:
    """``feature`` for ``features``; a symbol such as ``ms`` stays as it is."""
    return units[:-1] if len(units) > 3 and units.endswith("s") else units


def alike(seconds: Sequence[float]) -> tuple[list[str], str]:
    """Several times in the unit of the first: ``["2.3", "0.61", "0.4"], "ms"``."""
    unit = time_unit(seconds[0])
    return [number(_rounded(one / _TIMES[unit])) for one in seconds], unit


def measured(value: float | None, unit: str) -> str:
    """A measured figure; a time of nothing at all reads ``at once``."""
    return AT_ONCE if unit == "s" and value == 0 else figure(value, unit)


def interval(value: float | None, low: float | None, high: float | None, unit: str) -> str:
    """``5.4  5.1–5.9 ms``: the figure and its 95 % interval in one unit; without an interval just the figure."""
    if value is None or low is None or high is None or not all(map(math.isfinite, (value, low, high))):
        return measured(value, unit)
    if low == high == value or (unit == "s" and value < 0.995e-6):
        return measured(value, unit)
    if unit == "s":
        shown = time_unit(value)
        size = _TIMES[shown]
    elif unit in ("share", "%"):
        shown, size = "%", 0.01 if unit == "share" else 1.0
    else:
        shown, size = unit, 1.0
    middle, least, most = _alike(value / size, low / size, high / size)
    return f"{middle}  {least}–{most} {shown}".rstrip()


def bound(at_most: float | None, unit: str, at_least: float | None = None) -> str:
    """``≤ 100 ms``, ``≥ 3 rows``, ``2–3 rows``; a bound of nothing reads ``≤ 0``, whatever is counted."""
    if at_most is not None and at_least is not None:
        return span(at_least, at_most, unit, "–")
    sign, value = ("≤", at_most) if at_least is None else ("≥", at_least)
    return f"{sign} 0" if value == 0 else f"{sign} {figure(value, unit)}"


def span(low: float, high: float, unit: str, between: str = " to ") -> str:
    """``0 to 40 messages``, ``500 ms to 1.5 s``: the unit once where it is the same."""
    first, last = figure(low, unit), figure(high, unit)
    number_of, _, its_unit = first.rpartition(" ")
    same = low == 0 or (number_of and last.rpartition(" ")[2] == its_unit)
    return f"{(number_of or '0') if same else first}{between}{last}"


def percent(share: float) -> str:
    """``4 %``, ``0.3 %``, ``<0.1 %``."""
    if not math.isfinite(share):
        return NOTHING
    size = abs(share) * 100
    if 0 < size < 0.095:
        return ("−" if share < 0 else "") + "<0.1 %"
    text = number(round(size) if size < 1e15 else size) if size >= 0.95 or size == 0 else f"{size:.1f}"
    return ("−" if share < 0 else "") + text + " %"


def ratio(value: float) -> str:
    """``1.8 ×``, ``12 ×``, ``620 ×``, ``13,000 ×``: two significant digits, three from a hundred on."""
    if not math.isfinite(value):
        return NOTHING
    if value >= 1000:
        digits = 10 ** (int(math.log10(value)) - 1)
        return f"{round(value / digits) * digits:,.0f} ×"
    return f"{number(_rounded(value))} ×" if value != 1 else "1 ×"


def count(number_of: int, one: str, many: str | None = None) -> str:
    """``1 file``, ``4 files``, ``1,200 rows``."""
    return f"{number_of:,} {one if number_of == 1 else many or one + 's'}"


def word(number_of: int) -> str:
    """``three`` up to twelve, then figures."""
    return _WORDS[number_of] if 0 <= number_of < len(_WORDS) else f"{number_of:,}"


def listed(names: Sequence[str], last: str = "and") -> str:
    """``a, b and c``."""
    return f" {last} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _rounded(value: float) -> float:
    """As ``number`` will show it, so that 999.7 µs becomes 1.0 ms and not 1,000 µs."""
    if abs(value) >= 1e15:
        return value
    return round(value) if abs(value) >= 9.95 else round(value, 1) if abs(value) >= 0.995 else value


def _alike(*figures: float) -> list[str]:
    """The figures with as many decimals as the first of them deserves: two significant digits of it."""
    lead = abs(figures[0])
    if lead >= 9.95 or all(figure == int(figure) for figure in figures):
        decimals = 0
    else:
        decimals = 1 if lead >= 0.995 or lead == 0 else min(9, 1 - math.floor(math.log10(lead)))
    return [f"{figure:,.{decimals}f}".replace("-", "−") for figure in figures]
