"""What must hold for a run to count: a fair comparison, and faults that were injected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import pytest

from archlab.bench.answers import replies
from archlab.bench.measurements import LOAD, Cell, CellKey
from archlab.bench.rounds import Observed
from archlab.bench.validity import data_hash, different_answers, faults_struck, moving_parts, objections
from archlab.run import DesignFacts
from archlab.scenario import Answered, Experiment, Scenario, Step

THIRD = (
    '        Design("index", "one place", "pattern", "everybody does it", Index),\n',
    '        Design("index", "one place", "pattern", "everybody does it", Index),\n'
    '        Design("hash", "one place", "alternative", "as good", Index),\n',
)
Cells = dict[CellKey, Cell]


@pytest.fixture
def scenario(tiny: Callable[..., Scenario]) -> Scenario:
    return tiny(THIRD)


def answered(workload: str = "calm", **hashes: list[str]) -> Cells:
    """Rounds of the load, with the hash of what each design answered."""
    cells: Cells = defaultdict(Cell)
    for design, by_round in hashes.items():
        cells[LOAD, design, workload] = Cell([Observed(answers_hash=answer, data_hash="d") for answer in by_round])
    return cells


def test_designs_that_answer_alike_are_a_fair_fight(scenario: Scenario) -> None:
    """Each round has operations of its own, so the rounds may differ among themselves."""
    cells = answered(scan=["a", "b"], index=["a", "b"], hash=["a", "b"])
    assert objections(scenario, cells, ()) == ()


def test_a_design_that_answers_differently_in_a_single_round_is_named(scenario: Scenario) -> None:
    cells = answered(scan=["a", "b"], index=["a", "x"], hash=["a", "b"])
    assert objections(scenario, cells, ()) == (
        "index answers differently from scan at calm, so the comparison would not be fair",
    )


def test_the_odd_one_out_is_named_even_where_it_is_the_simplest(scenario: Scenario) -> None:
    cells = answered(scan=["x"], index=["a"], hash=["a"])
    assert objections(scenario, cells, ()) == (
        "scan answers differently from index at calm, so the comparison would not be fair",
    )


def test_one_against_one_leaves_the_simpler_in_the_right(scenario: Scenario) -> None:
    cells = answered(scan=["x"], index=["a"])
    assert objections(scenario, cells, ()) == (
        "index answers differently from scan at calm, so the comparison would not be fair",
    )


def test_answers_are_compared_only_where_every_design_can_have_caught_up(scenario: Scenario) -> None:
    """Under pressure a design may have been stopped; a round that gave no answer proves nothing."""
    assert objections(scenario, answered("pressure", scan=["x"], index=["a"]), ()) == ()
    assert objections(scenario, answered(scan=["a", ""], index=["a", "b"], hash=["", "b"]), ()) == ()


def test_designs_that_started_from_different_data_are_no_fair_fight(scenario: Scenario) -> None:
    cells = answered(scan=["a"], index=["a"], hash=["a"])
    cells["killed", "index", "calm"] = Cell([Observed(data_hash="other")])
    assert objections(scenario, cells, ()) == ("the designs did not start from the same data at calm",)
    assert data_hash("pressure", cells) == ""


def test_workloads_may_start_from_different_data(scenario: Scenario) -> None:
    cells = answered(scan=["a"], index=["a"], hash=["a"])
    cells[LOAD, "scan", "pressure"] = Cell([Observed(data_hash="other")])
    assert objections(scenario, cells, ()) == ()
    assert (data_hash("calm", cells), data_hash("pressure", cells)) == ("d", "other")


@pytest.mark.parametrize(("strikes", "said"), [([0, 0], True), ([1, 0], False), ([1, 1], False)])
def test_a_planned_fault_that_never_struck_is_an_objection(scenario: Scenario, strikes: list[int], said: bool) -> None:
    rounds = [Observed(struck=("counted",) * times + ("something else",)) for times in strikes]
    cells = {("killed", "index", "calm"): Cell(rounds)}
    (fault,) = faults_struck(scenario, cells)
    assert (fault.name, fault.design, fault.planned, fault.injected) == ("counted", "index", 2, sum(strikes))
    found = objections(scenario, cells, (fault,))
    assert found == (("the planned fault counted was never injected into index",) if said else ())


def test_the_faults_of_a_timeline_are_planned_once_a_round(scenario: Scenario) -> None:
    """Beside those that the experiment names: two steps with the same fault plan it twice."""
    steps = tuple(Step(at, "it stops", print, fault="down") for at in (0.1, 0.2))
    down = Experiment("down", timeline=(*steps, Step(0.3, "it is back", print)), faults={"counted": 1})
    rounds = [Observed(struck=("down", "down", "counted")), Observed(struck=("down",))]
    found = faults_struck(replace(scenario, experiments=(down,)), {("down", "index", "calm"): Cell(rounds)})
    assert {(f.name, f.planned, f.injected) for f in found} == {("down", 4, 3), ("counted", 2, 1)}


def test_moving_parts_are_the_most_that_were_started_under_load(scenario: Scenario) -> None:
    """A process that an experiment starts on top is not the design's."""
    cells = {
        (LOAD, "index", "calm"): Cell([Observed(processes=2, tables=3)]),
        (LOAD, "index", "pressure"): Cell([Observed(processes=1, tables=4), Observed()]),
        ("killed", "index", "calm"): Cell([Observed(processes=9, tables=9)]),
        (LOAD, "scan", "calm"): Cell([Observed(processes=1, tables=1)]),
    }
    facts = moving_parts(DesignFacts("index", "one place", "pattern", 2, lines=7), cells)
    assert (facts.processes, facts.tables, facts.lines) == (2, 4, 7)


def test_where_designs_differ_is_told_with_the_place_and_what_was_answered(scenario: Scenario) -> None:
    """The sentence of a difference is the objection, so that a screen can show the one beside the other."""
    cells = answered(scan=["a"], index=["x"], hash=["a"])
    for design, value in (("scan", 1), ("index", 2), ("hash", 1)):
        (one,) = cells[LOAD, design, "calm"].rounds
        cells[LOAD, design, "calm"].rounds[:] = [replace(one, answers=replies([Answered("lookup", value)]))]
    place = (("words", 3.0),)
    (found,) = different_answers(scenario, cells, "calm", place)
    assert (found.sentence,) == objections(scenario, cells, (), place)
    assert "at calm with words=3," in found.sentence
    assert (found.at, found.differ, found.of) == ({"words": 3.0}, 1, 1)
    assert (found.cases[0]["right"], found.cases[0]["wrong"]) == (1, 2)


def test_an_edited_design_is_held_against_its_original_where_that_is_right(scenario: Scenario) -> None:
    scan, index, third = scenario.designs
    edited = replace(scenario, designs=(scan, index, third, replace(index, name="index-mine", edits="index")))
    cells = answered(scan=["a"], index=["a"], hash=["a"]) | answered(**{"index-mine": ["x"]})
    assert [(d.design, d.against) for d in different_answers(edited, cells, "calm")] == [("index-mine", "index")]
    cells = answered(scan=["a"], index=["b"], hash=["a"]) | answered(**{"index-mine": ["x"]})
    found = [(d.design, d.against) for d in different_answers(edited, cells, "calm")]
    assert found == [("index", "scan"), ("index-mine", "scan")]
