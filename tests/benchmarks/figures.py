"""What every benchmark here prints: a figure with its 95 % interval, beside the bound that it must reach."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from archlab.statistics import Interval, median, paired_ratio, round_interval

UNITS = {"s": 1.0, "ms": 1e3, "µs": 1e6, "×": 1.0, "%": 100.0, "": 1.0}


@dataclass
class Report:
    """Collects figures; ``exit()`` ends with 1 if a bound is not reached."""

    missed: list[str] = field(default_factory=list)

    def show(
        self, name: str, figure: Interval, unit: str, at_most: float = math.inf, at_least: float = -math.inf
    ) -> None:
        """Prints one line. Figures and bounds are in seconds, in ratios, or in shares; ``unit`` is how to say them."""
        reached = at_least <= figure[0] <= at_most
        scale = UNITS[unit]
        value, low, high = (f"{number * scale:.3g}" for number in figure)
        bound = f"at most {at_most * scale:g}" if at_most < math.inf else f"at least {at_least * scale:g}"
        if at_most == math.inf and at_least == -math.inf:
            bound, mark = "", " "
        else:
            bound, mark = f"   {bound}{_spaced(unit)}", "✓" if reached else "✗"
        if not reached:
            self.missed.append(name)
        print(f"{mark} {name:<58} {value}{_spaced(unit)}  ({low} to {high}){bound}", flush=True)

    def exit(self) -> None:
        if self.missed:
            sys.exit(f"not reached: {', '.join(self.missed)}")


def _spaced(unit: str) -> str:
    return f" {unit}" if unit else ""


def interleaved(measures: Sequence[Callable[[], float]], rounds: int, repeat: int = 3) -> list[list[float]]:
    """One figure a round and measure: the median of ``repeat``. They take turns, and every round turns them around."""
    found: list[list[float]] = [[] for _ in measures]
    for number in range(rounds):
        seen: list[list[float]] = [[] for _ in measures]
        for _ in range(repeat):
            order = list(range(len(measures)))
            for which in order if number % 2 == 0 else order[::-1]:
                seen[which].append(measures[which]())
        for which, values in enumerate(seen):
            found[which].append(median(values))
    return found


def seconds(action: Callable[[], object]) -> float:
    begin = perf_counter()
    action()
    return perf_counter() - begin


def ratio(a: Sequence[float], b: Sequence[float]) -> Interval:
    return paired_ratio(a, b)


def value(rounds: Sequence[float]) -> Interval:
    return round_interval(rounds)


def share(hits: int, count: int) -> Interval:
    """A share with its 95 % Wilson interval."""
    z, p = 1.96, hits / count
    middle = (p + z * z / 2 / count) / (1 + z * z / count)
    half = z * math.sqrt(p * (1 - p) / count + z * z / 4 / count**2) / (1 + z * z / count)
    return p, max(0.0, middle - half), min(1.0, middle + half)
