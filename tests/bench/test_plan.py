"""How often what goes round: a workload whose requirements are all on counts is served once."""

from __future__ import annotations

from archlab import catalog
from archlab.bench.plan import Plan, due, every_entry


def rounds(plan: Plan, workload: str) -> int:
    """In how many of the first five passes the load of a workload takes part, with its simplest design."""
    load = next(entry for entry in every_entry(plan) if entry.workload.name == workload and entry.experiment is None)
    return sum(due(load, plan, number) for number in range(5))


def test_a_workload_that_demands_counts_alone_is_served_once() -> None:
    plan = Plan(catalog.find("events"), {})
    assert (rounds(plan, "calm"), rounds(plan, "pressure"), rounds(plan, "teams")) == (5, 5, 1)


def test_whoever_asks_for_more_rounds_gets_them() -> None:
    assert rounds(Plan(catalog.find("events"), {}, seconds=60.0), "teams") == 5


def test_a_workload_with_a_bound_on_a_time_goes_round_as_often_as_that_needs() -> None:
    assert rounds(Plan(catalog.find("cqrs"), {}), "calm") == 5


def test_a_quick_run_first_does_the_experiments_that_a_requirement_is_about() -> None:
    """What there is no time for then settles the least."""
    done = [
        entry.experiment.name for entry in every_entry(Plan(catalog.find("events"), {}, quick=True)) if entry.experiment
    ]
    assert done[0] == "outage", "a bound on failed checkouts is judged by it"
