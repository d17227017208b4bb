"""What a pass runs alone, what it runs side by side, and which workloads share their load."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archlab.bench.plan import Plan
from archlab.bench.runner import execute
from archlab.run import Run
from archlab.scenario import Scenario, ScenarioError

Tiny = Callable[..., Scenario]

METRICS = '        Metric("exit_code", "the ticker\'s exit code", "", 1),\n'
SPANS = '        Metric("began", "began", "", 1),\n        Metric("ended", "ended", "", 1),\n'
EXPERIMENTS = '    experiments=(Experiment("killed", '
SLEEPS = """
def sleeps(lab: Any, design: Any) -> Iterable[Sample]:
    began = time.monotonic()
    time.sleep(0.3)
    yield Sample("began", began)
    yield Sample("ended", time.monotonic())


SCENARIO = Scenario("""
THREE = """    experiments=(
        Experiment("counted one", sleeps, ("calm",), ("index",), 1, alone=False),
        Experiment("counted two", sleeps, ("calm",), ("index",), 1, alone=False),
        Experiment("timed", sleeps, ("calm",), ("index",), 1),
        Experiment("killed", """


def spans(run: Run) -> dict[str, tuple[float, float]]:
    """Experiment → when it began and ended."""
    seen: dict[str, dict[str, Any]] = {}
    for m in run.measurements:
        if m.metric in ("began", "ended"):
            seen.setdefault(m.experiment, {})[m.metric] = m.value
    return {name: (span["began"], span["ended"]) for name, span in seen.items()}


def overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


@pytest.mark.parametrize("quick", [False, True])
def test_what_is_only_counted_runs_beside_others_of_its_kind_and_never_beside_what_is_timed(
    tiny: Tiny, cache: Path, quick: bool
) -> None:
    scenario = tiny((METRICS, METRICS + SPANS), ("\nSCENARIO = Scenario(", SLEEPS), (EXPERIMENTS, THREE))
    told: list[Any] = []
    found = execute(Plan(scenario.only((), ("calm",)), {}, quick=quick), cache, told.append)
    assert found.valid, found.invalid_reasons
    when = spans(found)
    assert overlap(when["counted one"], when["counted two"])
    assert not overlap(when["timed"], when["counted one"])
    assert not overlap(when["timed"], when["counted two"])


def test_an_experiment_that_yields_a_time_may_not_run_beside_others(tiny: Tiny, cache: Path) -> None:
    timed = SPANS.replace('"began", ""', '"began", "s"')
    scenario = tiny((METRICS, METRICS + timed), ("\nSCENARIO = Scenario(", SLEEPS), (EXPERIMENTS, THREE))
    with pytest.raises(ScenarioError, match=r"counted (one|two) yields began, which is a time.*leave out alone=False"):
        execute(Plan(scenario.only((), ("calm",)), {}, quick=True), cache, lambda event: None)


LISTENS = "    def __init__(self, lab: Any) -> None:\n        self.words = int(lab.knobs.words)\n        self.ticker"
OPEN = LISTENS.replace(
    "        self.ticker",
    '        import socket; self.open = socket.create_server(("0.0.0.0", 0))\n        self.ticker',
)
BESIDE = """    experiments=(
        Experiment("counted", sleeps, ("calm",), (), 1, alone=False),
        Experiment("killed", """


def test_of_rounds_side_by_side_only_the_design_that_listens_for_others_is_accused(tiny: Tiny, cache: Path) -> None:
    scenario = tiny(
        (METRICS, METRICS + SPANS), ("\nSCENARIO = Scenario(", SLEEPS), (EXPERIMENTS, BESIDE), (LISTENS, OPEN)
    )
    found = execute(Plan(scenario.only((), ("calm",)), {}, quick=True), cache, lambda event: None)
    assert found.invalid_reasons == (
        "index listens on 0.0.0.0, where other machines can reach it; let it listen on 127.0.0.1",
    )


KNOB = '        Knob("rate", '
AUDITS = '        Knob("audits", 0, 0, 1, "", "whether somebody audits", "the contract", demand=True),\n'
CALM = '        Workload("calm", "one word", {"words": 1}, closed=True),\n'
AUDITED = '        Workload("audited", "one word, audited", {"words": 1, "audits": 1}, closed=True),\n'
SEEN = '    yield Sample("exit_code", abs(exit_code))\n'
IN_TIME = '    requirements=(Requirement("in-time", "find_p95", 0.05, "s", "find, 95 %", "people wait for it")'


def loads(run: Run, workload: str) -> dict[tuple[str, str], tuple[float, ...]]:
    of_load = [m for m in run.measurements if m.experiment == "load" and m.workload == workload]
    return {(m.design, m.metric): m.by_round for m in of_load}


def test_workloads_that_differ_in_a_demand_alone_share_their_load(tiny: Tiny, cache: Path) -> None:
    """A design serves them in the same way, because it does not see the knob that differs."""
    sees = SEEN.replace("abs(exit_code)", 'hasattr(lab.knobs, "audits")')
    scenario = tiny((KNOB, AUDITS + KNOB), (CALM, CALM + AUDITED), (SEEN, sees))
    found = execute(Plan(scenario.only((), ("calm", "audited")), {}), cache, lambda event: None)
    assert found.valid, found.invalid_reasons
    assert loads(found, "calm") == loads(found, "audited") != {}
    assert [m.value for m in found.measurements if m.metric == "exit_code"] == [0]
    alone = execute(Plan(scenario.only((), ("audited",)), {}), cache, lambda event: None)
    assert loads(alone, "audited")


def test_workloads_that_demand_something_else_of_their_load_serve_it_each(tiny: Tiny, cache: Path) -> None:
    """Bounds end a round early, so a load that is judged by others is another load."""
    stricter = (
        IN_TIME + ', Requirement("at-once", "find_time", 0.04, "s", "find, alone", "why not", when=lambda k: k.audits)'
    )
    scenario = tiny((KNOB, AUDITS + KNOB), (CALM, CALM + AUDITED), (IN_TIME, stricter))
    found = execute(Plan(scenario.only((), ("calm", "audited")), {}), cache, lambda event: None)
    assert loads(found, "calm") != loads(found, "audited") != {}
