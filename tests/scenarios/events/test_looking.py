"""What a person can do to the system that is kept up, on both brokers."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace

import pytest

looking = import_module("archlab.scenarios.events.looking")
workload = import_module("archlab.scenarios.events.workload")

# A round's process closes the connections of a design by ending; the process of the tests goes on.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

Start = Callable[..., SimpleNamespace]


def eventually(look: Callable[[], str], wanted: str) -> None:
    deadline = time.monotonic() + 10
    while wanted not in (said := look()):
        assert time.monotonic() < deadline, said
        time.sleep(0.02)


@pytest.mark.parametrize("name", ["jobs-table", "events"])
def test_poison_is_found_among_the_dead_and_comes_back_after_a_replay(start: Start, name: str) -> None:
    shop = start(name, effects=1)
    assert looking.letters(shop.lab, shop.design) == "none; try poison"
    assert "order 1 is accepted" in looking.poison(shop.lab, shop.design)
    eventually(lambda: looking.letters(shop.lab, shop.design), "'order': 1")
    eventually(lambda: looking.queues(shop.lab, shop.design), "1 dead")
    assert looking.replay(shop.lab, shop.design) == "1 are tried again"
    eventually(lambda: looking.letters(shop.lab, shop.design), "'order': 1")


@pytest.mark.parametrize("name", ["jobs-table", "events"])
def test_mails_wait_while_the_provider_is_stopped(start: Start, name: str) -> None:
    shop = start(name)
    looking.stop(shop.lab, shop.design)
    looking.order(shop.lab, shop.design)
    workload.wait_for_effects(shop.lab, shop.design, [1], ("invoice", "audit", "analytics"))
    assert "email      0" in looking.effects(shop.lab, shop.design)
    assert "is back" in looking.start(shop.lab, shop.design)
    assert looking.start(shop.lab, shop.design) == "the mail provider is up already"
    eventually(lambda: looking.effects(shop.lab, shop.design), "email      1, the last ones for [1]")
