"""What is made of a round: when it may stop, what it counts, which requests it shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from archlab.bench.load import NEVER, Done
from archlab.bench.measurements import LOAD, Cell, measurements
from archlab.bench.round_process import early_stop, moving, of_operation
from archlab.bench.rounds import Observed, Served
from archlab.run import Measurement
from archlab.scenario import Experiment, Metric, Request, Requirement, Sample, Scenario, Step

P95 = Metric("find_p95", "", "s", 0.001, operation="find")
P50 = Metric("find_p50", "", "s", 0.001, operation="find", quantile=0.5)
SERVICE = Metric("find_time", "", "s", 0.001, operation="find", of="service")
FAILED = Metric("find_failed", "", "share", 0.01, operation="find", of="failures")
DOWN = Metric("down_p95", "", "s", 0.001, operation="find", experiment="down")
BUSY = Metric("demanded", "", "share", 0.05, of="utilisation")
COUNT = Metric("lost", "", "words", 1)


def bound(metric: Metric, at_most: float, *workloads: str) -> Requirement:
    return Requirement(f"{metric.name}-{at_most}", metric.name, at_most, metric.unit, "", "", workloads)


@pytest.fixture
def demanding(tiny: Callable[..., Scenario]) -> Callable[..., Scenario]:
    """The tiny scenario with the metrics above and other requirements."""
    scenario = tiny()

    def make(*requirements: Requirement) -> Scenario:
        return replace(scenario, metrics=(P95, P50, SERVICE, FAILED, DOWN, BUSY, COUNT), requirements=requirements)

    return make


def served(latencies: list[float], services: list[float] | None = None, rate: float = 100.0) -> Observed:
    finished = [latency for latency in latencies if latency < NEVER]
    one = Served("find", tuple(latencies), tuple(finished if services is None else services), rate)
    return Observed(served=(one,))


def measured(
    scenario: Scenario, metric: Metric, rounds: list[Observed], workload: str = "pressure"
) -> Measurement | None:
    found = measurements(scenario, {(LOAD, "scan", workload): Cell(rounds)})
    return next((m for m in found if m.metric == metric.name), None)


def part(**said: bool) -> Any:
    return SimpleNamespace(**({"of_design": True, "asked_from_outside": False, "workers": 1} | said))


def test_the_benchs_own_processes_are_no_moving_part_of_a_design() -> None:
    """A round's own process is the design where it does the work, or a client of services; a proxy is the bench's."""
    spawned, service, proxy = part(), part(asked_from_outside=True), part(of_design=False)
    assert moving([]) == 1
    assert moving([spawned]) == 2
    assert moving([spawned, proxy]) == 2
    assert moving([service]) == 1
    assert moving([service, service, spawned, proxy]) == 3


# Early stop


def test_a_round_may_stop_once_more_are_over_than_the_quantile_allows(demanding: Callable[..., Scenario]) -> None:
    """Of 60 requests 3 may be over a p95's bound, 30 over a median's."""
    bounds = early_stop(demanding(bound(P95, 0.1)), "calm", {"find": 60})
    assert (bounds.seconds, bounds.allowed) == ({"find": 0.1}, {"find": 3})
    bounds = early_stop(demanding(bound(P50, 0.1)), "calm", {"find": 60})
    assert (bounds.seconds, bounds.allowed) == ({"find": 0.1}, {"find": 30})


def test_of_two_requirements_on_one_operation_neither_is_given_up_for_the_other(
    demanding: Callable[..., Scenario],
) -> None:
    """In whichever order: the loosest bound and the smallest quantile decide when all is lost."""
    for requirements in ((bound(P95, 0.1), bound(P50, 0.01)), (bound(P50, 0.01), bound(P95, 0.1))):
        bounds = early_stop(demanding(*requirements), "calm", {"find": 60})
        assert (bounds.seconds, bounds.allowed) == ({"find": 0.1}, {"find": 30})


def test_a_demand_on_the_service_time_keeps_a_round_going(demanding: Callable[..., Scenario]) -> None:
    """How long a request waited says nothing about how long it takes."""
    bounds = early_stop(demanding(bound(P95, 0.1), bound(SERVICE, 0.01)), "calm", {"find": 60})
    assert bounds.seconds == {"find": NEVER}


def test_what_this_workload_does_not_demand_or_send_stops_nothing(demanding: Callable[..., Scenario]) -> None:
    scenario = demanding(bound(P95, 0.1, "pressure"), bound(COUNT, 0))
    assert early_stop(scenario, "calm", {"find": 60}).seconds == {}
    assert early_stop(scenario, "pressure", {"other": 60}).seconds == {}
    assert early_stop(scenario, "pressure", {"find": 60}).seconds == {"find": 0.1}


# Figures


def test_the_share_over_the_bound_counts_the_unfinished(demanding: Callable[..., Scenario]) -> None:
    """An unfinished request is over every bound."""
    scenario = demanding(bound(P95, 0.1))
    latencies = [0.01] * 54 + [0.2] * 3 + [NEVER] * 3
    m = measured(scenario, P95, [served(latencies)] * 5)
    assert m is not None
    assert m.over == (0.1,) * 5
    assert m.n == 300
    assert m.per_round == 60


def test_a_request_is_over_the_bound_from_the_bound_on(demanding: Callable[..., Scenario]) -> None:
    """Exactly at the bound is within it."""
    p95 = measured(demanding(bound(P95, 0.1)), P95, [served([0.1] * 57 + [0.1001] * 3)])
    assert p95 is not None
    assert p95.over == (3 / 60,)


def test_latency_counts_from_when_a_request_was_due_and_service_from_when_it_was_taken_up() -> None:
    """No coordinated omission: who waits in the queue is waiting."""
    requests = [Request(0.0, "find"), Request(0.0, "other"), Request(0.1, "find"), Request(0.2, "find")]
    done = Done(requests, due=[0.0, 0.0, 0.1, 0.2], started=[0.0, 0.5, 0.6, 0.9], finished=[0.5, 0.6, 0.9, NEVER])
    found = of_operation("find", done, rate=10.0)
    assert found.latencies == pytest.approx((0.5, 0.8, NEVER))
    assert found.services == pytest.approx((0.5, 0.3))


def test_a_bound_on_the_service_time_is_held_against_service_times(demanding: Callable[..., Scenario]) -> None:
    """Requests that waited long and were served quickly are within it; the unfinished ones are over."""
    scenario = demanding(bound(SERVICE, 0.01))
    m = measured(scenario, SERVICE, [served([0.5] * 57 + [NEVER] * 3, services=[0.001] * 57)] * 5)
    assert m is not None
    assert m.over == (0.05,) * 5
    assert m.value == pytest.approx(0.001)


def test_a_design_that_falls_behind_has_no_quantile_and_no_round_to_form_a_ratio_from(
    demanding: Callable[..., Scenario],
) -> None:
    """Arrival rate × service time above one: its latency only measures how long it was watched."""
    m = measured(demanding(bound(P95, 0.1)), P95, [served([0.5] * 60, services=[0.034] * 60)] * 5)
    assert m is not None
    assert (m.value, m.low, m.high, m.by_round) == (None, None, None, ())
    assert m.utilisation == pytest.approx(3.4)
    assert m.note == "falls behind: 29 of 100 a second"


def test_its_service_time_is_a_figure_all_the_same(demanding: Callable[..., Scenario]) -> None:
    m = measured(demanding(), SERVICE, [served([0.5] * 60, services=[0.034] * 60)] * 5)
    assert m is not None
    assert m.value == pytest.approx(0.034)
    assert m.note == ""


def test_a_round_with_requests_outstanding_has_no_quantile_either(demanding: Callable[..., Scenario]) -> None:
    rounds = [served([0.005] * 60)] * 4 + [served([0.005] * 50 + [NEVER] * 10)]
    m = measured(demanding(bound(P95, 0.1)), P95, rounds)
    assert m is not None
    assert m.value is None
    assert m.note == "unfinished: 1 of 5 rounds ended with requests outstanding"


def test_served_back_to_back_nothing_falls_behind(demanding: Callable[..., Scenario]) -> None:
    """A closed loop demands no rate, so there is no utilisation in it, and its latency is a figure."""
    rounds = [served([0.034] * 60, rate=0.0)] * 5
    m = measured(demanding(bound(P95, 0.1)), P95, rounds, "calm")
    assert m is not None
    assert m.utilisation is None
    assert m.value == pytest.approx(0.034)
    assert measured(demanding(), BUSY, rounds, "calm") is None


def test_utilisation_is_shared_by_the_connections_and_summed_over_the_operations(
    demanding: Callable[..., Scenario],
) -> None:
    scenario = demanding()
    two = replace(scenario, load=replace(scenario.load, connections=2))
    both = Observed(served=(Served("find", (0.01,), (0.01,), 50.0), Served("other", (0.02,), (0.02,), 25.0)))
    assert measured(scenario, BUSY, [both] * 5) is not None
    for which, expected in ((scenario, 1.0), (two, 0.5)):
        m = measured(which, BUSY, [both] * 5)
        assert m is not None
        assert m.value == pytest.approx(expected)


def test_a_figure_of_one_round_has_no_interval(demanding: Callable[..., Scenario]) -> None:
    m = measured(demanding(), P95, [served([0.005] * 60)])
    assert m is not None
    assert m.value == pytest.approx(0.005)
    assert (m.low, m.high, m.rounds) == (None, None, 1)


def test_samples_are_averaged_within_a_round_and_kept_apart_by_place(demanding: Callable[..., Scenario]) -> None:
    """Three rounds are three figures, however many samples each has; two places are two measurements."""

    def samples(*values: float, at: Any) -> tuple[Sample, ...]:
        return tuple(Sample("lost", value, at) for value in values)

    rounds = [
        Observed(samples=samples(1, 3, at={"crash_point": "before"}) + samples(0, at={"crash_point": "after"})),
        Observed(samples=samples(2, at={"crash_point": "before"}) + samples(0, at={"crash_point": "after"})),
        Observed(samples=samples(2, 2, 2, at={"crash_point": "before"}) + samples(0, at={"crash_point": "after"})),
    ]
    scenario = demanding(bound(COUNT, 0))
    before, after = measurements(scenario, {("crashes", "scan", "calm"): Cell(rounds)})
    assert before.at == {"crash_point": "before"}
    assert (before.value, before.low, before.high, before.n, before.rounds) == (2, 2, 2, 6, 3)
    assert before.over == (1.0, 1.0, 1.0)
    assert (after.value, after.over) == (0, (0.0, 0.0, 0.0))


def test_a_sample_that_is_never_reached_is_no_figure_and_over_the_bound(demanding: Callable[..., Scenario]) -> None:
    rounds = [Observed(samples=(Sample("lost", 1.0),)), Observed(samples=(Sample("lost", NEVER),))]
    (m,) = measurements(demanding(bound(COUNT, 5)), {("crashes", "scan", "calm"): Cell(rounds)})
    assert (m.value, m.note, m.over) == (None, "unfinished", (0.0, 1.0))


# Failed requests


def failing(ok: int, failed: int, unserved: int = 0, spent: float = 0.001) -> Observed:
    """A round in which so many requests failed, each after ``spent`` seconds."""
    latencies = (0.005,) * ok + (NEVER,) * (failed + unserved)
    one = Served(
        "find", latencies, (0.005,) * ok, 100.0, (spent,) * failed, ("request 1: e-mail is down",) if failed else ()
    )
    return Observed(served=(one,))


def test_a_failed_request_is_over_every_bound_however_quick_it_was(demanding: Callable[..., Scenario]) -> None:
    requests = [Request(0.1 * i, "find") for i in range(3)]
    done = Done(requests, due=[0.0, 0.1, 0.2], started=[0.0, 0.1, 0.2], finished=[0.01, 0.1001, 0.21])
    done.failed = {1: "e-mail is down"}
    found = of_operation("find", done, rate=10.0)
    assert found.latencies == pytest.approx((0.01, NEVER, 0.01))
    assert found.services == pytest.approx((0.01, 0.01))
    assert found.failures == pytest.approx((0.0001,))
    assert found.reasons == ("request 2: e-mail is down",)
    for metric in (P95, SERVICE):
        m = measured(demanding(bound(metric, 0.1)), metric, [failing(48, 12)] * 5)
        assert m is not None
        assert (m.value, m.over) == (None, (0.2,) * 5)


def test_where_requests_failed_the_note_says_why_there_is_no_figure(demanding: Callable[..., Scenario]) -> None:
    """Of the requests that were made: those that a round left out have not failed."""
    m = measured(demanding(bound(P95, 0.1)), P95, [failing(48, 12), *[failing(0, 4, unserved=56)] * 2])
    assert m is not None
    assert m.note == "20 of 68 requests failed: e-mail is down"


def test_a_few_failures_are_within_a_quantile(demanding: Callable[..., Scenario]) -> None:
    m = measured(demanding(bound(P95, 0.1)), P95, [failing(58, 2)] * 5)
    assert m is not None
    assert (m.value, m.note) == (pytest.approx(0.005), "")


def test_a_design_that_fails_slowly_is_busy(demanding: Callable[..., Scenario]) -> None:
    """A hundred a second, each of which fails after 40 ms, are four times what it can take."""
    m = measured(demanding(bound(P95, 0.1)), P95, [failing(0, 60, spent=0.04)] * 3)
    assert m is not None
    assert m.utilisation == pytest.approx(4.0)
    assert m.note == "falls behind: 25 of 100 a second"


def test_the_share_that_failed_is_one_value_a_round(demanding: Callable[..., Scenario]) -> None:
    m = measured(demanding(bound(FAILED, 0.1)), FAILED, [failing(60, 0), failing(48, 12), failing(3, 1, unserved=56)])
    assert m is not None
    assert m.by_round == (0.0, 0.2, 0.25)
    assert m.over == (0.0, 1.0, 1.0)
    assert (m.n, m.per_round) == (124, 0)


def test_a_bound_on_failures_is_settled_once_more_have_failed(demanding: Callable[..., Scenario]) -> None:
    """Beside a latency bound it keeps the round going that long; alone it stops nothing, so that the share is whole."""
    both = early_stop(demanding(bound(P95, 0.1), bound(FAILED, 0.1)), "calm", {"find": 60})
    assert (both.seconds, both.allowed, both.failures) == ({"find": 0.1}, {"find": 3}, {"find": 6})
    alone = early_stop(demanding(bound(FAILED, 0.0)), "calm", {"find": 60})
    assert (alone.seconds, alone.failures) == ({}, {"find": 0})
    assert not any(alone.over("find", failed=True) for _ in range(60))


def test_an_experiments_load_has_metrics_and_bounds_of_its_own(demanding: Callable[..., Scenario]) -> None:
    scenario = demanding(bound(P95, 0.1), bound(DOWN, 0.5))
    scenario = replace(scenario, experiments=(Experiment("down", timeline=(Step(0.1, "it stops", print),)),))
    assert early_stop(scenario, "calm", {"find": 60}).seconds == {"find": 0.1}
    assert early_stop(scenario, "calm", {"find": 60}, "down").seconds == {"find": 0.5}
    round_ = served([0.005] * 60)
    found = measurements(scenario, {(LOAD, "scan", "calm"): Cell([round_]), ("down", "scan", "calm"): Cell([round_])})
    assert {m.metric for m in found if m.experiment == "down"} == {"down_p95"}
    assert "down_p95" not in {m.metric for m in found if m.experiment == LOAD}


def test_its_connections_are_those_of_its_own_load(demanding: Callable[..., Scenario]) -> None:
    scenario = demanding()
    twice = Experiment("down", load=replace(scenario.load, connections=2))
    scenario = replace(scenario, experiments=(twice,))
    round_ = served([0.01] * 60, rate=100.0)
    (m,) = measurements(scenario, {("down", "scan", "pressure"): Cell([round_])})
    assert (m.metric, m.utilisation) == ("down_p95", pytest.approx(0.5))


def test_a_bound_on_the_utilisation_is_held_against_every_round(demanding: Callable[..., Scenario]) -> None:
    rounds = [served([0.005] * 60, services=[seconds] * 60) for seconds in (0.004, 0.006)]
    m = measured(demanding(bound(BUSY, 0.5)), BUSY, rounds)
    assert m is not None
    assert m.by_round == pytest.approx((0.4, 0.6))
    assert m.over == (0.0, 1.0)
