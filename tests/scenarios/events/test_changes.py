"""The change request, one patch a design: points for every order, and nothing else changes. Who has to be released?"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import patch_ng
import pytest

from archlab import catalog
from archlab.scenario import Scenario

# A round's process closes the connections of a design by ending; the process of the tests goes on.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

Start = Callable[..., SimpleNamespace]
DESIGNS = ("http-chain", "http-resilient", "jobs-table", "events")
PRODUCERS = {"http-chain": "http_chain.py", "http-resilient": "http_resilient.py", "jobs-table": "jobs_table.py"}


@pytest.fixture
def broker_url() -> None:
    """The embedded broker alone: what is patched does not talk to it."""


@pytest.mark.parametrize("name", DESIGNS)
def test_every_order_gives_points_and_all_else_is_as_before(start: Start, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "patched"
    shutil.copytree(catalog.find("events").folder, copy, ignore=shutil.ignore_patterns("__pycache__"))
    patches = patch_ng.fromfile(str(copy / "changes" / f"{name}.patch"))
    assert patches and patches.apply(strip=1, root=str(copy))
    shop = start(name, reference=str(copy))
    world, workload = (import_module(f"{shop.package}.{module}") for module in ("world", "workload"))
    if name == "events":  # nobody but the team starts its consumer
        import_module(f"{shop.package}.loyalty").listener(shop.lab).wait_until(0)
    orders = [shop.design.checkout(world.Order(number, 1, 250)) for number in (1, 2, 3)]
    assert workload.wait_for_effects(shop.lab, shop.design, orders, (*world.EFFECTS,))
    points = shop.lab.database("loyalty").execute("SELECT order_id, amount FROM effects ORDER BY 1").fetchall()
    assert points == [(1, 2), (2, 2), (3, 2)]
    for kind in world.EFFECTS:
        assert sorted(world.happened(shop.lab, kind)) == orders


def test_no_line_of_a_producer_of_facts_changes(scenario: Scenario) -> None:
    """Of the others one does: each names whoever has something to do."""
    for name in DESIGNS:
        text = Path(scenario.folder, "changes", f"{name}.patch").read_text(encoding="utf-8")
        touched = {line.removeprefix("+++ b/") for line in text.splitlines() if line.startswith("+++ b/")}
        assert touched == {"world.py", "loyalty.py", *([PRODUCERS[name]] if name in PRODUCERS else [])}
