"""A checkout while the mail service is killed and started again, for real, through the bench and the judge."""

from __future__ import annotations

import io
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from archlab import catalog
from archlab.bench import execution, plan
from archlab.bench.plan import Plan
from archlab.bench.progress import Progress
from archlab.bench.rounds import QUICK_REQUESTS
from archlab.bench.runner import execute
from archlab.bench.schedule import AFTER_THE_LAST_STEP
from archlab.judge import judge
from archlab.run import Event, Run
from archlab.scenario import Scenario, ScenarioError
from archlab.view import report, run_screen

CHECKOUT = Path(__file__).parents[1] / "checkout"
LAST_STEP = 0.6
RATE = 100


@pytest.fixture(autouse=True)
def time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, a quick look gets as far as the experiment."""
    monkeypatch.setattr(execution, "QUICK_END", math.inf)


@pytest.fixture
def checkout(tmp_path: Path) -> Callable[..., Scenario]:
    """``checkout((old, new), …)``: a copy of the scenario with every old text replaced."""

    def make(*edits: tuple[str, str]) -> Scenario:
        folder = tmp_path / "checkout"
        shutil.copytree(CHECKOUT, folder, ignore=shutil.ignore_patterns("__pycache__"))
        text = (folder / "__init__.py").read_text(encoding="utf-8")
        for old, new in edits:
            assert old in text, f"checkout has no {old!r}"
            text = text.replace(old, new)
        (folder / "__init__.py").write_text(text, encoding="utf-8")
        return catalog.find(str(folder))

    return make


def run(scenario: Scenario, cache: Path, *designs: str, tell: Any = lambda event: None, **asked: Any) -> Run:
    narrowed = scenario.only(designs, ["pressure"])
    return judge(narrowed, execute(Plan(narrowed, {}, **asked), cache, tell))


Whole = tuple[Scenario, Run]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """One run under pressure of the design that needs e-mail and of the one that does not."""
    scenario = catalog.find(str(CHECKOUT)).only(["direct", "queued"], ["pressure"])
    return scenario, run(scenario, tmp_path_factory.mktemp("cache"), "direct", "queued")


def happened(run: Run, design: str) -> list[Event]:
    return [event for event in run.events if event.design == design]


def share_failed(run: Run, design: str) -> float:
    m = run.measured("down_failed", design, "pressure")
    assert m is not None
    assert m.value is not None
    return m.value


def test_the_design_that_needs_e_mail_fails_and_misses_and_the_other_does_not(whole: Whole) -> None:
    _, found = whole
    assert found.valid, found.invalid_reasons
    assert share_failed(found, "direct") > 0.1
    assert share_failed(found, "queued") == 0
    outcomes = {(r.id, r.design): r.outcome for r in found.requirements}
    assert outcomes["down-works", "direct"] == outcomes["down-in-time", "direct"] == "missed"
    assert outcomes["down-works", "queued"] == outcomes["down-in-time", "queued"] == "met"
    verdict = found.verdict("pressure")
    assert verdict is not None
    assert verdict.design == "queued"


def test_why_there_is_no_figure_is_why_requests_failed(whole: Whole) -> None:
    """It has time enough, so it does not fall behind; and nothing was left unfinished."""
    _, found = whole
    m = found.measured("down_p95", "direct", "pressure")
    assert m is not None
    assert m.value is None
    assert m.note.endswith(f"of {m.n} requests failed: e-mail is down")
    assert (m.utilisation or 1) < 1


def test_the_workloads_own_load_meets_no_fault(whole: Whole) -> None:
    _, found = whole
    for design in ("direct", "queued"):
        r = found.required("checkout_p95", design, "pressure")
        assert r is not None
        assert r.outcome == "met"
    assert {m.experiment for m in found.measurements} == {"load", "mail-down"}


def test_what_happened_stands_in_the_order_of_time(whole: Whole) -> None:
    """For each design: e-mail stops, what fails of it, e-mail is back, and what recovers."""
    _, found = whole
    stops, back = ("done", "e-mail stops"), ("done", "e-mail is back")
    fails, recovers = ("fails", "first checkout fails: e-mail is down"), ("recovers", "checkout is served again")
    assert [(e.kind, e.says) for e in happened(found, "direct")] == [stops, fails, back, recovers]
    assert [(e.kind, e.says) for e in happened(found, "queued")] == [stops, back, ("seen", "the queue is empty")]
    for design in ("direct", "queued"):
        times = [e.t for e in happened(found, design)]
        assert times == sorted(times)
        assert times[0] >= 0.2, "no step is done before its time"
        assert next(e.t for e in happened(found, design) if e.says == "e-mail is back") >= LAST_STEP
    told = found.to_json()["events"]
    assert [event["says"] for event in told] == [event.says for event in found.events]


def test_every_planned_fault_struck_once_a_round(whole: Whole) -> None:
    _, found = whole
    rounds = {m.design: m.rounds for m in found.measurements if m.metric == "down_failed"}
    assert {(f.name, f.design, f.planned, f.injected) for f in found.faults} == {
        ("e-mail down", design, rounds[design], rounds[design]) for design in ("direct", "queued")
    }


def test_the_schedule_lasts_beyond_the_last_step_and_is_an_open_loop(whole: Whole) -> None:
    _, found = whole
    m = found.measured("down_p95", "queued", "pressure")
    assert m is not None
    assert m.per_round >= (LAST_STEP + AFTER_THE_LAST_STEP) * RATE
    assert (m.utilisation or 0) > 0


def test_the_screen_tells_why_it_happened(whole: Whole) -> None:
    scenario, found = whole
    console = Console(width=100, file=io.StringIO())
    with console.capture() as captured:
        console.print(run_screen.whole(found, scenario))
        console.print(report.picture(found, scenario))
    flowing = " ".join(captured.get().split())
    assert "WHY IT HAPPENED mail-down, pressure" in flowing
    for event in found.events:
        assert f"{event.t:.2f} s {event.says}" in flowing
    assert "✗ e-mail is down" in flowing, "it stands in place of a figure"


def test_a_hopelessly_slow_design_is_stopped_early_but_not_before_the_last_step(cache: Path) -> None:
    """It serves a quarter of what arrives: after the last step there is nothing left to find out."""
    found = run(catalog.find(str(CHECKOUT)), cache, "slow", quick=True)
    assert found.valid, found.invalid_reasons
    asked, due = found.measured("down_failed", "slow", "pressure"), found.measured("down_p95", "slow", "pressure")
    assert asked is not None
    assert due is not None
    assert "e-mail is back" in [e.says for e in happened(found, "slow")]
    # Of a request every 40 ms, as many as there were until the last step; not as many as the whole schedule has.
    assert asked.n >= LAST_STEP / 0.05
    assert asked.n < due.n / 3
    assert due.note.startswith("falls behind: ")
    outcome = found.required("down_p95", "slow", "pressure")
    assert outcome is not None
    assert outcome.outcome == "missed"


def test_a_quick_look_goes_round_once_and_still_reaches_the_last_step(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much time is left, and in a workload that is served back to back as well."""
    monkeypatch.setattr(plan, "QUICK_SECONDS", 3600.0)
    whole = catalog.find(str(CHECKOUT))
    calm = replace(whole, experiments=(replace(whole.experiments[0], workloads=()),)).only(["queued"], ["calm"])
    doing: list[Progress] = []
    found = execute(Plan(calm, {}, quick=True), cache, lambda event: doing.append(event))  # type: ignore[arg-type, return-value]  # only counted
    m = found.measured("down_p95", "queued", "calm")
    assert m is not None
    assert m.rounds == 1
    assert m.per_round >= max(QUICK_REQUESTS, (LAST_STEP + AFTER_THE_LAST_STEP) * RATE)
    own = found.measured("checkout_p95", "queued", "calm")
    assert own is not None
    assert own.rounds == 5
    assert "the queue is empty" in [e.says for e in found.events]


def test_a_step_that_raises_ends_the_run_with_its_name(checkout: Callable[..., Scenario], cache: Path) -> None:
    broken = checkout(("design.mail.kill()", 'raise ValueError("no such service")'))
    with pytest.raises(
        ScenarioError,
        match=r"direct at pressure, mail-down failed: the step 'e-mail stops' at 0.2 s: ValueError: no such service \(",
    ):
        run(broken, cache, "direct", quick=True)


def test_what_an_operation_raises_other_than_failed_still_ends_the_run(
    checkout: Callable[..., Scenario], cache: Path
) -> None:
    broken = checkout(('raise Failed("e-mail is down") from None', 'raise KeyError("order")'))
    with pytest.raises(ScenarioError, match=r"direct at pressure, mail-down failed: KeyError: 'order' \(__init__\.py"):
        run(broken, cache, "direct", quick=True)


def test_by_several_connections_it_is_the_same(checkout: Callable[..., Scenario], cache: Path) -> None:
    """Requests wait for nobody, a failed one is one of the load."""
    found = run(checkout(("load=Load(requests)", "load=Load(requests, connections=3)")), cache, "direct", quick=True)
    assert found.valid, found.invalid_reasons
    assert share_failed(found, "direct") > 0.1
    assert [e.kind for e in happened(found, "direct")] == ["done", "fails", "done", "recovers"]


AFTERWARDS = (
    (
        "def stop(lab",
        "def afterwards(lab: Any, design: Any, orders: Any) -> Any:\n"
        '    yield Sample("answered", len([order for order in orders if order >= 0]))\n\n\ndef stop(lab',
    ),
    ("    Step,\n", "    Sample,\n    Step,\n"),
    (
        '        Metric("checkout_time"',
        '        Metric("answered", "answered", "orders", 1),\n        Metric("checkout_time"',
    ),
    ("timeline=(", "load=Load(requests, afterwards),\n            timeline=("),
)


def test_a_load_of_its_own_yields_samples_afterwards_from_what_was_served(
    checkout: Callable[..., Scenario], cache: Path
) -> None:
    """A failed request is no answer."""
    found = run(checkout(*AFTERWARDS), cache, "direct", "queued", quick=True)
    assert {m.experiment for m in found.measurements if m.metric == "answered"} == {"mail-down"}
    for design in ("direct", "queued"):
        answered, failed = (found.measured(metric, design, "pressure") for metric in ("answered", "down_failed"))
        assert answered is not None
        assert failed is not None
        assert answered.value == pytest.approx(failed.n * (1 - (failed.value or 0)))
    assert share_failed(found, "direct") > 0.1


def test_designs_that_fail_what_all_must_answer_do_not_answer_alike(
    checkout: Callable[..., Scenario], cache: Path
) -> None:
    """Two that fail in the same words would be a fair fight about nothing."""
    failing = checkout(("answers=lambda lab, design: design.checkout(1)", 'answers=lambda lab, design: [Failed("no")]'))
    calm = failing.only(["direct"], ["calm"])
    with pytest.raises(ScenarioError, match="the design failed a request that every design must answer alike"):
        execute(Plan(calm, {}, quick=True), cache, lambda event: None)


def test_without_a_service_that_stops_the_planned_fault_never_strikes(
    checkout: Callable[..., Scenario], cache: Path
) -> None:
    """A run that says so in place of a verdict: the fault of a step is proved like any other."""
    planned = checkout(
        ('stop, fault="e-mail down"),', "stop),"), ("timeline=(", 'faults={"e-mail down": 1}, timeline=(')
    )
    found = run(planned, cache, "queued", quick=True)
    assert found.invalid_reasons == ("the planned fault e-mail down was never injected into queued",)
