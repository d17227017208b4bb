"""Hand-made runs to draw: the figures are made up, so that a picture can be checked against them."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.console import Console, RenderableType

from archlab.run import (
    ClaimOutcome,
    Comparison,
    DesignFacts,
    FaultRecord,
    Measurement,
    Met,
    RequirementOutcome,
    Run,
    Span,
    Trace,
    Verdict,
    Waits,
    WorkloadFacts,
)
from archlab.scenario import Claim, Design, Knob, Load, Metric, Requirement, Scenario, Workload

BOUNDS = {"page_p95": 0.100, "order_p95": 0.050, "seen": 1.0}
IDS = {"page_p95": "page-in-time", "order_p95": "order-in-time", "seen": "own-order-seen"}

Figures = Mapping[tuple[str, str, str], tuple[float, float, float] | str]
"""(workload, design, metric) → value and interval, or why there is none."""


BUSY = {("pressure", "crud"): 3.4, ("pressure", "queries"): 0.28}


def measurements(figures: Figures, bounds: Mapping[str, float] = BOUNDS) -> tuple[Measurement, ...]:
    made = []
    for (workload, design, metric), figure in figures.items():
        value, low, high = (None, None, None) if isinstance(figure, str) else figure
        made.append(
            Measurement(
                experiment="load", design=design, workload=workload, metric=metric, unit="s", better="lower",
                value=value, low=low, high=high, n=400, rounds=5, per_round=80,
                note=figure if isinstance(figure, str) else "",
                utilisation=BUSY.get((workload, design)),
            )
        )  # fmt: skip
    return tuple(made)


UNFINISHED = "unfinished: 1 of 5 rounds ended with requests outstanding"


def outcomes(
    figures: Figures, unsure: frozenset[tuple[str, str, str]] = frozenset(), bounds: Mapping[str, float] = BOUNDS
) -> tuple[RequirementOutcome, ...]:
    made = []
    for (workload, design, metric), figure in figures.items():
        outcome: Met = "missed"
        margin: float | None = 3.4
        if (workload, design, metric) in unsure:
            outcome, margin = "uncertain", None
        elif not isinstance(figure, str):
            outcome = "met" if figure[0] <= bounds[metric] else "missed"
            inside = bounds[metric] / figure[0] if figure[0] else None
            margin = inside if outcome == "met" else figure[0] / bounds[metric]
        why = figure if isinstance(figure, str) else "over the bound in 2 of 5 rounds" if outcome == "uncertain" else ""
        made.append(
            RequirementOutcome(
                id=IDS.get(metric, metric.replace("_", "-")), metric=metric, at_most=bounds[metric], unit="s",
                workload=workload, design=design, outcome=outcome, why=why,
                margin=margin,
            )
        )  # fmt: skip
    return tuple(made)


def verdicts(requirements: tuple[RequirementOutcome, ...], designs: tuple[DesignFacts, ...]) -> tuple[Verdict, ...]:
    made = []
    for workload in dict.fromkeys(r.workload for r in requirements):
        status: dict[str, set[str]] = {}
        for d in designs:
            if d.role != "misuse":
                status[d.name] = {r.outcome for r in requirements if (r.workload, r.design) == (workload, d.name)}
        able = [name for name, found in status.items() if "missed" not in found]
        sure = [name for name in able if "uncertain" not in status[name]]
        if not able:
            made.append(Verdict(workload, "none", None, ()))
        elif able[0] in sure:
            made.append(Verdict(workload, "sufficient", able[0], (able[0],)))
        else:
            made.append(Verdict(workload, "uncertain", None, (able[0], *sure[:1])))
    return tuple(made)


DESIGNS = (
    DesignFacts("crud", "one model for both", "baseline", 1, 61, 1, 1, 4, 0, 1, 3, 0),
    DesignFacts("queries", "reads through SQL", "alternative", 2, 78, 1, 1, 4, 0, 1, 4, 0),
    DesignFacts("summary", "totals in the transaction", "alternative", 3, 97, 1, 1, 5, 0, 1, 6, 0),
    DesignFacts("projection", "a read store of its own", "pattern", 4, 141, 2, 2, 6, 0, 4, 19, 2),
)

WORKLOADS = (
    WorkloadFacts("calm", "3 pages/s of 1 order", {"page_rows": 1, "rate": 3}),
    WorkloadFacts("pressure", "100/s of 5,000 orders", {"page_rows": 5000, "rate": 100}),
    WorkloadFacts("far_views", "12 views, a store 5 ms off", {"views": 12, "store_distance": 5}),
)

FALLS = "falls behind: 29 of 100 a second"

CQRS: Figures = {
    **{
        ("calm", d.name, m): (0.00021, 0.00020, 0.00023) if m != "seen" else (0.0, 0.0, 0.0)
        for d in DESIGNS
        for m in BOUNDS
    },
    ("calm", "projection", "seen"): (0.051, 0.049, 0.055),
    ("pressure", "crud", "page_p95"): FALLS,
    ("pressure", "crud", "order_p95"): FALLS,
    ("pressure", "crud", "seen"): (0.0, 0.0, 0.0),
    ("pressure", "queries", "page_p95"): (0.0054, 0.0051, 0.0059),
    ("pressure", "queries", "order_p95"): (0.0041, 0.0037, 0.0046),
    ("pressure", "queries", "seen"): (0.0, 0.0, 0.0),
    ("pressure", "summary", "page_p95"): (0.000021, 0.000020, 0.000022),
    ("pressure", "summary", "order_p95"): (0.000042, 0.000041, 0.000044),
    ("pressure", "summary", "seen"): (0.0, 0.0, 0.0),
    ("pressure", "projection", "page_p95"): (0.0000087, 0.0000081, 0.0000093),
    ("pressure", "projection", "order_p95"): (0.000044, 0.000042, 0.000047),
    ("pressure", "projection", "seen"): (0.058, 0.051, 0.066),
    ("far_views", "crud", "page_p95"): (0.41, 0.39, 0.44),
    ("far_views", "crud", "order_p95"): (0.006, 0.0058, 0.0063),
    ("far_views", "crud", "seen"): (0.0, 0.0, 0.0),
    ("far_views", "queries", "page_p95"): (0.37, 0.36, 0.39),
    ("far_views", "queries", "order_p95"): (0.006, 0.0058, 0.0063),
    ("far_views", "queries", "seen"): (0.0, 0.0, 0.0),
    ("far_views", "summary", "page_p95"): (0.0052, 0.0051, 0.0053),
    ("far_views", "summary", "order_p95"): (0.161, 0.158, 0.165),
    ("far_views", "summary", "seen"): (0.0, 0.0, 0.0),
    ("far_views", "projection", "page_p95"): (0.0052, 0.0051, 0.0053),
    ("far_views", "projection", "order_p95"): (0.0055, 0.0053, 0.0057),
    ("far_views", "projection", "seen"): (0.31, 0.29, 0.33),
}


def trace(
    design: str, operation: str, wait: float, steps: list[tuple[str, float, int]], seen: float | None = None,
    workload: str = "pressure",
) -> Trace:  # fmt: skip
    """A root with its steps one after another, each so many times; ``seen``: another process's work after the end."""
    spans, at, n = [], wait, 1
    for name, seconds, times in steps:
        for _ in range(times):
            spans.append(Span("t", f"s{n}", "root", name, at, at + seconds / times, "shop"))
            at += seconds / times
            n += 1
    root = Span("t", "root", None, operation, wait, at, "shop")
    if seen is not None:
        spans.append(Span("t", "far", "root", "project", at + seen * 0.9, at + seen, "projector"))
    return Trace(design, workload, operation, wait, (root, *spans))


GROWING = ((1, 0.0, 0.034), (3, 0.05, 0.084), (8, 0.17, 0.204), (24, 0.6, 0.634), (70, 1.2, 1.234))

WAITS = (
    Waits("crud", "pressure", "page", GROWING, 0.71, 3.4),
    Waits("crud", "pressure", "order", ((1, 0.034, 0.03402), (24, 0.6, 0.60002), (69, 1.19, 1.19002)), 0.7, 3.4),
    *(
        Waits(design, "pressure", operation, ((1, 0.0, 0.0028), (60, 0.0001, 0.0029)), 0.0, 0.28)
        for design in ("queries", "summary", "projection")
        for operation in ("page", "order")
    ),
)
"""crud falls behind: its first page waits for nobody, its last one for all that came before."""

TRACES = (
    trace("crud", "page", 1.2, [("SELECT", 0.0051, 3), ("objects", 0.0263, 1), ("add up", 0.0026, 1)]),
    trace("crud", "order", 0.0, [("INSERT", 0.000020, 1)]),
    trace("queries", "page", 0.0001, [("SELECT sum", 0.0028, 1)]),
    trace("queries", "order", 0.0, [("INSERT", 0.000020, 1)]),
    trace("summary", "page", 0.0000004, [("SELECT row", 0.0000045, 1)]),
    trace("summary", "order", 0.0, [("INSERT", 0.000024, 2)]),
    trace("projection", "page", 0.0000004, [("SELECT row", 0.0000045, 1)]),
    trace("projection", "order", 0.0, [("INSERT", 0.000025, 2)], seen=0.058),
)

CLAIMS = (
    *(
        ClaimOutcome(name, f"the {name} claim", "measured", "held", "as expected")
        for name in ("faster", "start-simple", "bloat", "stale", "killed", "replayed")
    ),
    ClaimOutcome("summary-first", "the border", "measured", "held", "page_rows: crud ─1,400 ±130─ queries"),
)


def run() -> Run:
    """As in the picture of a complete run: calm, pressure and a workload where only the pattern suffices."""
    required = outcomes(CQRS)
    return Run(
        scenario="cqrs", topic="19 · CQRS", question="Do reads and writes need different models?", seed=1,
        started="2025-01-01T12:00:00+00:00", seconds=9.6, workloads=WORKLOADS, designs=DESIGNS,
        measurements=measurements(CQRS), faults=(FaultRecord("projector-killed", "projection", 3, 3),), traces=TRACES,
        environment={"cpu_count": 2, "python": "3.11"}, waits=WAITS, noise=0.04, tracing_cost=0.01,
        comparisons=(
            Comparison("page_p95", "pressure", "queries", "projection", 620.0, 590.0, 650.0, "worse"),
            Comparison("order_p95", "pressure", "queries", "projection", 93.0, 85.0, 99.0, "worse"),
            Comparison("page_p95", "calm", "crud", "projection", 1.0, 0.9, 1.1, "equivalent"),
        ),
        requirements=required, verdicts=verdicts(required, DESIGNS), claims=CLAIMS, run_id=12,
    )  # fmt: skip


def judged_again(of: Run, figures: Figures, unsure: frozenset[tuple[str, str, str]] = frozenset()) -> Run:
    required = outcomes(figures, unsure)
    return replace(
        of, measurements=measurements(figures), requirements=required, verdicts=verdicts(required, of.designs)
    )


UNSURE = frozenset({("pressure", "queries", "page_p95"), ("far_views", "projection", "page_p95")})


def uncertain() -> Run:
    """The verdict under pressure is uncertain, and so is a claim."""
    figures = {**CQRS, ("pressure", "queries", "page_p95"): (0.098, 0.090, 0.106)}
    figures["far_views", "projection", "page_p95"] = UNFINISHED
    shaky = replace(CLAIMS[0], outcome="inconclusive", evidence="4.1 × with an interval of 0.9–9 ×")
    made = judged_again(run(), figures, UNSURE)
    return replace(made, claims=(shaky, *CLAIMS[1:]), quick=True)


def none_sufficient() -> Run:
    """Under pressure every design misses; a claim is refuted."""
    figures = {**CQRS, **{("pressure", d.name, "page_p95"): (0.4, 0.39, 0.42) for d in DESIGNS}}
    wrong = replace(CLAIMS[1], outcome="refuted", evidence="queries missed the bound too: 400 ms")
    return replace(judged_again(run(), figures), claims=(CLAIMS[0], wrong, *CLAIMS[2:]))


def invalid() -> Run:
    reasons = ("the machine was suspended for 41 s", "fault projector-killed never struck (0 of 3)")
    return replace(run(), invalid_reasons=reasons, requirements=(), verdicts=(), claims=(), run_id=13)


def with_misuse() -> Run:
    """A design that is the pattern's own failure mode: never a candidate."""
    bad = DesignFacts("misordered", "the pattern, wrongly wired", "misuse", 5, 141, 2, 2, 6, 0, 4, 19, 2)
    figures = {
        **CQRS,
        **{(w.name, bad.name, m): (0.4, 0.39, 0.42) for w in WORKLOADS for m in BOUNDS if w.name != "calm"},
    }
    made = replace(run(), designs=(*DESIGNS, bad))
    return judged_again(made, figures)


def six_designs() -> Run:
    more = tuple(replace(DESIGNS[2], name=name, order=order) for name, order in (("materialised", 5), ("replica", 6)))
    designs = (*DESIGNS[:3], *more, replace(DESIGNS[3], order=7))
    figures = {**CQRS, **{(w, n.name, m): f for (w, d, m), f in CQRS.items() if d == "summary" for n in more}}
    return judged_again(replace(run(), designs=designs), figures)


def narrowed() -> Run:
    """Only the misuse, only under pressure: what ``--design`` and ``--workload`` can leave."""
    whole = with_misuse()
    kept = {"misordered"}
    return replace(
        whole,
        workloads=WORKLOADS[1:2],
        designs=tuple(d for d in whole.designs if d.name in kept),
        measurements=tuple(m for m in whole.measurements if m.design in kept and m.workload == "pressure"),
        requirements=tuple(r for r in whole.requirements if r.design in kept and r.workload == "pressure"),
        verdicts=(Verdict("pressure", "none", None, ()),),
        comparisons=(),
        faults=(),
        traces=(),
        claims=(),
    )


def with_edit() -> Run:
    """A copy in which one design was edited: it stands right after its original, and its pages are sooner."""
    mine = replace(DESIGNS[1], name="queries-mine", order=3, lines=81, edits="queries")
    later = tuple(replace(d, order=d.order + 1) for d in DESIGNS[2:])
    figures = dict(CQRS)
    for (workload, design, metric), figure in CQRS.items():
        if design == "queries":
            figures[workload, mine.name, metric] = figure
    figures["pressure", "queries", "page_p95"] = (0.054, 0.051, 0.059)
    figures["pressure", mine.name, "page_p95"] = (0.039, 0.037, 0.042)
    made = judged_again(replace(run(), designs=(*DESIGNS[:2], mine, *later)), figures)
    compared = (
        Comparison("page_p95", "pressure", "queries", mine.name, 1.4, 1.3, 1.5, "worse"),
        Comparison("order_p95", "pressure", "queries", mine.name, 1.0, 0.9, 1.1, "equivalent"),
    )
    traces = (
        trace(mine.name, "page", 0.0001, [("SELECT sum", 0.002, 1)]),
        trace(mine.name, "order", 0.0, [("INSERT", 0.000020, 1)]),
    )
    return replace(made, traces=(*made.traces, *traces), comparisons=(*made.comparisons, *compared))


def third_party() -> Run:
    """Another scenario: other operations, other words, two designs, a bound that nothing may break."""
    designs = (
        DesignFacts("http-chain", "calls each in turn", "baseline", 1, 88, 1, 5, 3, 0, 2, 7, 1),
        DesignFacts("events", "facts on an exchange", "pattern", 2, 190, 3, 6, 5, 4, 0, 0, 0),
    )
    bounds = {"checkout_p95": 0.3, "lost": 0.0}
    figures: Figures = {
        ("calm", "http-chain", "checkout_p95"): (0.021, 0.02, 0.022),
        ("calm", "events", "checkout_p95"): (0.019, 0.018, 0.02),
        ("pressure", "http-chain", "checkout_p95"): (2.1, 2.0, 2.3),
        ("pressure", "events", "checkout_p95"): (0.02, 0.019, 0.021),
    }
    required = outcomes(figures, bounds=bounds)
    lost = tuple(
        RequirementOutcome("no-effect-lost", "lost", 0.0, "effects", w, d.name, "met" if d.order == 2 else "missed", "")
        for w in ("pressure",)
        for d in designs
    )
    lost_effects = {"http-chain": (17.0, 15.0, 20.0), "events": (0.0, 0.0, 0.0)}
    counted = tuple(
        Measurement("crash", name, "pressure", "lost", "effects", "lower", *figure, n=3, rounds=3)
        for name, figure in lost_effects.items()
    )
    traces = (
        trace(
            "http-chain", "check_out", 0.0, [("POST e-mail", 2.0, 1), ("POST invoice", 0.02, 1), ("INSERT", 1e-5, 1)]
        ),
        trace("events", "check_out", 0.0, [("INSERT", 0.00002, 2), ("publish", 0.0004, 1)], seen=2.04),
    )
    return Run(
        scenario="events", topic="21 · EVENTS", question="Must everything happen at once?", seed=7,
        started="2025-01-02T12:00:00+00:00", seconds=31.2,
        workloads=(WorkloadFacts("calm", "one fast step", {}), WorkloadFacts("pressure", "e-mail down for 5 s", {})),
        designs=designs, measurements=measurements(figures, bounds) + counted,
        faults=(), traces=traces, environment={}, requirements=required + lost,
        verdicts=verdicts(required + lost, designs), findings=("the declared order contradicts the bill: lines",),
    )  # fmt: skip


ALL = (run, uncertain, none_sufficient, invalid, with_misuse, six_designs, narrowed, with_edit, third_party)


def scenario() -> Scenario:
    def nothing(*_: object) -> list[object]:
        return []

    return Scenario(
        name="cqrs", topic="19 · CQRS", question="Do reads and writes need different models?",
        problem="A marketplace. Sellers watch a dashboard;\nbuyers place orders.",
        say_it="Split the query from the model first. Buy a second store when a bound is missed.",
        knobs=(Knob("page_rows", 1, 1, 100_000, "rows", "rows a page adds up", "SELECT count(*) …"),),
        metrics=(
            Metric("page_p95", "a page", "s", 0.010, operation="page"),
            Metric("order_p95", "an order", "s", 0.010, operation="order"),
            Metric("seen", "an order is seen", "s", 0.010),
        ),
        requirements=(
            Requirement("page-in-time", "page_p95", 0.1, "s", "page, 95 %", "instant"),
            Requirement("order-in-time", "order_p95", 0.05, "s", "order, 95 %", "instant"),
            Requirement("own-order-seen", "seen", 1.0, "s", "own order seen", "or it is placed twice"),
        ),
        workloads=tuple(Workload(w.name, w.says, w.settings) for w in WORKLOADS),
        designs=tuple(Design(d.name, d.title, d.role, "", nothing) for d in DESIGNS),  # type: ignore[arg-type]
        load=Load(nothing), answers=nothing, data=nothing,  # type: ignore[arg-type]
        claims=(Claim("summary-first", "the border", border="measured"),),
        shown=("page", "order"), change_request="show the discount on the dashboard",
        try_next=(
            ("archlab sweep cqrs page_rows --at page_rows=YOURS", "which side of the border are you?"),
            ("archlab run cqrs --set page_rows=50000", "when does the winner fail?"),
            ("archlab new mine --from cqrs", "crud unfair? mend it, run ./mine"),
        ),
    )  # fmt: skip


def render(picture: RenderableType, width: int = 100, ascii_only: bool = False, colour: bool = False) -> str:
    """The picture as a console of that width prints it; without ``colour`` as with NO_COLOR, on a terminal."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii" if ascii_only else "utf-8", newline="")
    console = Console(
        file=file, width=width, force_terminal=True, no_color=not colour, color_system="truecolor", highlight=False,
        markup=False, emoji=False, legacy_windows=False,
    )  # fmt: skip
    console.print(picture)
    file.flush()
    return raw.getvalue().decode("ascii" if ascii_only else "utf-8")


def flowing(text: str) -> str:
    """The text without its line breaks and columns of blanks: to look for a sentence."""
    return re.sub(r"\s+", " ", text)


@pytest.fixture(params=ALL, ids=lambda make: make.__name__)
def sample(request: pytest.FixtureRequest) -> Run:
    """Every hand-made run in turn."""
    made: Run = request.param()
    return made


@pytest.fixture
def samples() -> SimpleNamespace:
    """The builders, by name."""
    return SimpleNamespace(**{make.__name__: make for make in ALL}, scenario=scenario, trace=trace, render=render,
                           flowing=flowing, all=ALL)  # fmt: skip


@pytest.fixture
def the_scenario(sample: Run) -> Scenario | None:
    """The scenario of a sample, None for the third-party one: a run must be readable without it."""
    return scenario() if sample.scenario == "cqrs" else None
