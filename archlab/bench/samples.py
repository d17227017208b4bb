"""Checks what an experiment yields before it is recorded: numbers for known metrics, at places that are plain data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from inspect import isgenerator, unwrap
from pathlib import Path
from typing import Any

from archlab.cases import bounded
from archlab.scenario import Sample, Scenario, ScenarioError


def checked(scenario: Scenario, measure: Callable[..., Iterable[Sample]], *arguments: Any) -> tuple[Sample, ...]:
    """What ``measure(*arguments)`` yields.

    Raises ScenarioError, which names the line, for anything that is no sample of one of the scenario's metrics.
    """
    known = tuple(metric.name for metric in scenario.metrics)
    yielded = measure(*arguments)
    found = []
    for sample in yielded if isinstance(yielded, Iterable) else (yielded,):
        if wrong := _wrong(sample, known):
            raise ScenarioError(wrong + _line(measure, yielded))
        found.append(replace(sample, cases=bounded(sample.cases)) if sample.cases else sample)
    return tuple(found)


def _wrong(sample: object, known: tuple[str, ...]) -> str:
    """What is wrong with it; empty where nothing is."""
    if not isinstance(sample, Sample):
        return f"an experiment yields samples, Sample(metric, value), not {sample!r}"
    if sample.metric not in known:
        return f"a sample names {sample.metric!r}, which is not a metric (choose from: {', '.join(known)})"
    if not isinstance(sample.value, (int, float)) or math.isnan(sample.value):
        return f"a sample of {sample.metric} is not a number ({sample.value!r})"
    if not isinstance(sample.cases, tuple) or not all(isinstance(case, str) for case in sample.cases):
        return f"a sample of {sample.metric} has the cases {_short(sample.cases)}; they are a tuple of sentences"
    for key, value in sample.at.items():  # it is compared, recorded, and shown
        plain = value is None or isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value))
        if not (isinstance(key, str) and plain):
            return (
                f"a sample of {sample.metric} has the place {key!r}: {value!r}; "
                "`at` takes names with plain values: a string, a number, True, False or None"
            )
    return ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _line(measure: Callable[..., Iterable[Sample]], yielded: object) -> str:
    """`` (experiments.py, line 12)``: the line that yielded, or where the function begins that returned it all."""
    code = getattr(unwrap(measure), "__code__", None)
    if code is None:
        return ""
    frame = yielded.gi_frame if isgenerator(yielded) else None
    return f" ({Path(code.co_filename).name}, line {frame.f_lineno if frame else code.co_firstlineno})"
