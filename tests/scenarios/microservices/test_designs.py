"""The designs as processes, on the embedded broker and on RabbitMQ: what they do alike, and what tells them apart."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

experiments = import_module("archlab.scenarios.microservices.experiments")
change_requests = import_module("archlab.scenarios.microservices.change_requests")
deployments = import_module("archlab.scenarios.microservices.deployments")
waiting = import_module("archlab.scenarios.microservices.waiting")
world = import_module("archlab.scenarios.microservices.world")

# A round's process closes the connections of a design by ending; the process of the tests goes on.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

Start = Callable[..., SimpleNamespace]
DESIGNS = ("monolith", "extract-one", "microservices", "distributed-monolith")
REMOTE = ("microservices", "distributed-monolith")


def found(samples: Any, metric: str, *keys: str) -> dict[Any, float]:
    """The value of a metric by its place."""
    return {tuple(s.at[key] for key in keys): s.value for s in samples if s.metric == metric}


@pytest.mark.parametrize("name", DESIGNS)
def test_an_order_takes_money_and_goods_once_however_often_it_is_sent(start: Start, name: str) -> None:
    shop = start(name)
    order = world.Order(1, 7, [(1, 2), (2, 1)])
    first, second = shop.design.order(order), shop.design.order(order)
    assert first == second == {"order": 1, "state": "paid", "cents": 400}
    assert shop.design.ask("stock", "GET", "/stock/1").json()["quantity"] == world.IN_STOCK - 2
    assert shop.design.ask("payment", "GET", "/accounts/7").json()["cents"] == world.BALANCE - 400


@pytest.mark.parametrize("name", DESIGNS)
def test_after_every_crash_money_and_goods_add_up(start: Start, name: str) -> None:
    """At each crash point in the design's own source; with compensations that cannot be done at once."""
    shop = start(name)
    seen = list(experiments.crashed(shop.lab, shop.design))
    assert len({s.at["crash_point"] for s in seen}) >= 2
    assert [s for s in seen if s.value] == []


def test_a_domain_that_is_down_stops_what_it_must_and_no_more(start: Start) -> None:
    """Of five services only the features that need the domain."""
    shop = start("microservices")
    seen = list(experiments.blast(shop.lab, shop.design))
    assert set(found(seen, "spread", "domain", "trouble").values()) == {0}
    assert sum(found(seen, "failed_meanwhile", "domain", "trouble").values()) == 0
    assert sum(found(seen, "asked_meanwhile", "domain", "trouble").values()) > 10  # they were asked for all the same


def test_a_monolith_survives_one_process_and_not_all_of_them(start: Start) -> None:
    shop = start("monolith")
    seen = list(experiments.blast(shop.lab, shop.design, ("pricing",)))
    spread, failed = (found(seen, metric, "trouble") for metric in ("spread", "failed_meanwhile"))
    assert spread["one process killed",] == 0 < spread["down",]
    assert failed["down",] > 0


def test_what_is_carved_out_stays_apart_and_nothing_else_does(start: Start) -> None:
    shop = start("extract-one")
    of = ("payment", "pricing")
    spread = found(experiments.blast(shop.lab, shop.design, of), "spread", "domain", "trouble")
    assert spread["payment", "down"] == 0 < spread["pricing", "down"]


def to_release(shop: SimpleNamespace) -> dict[str, set[str]]:
    """Change → the services to release, as the experiment names them."""
    return {
        s.at["change"]: set(s.cases[0].partition("release ")[2].split(", "))
        for s in change_requests.releases(shop.lab, shop.design)
    }


@pytest.mark.parametrize(
    ("name", "gifts", "currency", "library"),
    [
        ("monolith", {"shop"}, {"shop"}, {"shop"}),
        ("extract-one", {"shop"}, {"shop"}, {"shop", "payment"}),
        ("microservices", {"orders", "stock"}, {"pricing"}, set(world.DOMAINS)),
        ("distributed-monolith", {"orders", "stock"}, {"pricing"}, set(world.DOMAINS)),
    ],
)
def test_a_change_is_released_where_the_code_that_runs_is_another_one(
    start: Start, name: str, gifts: set[str], currency: set[str], library: set[str]
) -> None:
    assert to_release(start(name)) == {
        "gift wrapping": gifts,
        "a second currency": currency,
        "the shared library": library,
    }


@pytest.mark.parametrize("name", DESIGNS)
def test_with_its_change_each_design_tells_the_price_in_a_second_currency_too(start: Start, name: str) -> None:
    shop = start(name)
    new = shop.lab.started(shop.lab.design.version("second-currency"))
    assert "pence" not in shop.design.ask("pricing", "GET", "/prices/1").json()
    assert new.ask("pricing", "GET", "/prices/1").json()["pence"] == 80


@pytest.mark.parametrize(("name", "good"), [("microservices", 1), ("distributed-monolith", 0)])
def test_versions_are_released_alone_only_with_tolerant_readers(start: Start, name: str, good: int) -> None:
    shop = start(name)
    seen = list(deployments.mixes(shop.lab, shop.design))
    assert found(seen, "good_orders") == {(): good}
    failed = found(seen, "mix_failed", "orders", "stock")
    assert failed["old", "old"] == failed["new", "new"] == 0 < failed["new", "old"]
    assert (failed["old", "new"] == 0) == (good == 1)


def test_a_deployment_for_real_fails_where_its_path_leads_through_a_bad_mix(start: Start) -> None:
    shop = start("microservices")
    failed = found(deployments.deployed(shop.lab, shop.design), "deploy_failed", "path")
    assert failed["stock → orders",] == 0 < failed["orders → stock",]


@pytest.mark.parametrize("name", REMOTE)
def test_calls_are_counted_and_grow_with_the_items_only_where_each_is_asked_for(start: Start, name: str) -> None:
    shop = start(name)
    calls = [experiments.timed(shop.design, 1000 * items, items, 2)[1] for items in (1, 5)]
    assert calls == ([2, 2] if name == "microservices" else [4, 16])


def test_a_sin_alone_has_its_own_symptom(start: Start) -> None:
    shop = start("distributed-monolith")
    there = found(deployments.alone(shop.lab, shop.design), "symptom", "sin", "symptom")
    assert {at for at, value in there.items() if value} == {
        ("a call for every item", "more calls for more items"),
        ("a shared database", "a lock of pricing stops orders"),
        ("strict contracts", "no release in any order"),
    }


@pytest.mark.parametrize("name", ["monolith", "extract-one"])
def test_payments_wait_side_by_side_wherever_payment_lives(start: Start, name: str) -> None:
    """In one process as many as it has threads, and each further process adds as many."""
    shop = start(name)
    most = waiting.wait_at_once(shop.lab, shop.design)
    assert 10 < most <= waiting.AT_ONCE
    (sample,) = waiting.hot(shop.lab, shop.design)
    assert sample.value >= 2 * most and sample.value % most == 0


CONTRACT = """
[importlinter]
root_package = microservices

[importlinter:contract:1]
name = no domain knows another
type = independence
modules =
    {modules}
"""


def boundaries_kept(folder: Path) -> bool:
    """Whether import-linter finds no import from one domain to another, in a copy of the scenario at ``folder``."""
    modules = "\n    ".join(f"microservices.{domain}" for domain in world.DOMAINS)
    config = folder / "importlinter.ini"
    config.write_text(CONTRACT.format(modules=modules), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("lint-imports")), "--config", str(config), "--no-cache"]
    path = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=path, cwd=folder)
    assert "no domain knows another" in done.stdout, done.stdout  # it was looked at
    return done.returncode == 0


def test_no_domain_of_the_monolith_imports_another(tmp_path: Path) -> None:
    """Boundaries that are only agreed are gone within a year: import-linter enforces these, and notices one import."""
    copy = tmp_path / "microservices"
    shutil.copytree(Path(str(world.__file__)).parent, copy)
    assert boundaries_kept(tmp_path)
    stock = copy / "stock.py"
    stock.write_text(stock.read_text(encoding="utf-8") + "\nfrom . import pricing\n", encoding="utf-8")
    assert not boundaries_kept(tmp_path)
