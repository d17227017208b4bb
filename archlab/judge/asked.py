"""A run as a claim sees it: asking for a name that the scenario does not declare is an error.

A run answers None for what it did not measure, and so a misspelt name would leave a claim inconclusive for ever.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from archlab.run import Comparison, DesignFacts, Measurement, RequirementOutcome, Run, Trace, Verdict
from archlab.scenario import Scenario


class UnknownName(LookupError):
    """A claim asks for what its scenario does not declare: one sentence with what there is to choose from."""


@dataclass(frozen=True)
class AskedRun(Run):
    """The same run; it raises UnknownName for an unknown metric, design or workload."""

    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The declared names by kind. A kind that is missing is not checked."""

    def design(self, name: str) -> DesignFacts:
        self._check(design=name)
        return super().design(name)

    def measured(
        self, metric: str, design: str, workload: str, at: Mapping[str, Any] | None = None
    ) -> Measurement | None:
        self._check(metric, design, workload)
        return super().measured(metric, design, workload, at)

    def all_measured(self, metric: str, design: str, workload: str) -> Iterator[Measurement]:
        self._check(metric, design, workload)
        return super().all_measured(metric, design, workload)

    def required(self, metric: str, design: str, workload: str, id: str = "") -> RequirementOutcome | None:  # noqa: A002 - the field's name
        self._check(metric, design, workload)
        return super().required(metric, design, workload, id)

    def compared(
        self, metric: str, workload: str, a: str, b: str, at: Mapping[str, Any] | None = None
    ) -> Comparison | None:
        self._check(metric, a, workload)
        self._check(design=b)
        return super().compared(metric, workload, a, b, at)

    def all_compared(self, metric: str, workload: str, a: str, b: str) -> Iterator[Comparison]:
        self._check(metric, a, workload)
        self._check(design=b)
        return super().all_compared(metric, workload, a, b)

    def verdict(self, workload: str) -> Verdict | None:
        self._check(workload=workload)
        return super().verdict(workload)

    def trace(self, operation: str, design: str, workload: str) -> Trace | None:
        self._check(design=design, workload=workload)
        return super().trace(operation, design, workload)

    def flips(self, workload: str) -> bool:
        self._check(workload=workload)
        return super().flips(workload)

    def _check(self, metric: str | None = None, design: str | None = None, workload: str | None = None) -> None:
        for kind, name in (("metric", metric), ("design", design), ("workload", workload)):
            names = self.known.get(kind)
            if name is None or names is None or name in names:
                continue
            near = difflib.get_close_matches(str(name), names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"choose from: {', '.join(names)}"
            raise UnknownName(f"it asks for the {kind} {name!r}, which the scenario does not declare; {hint}")


def asked(scenario: Scenario, run: Run) -> AskedRun:
    """The run to hand to a claim. One that was narrowed lacks designs and workloads that the whole scenario has."""
    known = {"metric": tuple(metric.name for metric in scenario.metrics)}
    if not scenario.narrowed:
        known["design"] = tuple(design.name for design in scenario.designs)
        known["workload"] = tuple(workload.name for workload in scenario.workloads)
    return AskedRun(**{each.name: getattr(run, each.name) for each in fields(run)}, known=known)
