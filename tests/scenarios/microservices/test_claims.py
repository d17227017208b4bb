"""A claim is held, refuted or left open by what was measured, whichever way it turned out."""

from __future__ import annotations

import importlib

import pytest


@pytest.mark.parametrize(
    ("monolith", "services", "outcome"),
    [(0.020, 0.005, "held"), (0.005, 0.020, "refuted"), (0.010, 0.009, "inconclusive")],
)
def test_a_cpu_hog_is_judged_in_both_directions(
    monkeypatch: pytest.MonkeyPatch, monolith: float, services: float, outcome: str
) -> None:
    """Mean time of the other domains' slowest feature while one domain is hogged, in seconds."""
    claims = importlib.import_module("archlab.scenarios.microservices.claims")
    slowest = {"monolith": {"stock": monolith}, "microservices": {"stock": services}}
    monkeypatch.setattr(claims, "seen", lambda run, metric, design, key: slowest[design])
    assert claims.hogs(None).outcome == outcome


def test_without_figures_a_cpu_hog_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    claims = importlib.import_module("archlab.scenarios.microservices.claims")
    monkeypatch.setattr(claims, "seen", lambda run, metric, design, key: {})
    assert claims.hogs(None).outcome == "inconclusive"


@pytest.mark.parametrize(("measured", "outcome"), [(0.025, "held"), (0.045, "refuted"), (0.014, "refuted")])
def test_an_order_far_apart_is_judged_by_its_calls_and_what_one_of_them_takes(
    monkeypatch: pytest.MonkeyPatch, measured: float, outcome: str
) -> None:
    """Two calls of 10 ms and 1 to 2 ms each, and 2 to 3 ms of work: 24 to 27 ms are expected."""
    claims = importlib.import_module("archlab.scenarios.microservices.claims")
    far = {"monolith": {(0,): 0.002, (1,): 0.003}}
    figures = {"calls": {(): 2.0}, "hop": {(0,): 0.001, (1,): 0.002}}

    def seen(run: None, metric: str, design: str, *keys: str) -> dict[tuple[object, ...], float]:
        return figures[metric] if metric in figures else far.get(design, {(0,): measured})

    monkeypatch.setattr(claims, "seen", seen)
    assert claims.calls_cost(None).outcome == outcome
