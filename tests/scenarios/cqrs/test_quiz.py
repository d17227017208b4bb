"""What the questions show is what a run shows, and their keys are right: looked at in real databases and processes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archlab import catalog
from archlab.bench.plan import Plan
from archlab.bench.runner import execute
from archlab.judge import judge
from archlab.learn import quiz
from archlab.run import Run

projector = import_module("archlab.scenarios.cqrs.projector")
summary = import_module("archlab.scenarios.cqrs.summary")
workload = import_module("archlab.scenarios.cqrs.workload")

Start = Callable[..., SimpleNamespace]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    scenario, cache = catalog.find("cqrs"), Path(tmp_path_factory.mktemp("cache"))
    return judge(scenario, execute(Plan(scenario, {}, quick=True), cache, lambda event: None))


def picture(of: str) -> list[str]:
    (question,) = [question for question in quiz.questions(catalog.find("cqrs")) if question.id == of]
    return question.picture.strip("\n").split("\n")


def test_the_queue_is_that_of_the_pages_of_crud_under_pressure(run: Run) -> None:
    """In the picture and in a run: the first request is in time and the last is not, each waits longer than the one
    before, and the work has the same steps."""
    (seen,) = [w for w in run.waits if (w.design, w.workload, w.operation) == ("crud", "pressure", "page")]
    bound = run.required("page_p95", "crud", "pressure")
    assert bound is not None
    assert seen.requests[0][2] < bound.bound < seen.requests[-1][2]
    assert [wait for _, wait, _ in seen.requests] == sorted(wait for _, wait, _ in seen.requests)
    *rows, work = picture("queue-trace")
    drawn = [found.groups() for row in rows if (found := re.fullmatch(r"(\d+)\w\w +(\S+?) *([┃▶])", row))]
    assert len(drawn) == len(rows) == len(seen.requests)
    lengths = [len(bar) for _, bar, _ in drawn]
    assert lengths == sorted(lengths)
    assert [edge for _, _, edge in drawn] == ["┃"] * (len(rows) - 1) + ["▶"]
    waits = [bar.count("░") for _, bar, _ in drawn]
    assert waits == sorted(waits)
    wanted = ("crud", "pressure", "page", "median")
    (trace,) = [t for t in run.traces if (t.design, t.workload, t.operation, t.picked) == wanted]
    steps = {s.name for s in trace.spans if s.parent_id == trace.root.span_id}
    assert set(work.partition(": ")[2].split(", ")) == steps


def test_the_verdicts_are_those_of_a_run(run: Run) -> None:
    """What misses a requirement misses it in a quick look, too; what does not, misses none."""
    missed = {(r.design, r.workload) for r in run.requirements if r.outcome == "missed"}
    for line in picture("which-figure")[1:]:
        design, rest = line.split(maxsplit=1)
        marks = [word for word in rest.split() if word in "✓✗★+"]
        for workload_name, mark in zip(("calm", "pressure", "far_views"), marks, strict=True):
            assert ((design, workload_name) in missed) == (mark == "✗"), (design, workload_name)


def test_beside_the_orders_the_totals_need_no_projection(tmp_path: Path) -> None:
    """The distance is what decides: without it summary misses no requirement of far_views."""
    scenario = catalog.find("cqrs").only(("summary",), ("far_views",))
    near = judge(scenario, execute(Plan(scenario, {"store_distance": 0}, quick=True), tmp_path, lambda event: None))
    assert {r.outcome for r in near.requirements} <= {"met", "uncertain"}


def test_the_order_commits_before_its_totals(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the two commits there is a moment: a process that dies in it leaves the order without its totals."""
    started = start("summary", store_distance=1, views=12)
    design: Any = started.design
    committed, transaction = [], summary.transaction

    @contextmanager
    def watched(database: Any) -> Iterator[None]:
        with transaction(database):
            yield
        committed.append("order" if database is design.shop else "totals")

    monkeypatch.setattr(summary, "transaction", watched)
    design.place_order(workload.an_order(started.lab, 0))
    assert committed == ["order", "totals"]


def test_a_gap_undoes_all_that_was_delivered_with_it(start: Start) -> None:
    """Positions 6, 7, 8 and 10 on a store at 7: it stays at 7, and its totals are as they were."""
    started = start("projection")
    reader = projector.Projector(started.lab)
    at, event = reader.position, reader.events(after=reader.position - 1)[0][1]
    before = reader.store.execute("SELECT * FROM totals ORDER BY 1, 2, 3, 4").fetchall()
    with pytest.raises(projector.OutOfOrder):
        reader.apply([(at - 1, event), (at, event), (at + 1, event), (at + 3, event)])
    assert reader._position() == at
    assert reader.store.execute("SELECT * FROM totals ORDER BY 1, 2, 3, 4").fetchall() == before


def test_the_story_of_the_lesson_is_the_workload(start: Start) -> None:
    """So many pages a second, of so many orders each: what the workload pressure asks for."""
    scenario = catalog.find("cqrs")
    story = Path(scenario.folder, "lesson.md").read_text(encoding="utf-8").split("\n\n")[2]
    pages, orders, objects = (int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", story))
    knobs = scenario.settings(scenario.workload("pressure"), {})
    requests = workload.requests(start("crud", **knobs).lab, 2000)
    a_second = sum(request.operation == "page" for request in requests) / max(request.due for request in requests)
    assert pages == pytest.approx(a_second, rel=0.1)
    assert (orders, objects) == (knobs["page_rows"], pages * orders)
