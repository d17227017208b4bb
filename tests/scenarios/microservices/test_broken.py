"""Designs broken on purpose: the count, the cell or the claim that is about it turns, and names a case."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

# A round's process closes the connections of a design by ending; the process of the tests goes on.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

Start = Callable[..., SimpleNamespace]
Break = Callable[..., SimpleNamespace]
ORIGINAL = Path(str(import_module("archlab.scenarios.microservices").__file__)).parent


@pytest.fixture
def broken(start: Start, tmp_path: Path) -> Break:
    """``broken("microservices", "saga.py", old, new)``: the design running in a copy with passages replaced.

    What it returns also has the modules of the copy, by name.
    """

    def make(name: str, file: str, *passages: str) -> SimpleNamespace:
        copy = tmp_path / f"broken_{len(list(tmp_path.iterdir()))}"
        shutil.copytree(ORIGINAL, copy, ignore=shutil.ignore_patterns("__pycache__"))
        text = (copy / file).read_text(encoding="utf-8")
        for old, new in zip(passages[::2], passages[1::2], strict=True):
            assert text.count(old) == 1
            text = text.replace(old, new)
        (copy / file).write_text(text, encoding="utf-8")
        shop = start(name, str(copy))
        shop.module = lambda module: import_module(f"{shop.package}.{module}")
        return shop

    return make


def counts(samples: Any, metric: str, **at: str) -> dict[str, float]:
    """Place → value, of the places that have these values and are not zero."""
    return {
        " ".join(map(str, s.at.values())): s.value
        for s in samples
        if s.metric == metric and s.value and all(s.at.get(key) == value for key, value in at.items())
    }


def test_a_compensation_that_is_skipped_leaves_a_customer_charged(broken: Break) -> None:
    shop = broken("microservices", "saga.py", "            self.payment.refund(order)\n", "")
    seen = list(shop.module("experiments").crashed(shop.lab, shop.design))
    assert "between payment and order" in counts(seen, "unserved")
    assert any(case for s in seen if s.metric == "unserved" for case in s.cases)


def test_a_saga_that_nobody_comes_back_for_leaves_orders_unfinished(broken: Break) -> None:
    shop = broken("extract-one", "saga.py", "        self.sweeper.start()\n", "")
    shop.module("saga").Saga.end = lambda saga: None
    seen = list(shop.module("experiments").crashed(shop.lab, shop.design))
    assert counts(seen, "unfinished")
    assert counts(seen, "unserved")


def test_an_order_without_a_transaction_is_half_there_after_a_crash(broken: Break) -> None:
    """The monolith's one advantage, taken away."""
    without = "            if True:\n"
    shop = broken("monolith", "monolith.py", "            with transaction(database):\n", without)
    seen = list(shop.module("experiments").crashed(shop.lab, shop.design))
    assert counts(seen, "unpaid", crash_point="between stock and payment")


def test_a_reservation_that_comes_after_its_release_holds_goods_for_nobody(broken: Break) -> None:
    """Where stock forgets what was given up; the original refuses it."""
    shop = broken(
        "microservices", "stock.py", '    database.execute("INSERT OR IGNORE INTO released VALUES (?)", (order,))\n', ""
    )
    stock = shop.design.homes["stock"].client
    assert stock.post("/releases", {"order": 5}).ok
    assert stock.post("/reservations", {"order": 5, "items": [[1, 1]]}).ok


def test_a_reader_that_fails_on_an_unknown_field_takes_every_order_of_deployment(broken: Break) -> None:
    tolerant = 'apart = self.settings = {**settings, "shared_database": 0, "strict": 0}'
    shop = broken("microservices", "microservices.py", tolerant, tolerant.replace('"strict": 0', '"strict": 1'))
    seen = list(shop.module("deployments").mixes(shop.lab, shop.design))
    assert set(counts(seen, "mix_failed")) == {"new old", "new new"}  # every gift is refused
    assert not counts(seen, "good_orders")


def test_a_price_that_is_asked_for_makes_orders_stop_with_pricing(broken: Break) -> None:
    """A service that needs another's answer, or its data, has no copy that bridges a failure."""
    asks = 'saga.place(asked, lab.client(lab.peers.pricing).get("/prices/1").json()["cents"]),'
    calls = 'calls = {"stock": self.homes["stock"], "payment": self.homes["payment"]}'
    copy = 'saga.place(asked, prices.total(store(), asked["items"])),'
    shop = broken("microservices", "microservices.py", calls, "calls = dict(self.homes)", copy, asks)
    seen = list(shop.module("experiments").blast(shop.lab, shop.design, ("pricing",)))
    assert counts(seen, "spread")


def test_a_shared_table_makes_two_services_one(broken: Break) -> None:
    """Orders that reads the prices of pricing sees no stale price, and has no data of its own any more."""
    copied = '    database, broker = lab.database("orders"), lab.broker()\n'
    shop = broken("microservices", "microservices.py", copied, copied.replace('"orders"', '"pricing"'))
    experiments = shop.module("experiments")
    experiments.CHANGES = 1
    seen = list(experiments.prices(shop.lab, shop.design))
    assert counts(seen, "stale")["1 prices changed"] > 100  # its copy is never brought up to date


def test_a_call_without_a_time_limit_keeps_orders_waiting(broken: Break, start: Start) -> None:
    """A payment that does not answer at all: with a limit the order fails soon, and without one it does not return."""
    waiting = "        self.client = lab.client(peer, timeout)\n"
    shop = broken("microservices", "world.py", waiting, waiting.replace("timeout", "30.0"))
    for each, soon in ((shop, False), (start("microservices"), True)):
        each.design.homes["payment"].pause()
        client = each.lab.client(each.design.homes["orders"], timeout=2.0)
        content = {"order": 800_000, "customer": 1, "items": [[1, 1]]}
        if soon:
            assert client.post("/orders", content).status == 503
        else:
            with pytest.raises(TimeoutError):
                client.post("/orders", content)
        each.design.homes["payment"].resume()


def test_a_fallback_that_hides_an_error_gives_goods_away(broken: Break) -> None:
    """Who takes an unreachable payment for a payment confirms orders that nobody has paid."""
    charged = "            self.payment.charge(order, customer, cents)\n"
    hidden = (
        "            try:\n                self.payment.charge(order, customer, cents)\n"
        "            except OSError:\n                pass\n"
    )
    shop = broken("microservices", "saga.py", charged, hidden)
    experiments = shop.module("experiments")
    shop.design.homes["payment"].kill()
    shop.design.order(shop.module("world").an_order(1, 2))
    shop.design.homes["payment"].start()
    shop.design.homes["payment"].ready()
    seen = list(experiments.ledger(shop.lab, type(shop.design), "payment down", [1]))
    assert counts(seen, "unpaid") == {"payment down": 1}


def test_who_waits_for_the_outside_within_a_transaction_lets_one_payment_wait_at_a_time(broken: Break) -> None:
    """The requirement `hot-payment` asks for a hundred."""
    outside = "        payment.check(lab.knobs.check_ms)\n"
    begun = '                if orders.begin(database, order, customer, cents, "paid"):\n'
    inside = f"                payment.check(lab.knobs.check_ms)\n{begun}"
    shop = broken("monolith", "monolith.py", outside, "", begun, inside)
    waiting = shop.module("waiting")
    waiting.SLOW, waiting.AT_ONCE = 5.0, 20
    (sample,) = waiting.hot(shop.lab, shop.design)
    assert sample.value < 100


@pytest.mark.parametrize("dropped", [False, True])
def test_an_id_that_one_hop_drops_leaves_lines_that_belong_to_no_order(broken: Break, dropped: bool) -> None:
    """Only the calls to payment forget the id: the lines of payment are orphans, and those of stock are not."""
    passed = "headers = {REQUEST_ID: correlation_id.get()} if self.lab.knobs.context else {}"
    forgets = passed.replace("if self", 'if path != "/charges" and self') if dropped else passed
    shop = broken("microservices", "world.py", passed, forgets)
    seen = [s for s in shop.module("debugging").failed_order(shop.lab, shop.design) if s.at["context"] == "passed on"]
    (orphans,) = [s.value for s in seen if s.metric == "orphan_lines"]
    (told,) = [s.cases for s in seen if s.metric == "lines_to_read"]
    assert (orphans > 0) == dropped
    assert any("POST /reservations" in line for line in told)
    assert any("POST /charges" in line for line in told) != dropped


def test_orders_that_reads_the_tables_of_pricing_is_never_late_and_stops_when_they_change(
    broken: Break, start: Start
) -> None:
    """Who reads another's data shares its fate: pricing renames a table of its own, and orders cannot be placed."""
    copy = 'prices.total(store(), asked["items"])'
    whole = start("microservices")
    reads = broken("microservices", "microservices.py", copy, copy.replace("store()", 'Store(lab, "pricing")()'))
    assert not counts(reads.module("experiments").prices(reads.lab, reads.design), "stale")
    for shop in (whole, reads):
        shop.lab.database("pricing").execute("ALTER TABLE prices RENAME TO price_list")
    order = {"order": 970_000, "customer": 1, "items": [[1, 1]]}
    assert whole.design.ask("orders", "POST", "/orders", order).ok
    assert reads.design.ask("orders", "POST", "/orders", order).status == 500
