"""The four designs of cqrs do the same work: they differ in how, never in what."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

world = import_module("archlab.scenarios.cqrs.world")
workload = import_module("archlab.scenarios.cqrs.workload")

DESIGNS = ("crud", "queries", "summary", "projection")
NEAR = {"page_rows": 10, "views": 12}
FAR = NEAR | {"store_distance": 0.5}


def orders(number: int) -> st.SearchStrategy[Any]:
    """Any order, most of them allowed: of the few and of the many, seen at the right price and at another."""
    product = st.sampled_from([8, 9, 14, 15, 16, 9999])
    customer = st.sampled_from([1, 2, workload.CUSTOMERS, 9999])
    return st.tuples(product, customer, st.integers(-1, 5), st.sampled_from([0, 0, 0, 1])).map(
        lambda drawn: world.PlaceOrder(
            number, drawn[1], drawn[0], drawn[2], workload.price(drawn[0]) + drawn[3], day=number % workload.DAYS
        )
    )


def commands() -> st.SearchStrategy[Any]:
    """Orders numbered upwards, and cancellations of seeded, new and unknown ones."""
    to_cancel = st.sampled_from([10, 11, 17, 19, 1_000_000, 1_000_001, 1_000_002, 5])
    one = st.one_of(
        st.integers(0, 10**6).map(lambda n: ("order", n)), to_cancel.map(lambda order: ("cancel", order))
    )
    del one
    return st.lists(
        st.one_of(st.just("order"), to_cancel), min_size=1, max_size=12
    ).flatmap(
        lambda kinds: st.tuples(
            *(
                orders(1_000_000 + i) if kind == "order" else st.just(world.CancelOrder(kind))
                for i, kind in enumerate(kinds)
            )
        )
    )
