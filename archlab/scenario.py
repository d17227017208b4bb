"""The vocabulary of archlab: what a scenario declares, as small frozen dataclasses.

A scenario is one problem, the designs that answer it (simplest first) and what is claimed about them. Nothing here runs
anything: the bench executes it, ``judge`` decides, ``view`` draws.
"""

from __future__ import annotations

import importlib
import math
import shlex
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from archlab.lab import Lab
    from archlab.run import Measurement, Outcome, Run

__all__ = [
    "Action",
    "Answered",
    "Calibrated",
    "Claim",
    "Design",
    "Experiment",
    "Failed",
    "Finding",
    "Grid",
    "Knob",
    "Later",
    "Ledger",
    "Load",
    "Mark",
    "Measurement",
    "Metric",
    "Request",
    "Requirement",
    "Run",
    "Sample",
    "Scenario",
    "ScenarioError",
    "Series",
    "Step",
    "UsageError",
    "Word",
    "Workload",
    "about_the_workloads",
    "held",
    "inconclusive",
    "refuted",
]

Role = Literal["baseline", "alternative", "pattern", "misuse"]
Better = Literal["lower", "higher"]
MeasuredOf = Literal["latency", "service", "failures", "utilisation", "orphans"]


_Thing = TypeVar("_Thing", "Metric", "Design", "Workload")


class UsageError(Exception):
    """Something a person typed is wrong: one sentence that says what, and what to type next. Exit code 2."""


class Failed(Exception):
    """A request that a design could not serve, and why: an operation raises it, or returns it as its answer.

    The request counts as over every bound, and the share of those that failed is a metric (``of="failures"``).
    Anything else that an operation raises is a fault of the design, and ends the run.
    """


class ScenarioError(Exception):
    """A scenario cannot be loaded or executed: one sentence with the reason. Exit code 1."""


@dataclass(frozen=True)
class Knob:
    """A number of the problem that a learner can turn; an ``int`` default makes it a whole number."""

    name: str
    default: float
    low: float
    high: float
    unit: str
    says: str
    read_from: str
    """How to read its value from a real system: a query, a log line, ``git log``."""
    assumed: bool = False
    """Injected by the bench: what follows from it by construction is never claimed as found."""
    demand: bool = False
    """It only switches requirements on (``when=``), and is not among ``lab.knobs``: a design does the same whatever it
    is. Closed workloads that differ in nothing else share their load, which is measured once."""

    def parse(self, text: str) -> float:
        """The value that ``text`` stands for; raises UsageError when it is no number or outside the range."""
        try:
            number = float(text.replace("_", "").replace(",", ""))
        except ValueError:
            number = math.nan
        if isinstance(self.default, int) and number == number // 1:
            number = int(number)
        whole = isinstance(self.default, int)
        if math.isnan(number) or (whole and not isinstance(number, int)):
            raise UsageError(f"knob {self.name}: {text!r} is not a {'whole ' if whole else ''}number. {self.range}")
        if not self.low <= number <= self.high:
            raise UsageError(f"knob {self.name}: {text} is outside its range. {self.range}")
        return number

    @property
    def range(self) -> str:
        return f"Give {self.name}={self.default:g} or any value from {self.low:g} to {self.high:g} ({self.unit})."


@dataclass(frozen=True)
class Mark:
    """How a value is shown in a grid: a sign of one character, and what it means."""

    sign: str
    means: str
    good: bool | None = None
    """True: as it should be; False: not; None: in between."""


@dataclass(frozen=True)
class Grid:
    """Shows a metric as a table of rows × columns for each design, from two keys of ``at``."""

    rows: str
    columns: str
    title: str = ""
    """What the table shows: ``endpoints × concerns, found by probing``."""
    marks: Mapping[float, Mark] = field(default_factory=dict)
    """Value → its mark. A value without one is shown as a number."""
    total: str = ""
    """The last row counts the cells whose mark is not good, under this name; empty for no such row."""


@dataclass(frozen=True)
class Ledger:
    """Shows a metric as one kind of entry in a table of rows × designs: ``2 lost``. Metrics with the same ``rows`` and
    ``title`` share a table, and where all of them are zero a cell reads ``exact``."""

    rows: str
    """The key of ``at`` that names the rows: ``crash_point``."""
    entry: str
    """What is counted: ``lost``, ``duplicated``, ``reordered``."""
    title: str = ""


@dataclass(frozen=True)
class Series:
    """Shows a metric over a number in ``at``, a curve for each design on the same axes: a queue's depth over time."""

    over: str
    """The key of ``at`` with the number: ``t``, in seconds."""
    title: str = ""


@dataclass(frozen=True)
class Metric:
    """A measured figure. One that names an ``operation`` is taken from that operation's requests."""

    name: str
    says: str
    unit: str
    noticeable: float
    """The smallest difference that anybody would notice, in ``unit``."""
    better: Better = "lower"
    operation: str | None = None
    quantile: float = 0.95
    of: MeasuredOf = "latency"
    """What is measured, where the bench measures it. ``latency``: a quantile of the time from when a request was due.
    ``service``: of the time from when a worker took it up. ``failures``: the share of requests that failed.
    ``utilisation``: the share of a worker's time that the load demands. ``orphans``: the share of the traced pass's
    traces that do not belong to a request, because somebody did not pass the context on."""
    counted: bool = False
    """The same in every round, because it is counted and not timed: one round is enough to judge it."""
    experiment: str = ""
    """The experiment whose load is measured; empty for the workload's own load."""
    view: Grid | Ledger | Series | None = None
    """How its places are shown together."""


@dataclass(frozen=True)
class Requirement:
    """What the problem demands of a metric: a bound and the reason for it (an architectural fitness function).

    On a latency metric the bound is judged by the share of requests over it in every round: a quantile q is within the
    bound when at most 1 − q of the requests are over. On any other metric every round's value is judged.
    Of a metric that has several places the worst one is judged.
    """

    id: str
    metric: str
    at_most: float | None
    """The upper bound; None where there is only a lower one."""
    unit: str
    says: str
    why: str
    workloads: tuple[str, ...] = ()
    """The workloads that demand it; empty means all."""
    at_least: float | None = None
    """The lower bound, for a metric of which more is better."""
    at: Mapping[str, Any] = field(default_factory=dict)
    """The places that it is about: those whose ``at`` has these values. Empty means all."""
    when: Callable[[Any], bool] | None = None
    """Whether these knobs demand it: ``lambda knobs: knobs.domains > 1``. None means always."""

    def demanded_in(self, workload: str, knobs: Mapping[str, float] | None = None) -> bool:
        """Whether a workload demands it; ``knobs`` are its settings, None where they are not known yet."""
        if self.workloads and workload not in self.workloads:
            return False
        return self.when is None or knobs is None or bool(self.when(SimpleNamespace(**knobs)))

    @property
    def bound(self) -> float:
        """The one bound, or the upper of two."""
        bound = self.at_least if self.at_most is None else self.at_most
        if bound is None:
            raise ScenarioError(f"requirement {self.id} has no bound: give it at_most or at_least.")
        return bound

    def outside(self, value: float) -> bool:
        """Whether a value breaks a bound."""
        above = self.at_most is not None and value > self.at_most
        return above or (self.at_least is not None and value < self.at_least)

    def reaches(self, place: Mapping[str, Any]) -> bool:
        """Whether it may be about what stands at this place, as far as the place is known."""
        return all(place.get(key, value) == value for key, value in self.at.items())

    def is_about(self, at: Mapping[str, Any]) -> bool:
        """Whether a measurement at this place is judged."""
        return all(key in at and at[key] == value for key, value in self.at.items())


@dataclass(frozen=True)
class Workload:
    """Named knob settings: one situation in which the designs are judged."""

    name: str
    says: str
    """What it is, in a few words. A knob's name in braces stands for its value: ``{rate:,.0f} orders a second``."""
    settings: Mapping[str, float] = field(default_factory=dict)
    """Knob → value. A rate that suits one machine is too low or too high for another: see ``Calibrated``."""
    closed: bool = False
    """Served back to back (closed loop) instead of on a schedule (open loop)."""
    along: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """One knob and the values at which the workload is served in one run: ``{"rtt": (0, 0.5, 2, 10)}``. Every
    measurement has the value in its ``at``, and a verdict that differs along it is said to flip."""

    def caption(self, knobs: Mapping[str, float], turned: Container[str] = ()) -> str:
        """``says`` with the values of the knobs; one that a person turned is marked ``(you)``.

        Raises KeyError for a name in braces that is no knob, ValueError for a format that is none.
        """
        return self.says.format_map({name: _Shown(value, name in turned) for name, value in knobs.items()})


class Calibrated(float):
    """A rate that suits the machine: ``typical`` on the one where it was chosen, more on a faster one.

    As a number it is ``typical`` until a run has timed the machine.
    """

    typical: float
    measured: bool

    def __new__(cls, typical: float, here: float | None = None) -> Calibrated:
        made = super().__new__(cls, typical if here is None else here)
        made.typical, made.measured = typical, here is not None
        return made

    def __reduce__(self) -> Any:
        return Calibrated, (self.typical, float(self) if self.measured else None)

    def here(self, speed: float, low: float, high: float) -> Calibrated:
        """The rate for a machine that is ``speed`` times as fast, in two digits and within ``low`` to ``high``."""
        return Calibrated(self.typical, min(high, max(low, float(f"{self.typical * speed:.2g}"))))


class _Shown:
    """A knob's value as a caption shows it."""

    def __init__(self, value: float, turned: bool) -> None:
        self._value, self._turned = value, turned

    def __format__(self, spec: str) -> str:
        number = format(self._value, spec or "g")
        if self._turned:
            return f"{number} (you)"
        if isinstance(self._value, Calibrated):
            return f"{number} (by this machine's speed)" if self._value.measured else f"about {number}"
        return number


class Later:
    """A function of a module that is imported when it is called: for designs that import what ``archlab list`` must
    not wait for. ``start=Later(f"{__name__}.stack", "start")`` stands for ``stack.start``."""

    def __init__(self, module: str, name: str) -> None:
        self.__module__ = module
        self.__name__ = self.__qualname__ = name

    def __call__(self, *arguments: Any) -> Any:
        return getattr(importlib.import_module(self.__module__), self.__name__)(*arguments)

    def within(self, package: str) -> Later:
        """The same function of the same module in another package: in a copy of the scenario."""
        return Later(f"{package}.{self.__module__.rpartition('.')[2]}", self.__name__)


@dataclass(frozen=True)
class Design:
    """One way to build it. ``start`` takes a Lab and returns the running design, which offers the operations."""

    name: str
    title: str
    role: Role
    why: str
    """Why a competent colleague would ship it."""
    start: Callable[[Lab], Any]
    prepare: Callable[[Lab], None] | None = None
    """Makes and fills the tables that this design alone keeps. Done once; every round then starts from a copy."""
    promises: str = ""
    """What survives a crash of the process and what survives a power loss."""
    steps: Mapping[str, str] = field(default_factory=dict)
    """Methods of the running design that the trace shows as a bar of their own → the bar's name."""
    modules: tuple[str, ...] = ()
    """Modules, beside the one that defines ``start``, that this design alone needs."""
    workloads: tuple[str, ...] = ()
    """The workloads that it is asked to serve; empty means all. A misuse of a pattern is asked where the pattern is."""

    edits: str = ""
    """Of an edited design: the name of its original."""
    change: str | None = None
    """The change that this version of the design has ("" for the change request); None for the design itself."""

    def asked_at(self, workload: str) -> bool:
        return not self.workloads or workload in self.workloads

    def version(self, change: str = "") -> Design:
        """The same design with a patch applied: ``changes/<change>/<design>.patch``, or the change request's."""
        return replace(self, change=change)


@dataclass(frozen=True)
class Request:
    """One request of a schedule: ``due`` in seconds after the start; ``operation`` names a method of the design."""

    due: float
    operation: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Sample:
    """What one experiment observed in one round: a number for ``metric``, at a place ``at`` inside the experiment."""

    metric: str
    value: float
    at: Mapping[str, Any] = field(default_factory=dict)
    cases: tuple[str, ...] = ()
    """Of a count some of what was counted, a sentence each: ``order 17: a mail, and no invoice``. The first five of a
    round are kept, and 160 characters of each."""


@dataclass(frozen=True)
class Answered:
    """What a design answered to one request of those that all designs must answer alike (``Scenario.answers``)."""

    request: str
    """As a person would tell it: ``page of seller 17``. Asked for again later, it has the same name."""
    answer: Any
    """Plain data. Of a mapping or a dataclass each field is compared alone, and named where it differs."""
    after: str = ""
    """The operation before it, as a person would tell it: ``order 4711 was placed``."""


@dataclass(frozen=True)
class Step:
    """One thing done to the running system in the middle of a load."""

    at: float
    """Seconds after the first request was due."""
    says: str
    """What happens, as a person would tell it: ``e-mail stops``."""
    do: Callable[[Lab, Any], None]
    """Called with the lab and the running design, in a thread beside the load. What it raises ends the run."""
    fault: str = ""
    """The fault that this is: it counts as injected once it was done."""


@dataclass(frozen=True)
class Experiment:
    """One thing done to a running design that yields samples. It is executed in a fresh process for every round.

    Either ``run`` does it, or it is a load: ``load``, ``timeline``, or both. Such a load follows its schedule in every
    workload, and is served like any other: with the same bounds, the same early stop, the same falling behind.
    """

    name: str
    run: Callable[[Lab, Any], Iterable[Sample]] | None = None
    workloads: tuple[str, ...] = ()
    """Where it is done; empty means in every workload."""
    designs: tuple[str, ...] = ()
    """On which designs; empty means on all."""
    rounds: int | None = None
    """How often; None means as often as the bench goes round."""
    faults: Mapping[str, int] = field(default_factory=dict)
    """Faults planned in each round, and how often each must strike. One that never strikes makes the run invalid."""

    quick: bool = True
    """Part of a quick look; what takes long and settles no requirement is left to a whole run."""
    load: Load | None = None
    """The schedule of its load; None for the scenario's own."""
    timeline: tuple[Step, ...] = ()
    """What is done to the system while the load is served, in the order of time."""
    seconds: float = 0.0
    """How long its schedule is at least; 0.3 s beyond the last step in any case. Without a load: how long it takes."""
    alone: bool = True
    """Whether nothing else is measured meanwhile. Where all that it yields is counted, and none of it is a time, False
    lets the bench run it beside others of that kind: a run that mostly waits is over sooner."""

    @property
    def is_load(self) -> bool:
        return self.load is not None or bool(self.timeline)

    def done_to(self, design: str, workload: str) -> bool:
        return (not self.designs or design in self.designs) and (not self.workloads or workload in self.workloads)


@dataclass(frozen=True)
class Load:
    """The schedule that a load follows: ``requests(lab, n)`` makes at least ``n`` requests of every operation.

    ``afterwards`` sees the running design and the answer of every request that was served, once the load is over, and
    yields further samples.
    """

    requests: Callable[[Lab, int], list[Request]]
    afterwards: Callable[[Lab, Any, list[Any]], Iterable[Sample]] | None = None
    connections: int = 1
    """How many requests may be under way at once in an open loop; the design must bear calls from as many threads. It
    falls behind when more than their time together is demanded."""
    busy: str = ""
    """What is busy while a request is under way, where it is not the design itself: ``its connection``, behind which
    services have processes of their own."""


@dataclass(frozen=True)
class Action:
    """Something that a person can do to a system that is kept up (``archlab run … --keep``)."""

    name: str
    """What is typed."""
    says: str
    """What it does, after the name."""
    do: Callable[[Lab, Any], str]
    """Called with the lab and the running design; returns what there is to say, in one line or several."""


@dataclass(frozen=True)
class Word:
    """A word that is used in a sense of its own, for ``archlab explain``."""

    name: str
    means: str
    also: tuple[str, ...] = ()
    """Other names under which it is found."""
    see: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """What a claim's judge returns: the outcome and the evidence, in a sentence with figures."""

    outcome: Outcome
    evidence: str
    cases: tuple[str, ...] = ()
    """Some of what the evidence counts, a sentence each: the ``cases`` of a measurement, for example."""


def held(evidence: str, cases: Iterable[str] = ()) -> Finding:
    return Finding("held", evidence, tuple(cases))


def refuted(evidence: str, cases: Iterable[str] = ()) -> Finding:
    return Finding("refuted", evidence, tuple(cases))


def inconclusive(evidence: str, cases: Iterable[str] = ()) -> Finding:
    return Finding("inconclusive", evidence, tuple(cases))


def about_the_workloads(judge: Callable[[Run], Finding]) -> Callable[[Run], Finding]:
    """For a sentence about the named workloads: where somebody has turned their knobs, it is about something else."""

    def judged(run: Run) -> Finding:
        finding = judge(run)
        if finding.outcome != "refuted" or not run.turned:
            return finding
        turned = ", ".join(f"{knob}={value:g}" for knob, value in run.turned.items())
        told = f"{finding.evidence}. With {turned} that is another situation than the sentence is about"
        return inconclusive(told, finding.cases)

    return judged


@dataclass(frozen=True)
class Claim:
    """One sentence of the lesson. A measured one is judged by a pure function of the run, a modelled one shows its
    ``formula``, and one that others report names its ``source``."""

    id: str
    text: str
    judge: Callable[[Run], Finding] | None = None
    kind: Literal["measured", "modelled", "reported"] = "measured"
    source: str = ""
    """Who reports it and where; of a modelled one where the formula comes from, and what it assumes."""
    formula: str = ""
    """Of a modelled one: ``rate <= 1 / (2 * round trip)``."""
    here: Callable[[Run], str] | None = None
    """Of a modelled one: what the formula gives with the run's knobs, in words: ``100 a second at 5 ms``."""
    border: Literal["", "measured", "counted", "requirement-driven"] = ""
    """Its evidence says at which value of a knob the verdict changes, and this how that is known."""


@dataclass(frozen=True)
class Scenario:
    """One topic: a problem, the designs that answer it (simplest first), and what is claimed about them."""

    name: str
    topic: str
    question: str
    problem: str
    """The problem in five lines, shown before the prediction."""
    say_it: str
    """The one sentence to say aloud in an interview."""
    knobs: tuple[Knob, ...]
    metrics: tuple[Metric, ...]
    requirements: tuple[Requirement, ...]
    workloads: tuple[Workload, ...]
    designs: tuple[Design, ...]
    load: Load
    answers: Callable[[Lab, Any], Any]
    """What a design answers once it has caught up: must be the same for every design, or the comparison is not fair.
    A list of ``Answered`` is told request by request where designs differ; of a mapping the keys name the requests."""
    data: Callable[[Lab], None]
    """Seeds the data that every round starts from; depends on knobs and seed only."""
    experiments: tuple[Experiment, ...] = ()
    claims: tuple[Claim, ...] = ()
    shown: tuple[str, ...] = ()
    """The operations whose traces stand side by side, in this order."""
    shown_workload: str = "pressure"
    change_request: str = ""
    lines: str = ""
    """The counted metric that says how many lines a design takes at a workload, where that depends on its knobs: the
    bill states both ends, and the order of the designs is that of the first workload. Empty: its code as it stands."""
    try_next: tuple[tuple[str, str], ...] = ()
    """Commands to type next, each with the question that it answers."""
    seconds: float = 15.0
    """About how long a default run takes on two cores."""
    needs: tuple[str, ...] = ()
    """Parts of the lab that its designs use, ``services`` or ``broker``: imported once, before the first round."""
    words: tuple[Word, ...] = ()
    """Words of this topic that ``archlab explain`` tells."""
    actions: tuple[Action, ...] = ()
    """What a person can do to a system that is kept up after a run."""
    folder: str = ""
    """Where it was loaded from; set by the catalogue."""
    typed: str = ""
    """What to type to name a folder: ``./mine``; empty for a scenario that goes by its name."""
    narrowed: str = ""
    """What to type to leave out the designs and workloads that were left out (``only``): ``--workload calm``."""

    def metric(self, name: str) -> Metric:
        return _named(self.metrics, name, "metric")

    def design(self, name: str) -> Design:
        return _named(self.designs, name, "design")

    def workload(self, name: str) -> Workload:
        return _named(self.workloads, name, "workload")

    def settings(self, workload: Workload, turned: Mapping[str, float]) -> dict[str, float]:
        """Every knob's value: its default, else what the workload sets, else what a person turned it to."""
        return {knob.name: turned.get(knob.name, workload.settings.get(knob.name, knob.default)) for knob in self.knobs}

    def caption(self, workload: Workload, turned: Mapping[str, float]) -> str:
        """What a workload is, with the knobs as they are now."""
        return workload.caption(self.settings(workload, turned), turned)

    def turn(self, text: str) -> tuple[str, float]:
        """``"page_rows=50"`` → ``("page_rows", 50)``; raises UsageError that lists the knobs or the range."""
        name, equals, value = text.partition("=")
        for knob in self.knobs:
            if knob.name == name.strip() and equals:
                return knob.name, knob.parse(value.strip())
        listed = ", ".join(f"{knob.name} ({knob.low:g} to {knob.high:g})" for knob in self.knobs)
        wrong = f"{self.name} has no knob {name!r}" if equals else f"--set takes knob=value, not {text!r}"
        raise UsageError(f"{wrong}. Its knobs: {listed}.")

    def only(self, designs: Iterable[str], workloads: Iterable[str]) -> Scenario:
        """The same scenario narrowed to the named designs and workloads; empty means all."""
        chosen = {self.design(name).name for name in designs} or {d.name for d in self.designs}
        situations = {self.workload(name).name for name in workloads} or {w.name for w in self.workloads}
        kept = tuple(d for d in self.designs if d.name in chosen)
        asked = tuple(w for w in self.workloads if w.name in situations)
        typed = [f"--design {shlex.quote(d.name)}" for d in kept] if len(kept) < len(self.designs) else []
        typed += [f"--workload {shlex.quote(w.name)}" for w in asked] if len(asked) < len(self.workloads) else []
        return replace(self, narrowed=" ".join(typed), designs=kept, workloads=asked)


def _named(things: tuple[_Thing, ...], name: str, kind: str) -> _Thing:
    for thing in things:
        if thing.name == name:
            return thing
    raise UsageError(f"there is no {kind} {name!r}. Choose from: {', '.join(thing.name for thing in things)}.")


def __getattr__(name: str) -> Any:
    """``Run`` and ``Measurement``, which claims are about: imported when asked for, so that this imports nothing."""
    if name in ("Measurement", "Run"):
        return getattr(importlib.import_module("archlab.run"), name)
    raise AttributeError(f"archlab.scenario has no {name!r}. It has: {', '.join(__all__)}")
