"""Designs that are broken on purpose: the right claim is refuted, and what it says names the mistake."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archlab import catalog
from archlab.run import Measurement, Run

# A round's process closes the connections of a design by ending; the process of the tests goes on.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

Start = Callable[..., SimpleNamespace]
CLAIMS = import_module("archlab.scenarios.events.claims").CLAIMS
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
        experiments = import_module(f"{shop.package}.experiments")
        experiments.PATIENCE = 0.5  # seconds that are waited for what will not come
        return shop, experiments

    return make


@pytest.fixture
def says(as_taught: Run) -> Callable[..., str]:
    """``says("crashes", "events", samples)``: what the claim says, which must be refuted, where a run is as the lesson
    says but for these samples of one design."""

    def judged(id: str, design: str, samples: Iterable[Any]) -> str:  # noqa: A002 - the field's name
        observed = list(samples)
        metrics = {sample.metric for sample in observed}
        run = replace(
            as_taught,
            measurements=(
                *(m for m in as_taught.measurements if m.design != design or m.metric not in metrics),
                *(measured(design, sample) for sample in observed),
            ),
        )
        finding = next(claim.judge(run) for claim in CLAIMS if claim.id == id)
        assert finding.outcome == "refuted", finding
        return str(finding.evidence)

    return judged


def measured(design: str, sample: Any) -> Measurement:
    value = float(sample.value)
    return Measurement(
        "faults", design, "teams", sample.metric, "", "lower", value, value, value, 1, 1, sample.at, (value,)
    )


# Crashes


def test_an_acknowledgement_before_the_effect_loses_it(broken: Any, says: Any) -> None:
    shop, experiments = broken(
        "events", ("consuming.py", EFFECT, ACK + EFFECT), ("consuming.py", 'ack")\n' + ACK, 'ack")\n')
    )
    said = says("crashes", "events", experiments.crashed(shop.lab, shop.design))
    assert "events acknowledges a message before its effect" in said


def test_without_a_key_an_invoice_is_written_twice(broken: Any, says: Any) -> None:
    shop, experiments = broken("events", ("consuming.py", "effect(lab)", "effect(lab, once=False)"))
    said = says("crashes", "events", experiments.crashed(shop.lab, shop.design))
    assert "events keeps no key in the transaction of the effect" in said


def test_a_publish_that_is_not_mandatory_is_lost_where_no_queue_is_bound(broken: Any, says: Any) -> None:
    shop, experiments = broken("events", ("relaying.py", ", mandatory=True", ""))
    said = says("crashes", "events", experiments.crashed(shop.lab, shop.design))
    assert "events publishes without mandatory" in said


PLACE = "        fact = place(self.shop, order)\n"
POINT = '        self.lab.crash_point("between commit and publish")\n'
BACK = "        return order.id\n"


def test_a_publish_before_the_commit_tells_of_orders_that_never_were(broken: Any, says: Any) -> None:
    shop, experiments = broken(
        "requeue",
        ("publishing.py", POINT, ""),
        ("publishing.py", PLACE, "        self.shop.execute('BEGIN')\n" + PLACE),
        ("publishing.py", BACK, POINT + "        self.shop.execute('COMMIT')\n" + BACK),
    )
    said = says("dual-write", "requeue", experiments.crashed(shop.lab, shop.design))
    assert "requeue publishes before it commits" in said


# Poison


def test_a_requeue_for_ever_blocks_the_innocent(broken: Any, says: Any) -> None:
    shop, experiments = broken(
        "events",
        ("consuming.py", "            self.failed(channel, method, properties, body, error)\n",
         "            channel.basic_nack(method.delivery_tag, requeue=True)\n"),
    )  # fmt: skip
    said = says("poison-parked", "events", experiments.poisoned(shop.lab, shop.design))
    assert "events puts it back at once and for ever" in said


def test_a_retry_without_a_bound_never_sets_poison_aside(broken: Any, says: Any) -> None:
    shop, experiments = broken("events", ("consuming.py", "ATTEMPTS = 3", "ATTEMPTS = 10**9"))
    said = says("poison-parked", "events", experiments.poisoned(shop.lab, shop.design))
    assert "events tries again without a bound" in said


PUBLISH = 'channel.basic_publish("", (retry if later else dead)(self.queue), body, again, mandatory=True)'
REJECT = """if not later:
            channel.basic_nack(method.delivery_tag, requeue=False)
            return
        channel.basic_publish("", retry(self.queue), body, again, mandatory=True)"""


def test_dead_letters_that_nobody_has_bound_are_nowhere(broken: Any, says: Any) -> None:
    key = '"x-dead-letter-routing-key": '
    shop, experiments = broken(
        "events",
        ("topology.py", key + "dead(name)}", key + 'f"{name}.nobody"}'),
        ("consuming.py", PUBLISH, REJECT),
    )
    said = says("poison-parked", "events", experiments.poisoned(shop.lab, shop.design))
    assert "events gives up, and no dead-letter queue" in said


# Shared prefetch


CONSUMES = "        channel.basic_consume(self.queue, self.received)\n"
CONSUMES_BOTH = """        if own(self.lab) != "invoice":
            channel.basic_consume(self.queue, self.received)
        if own(self.lab) == "email":
            from .world import record_once

            store = self.lab.database("invoice")

            def invoice(channel, method, properties, body):
                record_once(store, json.loads(body))
                channel.basic_ack(method.delivery_tag)

            channel.basic_consume(queue(channel, broker, "invoice"), invoice)
"""


def test_a_consumer_that_shares_its_prefetch_between_two_queues_keeps_one_waiting_for_the_other(
    broken: Any, says: Any
) -> None:
    """One channel for mails and invoices, and one message at a time on both together."""
    shop, _ = broken(
        "events",
        (
            "consuming.py",
            "basic_qos(prefetch_count=self.lab.knobs.prefetch)",
            "basic_qos(prefetch_count=1, global_qos=True)",
        ),
        ("consuming.py", CONSUMES, CONSUMES_BOTH),
    )
    bad_days = import_module(f"{shop.package}.bad_days")
    said = says("apart", "events", bad_days.slow(shop.lab, shop.design))
    assert "invoices of events wait behind mails: they share a worker, or its prefetch" in said


DO = "self.effect(json.loads(fact))"
DO_ANY = "self.of(self.shop.execute('SELECT kind FROM jobs WHERE id = ?', (job,)).fetchone()[0], json.loads(fact))"
OF_ANY = """    def of(self, kind, fact):
        from .world import record_once
        self.effect(fact) if kind == "email" else record_once(self.lab.database(kind), fact)

    def failed(self"""


def test_jobs_of_one_worker_for_all_keep_each_other_waiting(broken: Any, says: Any) -> None:
    """The shared prefetch of a table: whoever does the mails does everything else, too."""
    shop, _ = broken(
        "jobs-table",
        ("working.py", "'waiting' AND kind = ? AND", "'waiting' AND ? = 'email' AND"),
        ("working.py", DO, DO_ANY),
        ("working.py", "    def failed(self", OF_ANY),
    )
    bad_days = import_module(f"{shop.package}.bad_days")
    said = says("apart", "jobs-table", bad_days.slow(shop.lab, shop.design))
    assert "invoices of jobs-table wait behind mails" in said
