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
    """An order of 4 to 5 ms, with two calls that differ by 1 ms: 24 to 27 ms are expected at 10 ms."""
    claims = importlib.import_module("archlab.scenarios.microservices.claims")
    figures = {
        "calls": {(): 2.0},
        "hop": {(0,): 0.001, (1,): 0.002},
        "order_each": {(0.0, 0): 0.004, (0.0, 1): 0.005, (10.0, 0): measured},
    }
    monkeypatch.setattr(claims, "seen", lambda run, metric, design, *keys: figures[metric])
    assert claims.calls_cost(None).outcome == outcome
