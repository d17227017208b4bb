"""Finds where two designs answer differently: the request, the field, since when, and a likely cause. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from archlab.bench.answers import Reply, Value
from archlab.run import Difference, Kind

MOST_CASES = 5
NEAR = 0.1
"""By what share a rounded figure differs at the most: 14 is hardly 10 rounded."""
EMPTY = ("None", "''", "[]", "()", "{}", "set()")


@dataclass(frozen=True)
class Pair:
    """The answers of two designs to the same request; a reply that one of them never gave has no fields."""

    request: str
    after: str
    right: Mapping[str, Value]
    wrong: Mapping[str, Value]
    earlier: Sequence[Mapping[str, Value]]
    """What the right one answered to the same request before."""

    @property
    def differing(self) -> dict[str, tuple[Value, Value]]:
        """Field → (right, wrong), where they are not the same; None where there is no such field."""
        names = dict.fromkeys((*self.right, *self.wrong))
        both = {name: (self.right.get(name), self.wrong.get(name)) for name in names}
        return {name: values for name, values in both.items() if not _same(*values)}


def difference(
    design: str,
    against: str,
    workload: str,
    at: Mapping[str, Any],
    rounds: Sequence[tuple[Sequence[Reply], Sequence[Reply]]],
) -> Difference:
    """What ``design`` answers otherwise than ``against``; ``rounds`` has the answers (right, wrong) of each round."""
    compared = [pair for right, wrong in rounds for pair in pairs(right, wrong)]
    found = [pair for pair in compared if pair.differing]
    cases = tuple(map(_case, found[:MOST_CASES]))
    return Difference(design, against, workload, at, len(found), len(compared), guess(found), cases)


def guess(found: Sequence[Pair]) -> Kind:
    """What may be wrong, if all that differs fits it; the most telling guess first: a page of before lacks the newest
    row, too."""
    if not found:
        return ""
    if all(any(_is(pair, then) for then in pair.earlier) for pair in found):
        return "stale"
    if _rounded(found):
        return "rounded"
    if _missing(found):
        return "missing"
    return "stale" if all(any(_has(pair, then) for then in pair.earlier) for pair in found) else ""


def pairs(right: Sequence[Reply], wrong: Sequence[Reply]) -> list[Pair]:
    """Every request with both answers, in the order of the requests; the n-th of a name belongs to the n-th."""
    given = {(reply.request, number): reply for reply, number in _numbered(wrong)}
    before: dict[str, list[Mapping[str, Value]]] = {}
    found = []
    for reply, number in _numbered(right):
        other = given.pop((reply.request, number), None)
        earlier = tuple(before.setdefault(reply.request, []))
        told = dict(reply.fields)
        found.append(Pair(reply.request, reply.after, told, dict(other.fields) if other else {}, earlier))
        before[reply.request].append(told)
    return found + [Pair(r.request, r.after, {}, dict(r.fields), ()) for r in given.values()]


def _numbered(replies: Sequence[Reply]) -> list[tuple[Reply, int]]:
    seen: Counter[str] = Counter()
    numbered = []
    for reply in replies:
        numbered.append((reply, seen[reply.request]))
        seen[reply.request] += 1
    return numbered


def _same(right: Value, wrong: Value) -> bool:
    return type(right) is type(wrong) and right == wrong


def _case(pair: Pair) -> dict[str, Any]:
    field, (right, wrong) = next(iter(pair.differing.items()))
    return {"request": pair.request, "after": pair.after, "field": field, "right": right, "wrong": wrong}


def _is(pair: Pair, then: Mapping[str, Value]) -> bool:
    """Whether the answer is one that was right before."""
    return pair.wrong.keys() == then.keys() and all(_same(then[name], value) for name, value in pair.wrong.items())


def _has(pair: Pair, then: Mapping[str, Value]) -> bool:
    """Whether at least each field that differs has what it had then: one panel of a page may be stale."""
    return all(_same(then.get(name), wrong) for name, (_, wrong) in pair.differing.items())


def _rounded(found: Sequence[Pair]) -> bool:
    """Most figures have fewer digits, and the others are near enough to be sums of such."""
    both = [values for pair in found for values in pair.differing.values()]
    return all(_near(*values) for values in both) and 2 * sum(is_rounded(*values) for values in both) > len(both)


def _missing(found: Sequence[Pair]) -> bool:
    """Nothing is there where the right answer has something."""
    return all(wrong is None or wrong in EMPTY for pair in found for _, wrong in pair.differing.values())


def _near(right: Value, wrong: Value) -> bool:
    if type(right) not in (int, float) or type(wrong) not in (int, float):
        return False
    assert isinstance(right, (int, float)) and isinstance(wrong, (int, float))
    return abs(right - wrong) <= NEAR * abs(right)


def is_rounded(right: Value, wrong: Value) -> bool:
    """Whether ``wrong`` is ``right`` with fewer digits, up, down or to the nearest."""
    if right == wrong or not wrong or not _near(right, wrong):
        return False
    whole, less = Decimal(repr(right)), Decimal(repr(wrong))
    if _digits(less) >= _digits(whole):
        return False
    step = Decimal(1).scaleb(_exponent(less))
    ways = (ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_FLOOR, ROUND_CEILING)
    return any((whole / step).to_integral_value(way) * step == less for way in ways)


def _digits(number: Decimal) -> int:
    return len(number.normalize().as_tuple().digits)


def _exponent(number: Decimal) -> int:
    return int(number.normalize().as_tuple().exponent)
