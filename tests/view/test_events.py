"""WHY IT HAPPENED: every event of a run stands there, in the order of time, a line for every design."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len

from archlab.run import Event, Run
from archlab.scenario import Metric, Requirement
from archlab.view import events, facts, run_screen
from archlab.view.page import Page, Picture
from archlab.view.signs import plain


def event(design: str, t: float, kind: Any, says: str, experiment: str = "mail-down") -> Event:
    return Event(experiment, design, "pressure", t, kind, says)


EVENTS = (
    event("crud", 0.4, "done", "e-mail stops"),
    event("crud", 0.43, "fails", "first place order fails: e-mail is down – nobody answers"),
    event("crud", 1.4, "done", "e-mail is back"),
    event("crud", 1.438, "recovers", "place order is served again"),
    event("projection", 0.4, "done", "e-mail stops"),
    event("projection", 1.4, "done", "e-mail is back"),
    event("projection", 1.62, "seen", "the queue is empty"),
)


@pytest.fixture
def told(samples: Any) -> Run:
    run: Run = samples.run()
    return replace(run, events=EVENTS)


def drawn(run: Run, page: Page) -> list[str]:
    return [line.plain.rstrip() for line in events.draw(page, run)]


def test_a_line_for_every_design_that_something_happened_to(told: Run) -> None:
    head, *lines = drawn(told, Page(120))
    assert head.startswith("WHY IT HAPPENED")
    assert head.endswith("mail-down, pressure · one round of each design")
    assert lines[-1] == "projection  0.40 s e-mail stops · 1.40 s e-mail is back · 1.62 s the queue is empty"
    assert lines[0].startswith("crud        0.40 s e-mail stops · 0.43 s first place order fails: e-mail is down")
    assert not any("queries" in line for line in lines)


@pytest.mark.parametrize("width", [20, 40, 80, 120])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_it_fits_every_page_and_nothing_is_lost(told: Run, samples: Any, width: int, ascii_only: bool) -> None:
    text = samples.render(Picture(lambda page: events.draw(page, told)), width, ascii_only)
    assert all(cell_len(line) <= width for line in text.split("\n"))
    assert text.isascii() or not ascii_only
    for each in EVENTS:
        said = f"{each.t:.2f} s {each.says}"
        assert (plain(said) if ascii_only else said) in samples.flowing(text)


def test_each_experiment_has_a_section_of_its_own(told: Run) -> None:
    other = event("crud", 0.1, "done", "pricing stops", experiment="pricing-down")
    lines = drawn(replace(told, events=(*EVENTS, other)), Page(120))
    heads = [line for line in lines if line.startswith("WHY IT HAPPENED")]
    assert [head.split()[3] for head in heads] == ["mail-down,", "pricing-down,"]
    assert lines[-1] == "crud  0.10 s pricing stops"


def test_the_screen_has_it_between_the_figures_and_the_verdict(told: Run, samples: Any) -> None:
    text = samples.render(run_screen.figures(told, samples.scenario()))
    assert text.index("WHY IT HAPPENED") < text.index("far_views") < text.index("VERDICT")


def test_a_run_in_which_nothing_happened_has_no_section(samples: Any) -> None:
    assert drawn(samples.run(), Page()) == []
    assert "WHY IT HAPPENED" not in samples.render(run_screen.figures(samples.run(), samples.scenario()))


def test_the_load_of_an_experiment_says_nothing_about_the_load_that_is_traced(samples: Any) -> None:
    """Neither how busy a design is, nor the bound that its traces are held against."""
    run, scenario = samples.run(), samples.scenario()
    down = replace(run.measured("page_p95", "queries", "pressure"), experiment="down", metric="down", utilisation=9.0)
    with_it = replace(run, measurements=(down, *run.measurements))
    assert facts.busy(with_it, "pressure", "queries") == facts.busy(run, "pressure", "queries")
    metric = Metric("page_down", "", "s", 0.01, operation="page", experiment="down")
    longer = Requirement("down", "page_down", 7.0, "s", "", "")
    scenario = replace(scenario, metrics=(metric, *scenario.metrics), requirements=(longer, *scenario.requirements))
    required = replace(run.requirements[0], id="down", metric="page_down", at_most=7.0, workload="pressure")
    for recorded in (replace(run, requirements=(required, *run.requirements)), replace(run, requirements=())):
        assert facts.trace_bound(recorded, scenario, "page", "pressure") == 0.1
