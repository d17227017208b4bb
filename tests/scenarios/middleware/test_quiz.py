"""What the questions show is what a run shows, and their keys are right: looked at in real services."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace

import pytest

from archlab.learn import quiz
from archlab.run import Run
from archlab.scenario import Scenario

endpoints = import_module("archlab.scenarios.middleware.endpoints")
experiments = import_module("archlab.scenarios.middleware.experiments")
world = import_module("archlab.scenarios.middleware.world")

Start = Callable[..., SimpleNamespace]


@pytest.fixture
def questions(scenario: Scenario) -> dict[str, quiz.Question]:
    return {question.id: question for question in quiz.questions(scenario)}


def test_the_grid_is_that_of_the_exempted_stack(run: Run, questions: dict[str, quiz.Question]) -> None:
    head, *rows = questions["exemptions"].picture.strip("\n").split("\n")
    assert head.split() == ["A", "E", "R", "L", "T", "C"]
    shown = {
        (endpoint, concern): mark
        for row in rows
        for endpoint, marks in [re.split(r"\s{2,}", row)]
        for concern, mark in zip(endpoints.CONCERNS, marks.split(), strict=True)
    }
    measured = {
        (str(m.at["endpoint"]), str(m.at["concern"])): "✗" if max(m.by_round) else "·"
        for m in run.all_measured("hole", "exempted", "pressure")
    }
    known = {str(endpoint) for endpoint in endpoints.ENDPOINTS}
    assert shown == {cell: mark for cell, mark in measured.items() if cell[0] in known}


def test_the_log_is_that_of_a_mail_that_fails_behind_the_answer(
    start: Start, questions: dict[str, quiz.Question]
) -> None:
    """The same five lines in the same order, and the id in the same one; in a stack of layers it is in all of them."""
    _, *shown = questions["lost-lines"].picture.strip("\n").split("\n")
    assert len(shown) == 5
    for design, with_id in (("per-endpoint", [False, False, True, False, False]), ("middleware", [True] * 5)):
        service = start(design).api.started("mailing", endpoints=len(endpoints.ENDPOINTS))
        path = f"/orders/{experiments.UNMAILABLE}/receipt"
        told = experiments.ask(service, "POST", path, "ann").headers[world.REQUEST_ID.lower()]
        service.stop()
        lines = service.log()
        assert [line["id"] == told for line in lines] == with_id
        if design == "per-endpoint":
            written = [f"{line['level']} {line['message'].strip()}" for line in lines]
            assert [re.sub(r"\s+(\w+\.\.\.)?\s*", " ", row, count=1) for row in shown] == written


def test_pages_of_another_origin_cannot_call_through_the_order_that_is_shown(
    run: Run, questions: dict[str, quiz.Question]
) -> None:
    assert questions["preflight"].source == "misordered.py"
    seen = [m for m in run.all_measured("symptom", "misordered", "pressure") if m.at["symptom"] == "preflight 401"]
    assert {str(m.at["order"]): m.value for m in seen} == {"authentication outside CORS": 1, "the right order": 0}


def test_each_process_counts_for_itself() -> None:
    """Two of the shown limiters, as in two workers, allow twice as many."""
    limiting = import_module("archlab.scenarios.middleware.limiting")
    workers = [limiting.Limits(100), limiting.Limits(100)]
    assert sum(worker.allow_user("ann") for worker in workers for _ in range(150)) == 200
