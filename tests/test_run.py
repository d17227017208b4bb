"""The record of a run: its document follows from its fields."""

from __future__ import annotations

from dataclasses import fields

from archlab.run import DesignFacts, Event, Run, Verdict

RUN = Run("tiny", "Tiny", "?", 1, "2026-01-01T00:00:00+00:00", 1.0, (), (), (), (), (), {})


def test_every_field_of_a_run_is_in_its_document() -> None:
    """All but the traces, which are asked for apart: a field that is added needs no second edit."""
    told = RUN.to_json()
    assert told.keys() == {field.name for field in fields(Run)} - {"traces", "verdicts_along"} | {"schema", "valid"}


def test_every_field_of_a_part_is_in_the_document() -> None:
    event = Event("down", "plain", "calm", 0.4, "done", "e-mail stops")
    facts = DesignFacts("plain", "Plain", "baseline", 1, lines=2, processes=3, change_added=4)
    run = Run("tiny", "", "", 1, "", 1.0, (), (facts,), (), (), (), {}, events=(event,))
    told = run.to_json()
    assert told["events"] == [{field.name: getattr(event, field.name) for field in fields(Event)}]
    (design,) = told["designs"]
    groups = [design.pop(group) for group in ("code", "moving_parts")]
    change = {f"change_{name}": value for name, value in design.pop("change").items()}
    flat = {**design, **groups[0], **groups[1], **change}
    assert flat == {field.name: getattr(facts, field.name) for field in fields(DesignFacts)}


def test_a_verdict_along_a_knob_stands_with_its_workloads_verdict_and_says_whether_it_flips() -> None:
    along = (Verdict("far", "sufficient", "a", ("a",), {"rtt": 0}), Verdict("far", "none", None, (), {"rtt": 10}))
    whole = (Verdict("far", "none", None, ()), Verdict("calm", "sufficient", "a", ("a",)))
    told = Run("tiny", "", "", 1, "", 1.0, (), (), (), (), (), {}, verdicts=whole, verdicts_along=along).to_json()
    assert told["verdicts"]["calm"] == {"design": "a", "status": "sufficient", "candidates": ["a"]}
    assert [one["at"] for one in told["verdicts"]["far"]["along"]] == [{"rtt": 0}, {"rtt": 10}]
    assert told["verdicts"]["far"]["flips"] is True
