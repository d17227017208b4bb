"""The observer effect is told from the traced round beside the untraced ones."""

from __future__ import annotations

import math

import pytest

from archlab.bench.measurements import LOAD, Cell
from archlab.bench.rounds import Observed, Served
from archlab.bench.traced_pass import stalled, tracing_cost, with_untraced
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


def passed(service: float, wait: float, rate: float) -> Observed:
    return Observed(served=(Served("page", (wait + service,) * 30, (service,) * 30, rate),))


@pytest.mark.parametrize(
    ("service", "wait", "rate", "is_stalled"),
    [
        (0.001, 0.0, 300.0, False),
        (0.001, 0.0015, 300.0, False),
        (0.001, 0.2, 300.0, True),  # nothing in the design makes anybody wait so long
        (0.005, 0.2, 300.0, False),  # its own queue: 1.5 of one worker is demanded
        (0.001, 0.2, 0.0, False),  # back to back there is no queue
    ],
)
def test_a_stall_of_the_machine_is_told_from_a_queue(
    service: float, wait: float, rate: float, is_stalled: bool
) -> None:
    assert stalled(passed(service, wait, rate), connections=1) is is_stalled


def test_requests_that_failed_are_no_stall() -> None:
    """Most of them failed at once; those that were served waited for nobody."""
    latencies = (0.001,) * 10 + (math.inf,) * 20
    failing = Served("page", latencies, (0.001,) * 10, 300.0, (0.0001,) * 20, "e-mail is down")
    assert not stalled(Observed(served=(failing,)), connections=1)
