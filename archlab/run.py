"""What one execution recorded: plain data, from which everything shown, judged, stored or exported is derived.

A Run is the contract between bench, judge, store and view; ``to_json`` is the contract with other programs.
Times are seconds; ``None`` stands for "no such figure" (a design that falls behind has no quantile).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, Literal, TypeVar

SCHEMA = 1

_Found = TypeVar("_Found")

Outcome = Literal["held", "refuted", "inconclusive"]
Met = Literal["met", "missed", "uncertain"]
Compared = Literal["better", "worse", "equivalent", "cannot tell"]


@dataclass(frozen=True)
class Measurement:
    """One metric of one design at one workload, over all rounds. The unit of statistics is the round.

    ``value`` is the geometric mean of the rounds (where one is not positive, their median), ``low``..``high`` its 95 %
    interval (the range); ``by_round`` has one value a round.
    For a metric under a requirement ``over`` has, for each round, the share of requests over the bound.
    """

    experiment: str
    design: str
    workload: str
    metric: str
    unit: str
    better: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    """Observations, all rounds together."""
    rounds: int
    at: Mapping[str, Any] = field(default_factory=dict)
    by_round: tuple[float, ...] = ()
    over: tuple[float, ...] = ()
    per_round: int = 0
    """The fewest requests in a round: a quantile needs enough of them."""
    utilisation: float | None = None
    """Under load: the share of the time of those who serve that is demanded; at 1 and above the design falls behind."""
    note: str = ""
    """Why there is no value: ``falls behind: 29 of 100 a second``."""
    cases: tuple[str, ...] = ()
    """Of a count: some of what was counted, a sentence each."""


@dataclass(frozen=True)
class Comparison:
    """``ratio`` is a's figure over b's, paired by round; judged beyond noise and the noticeable margin."""

    metric: str
    workload: str
    a: str
    b: str
    ratio: float
    low: float
    high: float
    outcome: Compared
    at: Mapping[str, Any] = field(default_factory=dict)
    """The place of the two measurements, where the metric has several."""


@dataclass(frozen=True)
class RequirementOutcome:
    id: str
    metric: str
    at_most: float | None
    unit: str
    workload: str
    design: str
    outcome: Met
    why: str
    margin: float | None = None
    """How far inside its region: bound ÷ figure where met, figure ÷ bound (or demanded ÷ served) where missed; the
    other way round for a lower bound."""
    at_least: float | None = None
    at: Mapping[str, Any] = field(default_factory=dict)
    """The place of the measurement that was judged: of several the worst."""

    @property
    def bound(self) -> float:
        """The one bound, or the upper of two."""
        bound = self.at_least if self.at_most is None else self.at_most
        assert bound is not None  # a requirement has one
        return bound


@dataclass(frozen=True)
class Verdict:
    """The simplest sufficient design of a workload; ``candidates`` are the designs it can still be."""

    workload: str
    status: Literal["sufficient", "uncertain", "none"]
    design: str | None
    candidates: tuple[str, ...]
    at: Mapping[str, Any] = field(default_factory=dict)
    """The knob and its value, where a workload is served at several in one run; empty for the workload as a whole."""


@dataclass(frozen=True)
class ClaimOutcome:
    id: str
    text: str
    kind: str
    outcome: Outcome | None
    """None where the kind is not ``measured``: only what was measured can be held or refuted."""
    evidence: str
    edited: str = ""
    """The edited design that refutes the claim in its original's place; empty where the originals are judged."""
    formula: str = ""
    """Of a modelled claim; its ``evidence`` is what the formula gives with the knobs of this run."""
    source: str = ""
    """Who reports it and where, or where the formula comes from."""
    cases: tuple[str, ...] = ()
    """Some of what the evidence counts, a sentence each."""


Kind = Literal["stale", "rounded", "missing", ""]


@dataclass(frozen=True)
class Difference:
    """A design that answers otherwise than another one to what all are asked alike."""

    design: str
    against: str
    """The design whose answers stand: what most designs answer, of two the simpler one's."""
    workload: str
    at: Mapping[str, Any]
    """The knob and its value, where the workload is served at several."""
    differ: int
    """Answers that differ, of ``of`` that were compared, all rounds together."""
    of: int
    kind: Kind
    """A guess, where every difference fits it: each answer is an earlier one (``stale``), the other one ``rounded``, or
    lacks what the other one has (``missing``)."""
    cases: tuple[Mapping[str, Any], ...] = ()
    """The first answers that differ, in the order in which they were asked for, with a field each: ``request``,
    ``after`` (the operation before it), ``field``, ``right`` and ``wrong`` (the two values; None where there is no such
    field). Empty where the designs answered in another order."""

    @property
    def sentence(self) -> str:
        """Why the run is invalid."""
        where = " ".join([self.workload, *(f"with {knob}={value:g}" for knob, value in self.at.items())])
        return f"{self.design} answers differently from {self.against} at {where}, so the comparison would not be fair"


@dataclass(frozen=True)
class FaultRecord:
    name: str
    design: str
    planned: int
    injected: int


@dataclass(frozen=True)
class Event:
    """One thing that happened in a load with a timeline, in one round of it."""

    experiment: str
    design: str
    workload: str
    t: float
    """Seconds after the first request was due; of what was done, when that began."""
    kind: Literal["done", "fails", "recovers", "seen"]
    """``done`` to the system by the timeline; the first request that ``fails``, the first that is served again
    (``recovers``); ``seen`` by the scenario's own code (``lab.seen("the queue is empty")``)."""
    says: str


@dataclass(frozen=True)
class DesignFacts:
    """What a design is and what it costs, counted from its code and from what was really started."""

    name: str
    title: str
    role: str
    order: int
    lines: int = 0
    modules: int = 0
    processes: int = 0
    tables: int = 0
    queues: int = 0
    change_files: int = 0
    change_added: int = 0
    change_removed: int = 0
    promises: str = ""
    edits: str = ""
    """Of an edited design: the name of its original."""

    def to_json(self) -> dict[str, Any]:
        """As documented in the contract: what is counted stands in groups."""
        told = asdict(self)
        told["code"] = {name: told.pop(name) for name in ("lines", "modules")}
        told["moving_parts"] = {name: told.pop(name) for name in ("processes", "tables", "queues")}
        told["change"] = {name: told.pop(f"change_{name}") for name in ("files", "added", "removed")}
        return told


@dataclass(frozen=True)
class Span:
    """One piece of work in OpenTelemetry's model. Times are seconds since the request was due."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    start: float
    end: float
    process: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trace:
    """One request of the traced pass. The root span is the operation; ``wait`` is the time in the queue before it."""

    design: str
    workload: str
    operation: str
    wait: float
    spans: tuple[Span, ...]
    picked: Literal["median", "slowest"] = "median"
    untraced: float | None = None
    """Median time of the same operation without tracing, all rounds: the observer effect is told from it."""

    @property
    def root(self) -> Span:
        return next(span for span in self.spans if span.parent_id is None)

    @property
    def latency(self) -> float:
        return self.root.end


@dataclass(frozen=True)
class Waits:
    """How long the requests of one operation waited in the traced pass of a load that arrives on a schedule."""

    design: str
    workload: str
    operation: str
    requests: tuple[tuple[int, float, float], ...]
    """A few of the requests that were served, from the first to the last: its number among those of the operation,
    seconds in the queue, and seconds from when it was due until it was served."""
    grows: float
    """Seconds by which the wait grows every second."""
    busy: float
    """The share of the time of those who serve that the traced load demands; at 1 and above the design falls behind."""


@dataclass(frozen=True)
class WorkloadFacts:
    name: str
    says: str
    settings: Mapping[str, float]


@dataclass(frozen=True)
class Run:
    """One recorded execution: designs × workloads, measurements, traces, and what was judged from them."""

    scenario: str
    topic: str
    question: str
    seed: int
    started: str
    """UTC, ISO 8601."""
    seconds: float
    workloads: tuple[WorkloadFacts, ...]
    designs: tuple[DesignFacts, ...]
    measurements: tuple[Measurement, ...]
    faults: tuple[FaultRecord, ...]
    traces: tuple[Trace, ...]
    environment: Mapping[str, Any]
    waits: tuple[Waits, ...] = ()
    """Of the traced pass, where requests arrive on a schedule; empty for runs of an earlier archlab."""
    invalid_reasons: tuple[str, ...] = ()
    noise: float | None = None
    """Half-width of the baseline's odd rounds against its even ones, as a share (0.04 = ±4 %)."""
    tracing_cost: float | None = None
    """The observer effect: by how much tracing lengthened the traced requests, as a share."""
    differences: tuple[Difference, ...] = ()
    """Designs that answer differently: then the run is invalid."""
    findings: tuple[str, ...] = ()
    """What the run noticed about the scheme itself: a declared order that the bill contradicts …"""
    comparisons: tuple[Comparison, ...] = ()
    requirements: tuple[RequirementOutcome, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    verdicts_along: tuple[Verdict, ...] = ()
    """One for each value of the knob, of the workloads that are served at several."""
    events: tuple[Event, ...] = ()
    """What happened in the loads with a timeline, in the order of time: one round of each design and workload."""
    claims: tuple[ClaimOutcome, ...] = ()
    quick: bool = False
    turned: Mapping[str, float] = field(default_factory=dict)
    """Knobs that the person set."""
    data: Mapping[str, str] = field(default_factory=dict)
    """Hash of the data that every design started from, by workload."""
    run_id: int | None = None
    """None until it is recorded."""

    @property
    def valid(self) -> bool:
        return not self.invalid_reasons

    def design(self, name: str) -> DesignFacts:
        return next(design for design in self.designs if design.name == name)

    def measured(
        self, metric: str, design: str, workload: str, at: Mapping[str, Any] | None = None
    ) -> Measurement | None:
        """The measurement at exactly the place ``at``, or the only one; None where the run has none.

        Raises LookupError where there are several: the first of them would say nothing about the others.
        """
        found = [m for m in self.all_measured(metric, design, workload) if at is None or m.at == at]
        return _only(found, f"{metric} of {design} at {workload}", "all_measured")

    def all_measured(self, metric: str, design: str, workload: str) -> Iterator[Measurement]:
        for m in self.measurements:
            if (m.metric, m.design, m.workload) == (metric, design, workload):
                yield m

    def required(self, metric: str, design: str, workload: str, id: str = "") -> RequirementOutcome | None:  # noqa: A002 - the field's name
        """The outcome of the requirement ``id``, or of the only one on a metric; None where nothing is demanded.

        Raises LookupError where there are several.
        """
        found = [r for r in self.requirements if (r.metric, r.design, r.workload) == (metric, design, workload)]
        found = [r for r in found if not id or r.id == id]
        return _only(found, f"the requirement on {metric} of {design} at {workload}", "requirements")

    def compared(
        self, metric: str, workload: str, a: str, b: str, at: Mapping[str, Any] | None = None
    ) -> Comparison | None:
        """The comparison at exactly the place ``at``, or the only one; None where there is none.

        Raises LookupError where there are several.
        """
        found = [c for c in self.all_compared(metric, workload, a, b) if at is None or c.at == at]
        return _only(found, f"{metric} of {a} against {b} at {workload}", "all_compared")

    def all_compared(self, metric: str, workload: str, a: str, b: str) -> Iterator[Comparison]:
        for c in self.comparisons:
            if (c.metric, c.workload, c.a, c.b) == (metric, workload, a, b):
                yield c

    def verdict(self, workload: str) -> Verdict | None:
        return next((v for v in self.verdicts if v.workload == workload), None)

    def trace(self, operation: str, design: str, workload: str) -> Trace | None:
        for t in self.traces:
            if (t.operation, t.design, t.workload) == (operation, design, workload):
                return t
        return None

    def flips(self, workload: str) -> bool:
        """Whether the verdict of a workload surely differs along the values at which it is served."""
        sure = {v.design for v in self.verdicts_along if v.workload == workload and v.status != "uncertain"}
        return len(sure) > 1

    def to_json(self) -> dict[str, Any]:
        """The documented contract of ``run --json`` (schema 1): every field but the traces."""
        told: dict[str, Any] = {"schema": SCHEMA}
        for each in fields(self):
            if each.name not in ("traces", "verdicts", "verdicts_along"):
                told[each.name] = _plain(getattr(self, each.name))
        told["valid"] = self.valid
        told["verdicts"] = {v.workload: self._verdict_to_json(v) for v in self.verdicts}
        return told

    def _verdict_to_json(self, verdict: Verdict) -> dict[str, Any]:
        told = {"design": verdict.design, "status": verdict.status, "candidates": list(verdict.candidates)}
        along = [v for v in self.verdicts_along if v.workload == verdict.workload]
        if not along:
            return told
        at_values = [
            {"at": dict(v.at), "design": v.design, "status": v.status, "candidates": list(v.candidates)} for v in along
        ]
        return {**told, "along": at_values, "flips": self.flips(verdict.workload)}


def _only(found: list[_Found], what: str, several: str) -> _Found | None:
    if len(found) > 1:
        raise LookupError(f"{what} has {len(found)} places: say which one is meant, or ask for run.{several}")
    return found[0] if found else None


def _plain(value: Any) -> Any:
    """A field as JSON has it."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, DesignFacts):
        return value.to_json()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return dict(value) if isinstance(value, Mapping) else value
