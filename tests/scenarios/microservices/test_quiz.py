"""What the pictures of the questions show is what happens."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace

import pytest

from archlab import catalog
from archlab.learn import quiz

experiments = import_module("archlab.scenarios.microservices.experiments")
deployments = import_module("archlab.scenarios.microservices.deployments")

# A round's process closes the connections of a design by ending; the process of the tests goes on.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

Start = Callable[..., SimpleNamespace]


def picture(of: str) -> list[list[str]]:
    """The words of each line."""
    (question,) = [q for q in quiz.questions(catalog.find("microservices")) if q.id == of]
    return [line.split() for line in question.picture.strip("\n").split("\n")]


@pytest.mark.parametrize(("name", "place"), [("distributed-monolith", 0), ("microservices", 1)])
def test_without_pricing_the_features_of_the_picture_work(start: Start, name: str, place: int) -> None:
    """Browse, quote, availability, order: of the design that asks for prices, and of the one that keeps a copy."""
    *_, row = picture("blast-table")
    shown = row[2 + 4 * place : 6 + 4 * place]
    shop = start(name)
    broken = {
        s.at["feature"]: bool(s.value)
        for s in experiments.blast(shop.lab, shop.design, ("pricing",))
        if s.metric == "broken" and s.at["trouble"] == "pricing down"
    }
    assert shown == ["✗" if broken[feature] else "·" for feature in ("browse", "quote", "availability", "order")]


def test_the_mixes_of_versions_fail_as_in_the_picture(start: Start) -> None:
    shop = start("microservices")
    failing = deployments.failing_mixes(shop.lab, shop.design, 1)
    for age, *shares in picture("deployment-paths")[1:]:
        shown = [0.0 if share == "·" else float(share) for share in shares]
        assert shown == [failing[age, stock][0] for stock in ("old", "new")]
