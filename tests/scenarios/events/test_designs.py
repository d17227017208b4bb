"""The designs as processes, on the embedded broker and on RabbitMQ: what they do alike, and what tells them apart."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

bad_days = import_module("archlab.scenarios.events.bad_days")
experiments = import_module("archlab.scenarios.events.experiments")
workload = import_module("archlab.scenarios.events.workload")
world = import_module("archlab.scenarios.events.world")

# A round's process closes the connections of a design by ending; the process of the tests goes on.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

Start = Callable[..., SimpleNamespace]
DESIGNS = ("http-chain", "http-resilient", "jobs-table", "events", "ack-first", "requeue")
ASYNCHRONOUS = ("jobs-table", "events")


def found(samples: Any, metric: str) -> dict[Any, float]:
    """The value of a metric by its place."""
    return {next(iter(s.at.values()), None): s.value for s in samples if s.metric == metric}


@pytest.mark.parametrize("name", DESIGNS)
def test_all_designs_do_the_same_work(start: Start, name: str) -> None:
    """Every effect of every order, once, in every store; nothing of anybody else's."""
    shop = start(name)
    orders = [world.Order(number, number, 100 * number) for number in range(1, 11)]
    said = [shop.design.checkout(order) for order in orders]
    assert said == list(range(1, 11))
    assert workload.wait_for_effects(shop.lab, shop.design, said)
    for kind in world.EFFECTS:
        assert sorted(world.happened(shop.lab, kind)) == said


@pytest.mark.parametrize("name", ASYNCHRONOUS)
def test_no_crash_point_loses_an_effect_or_writes_an_invoice_twice(start: Start, name: str) -> None:
    shop = start(name)
    seen = list(experiments.crashed(shop.lab, shop.design))
    assert set(found(seen, "lost").values()) == set(found(seen, "duplicated").values()) == {0}
    assert found(seen, "mails_duplicated")["between effect and ack"] == 1
    assert found(seen, "mails_duplicated")["between effect and ack, provider with keys"] == 0


@pytest.mark.parametrize("name", ASYNCHRONOUS)
def test_crashes_can_be_tried_where_no_mail_follows_from_an_order(start: Start, name: str) -> None:
    shop = start(name, effects=1)
    seen = list(experiments.crashed(shop.lab, shop.design))
    for metric in ("lost", "duplicated", "mails_duplicated"):
        assert set(found(seen, metric).values()) == {0}


def test_what_is_acknowledged_before_its_effect_is_lost_with_its_consumer(start: Start) -> None:
    shop = start("ack-first")
    lost = found(experiments.crashed(shop.lab, shop.design), "lost")
    # What the broker sends before it notices the death is lost as well, whichever point that was at.
    assert lost["before the effect"] >= 2
    assert lost["between commit and publish"] > 0


def test_without_a_key_an_effect_comes_twice(start: Start) -> None:
    shop = start("requeue")
    seen = list(experiments.crashed(shop.lab, shop.design))
    assert found(seen, "duplicated")["between effect and ack"] == 1
    assert found(seen, "lost")["before the effect"] == 0


def test_requeued_for_ever_poison_stops_a_prefetch_of_one_alone(start: Start) -> None:
    shop = start("requeue")
    seen = list(experiments.poisoned(shop.lab, shop.design))
    assert found(seen, "blocked") == {1: experiments.INNOCENT, 10: 0}
    assert found(seen, "attempts")[1] > 50


@pytest.mark.parametrize("name", ASYNCHRONOUS)
def test_poison_is_tried_three_times_and_set_aside(start: Start, name: str) -> None:
    shop = start(name)
    seen = list(experiments.poisoned(shop.lab, shop.design))
    assert set(found(seen, "blocked").values()) == {0}
    assert set(found(seen, "attempts").values()) == {3}
    assert set(found(seen, "set_aside").values()) == {1}


@pytest.mark.parametrize("name", ["http-chain", "jobs-table", "events"])
def test_a_team_joins_without_a_release_of_the_shop_where_facts_are_published_alone(start: Start, name: str) -> None:
    shop = start(name)
    unreached = found(experiments.joined(shop.lab, shop.design), "unreached")
    assert unreached == ({"has joined": 0, "was away": 0} if name == "events" else {"has joined": 3, "was away": 3})


@pytest.mark.parametrize("name", ["http-chain", "http-resilient", "jobs-table", "events"])
def test_while_the_provider_is_down(start: Start, name: str) -> None:
    """The chain fails, calls with retries lose the mail, the others send it afterwards."""
    shop = start(name)
    bad_days.provider_stops(shop.lab, shop.design)
    answered = workload.placed(shop.lab, shop.design, [workload.order(1), workload.order(2)])
    assert answered == ([] if name == "http-chain" else [1, 2])
    bad_days.provider_returns(shop.lab, shop.design)
    workload.wait_for_effects(shop.lab, shop.design, answered)
    # Each is tried again on its own, so the second may be sent first.
    assert sorted(world.happened(shop.lab, "email")) == ([1, 2] if name in ASYNCHRONOUS else [])
