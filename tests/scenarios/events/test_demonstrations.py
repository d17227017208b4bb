"""What a broker and a table do by themselves, on the embedded broker and on RabbitMQ."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace

import pytest

demonstrations = import_module("archlab.scenarios.events.demonstrations")

# A round's process closes the connections of a design by ending; the process of the tests goes on.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

Start = Callable[..., SimpleNamespace]


def test_every_demonstration_shows_what_it_is_for(start: Start) -> None:
    """A broker of somebody else's is not killed, so there one of them is left out."""
    shop = start("events", effects=1)
    shown = list(demonstrations.shown(shop.lab, shop.design))
    facts = {sample.at["fact"]: sample.value for sample in shown if sample.metric == "fact"}
    expected = {*demonstrations.FACTS, demonstrations.REORDERED}
    if not shop.lab.broker().address.foreign:
        expected.add(demonstrations.TRANSIENT)
    assert facts == dict.fromkeys(expected, 1)
    share = {sample.at["prefetch"]: sample.value for sample in shown if sample.metric == "slow_share"}
    assert share[0] > share[10] > share[1]
    looks = {(s.at["rows"], s.at["index"]): s.value for s in shown if s.metric == "poll_time"}
    few, many = demonstrations.ROWS
    assert looks[many, "without"] > 5 * looks[many, "with"]
    assert looks[many, "with"] < 5 * looks[few, "with"]


def test_a_confirmed_publish_that_is_mandatory_comes_back(start: Start) -> None:
    assert demonstrations.confirmed_to_nowhere(start("events", effects=1).lab)
