"""The conversation of one run: problem → prediction → traces → figures → verdict beside the prediction."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archlab import catalog
from archlab.__main__ import DONE, FAILED, REFUTED, UNCERTAIN, say
from archlab.scenario import Scenario, UsageError

if TYPE_CHECKING:
    from archlab.learn.prediction import Prediction
    from archlab.run import Run
    from archlab.store import Store


@dataclass(frozen=True)
class Asked:
    """What a person asked for on the command line."""

    name: str
    turned: list[str]
    workloads: list[str]
    designs: list[str]
    seed: int = 1
    quick: bool = False
    seconds: float | None = None
    as_json: bool = False
    no_input: bool = False
    slowest: bool = False


def seconds(text: str | None) -> float | None:
    """``60s``, ``5m``, ``90`` → seconds; raises UsageError."""
    if text is None:
        return None
    units = {"s": 1, "m": 60, "h": 3600}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1)
    try:
        value = float(number) * unit
    except ValueError:
        value = 0
    if not 1 <= value <= 24 * 3600:
        raise UsageError(f"--for takes a time such as 60s or 5m, up to 24h, not {text!r}.")
    return value
