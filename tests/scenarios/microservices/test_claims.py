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
