"""Which traces of the traced pass belong to no request."""

from __future__ import annotations

from archlab.bench.orphans import orphans
from archlab.tracing import Record

PROCESS = {"messaging.operation.type": "process"}
SERVED = (100, 200)


def span(trace: int, name: str, start: int = 150, parent: int | None = None, attributes: object = None) -> Record:
    return name, trace, trace * 10, parent, start, start + 1, attributes  # type: ignore[return-value]  # a plain dict


def test_a_trace_that_begins_with_an_operation_is_no_orphan_however_many_processes_it_crosses() -> None:
    records = [span(1, "order"), span(1, "process orders", parent=10, attributes=PROCESS)]
    assert orphans(records, records[:1], {"order"}, set(), SERVED).share == 0.0


def test_a_consumer_or_a_service_that_begins_a_trace_makes_an_orphan() -> None:
    records = [
        span(1, "order"),
        span(2, "process orders", attributes=PROCESS),
        span(3, "GET /hello", attributes={"http.request.method": "GET"}),
        span(4, "order", start=160),
    ]
    found = orphans(records, [records[0], records[3]], {"order"}, set(), SERVED)
    assert found.share == 0.5
    assert found.cases == (
        "a trace begins with 'process orders' instead of a request",
        "a trace begins with 'GET /hello' instead of a request",
    )


def test_an_operation_that_another_process_was_asked_for_inside_a_trace_does_not_save_it() -> None:
    """Only the root of a trace is a request of the load."""
    records = [span(2, "process orders", attributes=PROCESS), span(2, "order", parent=20)]
    assert orphans(records, [], {"order"}, set(), SERVED).share == 1.0


def test_what_began_before_the_load_and_what_the_bench_asked_after_it_is_not_counted() -> None:
    before = [span(1, "process orders", start=50, attributes=PROCESS), span(2, "process orders", attributes=PROCESS)]
    afterwards = [span(3, "order", start=250), span(3, "process orders", 251, 30, PROCESS)]
    assert orphans([*before, *afterwards], afterwards[:1], {"order"}, {2}, SERVED).share == 0.0


def test_what_a_consumer_does_after_the_load_for_a_request_of_the_load_is_counted() -> None:
    records = [span(1, "order"), span(2, "process orders", start=250, attributes=PROCESS)]
    assert orphans(records, records[:1], {"order"}, set(), SERVED).share == 0.5


def test_work_that_nobody_asked_for_is_no_orphan() -> None:
    """A look at an empty table; nothing was sent and nothing received."""
    records = [span(1, "order"), span(2, "SELECT", attributes={"db.system.name": "sqlite"})]
    assert orphans(records, records[:1], {"order"}, set(), SERVED).share == 0.0
