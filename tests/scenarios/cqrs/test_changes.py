"""The change request, one patch a design: each does what was requested and breaks nothing.

"Show the discount on the dashboard": every panel says what was taken off its orders. The orders have carried their
discount all along; what differs is how far a design keeps the screen from it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import patch_ng
import pytest

from archlab import catalog, source
from archlab.bench.answers import replies
from archlab.catalog import cost
from archlab.scenario import Scenario

world = import_module("archlab.scenarios.cqrs.world")

Start = Callable[..., SimpleNamespace]
DESIGNS = ("crud", "queries", "summary", "projection")
VIEWS = 12


@pytest.fixture(params=DESIGNS)
def changed(request: pytest.FixtureRequest, scenario: Scenario, start: Start, tmp_path: Path) -> SimpleNamespace:
    """A patched copy of the folder, its design started from it."""
    name = request.param
    copy = tmp_path / "patched"
    shutil.copytree(scenario.folder, copy, ignore=shutil.ignore_patterns("__pycache__"))
    patches = patch_ng.fromfile(str(copy / "changes" / f"{name}.patch"))
    assert patches and patches.apply(strip=1, root=str(copy))
    shop = start(name, scenario=str(copy), page_rows=30, views=VIEWS)
    loaded = catalog.find(str(copy))
    return SimpleNamespace(name=name, scenario=loaded, lab=shop.lab, design=shop.design)


def discounts(lab: Any, design: Any, views: tuple[str, ...]) -> dict[str, int]:
    """What the pages of all sellers show to be taken off, by view."""
    sellers = [row[0] for row in lab.database().execute("SELECT DISTINCT seller FROM orders")]
    shown = dict.fromkeys(views, 0)
    for seller in sellers:
        for view, panel in design.page(seller, views).panels.items():
            shown[view] += sum(totals.discount for totals in panel.values())
    return shown


def placed_and_cancelled(lab: Any, scenario: Scenario, design: Any) -> None:
    """Some orders, some cancellations, all of them seen."""
    positions = [
        getattr(design, request.operation)(*request.arguments)
        for request in scenario.load.requests(lab, 10)
        if request.operation in ("place_order", "cancel_order")
    ]
    design.wait_until_seen(max(positions))


def test_the_discount_is_shown_and_right(changed: SimpleNamespace) -> None:
    """In every panel, for orders that were there before and for those placed and cancelled after the change."""
    views = tuple(world.VIEWS)
    for step in ("before", "after"):
        if step == "after":
            placed_and_cancelled(changed.lab, changed.scenario, changed.design)
        (true,) = changed.lab.database().execute("SELECT sum(discount) FROM orders").fetchone()
        assert true > 0
        assert discounts(changed.lab, changed.design, views) == dict.fromkeys(views, true)


def test_the_headline_shows_what_was_taken_off(changed: SimpleNamespace) -> None:
    sql = "SELECT sum(discount) FROM orders WHERE seller = 1 AND status != 'cancelled'"
    (true,) = changed.lab.database().execute(sql).fetchone()
    assert changed.design.page(1, ("product",)).totals.discount == true


def test_everything_else_is_as_before(changed: SimpleNamespace, start: Start) -> None:
    """The same operations on the unchanged design: the same answers, rule by rule and total by total."""
    before = start(changed.name, page_rows=30, views=VIEWS)
    original = catalog.find("cqrs")
    placed_and_cancelled(changed.lab, changed.scenario, changed.design)
    placed_and_cancelled(before.lab, original, before.design)
    assert without_discount(changed.scenario.answers(changed.lab, changed.design)) == without_discount(
        original.answers(before.lab, before.design)
    )
    samples = changed.scenario.load.afterwards(changed.lab, changed.design, [])
    assert {s.metric: s.value for s in samples}["wrong_totals"] == 0


def test_the_other_designs_still_work_in_the_changed_world(changed: SimpleNamespace, start: Start) -> None:
    """A patch is one design's: the others do not show the discount yet, and nothing of theirs is wrong."""
    for name in DESIGNS:
        shop = start(name, scenario=changed.scenario.folder, page_rows=30, views=VIEWS)
        samples = changed.scenario.load.afterwards(shop.lab, shop.design, [])
        assert {s.metric: s.value for s in samples}["wrong_totals"] == 0


def test_a_patch_touches_only_the_world_and_its_own_design(scenario: Scenario) -> None:
    for design in scenario.designs:
        text = Path(scenario.folder, "changes", f"{design.name}.patch").read_text(encoding="utf-8")
        touched = {line.removeprefix("+++ b/") for line in text.splitlines() if line.startswith("+++ b/")}
        own = {path.name for path in source.sources(design)}
        assert "world.py" in touched and touched <= own | {"world.py"}


def test_crud_has_the_smallest_change(scenario: Scenario) -> None:
    """What one model is good at: a figure of the entity is a figure of the page."""
    sizes = {facts.name: facts for facts in cost.facts(scenario)}
    assert sizes["crud"].change_files < min(sizes[name].change_files for name in DESIGNS if name != "crud")


def without_discount(answers: Any) -> list[Any]:
    """The answers by request and field, as the bench compares them."""
    return [(r.request, [f for f in r.fields if not f[0].endswith("discount")]) for r in replies(answers)]
