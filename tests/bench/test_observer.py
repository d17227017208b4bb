"""The observer effect is told from the traced round beside the untraced ones."""

from __future__ import annotations

import pytest

from archlab.bench.measurements import LOAD, Cell
from archlab.bench.observer import tracing_cost, with_untraced
from archlab.bench.rounds import Observed, Served
from archlab.run import Span, Trace


def observed(service: float) -> Observed:
    return Observed(served=(Served("page", (service,) * 3, (service,) * 3, 10.0),))


CELLS = {(LOAD, "crud", "pressure"): Cell([observed(0.010), observed(0.012), observed(0.011)])}


def test_the_cost_is_what_a_traced_request_took_longer() -> None:
    traced = {("crud", "pressure"): observed(0.0132)}
    assert tracing_cost(traced, ("page",), CELLS) == pytest.approx(0.2)


def test_operations_that_are_not_shown_do_not_count() -> None:
    assert tracing_cost({("crud", "pressure"): observed(0.5)}, ("order",), CELLS) is None


def test_every_trace_stands_beside_its_untraced_time() -> None:
    span = Span("1" * 32, "2" * 16, None, "page", 0.0, 0.02, "worker")
    (trace,) = with_untraced((Trace("crud", "pressure", "page", 0.0, (span,)),), CELLS)
    assert trace.untraced == pytest.approx(0.011)
