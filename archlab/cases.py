"""Picks a few cases to show behind a count. Imports nothing of archlab."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 5
LONGEST = 160
"""Characters of a case; a longer one ends with an ellipsis."""


def bounded(cases: Iterable[str]) -> tuple[str, ...]:
    """The first few of them, each once, on one line and not too long."""
    kept: dict[str, None] = {}
    for case in cases:
        if len(kept) == MOST:
            break
        line = " ".join(case.split())
        kept[line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"] = None
    return tuple(kept)
