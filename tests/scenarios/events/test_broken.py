"""Designs that are broken on purpose: what the run observes turns at the right place, and the verdict must follow."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archlab import catalog

# A round's process closes the connections of a design by ending; the process of the tests goes on.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

Start = Callable[..., SimpleNamespace]
ACK = "        channel.basic_ack(method.delivery_tag)\n"
EFFECT = '        self.lab.crash_point("before the effect")\n'


@pytest.fixture
def broker_url() -> None:
    """The embedded broker alone: what is broken is the design."""


@pytest.fixture
def broken(start: Start, tmp_path: Path) -> Callable[..., tuple[SimpleNamespace, Any]]:
    """``broken("events", (file, old, new), …)``: the design of an edited copy, running, and the copy's experiments."""

    def make(name: str, *edits: tuple[str, str, str]) -> tuple[SimpleNamespace, Any]:
        copy = tmp_path / "broken"
        shutil.copytree(catalog.find("events").folder, copy, ignore=shutil.ignore_patterns("__pycache__"))
        for file, old, new in edits:
            text = (copy / file).read_text(encoding="utf-8")
            assert old in text, f"{file} has no {old!r}"
            (copy / file).write_text(text.replace(old, new), encoding="utf-8")
        shop = start(name, reference=str(copy))
        return shop, import_module(f"{shop.package}.experiments")

    return make


def found(samples: Any, metric: str) -> dict[Any, float]:
    return {next(iter(s.at.values()), None): s.value for s in samples if s.metric == metric}


def test_an_acknowledgement_before_the_effect_loses_it(broken: Any) -> None:
    shop, experiments = broken(
        "events", ("consuming.py", EFFECT, ACK + EFFECT), ("consuming.py", 'ack")\n' + ACK, 'ack")\n')
    )
    assert found(experiments.crashed(shop.lab, shop.design), "lost")["before the effect"] > 0


def test_without_a_key_an_invoice_is_written_twice(broken: Any) -> None:
    shop, experiments = broken("events", ("consuming.py", "effect(lab)", "effect(lab, once=False)"))
    assert found(experiments.crashed(shop.lab, shop.design), "duplicated")["between effect and ack"] == 1


def test_a_requeue_for_ever_blocks_the_innocent(broken: Any) -> None:
    shop, experiments = broken(
        "events",
        ("consuming.py", "            self.failed(channel, method, properties, body, error)\n",
         "            channel.basic_nack(method.delivery_tag, requeue=True)\n"),
    )  # fmt: skip
    seen = list(experiments.poisoned(shop.lab, shop.design))
    assert found(seen, "blocked")[1] == experiments.INNOCENT
    assert found(seen, "set_aside")[1] == 0


def test_a_publish_that_is_not_mandatory_is_lost_where_no_queue_is_bound(broken: Any) -> None:
    shop, experiments = broken("events", ("relaying.py", ", mandatory=True", ""))
    assert found(experiments.crashed(shop.lab, shop.design), "lost")["no queue is bound"] > 0


PLACE = "        fact = place(self.shop, order)\n"
POINT = '        self.lab.crash_point("between commit and publish")\n'
BACK = "        return order.id\n"


def test_a_publish_before_the_commit_tells_of_orders_that_never_were(broken: Any) -> None:
    shop, experiments = broken(
        "requeue",
        ("publishing.py", POINT, ""),
        ("publishing.py", PLACE, "        self.shop.execute('BEGIN')\n" + PLACE),
        ("publishing.py", BACK, POINT + "        self.shop.execute('COMMIT')\n" + BACK),
    )
    assert found(experiments.crashed(shop.lab, shop.design), "unasked")["between commit and publish"] > 0


def test_a_retry_without_a_bound_never_sets_poison_aside(broken: Any) -> None:
    shop, experiments = broken("events", ("consuming.py", "ATTEMPTS = 3", "ATTEMPTS = 10**9"))
    seen = list(experiments.poisoned(shop.lab, shop.design))
    assert found(seen, "attempts")[10] > 3
    assert set(found(seen, "set_aside").values()) == {0}


PUBLISH = 'channel.basic_publish("", (retry if later else dead)(self.queue), body, again, mandatory=True)'
REJECT = """if not later:
            channel.basic_nack(method.delivery_tag, requeue=False)
            return
        channel.basic_publish("", retry(self.queue), body, again, mandatory=True)"""


def test_dead_letters_that_nobody_has_bound_are_nowhere(broken: Any) -> None:
    key = '"x-dead-letter-routing-key": '
    shop, experiments = broken(
        "events",
        ("topology.py", key + "dead(name)}", key + 'f"{name}.nobody"}'),
        ("consuming.py", PUBLISH, REJECT),
    )
    seen = list(experiments.poisoned(shop.lab, shop.design))
    assert set(found(seen, "set_aside").values()) == {0}


DO = "self.effect(json.loads(fact))"
DO_ANY = "self.of(self.shop.execute('SELECT kind FROM jobs WHERE id = ?', (job,)).fetchone()[0], json.loads(fact))"
OF_ANY = """    def of(self, kind, fact):
        from .world import record_once
        self.effect(fact) if kind == "email" else record_once(self.lab.database(kind), fact)

    def failed(self"""


def test_jobs_of_one_worker_for_all_keep_each_other_waiting(broken: Any) -> None:
    """The shared prefetch of a table: whoever does the mails does everything else, too."""
    shop, _ = broken(
        "jobs-table",
        ("working.py", "'waiting' AND kind = ? AND", "'waiting' AND ? = 'email' AND"),
        ("working.py", DO, DO_ANY),
        ("working.py", "    def failed(self", OF_ANY),
    )
    bad_days = import_module(f"{shop.package}.bad_days")
    late = found(bad_days.slow(shop.lab, shop.design), "invoice_after")
    assert late["slow"] > 0.1
