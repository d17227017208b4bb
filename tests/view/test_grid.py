"""The consistency grid: every cell in its row and column, at any width, in any character set."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archlab.run import DesignFacts, Measurement, Run, WorkloadFacts
from archlab.scenario import Design, Grid, Load, Mark, Metric, Requirement, Scenario, Workload
from archlab.view import grid
from archlab.view.page import Page

DESIGNS = ("plain", "guarded", "layered")
ROWS = ("GET /orders/{order}", "new: PUT /price", "unknown: GET /no")
COLUMNS = ("log line", "limit", "CORS")
HOLES = {("plain", 1): (1, 1, 1), ("plain", 2): (1, 1, 0), ("guarded", 1): (0.5, 0.5, 0.5), ("guarded", 2): (1, 0, 0)}
VIEW = Grid(
    "endpoint",
    "concern",
    title="endpoints × concerns, found by probing",
    marks={
        0: Mark("·", "holds", good=True),
        1: Mark("✗", "does not", good=False),
        0.5: Mark("t", "stopped by its own test"),
    },
    total="holes",
)
METRIC = Metric("hole", "a concern does not hold", "holes", 0.5, counted=True, view=VIEW)


def cell(design: str, row: int, column: int, value: float) -> Measurement:
    at = {"endpoint": ROWS[row], "concern": COLUMNS[column]}
    return Measurement("probe", design, "pressure", "hole", "holes", "lower", value, value, value, 1, 1, at, (value,))


def probed() -> Run:
    cells = [
        cell(design, row, column, HOLES.get((design, row), (0, 0, 0))[column])
        for design in DESIGNS
        for row in range(3)
        for column in range(3)
        if (row, column) != (2, 2)
    ]
    facts = tuple(DesignFacts(name, name, "alternative", order) for order, name in enumerate(DESIGNS, 1))
    pressure = WorkloadFacts("pressure", "many", {})
    return Run("web", "", "?", 1, "", 1.0, (pressure,), facts, tuple(cells), (), (), {})


def scenario(metric: Metric = METRIC) -> Scenario:
    return Scenario(
        name="web", topic="", question="?", problem="", say_it="", knobs=(), metrics=(metric,),
        requirements=(Requirement("none", "hole", 0, "holes", "", ""),),
        workloads=(Workload("calm", ""), Workload("pressure", "many")),
        designs=tuple(Design(name, name, "baseline", "", print) for name in DESIGNS),
        load=Load(lambda lab, n: []), answers=print, data=print,
    )  # fmt: skip


def drawn(run: Run, width: int = 100, ascii_only: bool = False, metric: Metric = METRIC) -> list[str]:
    return [line.plain.rstrip() for line in grid.draw(Page(width, ascii_only), run, scenario(metric))]


def test_a_mark_for_every_cell_in_its_row_and_column() -> None:
    lines = drawn(probed())
    assert lines[0] == "endpoints × concerns, found by probing  pressure"
    assert lines[1].split() == list(DESIGNS)
    assert lines[2].split() == ["L", "I", "C"] * 3
    assert lines[3].split()[-9:] == ["·"] * 9
    assert lines[4].split()[-9:] == ["✗", "✗", "✗", "t", "t", "t", "·", "·", "·"]


def test_what_was_not_asked_is_left_blank() -> None:
    unknown = next(line for line in drawn(probed()) if line.startswith("unknown"))
    assert unknown.split()[-6:] == ["✗", "✗", "✗", "·", "·", "·"]


def test_holes_are_summed_up_and_what_a_test_stops_is_none() -> None:
    total = next(line for line in drawn(probed()) if line.startswith("holes"))
    assert total.split() == ["holes", "5", "1", "0"]


def test_every_column_has_a_letter_of_its_own_and_its_name_below() -> None:
    assert drawn(probed())[-1].endswith("L log line  I limit  C CORS")


def test_the_legend_tells_of_tests_only_where_one_stopped_something() -> None:
    assert "t stopped by its own test" in drawn(probed())[-1]
    none = replace(probed(), measurements=tuple(m for m in probed().measurements if m.value != 0.5))
    assert "stopped" not in "\n".join(drawn(none))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_it_fits_every_page(width: int, ascii_only: bool) -> None:
    lines = drawn(probed(), width, ascii_only)
    assert max(map(len, lines)) <= width
    for design in DESIGNS:
        assert any(design in line for line in lines)
    if ascii_only:
        assert all(line.isascii() for line in lines)


def test_a_scenario_without_a_grid_draws_none() -> None:
    assert drawn(probed(), metric=replace(METRIC, view=None)) == []
    assert drawn(replace(probed(), measurements=())) == []
    assert list(grid.draw(Page(), probed(), None)) == []


@pytest.mark.parametrize("width", [40, 50, 60, 70, 80, 90, 100])
def test_the_legend_never_breaks_inside_an_entry(width: int) -> None:
    """``L log`` at the end of a line and ``line`` below it: the eye finds neither."""
    lines = drawn(probed(), width)
    for entry in ("· holds", "✗ does not", "t stopped by its own test", "L log line", "I limit", "C CORS"):
        assert any(entry in line for line in lines), entry


@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_row_that_is_cut_short_does_not_touch_its_marks(ascii_only: bool) -> None:
    whole = probed()
    long = "GET /orders/{order}/with/a/long/tail"
    cells = tuple(
        replace(m, at={**m.at, "endpoint": long}) if m.at["endpoint"] == ROWS[0] else m for m in whole.measurements
    )
    row = next(line for line in drawn(replace(whole, measurements=cells), 60, ascii_only) if line.startswith("GET"))
    assert ("... | | |" if ascii_only else "… · · ·") in row
