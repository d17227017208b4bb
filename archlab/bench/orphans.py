"""Finds orphaned traces: those that a service or a consumer began because it received no trace context."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from archlab.cases import bounded
from archlab.tracing import Record

CROSSES = ("messaging.operation.type", "http.request.method")
"""Attributes of spans that send to another process, or receive from one."""


@dataclass(frozen=True)
class Orphans:
    share: float
    """Of the load's traces, 0 to 1."""
    cases: tuple[str, ...] = ()
    """How some of them begin: ``a trace begins with 'process orders' instead of a request``."""


def orphans(
    records: Iterable[Record],
    own: Iterable[Record],
    operations: Collection[str],
    before: Collection[int],
    served: tuple[int, int],
) -> Orphans:
    """The load's traces that do not begin with an operation of the design.

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
    requests, begin = 0, []
    for trace, spans in traces.items():
        if trace in before or trace in afterwards or min(span[4] for span in spans) < served[0]:
            continue
        if any(span[3] is None and span[0] in operations for span in spans):
            requests += 1
        elif any(name in (span[6] or {}) for span in spans for name in CROSSES):
            begin.append(min(spans, key=lambda span: span[4])[0])
    share = len(begin) / (requests + len(begin)) if begin else 0.0
    return Orphans(share, bounded(f"a trace begins with {name!r} instead of a request" for name in begin))
