"""The designs of middleware, asked over HTTP: what is to be the same is the same, and each change does what it says."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archlab.bench.answers import replies
from archlab.bench.differences import difference
from archlab.lab import service, versions
from archlab.scenario import Scenario

endpoints = import_module("archlab.scenarios.middleware.endpoints")
experiments = import_module("archlab.scenarios.middleware.experiments")
probe = import_module("archlab.scenarios.middleware.probe")
workload = import_module("archlab.scenarios.middleware.workload")

Start = Callable[..., SimpleNamespace]
DESIGNS = ("per-endpoint", "decorators", "middleware", "misordered", "exempted")
PROBLEM = "application/problem+json"


@pytest.mark.parametrize("name", DESIGNS)
def test_who_may_gets_the_same_answer_from_every_design(start: Start, name: str) -> None:
    api = start(name).api
    answers = {str(e): api.ask(e.method, e.example, "ann", e.content) for e in endpoints.ENDPOINTS}
    assert [a.status for a in answers.values()] == [200, 201, 202, 200, 200, 200]
    assert answers["GET /orders/{order}"].json().keys() == {"id", "product", "quantity", "status"}
    assert "token" in answers["POST /login"].json()


@pytest.mark.parametrize("name", DESIGNS)
def test_what_breaks_a_rule_is_refused_in_words(start: Start, name: str) -> None:
    api = start(name).api
    refused = api.ask("GET", "/orders/1", "ann")
    assert (refused.status, refused.json()) == (409, {"error": "there is no 1"})
    stranger = api.ask("POST", "/login", content={"name": "ann", "password": "guess"})
    assert (stranger.status, stranger.json()) == (401, {"error": "wrong name or password"})


@pytest.mark.parametrize("name", ["per-endpoint", "decorators", "middleware"])
def test_in_calm_they_answer_alike(start: Start, name: str) -> None:
    one, other = (start(d, workload="calm") for d in ("per-endpoint", name))
    assert workload.answers(one.lab, one.api) == workload.answers(other.lab, other.api)


def test_a_design_that_answers_differently_is_told_by_endpoint_and_user(start: Start) -> None:
    one, other = start("middleware", workload="calm"), start("middleware", workload="calm")
    asks = other.api.ask
    mute = SimpleNamespace(ask=lambda method, path, user, content: asks(method, path, "ann", content))
    right, wrong = replies(workload.answers(one.lab, one.api)), replies(workload.answers(other.lab, mute))
    found = difference("middleware-mine", "middleware", "calm", {}, [(right, wrong)])
    assert found.differ > 0
    case = found.cases[0]
    assert case["request"] == "GET /orders/{order} by a stranger"
    assert (case["field"], case["right"], case["wrong"]) == ("status", 401, 200)


@pytest.mark.parametrize("name", ["per-endpoint", "middleware"])
def test_every_count_that_a_requirement_judges_brings_its_cases(start: Start, name: str) -> None:
    one = start(name)
    samples = list(experiments.consistency(one.lab, one.api))
    for sample in samples:
        if sample.metric in ("holes", "holes_new", "holes_released", "holes_unknown", "places"):
            assert len(sample.cases) == sample.value, sample.metric
    unknown = next(sample for sample in samples if sample.metric == "holes_unknown")
    assert all(str(endpoints.UNKNOWN) in case for case in unknown.cases)
    assert bool(unknown.cases) == (name == "per-endpoint")
    touched = next(sample for sample in samples if sample.metric == "places").cases
    assert all(".py, line " in case for case in touched)


def test_lines_that_an_id_does_not_find_are_shown(start: Start) -> None:
    one = start("per-endpoint", one_in=10)
    lost = [sample for sample in experiments.hunt(one.lab, one.api) if sample.metric == "lines_lost"]
    assert max(sample.value for sample in lost) > 0
    assert all(bool(sample.cases) == (sample.value > 0) for sample in lost)
    assert all("the line" in case and "has the id" in case for sample in lost for case in sample.cases)


def test_the_knob_takes_endpoints_away(start: Start) -> None:
    api = start("middleware", endpoints=2).api
    assert api.ask("GET", "/orders/700001", "ann").status == 200
    assert api.ask("GET", "/products", "ann").status == 404


def test_a_load_that_is_not_served_is_no_figure(start: Start) -> None:
    """Refusing is quick: whoever answers the load with an error must not look fast."""
    api = start("middleware").api
    assert api.read_order(workload.FIRST, "ann") == 200
    with pytest.raises(RuntimeError, match="was answered 401"):
        api.read_order(workload.FIRST, "")


def test_a_failure_that_left_no_line_is_lost(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edited design may log nothing at all: that is a finding, and no division by zero."""
    experiments = import_module("archlab.scenarios.middleware.experiments")
    started = start("middleware")
    silent = SimpleNamespace(stop=lambda: None, log=list)
    monkeypatch.setattr(started.api, "started", lambda *name, **settings: silent)
    monkeypatch.setattr(experiments.probe, "crowd", lambda *asked: 0)
    monkeypatch.setattr(experiments, "ask", lambda *asked: SimpleNamespace(headers={}))
    found = [(s.metric, s.value) for s in experiments.hunt(started.lab, started.api) if s.metric != "crowd"]
    assert found == [("lines_found", 0.0), ("lines", 0), ("lines_lost", 1.0)] * 2


def test_a_forged_token_opens_nothing(start: Start) -> None:
    world = import_module("archlab.scenarios.middleware.world")
    assert world.user_of(f"Bearer {world.token_of('ann')}") == "ann"
    for forged in ("", "Bearer", "Bearer ann", "Bearer ann.00", f"Basic {world.token_of('ann')}", "Bearer .", None):
        assert world.user_of(forged) is None


def test_a_hostile_id_is_never_taken_over() -> None:
    world = import_module("archlab.scenarios.middleware.world")
    assert world.request_id("abc-12345") == "abc-12345"
    for hostile in (probe.HOSTILE, "a\nb-12345678", "short", "ü" * 10, "a" * 65, "", None):
        assert world.request_id(hostile) != hostile


@pytest.mark.parametrize("name", DESIGNS)
def test_the_new_endpoint_is_the_same_lines_everywhere_and_works(scenario: Scenario, start: Start, name: str) -> None:
    """Two lines and an entry in the route table, by somebody who knows nothing of the concerns."""
    diff = versions.patch(Path(scenario.folder), name, "new-endpoint").read_text()
    added = [line[1:].strip() for line in diff.splitlines() if line.startswith("+") and not line.startswith("+++")]
    removed = [line for line in diff.splitlines() if line.startswith("-") and not line.startswith("---")]
    assert [line for line in added if line] == [
        "async def withdraw_product(request: Request) -> Response:",
        "return JSONResponse(shop.withdraw_product(product(request)))",
        'Route("/products/{product}", withdraw_product, methods=["DELETE"]),',
    ]
    assert not removed
    started = start(name)
    new = started.lab.started(started.lab.design.version("new-endpoint"))
    assert new.ask("DELETE", "/products/3", "ann").json() == {"id": 3, "withdrawn": True}
    assert started.api.ask("DELETE", "/products/3", "ann").status in (404, 405), "the old version knows nothing of it"


def test_the_test_of_the_route_table_finds_the_bare_one_alone(start: Start) -> None:
    lab = start("decorators").lab
    module = lab.module(lab.design.version("new-endpoint"))
    decorators = import_module("archlab.scenarios.middleware.decorators")
    assert decorators.bare(decorators.app(lab)) == []
    assert len(module.bare(module.app(lab))) == 1


@pytest.fixture(params=DESIGNS)
def changed(request: pytest.FixtureRequest, start: Start) -> Any:
    """A design after the change request."""
    started = start(request.param)
    return SimpleNamespace(name=request.param, api=started.lab.started(started.lab.design.version()), lab=started.lab)


def test_errors_become_problems_with_the_id(changed: Any) -> None:
    """RFC 9457: a media type of its own, a type, the status, what happened this time; and the correlation id."""
    refused = changed.api.ask("GET", "/orders/1", "ann", x_request_id="supplied-1")
    assert refused.headers["content-type"] == PROBLEM
    said = refused.json()
    assert (said["status"], said["detail"], said["type"]) == (409, "there is no 1", "about:blank")
    assert "title" not in said, "beside about:blank it would have to be the status's own phrase"
    assert said["correlation"] == refused.headers["x-request-id"] == "supplied-1"


def test_the_change_breaks_nothing(changed: Any) -> None:
    for endpoint in endpoints.ENDPOINTS:
        answer = changed.api.ask(endpoint.method, endpoint.example, "ann", endpoint.content)
        assert answer.ok and answer.headers["content-type"] == "application/json"
    unknown = changed.api.ask("GET", "/no/such/path", "ann")
    assert unknown.status == 404
    if changed.name != "per-endpoint":
        assert unknown.headers["content-type"] == PROBLEM


def test_every_patch_fits_and_touches_only_what_a_design_runs(scenario: Scenario, tmp_path: Path) -> None:
    found = {path.relative_to(scenario.folder).as_posix() for path in Path(scenario.folder, "changes").rglob("*.patch")}
    assert found == {f"changes/{c}{d}.patch" for c in ("", "new-endpoint/") for d in DESIGNS}
    for i, patch in enumerate(sorted(found)):
        versions.patched(Path(scenario.folder), Path(scenario.folder, patch), tmp_path / str(i))
        shutil.rmtree(tmp_path / str(i))


def test_an_answer_that_no_program_can_read_is_another_answer(start: Start) -> None:
    """The run is unfair then, and says between whom; it does not end with what the reader of JSON says."""
    api = start("middleware", endpoints=1)
    garbage = SimpleNamespace(
        ask=lambda *_: SimpleNamespace(status=200, json=lambda: json.loads("hello"), body=b"hello")
    )
    assert [said.answer["body"] for said in workload.answers(api.lab, garbage)] == [b"hello", b"hello"]


def test_a_failure_that_left_no_line_is_found_by_nothing(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    api = start("middleware", one_in=10)
    monkeypatch.setattr(service.Service, "log", lambda service: [])
    found = [(sample.metric, sample.value) for sample in experiments.hunt(api.lab, api.api)]
    assert found.count(("lines_found", 0)) == found.count(("lines_lost", 1)) == 2


@pytest.mark.parametrize("number", [0, 2, 4])
def test_users_whom_one_endpoint_alone_does_not_limit_are_a_hole_there(
    start: Start, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Although addresses are limited everywhere, and this one has made many requests when it is that one's turn."""
    open_one, asked = endpoints.ENDPOINTS[number], probe.ask

    def unlimited(service: Any, method: str, path: str, user: str = "", *content: Any, **headers: str) -> Any:
        """As of a design that knows no limit by user at this endpoint: every request is another user's."""
        if service.name == "flooded" and user and (method, path) == (open_one.method, open_one.example):
            user = f"another-{uuid.uuid4()}"
        return asked(service, method, path, user, *content, **headers)

    monkeypatch.setattr(probe, "ask", unlimited)
    one = start("middleware")
    flooded = one.api.started("flooded", limit=probe.FEW)
    grid = probe.sweep(one.lab, one.api.service, flooded, [*endpoints.ENDPOINTS, endpoints.NEW], 6)
    assert [endpoint for endpoint, row in grid.items() if row["rate limit"]] == [str(open_one)]
