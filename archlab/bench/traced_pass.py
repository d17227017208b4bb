"""Decides whether a traced pass shows the design or a stall of the machine, and what tracing added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from archlab.bench.measurements import LOAD, Cell, CellKey
from archlab.bench.rounds import Observed
from archlab.run import Trace
from archlab.statistics import median

Traced = Mapping[tuple[str, str], Observed]
"""The traced round by design and workload."""


AT_EASE = 0.75
"""Where less of the time of those who serve is demanded, no queue lasts."""


def stalled(observed: Observed, connections: int) -> bool:
    """Whether the pass shows a stall of the machine: most requests of an operation waited for longer than any usual two
    take, although no more was demanded of who serves them than they do at ease."""
    served = [(s, median(s.services)) for s in observed.served if s.rate and s.services]
    demanded = sum(s.rate * usual for s, usual in served) / connections
    longest = max((usual for _, usual in served), default=0.0)
    # A failed request has no latency, and says nothing about a stall.
    waited = [(median(sorted(s.latencies)[: len(s.latencies) - len(s.failures)]), usual) for s, usual in served]
    return demanded < AT_EASE and any(latency - usual > 2 * longest for latency, usual in waited)


def with_untraced(traces: tuple[Trace, ...], cells: Mapping[CellKey, Cell]) -> tuple[Trace, ...]:
    """Every trace with the untraced median time of the same operation beside it, in seconds."""
    return tuple(
        replace(trace, untraced=_untraced(trace.design, trace.workload, trace.operation, cells)) for trace in traces
    )


def tracing_cost(traced: Traced, operations: tuple[str, ...], cells: Mapping[CellKey, Cell]) -> float | None:
    """By how much a traced request took longer than an untraced one, as a share; the middle over all that is shown."""
    added = [
        median(served.services) / untraced - 1
        for (design, workload), observed in traced.items()
        for served in observed.served
        if served.operation in operations
        and served.services
        and (untraced := _untraced(design, workload, served.operation, cells))
    ]
    return median(added) if added else None


def _untraced(design: str, workload: str, operation: str, cells: Mapping[CellKey, Cell]) -> float | None:
    services = [
        service
        for observed in cells[LOAD, design, workload].rounds
        for served in observed.served
        if served.operation == operation
        for service in served.services
    ]
    return median(services) if services else None
