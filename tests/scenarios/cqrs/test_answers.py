"""What every design must answer alike: what is stale, rounded or left out is told; and which totals are wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from archlab.bench.answers import digest, replies
from archlab.bench.differences import difference

workload = import_module("archlab.scenarios.cqrs.workload")

Start = Callable[..., SimpleNamespace]
Page = Callable[..., Any]


def answered(shop: SimpleNamespace, page: Callable[[Page], Page] | None = None) -> Any:
    """The answers of a design, or of one whose pages somebody has edited."""
    if page is not None:
        shop.design.page = page(shop.design.page)
    return replies(workload.answers(shop.lab, shop.design))


@pytest.mark.parametrize("name", ["queries", "summary", "projection"])
@pytest.mark.parametrize("page_rows", [1, 30])
def test_every_design_answers_as_crud_does_after_each_operation(start: Start, name: str, page_rows: int) -> None:
    one, other = (answered(start(design, page_rows=page_rows, views=3)) for design in ("crud", name))
    assert digest(one) == digest(other)
    assert len([reply for reply in one if reply.after]) == 7, "a page is looked at after each of seven operations"


def stale(fresh: Page) -> Page:
    """A cache that is filled again only after it was asked."""
    kept: dict[int, Any] = {}

    def page(seller: int, views: tuple[str, ...]) -> Any:
        before, kept[seller] = kept.get(seller), fresh(seller, views)
        return before or kept[seller]

    return page


def edited(change: Callable[[dict[Any, Any]], dict[Any, Any]]) -> Callable[[Page], Page]:
    """Pages with every panel changed."""

    def wrapped(fresh: Page) -> Page:
        def page(seller: int, views: tuple[str, ...]) -> Any:
            whole = fresh(seller, views)
            return replace(whole, panels={view: change(panel) for view, panel in whole.panels.items()})

        return page

    return wrapped


def in_hundreds(panel: dict[Any, Any]) -> dict[Any, Any]:
    return {row: replace(totals, revenue=totals.revenue // 100 * 100) for row, totals in panel.items()}


def without_cancelled(panel: dict[Any, Any]) -> dict[Any, Any]:
    return {row: totals for row, totals in panel.items() if row[0] != "cancelled"}


@pytest.mark.parametrize(
    ("page", "kind"), [(stale, "stale"), (edited(in_hundreds), "rounded"), (edited(without_cancelled), "missing")]
)
def test_the_kind_of_what_is_wrong_is_seen_in_the_answers(
    start: Start, page: Callable[[Page], Page], kind: str
) -> None:
    right, wrong = answered(start("crud", page_rows=5)), answered(start("crud", page_rows=5), page)
    found = difference("crud-mine", "crud", "calm", {}, [(right, wrong)])
    assert found.kind == kind
    assert 0 < found.differ < found.of
    assert str(found.cases[0]["request"]).startswith("page of seller ")
    if kind == "stale":
        assert found.cases[0]["after"] == f"order {3 * workload.NEW_ORDERS} was placed"


def test_wrong_totals_are_told_with_what_is_shown_and_what_is_true(start: Start) -> None:
    shop = start("crud", page_rows=30)
    assert workload.which_wrong(shop.lab, shop.design) == []
    shop.design.page = edited(without_cancelled)(shop.design.page)
    wrong = workload.which_wrong(shop.lab, shop.design)
    assert len(wrong) == workload.wrong_totals(shop.lab, shop.design) > 0
    assert all("cancelled: shows nothing; true orders " in case for case in wrong)
    (sample,) = (s for s in workload.afterwards(shop.lab, shop.design, []) if s.metric == "wrong_totals")
    assert (sample.value, sample.cases) == (len(sample.cases), tuple(workload.which_wrong(shop.lab, shop.design)))
