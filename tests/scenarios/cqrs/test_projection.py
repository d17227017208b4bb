"""The projector: each event once and in order, whatever happens to it; and each guard matters.

The broken projectors below are what a learner makes by taking one line away: the same experiment must then find it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archlab.lab import ledger
from archlab.scenario import Sample

experiments = import_module("archlab.scenarios.cqrs.experiments")
projector = import_module("archlab.scenarios.cqrs.projector")
workload = import_module("archlab.scenarios.cqrs.workload")
world = import_module("archlab.scenarios.cqrs.world")

Start = Callable[..., SimpleNamespace]
SMALL = {"page_rows": 30, "views": 3}


def figures(samples: Iterable[Sample]) -> dict[Any, list[float]]:
    """The values of an experiment's samples by metric and place."""
    found: dict[Any, list[float]] = {}
    for sample in samples:
        found.setdefault((sample.metric, *sample.at.values()), []).append(sample.value)
    return found


class NoPositionCheck(projector.Projector):  # type: ignore[misc, name-defined]  # imported by name: any
    """Applies whatever it is given, in the order in which it comes."""

    def _apply(self, events: Any, attempts: int) -> None:
        self.store.execute("UPDATE progress SET position = 0")
        super()._apply([(at, event) for at, (_, event) in enumerate(events, start=1)], attempts)


class NewestOnly(projector.Projector):  # type: ignore[misc, name-defined]  # imported by name: any
    """Skips what is older than its position, and jumps over gaps: a version guard."""

    def _apply(self, events: Any, attempts: int) -> None:
        for at, event in events:
            self.store.execute("UPDATE progress SET position = ? WHERE position < ?", (at - 1, at - 1))
            super()._apply([(at, event)], attempts)


class NeverParks(projector.Projector):  # type: ignore[misc, name-defined]  # imported by name: any
    """Tries for ever."""

    def apply(self, events: Any) -> None:
        with world.transaction(self.store):
            self._apply(events, attempts=10**9)


class ParksAtOnce(projector.Projector):  # type: ignore[misc, name-defined]  # imported by name: any
    """Gives an event a single attempt."""

    def apply(self, events: Any) -> None:
        with world.transaction(self.store):
            self._apply(events, attempts=1)


class SeesNothing(projector.Projector):  # type: ignore[misc, name-defined]  # imported by name: any
    """Looks for events where there are none."""

    def events(self, after: Any) -> list[Any]:
        return []


def test_killed_between_event_and_projection(start: Start) -> None:
    """SIGKILL leaves wrong totals; the projector, started again, catches up by itself. So it does in the middle."""
    shop = start("projection", **SMALL)
    found = figures(experiments.projector_killed(shop.lab, shop.design))
    assert min(found["divergent", "projector dead"]) > 0
    assert found["divergent", "caught up"] == [0, 0]
    assert shop.lab.faults_struck() == list(experiments.CRASHES)


def test_replayed_events_change_nothing(start: Start) -> None:
    shop = start("projection", **SMALL)
    assert figures(experiments.events_replayed(shop.lab, shop.design)) == {("divergent", "replayed"): [0]}


def test_without_the_position_check_a_replay_counts_twice(start: Start) -> None:
    shop = start("projection", **SMALL)
    shop.design.reading_side = NoPositionCheck
    assert figures(experiments.events_replayed(shop.lab, shop.design))["divergent", "replayed"][0] > 0


def test_reordered_events_are_refused_and_a_version_guard_alone_drops_one(start: Start) -> None:
    shop = start("projection", **SMALL)
    found = figures(experiments.events_reordered(shop.lab, shop.design))
    assert found["refused",] == [1]
    assert found["divergent", "position, refuses gaps"] == [0]
    assert found["divergent", "version alone"][0] > 0
    assert found["divergent", "version, full state"] == [0]


def test_a_projector_that_jumps_over_gaps_is_found_out(start: Start) -> None:
    shop = start("projection", **SMALL)
    shop.design.reading_side = NewestOnly
    found = figures(experiments.events_reordered(shop.lab, shop.design))
    assert found["refused",] == [0]
    assert found["divergent", "position, refuses gaps"][0] > 0


def test_a_position_outside_the_totals_transaction_is_found_out(start: Start, tmp_path: Path) -> None:
    """It dies between the two, and counts an order twice when it is back."""
    folder = tmp_path / "apart"
    shutil.copytree(Path(projector.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    together = "        with transaction(self.store):\n            self._apply(events, ATTEMPTS)\n"
    text = (folder / "projector.py").read_text()
    assert together in text
    (folder / "projector.py").write_text(text.replace(together, "        self._apply(events, ATTEMPTS)\n"))
    shop = start("projection", scenario=str(folder), **SMALL)
    found = figures(experiments.projector_killed(shop.lab, shop.design))
    event_lost, counted_twice = found["divergent", "caught up"]
    assert event_lost == 0 < counted_twice


def test_every_crash_point_of_the_projector_is_tried() -> None:
    assert ledger.crash_points([Path(projector.__file__)]) == experiments.CRASHES


def test_poison_stalls_until_it_is_parked(start: Start) -> None:
    shop = start("projection", **SMALL)
    found = figures(experiments.poison(shop.lab, shop.design))
    assert len(found["divergent", "stalled"]) == projector.ATTEMPTS - 1
    assert min(found["divergent", "stalled"]) > 0
    assert found["divergent", "parked"] == [0]
    assert found["parked",] == [1]


def test_poison_that_is_never_parked_stalls_for_ever(start: Start) -> None:
    shop = start("projection", **SMALL)
    shop.design.reading_side = NeverParks
    found = figures(experiments.poison(shop.lab, shop.design))
    assert found["divergent", "parked"][0] > 0
    assert found["parked",] == [0]


def test_poison_that_is_passed_over_at_once_never_stalls(start: Start) -> None:
    """It was met, so the run counts; what it shows is that nothing stalled."""
    shop = start("projection", **SMALL)
    shop.design.reading_side = ParksAtOnce
    found = figures(experiments.poison(shop.lab, shop.design))
    assert found["divergent", "stalled"] == [0]
    assert shop.lab.faults_struck().count(experiments.POISON) == 1


def test_a_fault_without_events_has_not_struck(start: Start) -> None:
    shop = start("projection", **SMALL)
    shop.design.reading_side = SeesNothing
    figures(experiments.events_replayed(shop.lab, shop.design))
    assert experiments.REPLAY not in shop.lab.faults_struck()


def test_the_projector_process_gets_past_poison_by_itself(start: Start) -> None:
    """No operator: the process tries, parks, goes on, and says how far it has come."""
    shop = start("projection", **SMALL)
    shop.lab.database().execute("INSERT INTO outbox (event) VALUES ('no event at all')")
    shop.design.wait_until_seen(shop.design.place_order(workload.an_order(shop.lab, 10**9)))
    assert workload.wrong_totals(shop.lab, shop.design) == 0
    parked = shop.lab.database("views").execute("SELECT event, error FROM parked").fetchall()
    assert len(parked) == 1 and "JSON" in parked[0][1]


def test_a_rebuild_equals_what_was_there(start: Start) -> None:
    shop = start("projection", **SMALL)
    found = figures(experiments.rebuild(shop.lab, shop.design))
    assert found["divergent", "damaged"][0] > 0
    assert found["divergent", "rebuilt"] == [0]


def test_a_rebuild_leaves_parked_events_parked(start: Start) -> None:
    shop = start("projection", **SMALL)
    for _ in experiments.poison(shop.lab, shop.design):
        pass
    shop.design.reading_side(shop.lab).rebuild()
    assert workload.wrong_totals(shop.lab, shop.design) == 0
    assert shop.lab.database("views").execute("SELECT count(*) FROM parked").fetchone() == (1,)


def test_pages_show_the_old_totals_until_a_rebuild_commits(start: Start) -> None:
    shop = start("projection", **SMALL)
    before = workload.shown(shop.lab, shop.design)
    reader = shop.design.reading_side(shop.lab)
    reader.store.execute("BEGIN IMMEDIATE")
    reader.store.execute("DELETE FROM totals")
    assert workload.shown(shop.lab, shop.design) == before
    reader.store.execute("ROLLBACK")


def test_a_refused_batch_changes_neither_totals_nor_position(start: Start) -> None:
    shop = start("projection", **SMALL)
    reader = shop.design.reading_side(shop.lab)
    before, position = workload.shown(shop.lab, shop.design), reader.position
    first, second, third = reader.events(after=0)[:3]
    with pytest.raises(projector.OutOfOrder, match=f"event {position + 2} came when {position + 1} was due"):
        reader.apply([first, (position + 2, second[1]), third])
    assert (workload.shown(shop.lab, shop.design), reader.catch_up()) == (before, position)


@pytest.mark.parametrize("name", ["crud", "queries", "summary", "projection"])
def test_only_the_projection_hides_ones_own_order(start: Start, name: str) -> None:
    """A delay that is injected makes what a learner sees certain."""
    shop = start(name, **SMALL, projector_delay=100 if name == "projection" else 0)
    found = figures(experiments.staleness(shop.lab, shop.design))
    hidden = 1.0 if name == "projection" else 0.0
    assert found["own_order_missing", "at once"] == [hidden] * experiments.LOOKS
    assert found["own_order_missing", "after waiting"] == [0.0] * experiments.LOOKS
    assert all((stale > 0) == bool(hidden) for stale in found["stale_for",])


def test_a_page_that_does_not_show_what_was_waited_for_is_never_seen(start: Start) -> None:
    """What counts is the page: a wait that returns too early does not make an order visible."""
    shop = start("projection", **SMALL, projector_delay=2000)
    shop.design.wait_until_seen = lambda position: None
    assert figures(workload.afterwards(shop.lab, shop.design, []))["seen",] == [float("inf")]
