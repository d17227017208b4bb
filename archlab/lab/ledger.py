"""Counts which effects were lost, repeated or reordered by a crash at each crash point. Pure.

A crash point is a name in the code (``lab.crash_point("between effect and ack")``). All that a design's modules name
are found in their source, so that none is forgotten; each is tried; what happened is compared with what was to happen.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from archlab.scenario import Sample

LOST, DUPLICATED, REORDERED = "lost", "duplicated", "reordered"
FEW = 5
"""Effects that are named where more are counted."""


@dataclass(frozen=True)
class Ledger:
    """The effects of one run against what was to happen."""

    lost: tuple[Hashable, ...] = ()
    """Never happened."""
    duplicated: tuple[Hashable, ...] = ()
    """Happened more than once; each as often as it was too much."""
    reordered: tuple[Hashable, ...] = ()
    """First happened before one that was to happen earlier had happened: the latecomers."""
    unexpected: tuple[Hashable, ...] = ()
    """Happened, and was not to."""

    @property
    def exact(self) -> bool:
        """Everything once, in order, and nothing else."""
        return not (self.lost or self.duplicated or self.reordered or self.unexpected)

    def __str__(self) -> str:
        kinds = (
            (LOST, self.lost),
            (DUPLICATED, self.duplicated),
            (REORDERED, self.reordered),
            ("extra", self.unexpected),
        )
        return ", ".join(f"{len(effects)} {kind}" for kind, effects in kinds if effects) or "exact"


def compare(expected: Sequence[Hashable], happened: Iterable[Hashable]) -> Ledger:
    """``expected`` names every effect once, in the order in which it was to happen; ``happened`` what did, in order.

    Reordered are the effects outside a longest sequence that is in order: one latecomer counts one, however many
    overtook it.
    """
    place = {effect: i for i, effect in enumerate(expected)}
    if len(place) != len(expected):
        raise ValueError("every expected effect needs a name of its own")
    seen = Counter(happened := list(happened))
    firsts = [effect for effect in dict.fromkeys(happened) if effect in place]
    kept = set(_longest_in_order([place[effect] for effect in firsts]))
    return Ledger(
        lost=tuple(effect for effect in expected if effect not in seen),
        duplicated=tuple(effect for effect in firsts for _ in range(seen[effect] - 1)),
        reordered=tuple(effect for effect in firsts if place[effect] not in kept),
        unexpected=tuple(effect for effect in seen if effect not in place),
    )


def samples(point: str, ledger: Ledger) -> Iterator[Sample]:
    """The counts of one crash point, as metrics ``lost``, ``duplicated`` and ``reordered``; with some effects."""
    for metric, effects in ((LOST, ledger.lost), (DUPLICATED, ledger.duplicated), (REORDERED, ledger.reordered)):
        cases = tuple(f"{metric}: {_named(effect)}" for effect in effects[:FEW])
        yield Sample(metric, len(effects), {"crash_point": point}, cases)


def _named(effect: Hashable) -> str:
    """``mail 17`` for ``("mail", 17)``."""
    return " ".join(map(str, effect)) if isinstance(effect, tuple) else str(effect)


def crash_points(files: Iterable[Path]) -> tuple[str, ...]:
    """The names of all crash points in the source of a design, in the order of the code."""
    found = []
    for file in files:
        source = file.read_text(encoding="utf-8")
        if "crash_point" not in source:
            continue  # to parse it would take longer
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "crash_point":
                found += [
                    (str(file), node.lineno, argument.value)
                    for argument in node.args
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
                ]
    return tuple(dict.fromkeys(name for _, _, name in sorted(found)))


def _longest_in_order(places: Sequence[int]) -> list[int]:
    """A longest increasing subsequence (patience sorting, n log n)."""
    from bisect import bisect_left

    ends: list[int] = []
    links: list[tuple[int, int]] = []  # of each: its own place, and the index of the one before it
    last: list[int] = []
    for i, place in enumerate(places):
        pile = bisect_left(ends, place)
        before = last[pile - 1] if pile else -1
        links.append((place, before))
        if pile == len(ends):
            ends.append(place)
            last.append(i)
        else:
            ends[pile], last[pile] = place, i
    kept = []
    i = last[-1] if last else -1
    while i >= 0:
        place, i = links[i]
        kept.append(place)
    return kept[::-1]
