"""The four designs of cqrs do the same work: they differ in how, never in what."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

experiments = import_module("archlab.scenarios.cqrs.experiments")
world = import_module("archlab.scenarios.cqrs.world")
workload = import_module("archlab.scenarios.cqrs.workload")

DESIGNS = ("crud", "queries", "summary", "projection")
NEAR = {"page_rows": 20, "views": 12}
FAR = NEAR | {"store_distance": 0.2}
NEW = 1_000_000

Start = Callable[..., SimpleNamespace]


@st.composite
def commands(draw: st.DrawFn) -> list[Any]:
    """Orders that are mostly allowed, and cancellations of seeded, new and unknown orders."""
    drawn: list[Any] = []
    for number in range(NEW, NEW + draw(st.integers(1, 12))):
        if draw(st.booleans()):
            product = draw(st.sampled_from([8, 9, 15, 16, 9999]))  # 15 is one of the few
            customer = draw(st.sampled_from([1, 2, workload.CUSTOMERS, 9999]))
            price = workload.price(product) + draw(st.sampled_from([0, 0, 0, 1]))
            quantity = draw(st.integers(-1, 8))
            drawn.append(world.PlaceOrder(number, customer, product, quantity, price, number % workload.DAYS))
        else:
            drawn.append(world.CancelOrder(draw(st.sampled_from([5, 20, 21, 27, 29, *range(NEW, NEW + 12)]))))
    return drawn


def tables(lab: Any) -> list[Any]:
    shop = lab.database()
    return [
        shop.execute(f"SELECT * FROM {table} ORDER BY id").fetchall() for table in ("orders", "products", "customers")
    ]


@pytest.mark.parametrize("place", [NEAR, FAR], ids=["near", "far"])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commands=commands())
def test_all_designs_say_write_and_show_the_same(start: Start, place: dict[str, float], commands: list[Any]) -> None:
    """Random commands: the same refusals, the same tables, the same pages once caught up; and these are the truth."""
    said, written, shown = [], [], []
    for name in DESIGNS:
        shop = start(name, **place)
        said.append([workload.obey(shop.design, command) for command in commands])
        shop.design.wait_until_seen(shop.design.place_order(workload.an_order(shop.lab, 10 * NEW)))
        written.append(tables(shop.lab))
        shown.append(workload.shown(shop.lab, shop.design))
        assert shown[-1] == workload.truth(shop.lab)
        shop.close()
    assert said == [said[0]] * len(DESIGNS)
    assert written == [written[0]] * len(DESIGNS)
    assert shown == [shown[0]] * len(DESIGNS)


@pytest.mark.parametrize("name", DESIGNS)
def test_rules_are_enforced_and_a_refused_command_leaves_no_trace(start: Start, name: str) -> None:
    shop = start(name, page_rows=10)
    good = workload.an_order(shop.lab, NEW)
    few = world.ProductId(15)
    refused = {
        "the price of": world.PlaceOrder(NEW, good.customer, good.product, 1, good.price_seen + 1),
        "cannot be had": world.PlaceOrder(NEW, good.customer, few, workload.FEW + 1, workload.price(few)),
        "0 of": world.PlaceOrder(NEW, good.customer, good.product, 0, good.price_seen),
        "credit limit": world.PlaceOrder(NEW, workload.CUSTOMERS, good.product, 50, good.price_seen),
        "only a placed one": world.CancelOrder(17),
        "there is no order": world.CancelOrder(5),
        "there is no product": world.PlaceOrder(NEW, good.customer, 9999, 1, 995),
        "there is no customer": world.PlaceOrder(NEW, 9999, good.product, 1, good.price_seen),
    }
    before = tables(shop.lab), workload.shown(shop.lab, shop.design)
    for reason, command in refused.items():
        assert reason in workload.obey(shop.design, command)
    assert (tables(shop.lab), workload.shown(shop.lab, shop.design)) == before


@pytest.mark.parametrize("rule", [(world.Customer, "charge"), (world.Product, "take"), (world.Order, "cancel")])
def test_a_rule_that_is_skipped_is_found(start: Start, monkeypatch: pytest.MonkeyPatch, rule: tuple[Any, str]) -> None:
    shop = start("crud", page_rows=20)
    before = {sample.at["rule"]: sample.value for sample in experiments.rules(shop.lab, shop.design)}
    assert set(before.values()) == {0.0}
    shop = start("crud", page_rows=20)
    monkeypatch.setattr(*rule, lambda *arguments: None)
    after = {sample.at["rule"]: sample.value for sample in experiments.rules(shop.lab, shop.design)}
    assert 1.0 in after.values()


@pytest.mark.parametrize("name", DESIGNS)
def test_a_cancelled_order_gives_back_stock_and_credit(start: Start, name: str) -> None:
    shop = start(name, page_rows=10)
    _, products, customers = tables(shop.lab)
    order = workload.an_order(shop.lab, NEW)
    assert workload.obey(shop.design, order) == workload.DONE
    assert shop.design.lookup(NEW).status == "placed"
    assert tables(shop.lab)[1:] != [products, customers]
    assert workload.obey(shop.design, world.CancelOrder(NEW)) == workload.DONE
    assert shop.design.lookup(NEW).status == "cancelled"
    assert tables(shop.lab)[1:] == [products, customers]


@pytest.mark.parametrize("name", DESIGNS)
def test_the_headline_of_a_page_follows_from_its_orders(start: Start, name: str) -> None:
    shop = start(name, page_rows=50)
    page = shop.design.page(1, ("product",))
    one = "FROM orders WHERE seller = 1"
    sold = "count(*), sum(quantity), sum(quantity * unit_price - discount)"
    db = shop.lab.database()
    totals = page.totals
    assert (totals.orders, totals.units, totals.revenue) == db.execute(
        f"SELECT {sold} {one} AND status != 'cancelled'"
    ).fetchone()
    assert page.orders_by_status == dict(db.execute(f"SELECT status, count(*) {one} GROUP BY 1"))
    best = page.top_products(2)
    assert len(best) == 2 and best[0][1] >= best[1][1]


@pytest.mark.parametrize("name", DESIGNS)
def test_a_page_shows_the_views_it_is_asked_for(start: Start, name: str) -> None:
    shop = start(name, page_rows=10, views=3)
    assert list(shop.design.page(1, ("product", "day")).panels) == ["product", "day"]
    assert shop.design.page(999, ("product",)).panels == {"product": {}}


def test_every_design_offers_the_same_operations_in_the_same_order(scenario: Any) -> None:
    offered = [
        [name for name in vars(design.start) if not name.startswith("_") and callable(getattr(design.start, name))]
        for design in scenario.designs
    ]
    operations = ["place_order", "cancel_order", "page", "lookup", "wait_until_seen"]
    assert [[name for name in names if name in operations] for names in offered] == [operations] * 4


def test_designs_never_import_each_other(scenario: Any) -> None:
    modules = {design.start.__module__: design for design in scenario.designs}
    for name in modules:
        held = {getattr(value, "__module__", "") for value in vars(import_module(name)).values()}
        assert not held & (modules.keys() - {name})


def test_the_queries_page_never_leaves_its_index(start: Start) -> None:
    """Otherwise it would be no steelman: every panel is added up from the covering index alone."""
    queries = import_module("archlab.scenarios.cqrs.queries")
    shop = start("queries", page_rows=50)
    for sql in queries.PANELS.values():
        plan = " ".join(row[3] for row in shop.lab.database().execute("EXPLAIN QUERY PLAN " + sql, (1,)))
        assert "USING COVERING INDEX dashboard" in plan


@pytest.mark.parametrize("workload_name", ["calm", "pressure", "far_views"])
def test_every_round_has_enough_pages_and_orders(scenario: Any, start: Start, workload_name: str) -> None:
    shop = start("crud", **scenario.settings(scenario.workload(workload_name), {}))
    requests = scenario.load.requests(shop.lab, 68)
    for operation in ("page", "place_order"):
        assert sum(request.operation == operation for request in requests) >= 68
    assert {request.operation for request in requests} == {"page", "lookup", "place_order", "cancel_order"}
    assert [request.due for request in requests] == sorted(request.due for request in requests)
