"""The progress of a run, as plain data for whatever shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from archlab.run import Run


@dataclass(frozen=True)
class Traced:
    """The traced pass is over: its traces can be shown while the figures are measured."""

    run: Run
    """With traces, and nothing measured yet."""


@dataclass(frozen=True)
class Progress:
    done: int
    planned: int
    seconds_left: float
    doing: str


@dataclass(frozen=True)
class Notice:
    """Something that a person should know now, in a sentence: that it takes long, that a design does not end."""

    sentence: str


Tell = Callable[[Traced | Progress | Notice], None]
