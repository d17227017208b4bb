"""Pictures of figures with a place: numbers in a grid, a ledger of effects, a curve over time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from archlab.run import DesignFacts, Measurement, Run, Verdict, WorkloadFacts
from archlab.scenario import Design, Grid, Knob, Ledger, Load, Mark, Metric, Scenario, Series, Workload
from archlab.view import figures, grid, ledger, series
from archlab.view.page import Page
from archlab.view.verdict import verdict_sentences

DESIGNS = ("plain", "outbox")
LOST = Metric("lost", "effects lost", "effects", 1, counted=True, view=Ledger("crash_point", "lost", "effects"))
TWICE = replace(LOST, name="twice", view=Ledger("crash_point", "duplicated", "effects"))
DEPTH = Metric("depth", "messages waiting", "messages", 1, view=Series("t", "queue depth"))
COPIES = Metric(
    "copies", "copies", "", 1, view=Grid("table", "kind", "copies", {3: Mark("·", "all", good=True)}, "sum")
)


def scenario(*metrics: Metric) -> Scenario:
    return Scenario(
        name="s", topic="", question="", problem="", say_it="", knobs=(Knob("rtt", 0, 0, 9, "ms", "", ""),),
        metrics=metrics, requirements=(), workloads=(Workload("calm", ""),),
        designs=tuple(Design(name, "", "baseline", "", print) for name in DESIGNS),
        load=Load(lambda lab, n: []), answers=print, data=print,
    )  # fmt: skip


def measured(metric: Metric, design: str, value: float | None, **at: Any) -> Measurement:
    values = () if value is None else (value,)
    return Measurement("e", design, "calm", metric.name, metric.unit, "lower", value, value, value, 1, 1, at, values)


def run(*measurements: Measurement, **changed: Any) -> Run:
    designs = tuple(DesignFacts(name, "", "alternative", n) for n, name in enumerate(DESIGNS, 1))
    return Run("s", "", "", 1, "", 1.0, (WorkloadFacts("calm", "", {}),), designs, measurements, (), (), {}, **changed)


def lines(drawn: Any) -> list[str]:
    return [line.plain.rstrip() for line in drawn]


LEDGER = run(
    measured(LOST, "plain", 2, crash_point="before commit"),
    measured(TWICE, "plain", 1, crash_point="before commit"),
    measured(LOST, "outbox", 0, crash_point="before commit"),
    measured(TWICE, "outbox", 0, crash_point="before commit"),
    measured(TWICE, "outbox", 3, crash_point="after send"),
)


def test_metrics_with_the_same_rows_and_title_share_a_ledger_and_a_cell() -> None:
    drawn = lines(ledger.draw(Page(100), LEDGER, scenario(LOST, TWICE)))
    assert drawn[0].split() == ["effects", "plain", "outbox"]
    before, after = (next(line for line in drawn if name in line) for name in ("before commit", "after send"))
    assert "2 lost, 1 duplicated" in before
    assert before.endswith("exact")
    assert after.split()[-3:] == ["–", "3", "duplicated"], "what was not tried is not exact"


def test_a_ledger_as_a_list_leaves_out_what_was_not_tried() -> None:
    """On a page too narrow for a table, six designs × eleven crash points would mostly be lines that say nothing."""
    drawn = "\n".join(lines(ledger.draw(Page(50), LEDGER, scenario(LOST, TWICE))))
    plain, outbox = drawn.split("  outbox")
    assert "before commit" in plain and "after send" not in plain and "–" not in plain
    assert "before commit" in outbox and "after send" in outbox


def test_the_figures_are_all_that_has_no_picture_of_its_own() -> None:
    """By place; what a design was not measured for is no zero, and an interval stands beside its figure."""
    waits = Metric("waits", "messages that wait", "messages", 1)
    slow = replace(measured(waits, "outbox", 3.0, prefetch=10), low=2.0, high=4.0)
    sections = figures.sections(
        run(measured(waits, "plain", 1), slow, *LEDGER.measurements), scenario(waits, LOST, TWICE)
    )
    assert [(row.label, [cell[0][0] for cell in row.cells]) for row in sections[0].rows] == [
        ("messages that wait", ["1 message", "–"]),
        ("messages that wait, prefetch 10", ["–", "3  2–4 messages"]),
    ]


def test_metrics_with_another_title_have_a_ledger_of_their_own() -> None:
    other = replace(TWICE, view=Ledger("crash_point", "duplicated", "calls"))
    drawn = lines(ledger.draw(Page(100), LEDGER, scenario(LOST, other)))
    assert [line.split()[0] for line in drawn if line and not line.startswith(" ")] == [
        "effects",
        "calm",
        "calls",
        "calm",
    ]


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_ledger_and_a_series_fit_every_page(width: int, ascii_only: bool) -> None:
    page = Page(width, ascii_only)
    both = [*ledger.draw(page, LEDGER, scenario(LOST, TWICE)), *series.draw(page, DEPTHS, scenario(DEPTH))]
    assert max(len(line) for line in lines(both)) <= width
    assert all(line.isascii() for line in lines(both)) or not ascii_only


DEPTHS = run(
    *(measured(DEPTH, "plain", depth, t=t) for t, depth in ((0, 0), (0.5, 40), (1.0, 40), (2.0, 0))),
    *(measured(DEPTH, "outbox", depth, t=t) for t, depth in ((0, 10), (2.0, 10))),
)


def test_curves_stand_on_the_same_axes_with_first_highest_and_last_value() -> None:
    drawn = lines(series.draw(Page(80), DEPTHS, scenario(DEPTH)))
    assert drawn[0] == "queue depth  calm · t 0 to 2 s · 0 to 40 messages"
    assert drawn[3].strip() == "first 0 messages · max 40 messages at 500 ms · last 0 messages"
    assert drawn[6].strip() == "first 10 messages · max 10 messages at 0 s · last 10 messages"
    top, bottom = drawn[1].removeprefix("plain "), drawn[2]
    assert "█" in top
    assert bottom.count("█") > top.count("█")
    assert set(drawn[5].strip()) == {"▄"}, "a quarter of the scale, all along"
    assert "▄" not in drawn[4]


def test_a_peak_between_two_cells_is_not_lost() -> None:
    spike = run(*(measured(DEPTH, "plain", 100.0 if t == 501 else 0.0, t=t / 1000) for t in range(1000)))
    drawn = lines(series.draw(Page(60), spike, scenario(DEPTH)))
    assert drawn[1].count("█") == 1
    assert drawn[2].count("█") == 1


def test_a_place_without_a_figure_is_left_out_and_a_metric_without_any_has_no_picture() -> None:
    gap = run(
        measured(DEPTH, "plain", 1.0, t=0), measured(DEPTH, "plain", None, t=1), measured(DEPTH, "plain", 3.0, t=2)
    )
    assert "last 3 messages" in lines(series.draw(Page(80), gap, scenario(DEPTH)))[-1]
    assert lines(series.draw(Page(80), run(), scenario(DEPTH))) == []
    assert lines(ledger.draw(Page(80), run(), scenario(LOST))) == []


def test_a_grid_shows_a_value_without_a_mark_as_a_number_and_adds_it_up() -> None:
    cells = {("orders", "w"): 3, ("orders", "r"): 12, ("stock", "w"): 0}
    some = run(*(measured(COPIES, "plain", value, table=table, kind=kind) for (table, kind), value in cells.items()))
    drawn = lines(grid.draw(Page(80), some, scenario(COPIES)))
    assert drawn[0] == "copies  calm"
    assert drawn[3].split() == ["orders", "·", "12"]
    assert drawn[4].split() == ["stock", "0"]
    assert drawn[5].split() == ["sum", "12"], "a good mark adds nothing"
    assert drawn[2].index("W") == drawn[3].index("·"), "columns line up though one is wider"


def test_a_verdict_that_flips_is_told_value_by_value() -> None:
    along = [("plain", 0.0), ("plain", 0.5), ("outbox", 2.0), (None, 10.0)]
    verdicts = tuple(
        Verdict("calm", "sufficient" if design else "none", design, (design,) if design else (), {"rtt": rtt})
        for design, rtt in along
    )
    flips = run(verdicts=(Verdict("calm", "none", None, ()),), verdicts_along=verdicts)
    assert verdict_sentences(flips, scenario())[0] == (
        "calm: it depends on rtt: plain at 0 and 0.5 ms, outbox at 2 ms, none at 10 ms."
    )
    same = replace(flips, verdicts_along=verdicts[:2])
    assert verdict_sentences(same, scenario())[0] == "calm: no design meets every requirement."
