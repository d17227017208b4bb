"""What a broker and a table do by themselves, on the embedded broker and on RabbitMQ."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace

import pytest

demonstrations, limit, polling, sharing, storm = (
    import_module(f"archlab.scenarios.events.{module}")
    for module in ("demonstrations", "limit", "polling", "sharing", "storm")
)

# A round's process closes the connections of a design by ending; the process of the tests goes on.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

Start = Callable[..., SimpleNamespace]


def test_every_demonstration_shows_what_it_is_for(start: Start) -> None:
    """A broker of somebody else's is not killed, so there one of them is left out."""
    shop = start("events", effects=1)
    shown = [*demonstrations.shown(shop.lab, shop.design), *demonstrations.timed(shop.lab, shop.design)]
    facts = {sample.at["fact"]: sample.value for sample in shown if sample.metric == "fact"}
    expected = {*demonstrations.FACTS, sharing.REORDERED, demonstrations.SILENT}
    if not shop.lab.broker().address.foreign:
        expected.add(demonstrations.TRANSIENT)
    assert facts == dict.fromkeys(expected, 1)
    share = {sample.at["prefetch"]: sample.value for sample in shown if sample.metric == "slow_share"}
    assert share[0] > share[10] > share[1]
    taken = {sample.at["prefetch"]: sample.value for sample in shown if sample.metric == "shared_time"}
    assert taken[0] > taken[10] > taken[1]
    orphaned = {sample.at["context"]: sample.value for sample in shown if sample.metric == "orphaned"}
    assert orphaned == {"carried": 0, "left out": 1}
    looks = {(s.at["rows"], s.at["index"]): s.value for s in shown if s.metric == "poll_time"}
    few, many = polling.ROWS
    assert looks[many, "without"] > 5 * looks[many, "with"]
    assert looks[many, "with"] < 5 * looks[few, "with"]


def test_a_confirmed_publish_that_is_mandatory_comes_back(start: Start) -> None:
    assert demonstrations.confirmed_to_nowhere(start("events", effects=1).lab)


def test_at_a_delivery_limit_what_is_held_with_a_poison_message_is_set_aside_with_it(start: Start) -> None:
    """The consumer dies of it each time: then whatever it holds comes back, and is counted."""
    shop = start("events", effects=1)
    found = {(s.at["prefetch"], s.at["count"]): s.value for s in limit.at_the_limit(shop.lab)}
    assert found[1, limit.INNOCENTS] == 0
    assert found[10, limit.INNOCENTS] == limit.PREFETCHES[1] - 1
    assert found[1, limit.ATTEMPTS] == found[10, limit.ATTEMPTS] == limit.LIMIT + 1


def test_retries_without_a_breaker_keep_more_providers_down(start: Start) -> None:
    """How many is a matter of chance; that the breaker does not make it worse is not."""
    shop = start("http-resilient", workload="pressure")
    down = {sample.at["breaker"]: sample.value for sample in storm.storms(shop.lab, shop.design)}
    assert down["without"] > 0
    assert down["with"] <= down["without"]
