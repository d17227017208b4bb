"""Orphans: traces of the traced pass that a service or a consumer began because no request's context came with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from archlab.tracing import Record

CROSSES = ("messaging.operation.type", "http.request.method")
"""Attributes of spans that send to another process, or receive from one."""


def share(
    records: Iterable[Record],
    own: Iterable[Record],
    operations: Collection[str],
    before: Collection[int],
    served: tuple[int, int],
) -> float:
    """The share of the load's traces, 0 to 1, that do not begin with an operation of the design.

    ``own`` are the records of the process that asks, ``before`` the traces that began before the load, ``served`` when
    the load began and ended (ns). Work that no request and no message asked for, such as a look at an empty table, is
    not counted: it belongs to no request. Nor is what the bench asks once the load is over.
    """
    afterwards = {trace for _, trace, _, _, start, _, _ in own if start > served[1]} - {
        trace for _, trace, _, _, start, _, _ in own if start <= served[1]
    }
    traces: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        traces[record[1]].append(record)
    requests = orphans = 0
    for trace, spans in traces.items():
        if trace in before or trace in afterwards or min(span[4] for span in spans) < served[0]:
            continue
        if any(span[3] is None and span[0] in operations for span in spans):
            requests += 1
        elif any(name in (span[6] or {}) for span in spans for name in CROSSES):
            orphans += 1
    return orphans / (requests + orphans) if orphans else 0.0
