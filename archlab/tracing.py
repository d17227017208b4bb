"""Spans in OpenTelemetry's model, recorded by a minimal recorder of our own.

The SDK's recorded span costs about as much as a SQLite read, so its picture would show the tracer. Here a span is a
context variable, two clock readings and an append. Boundaries are wrapped in the traced pass only: in the measured
pass a design holds the bare objects. The clock is ``perf_counter_ns``, which all processes of one machine share.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar, Token
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from archlab.run import Span

Context = tuple[int, int]
"""Trace id (128 bits), span id (64 bits)."""

_current: ContextVar[Context | None] = ContextVar("archlab_span", default=None)

# name, trace id, span id, parent's span id or None, start and end in ns, attributes or None
Record = tuple[str, int, int, "int | None", int, int, "Mapping[str, Any] | None"]

Begun = tuple["Token[Context | None]", int, int, "int | None", int]
"""An open span: how to leave it, its trace, its id, its parent's, its start."""


class Recorder:
    """Records the spans of one process."""

    def __init__(self, process: str) -> None:
        self.process = process
        self.records: list[Record] = []
        # Ids must differ between processes: the upper half is random, the lower half counts.
        self._ids = itertools.count((secrets.randbits(32) << 32) + 1)
        self._trace_base = secrets.randbits(64) << 64

    def wrap(
        self, name: str, call: Callable[..., Any], attributes: Mapping[str, Any] | None = None
    ) -> Callable[..., Any]:
        """``call``, recorded as a span of ``name`` below the current one, or as the root of a new trace."""
        get, enter, leave = _current.get, _current.set, _current.reset
        ids, base, append, clock = self._ids, self._trace_base, self.records.append, perf_counter_ns

        def traced(*arguments: Any, **named: Any) -> Any:
            above = get()
            span = next(ids)
            trace, parent = above if above is not None else (base | span, None)
            token = enter((trace, span))
            start = clock()
            try:
                return call(*arguments, **named)
            finally:
                end = clock()
                leave(token)
                append((name, trace, span, parent, start, end, attributes))

        return traced

    def begin(self, carried: str | None = None) -> Begun:
        """Opens a span below the current one; for work that no single call encloses. ``end`` closes it.

        With ``carried``, the ``traceparent`` of a message, below the span that sent it. What is not valid is ignored:
        a message may come from anybody.
        """
        above = _context(carried) or _current.get()
        span = next(self._ids)
        trace, parent = above if above is not None else (self._trace_base | span, None)
        return _current.set((trace, span)), trace, span, parent, perf_counter_ns()

    def end(self, begun: Begun, name: str, attributes: Mapping[str, Any] | None = None, at: int | None = None) -> None:
        """Closes a span, now or as of ``at`` (ns): what comes after an answer was sent is no part of answering."""
        token, trace, span, parent, start = begun
        _current.reset(token)
        self.records.append((name, trace, span, parent, start, perf_counter_ns() if at is None else at, attributes))

    def wrap_async(
        self, name: str, call: Callable[..., Awaitable[Any]], attributes: Mapping[str, Any] | None = None
    ) -> Callable[..., Awaitable[Any]]:
        """``wrap`` for a coroutine function."""

        async def traced(*arguments: Any, **named: Any) -> Any:
            begun = self.begin()
            try:
                return await call(*arguments, **named)
            finally:
                self.end(begun, name, attributes)

        return traced

    def carried(self) -> str | None:
        """The current context as a W3C ``traceparent``, to be sent along with a message; None outside a span."""
        context = _current.get()
        return f"00-{context[0]:032x}-{context[1]:016x}-01" if context else None

    def follow(self, traceparent: str | None) -> None:
        """Continues the trace that a message came with; None ends the current one."""
        if traceparent is None:
            _current.set(None)
            return
        _, trace, span, _ = traceparent.split("-")
        _current.set((int(trace, 16), int(span, 16)))

    @property
    def idle(self) -> bool:
        """Whether no span is open here."""
        return _current.get() is None

    def dump(self, folder: Path) -> None:
        """Leaves this process's spans in ``folder`` for ``collect``; whole or not at all."""
        path = folder / f"spans-{self.process}-{os.getpid()}.json"
        unfinished = path.with_suffix(".part")
        unfinished.write_text(json.dumps([self.process, self.records]))
        unfinished.replace(path)


def _context(traceparent: str | None) -> Context | None:
    """What a ``traceparent`` stands for; None where it is none."""
    try:
        _, trace, span, _ = (traceparent or "").split("-")
        return int(trace, 16), int(span, 16)
    except (AttributeError, TypeError, ValueError):
        return None


def collect(folder: Path) -> list[tuple[str, Record]]:
    """The spans that every process left in ``folder``: (process, record)."""
    found: list[tuple[str, Record]] = []
    for path in sorted(folder.glob("spans-*.json")):
        process, records = json.loads(path.read_text())
        found += [(process, tuple(record)) for record in records]
    return found


def spans_of(trace: int, records: Iterable[tuple[str, Record]], origin_ns: int) -> tuple[Span, ...]:
    """The spans of one trace in order of start, in seconds since ``origin_ns``."""
    chosen = sorted((item for item in records if item[1][1] == trace), key=lambda item: (item[1][4], -item[1][5]))
    return tuple(
        Span(
            trace_id=f"{trace:032x}",
            span_id=f"{span:016x}",
            parent_id=None if parent is None else f"{parent:016x}",
            name=name,
            start=(start - origin_ns) / 1e9,
            end=(end - origin_ns) / 1e9,
            process=process,
            attributes=attributes or {},
        )
        for process, (name, _, span, parent, start, end, attributes) in chosen
    )


class TracedConnection:
    """A database connection whose statements are spans. A statement's rows are fetched inside its span:

    SQLite computes them while they are fetched, and a span without them would show a tenth of the work.
    """

    def __init__(self, connection: Any, recorder: Recorder, database: str) -> None:
        self._connection = connection
        self._recorder = recorder
        self._database = database
        self._calls: dict[str, Callable[..., Rows]] = {}

    def execute(self, sql: str, parameters: Any = ()) -> Rows:
        return self._call(self._connection.execute, sql)(sql, parameters)

    def executemany(self, sql: str, parameters: Any) -> Rows:
        return self._call(self._connection.executemany, sql)(sql, parameters)

    def executescript(self, sql: str) -> Rows:
        return self._call(self._connection.executescript, sql)(sql)

    def close(self) -> None:
        self._connection.close()

    def _call(self, method: Callable[..., Any], sql: str) -> Callable[..., Rows]:
        call = self._calls.get(sql)
        if call is None:
            attributes = {"db.system.name": "sqlite", "db.namespace": self._database, "db.query.text": sql}
            call = self._recorder.wrap(
                sql.split(None, 1)[0].upper(), lambda *arguments: Rows(method(*arguments)), attributes
            )
            self._calls[sql] = call
        return call


class Rows:
    """What a traced statement returned: the part of a cursor that designs may use."""

    def __init__(self, cursor: Any) -> None:
        self._rows: Sequence[Any] = cursor.fetchall()
        self._next = 0
        self.lastrowid = cursor.lastrowid
        self.rowcount = cursor.rowcount

    def fetchone(self) -> Any:
        self._next += 1
        return self._rows[self._next - 1] if self._next <= len(self._rows) else None

    def fetchall(self) -> Sequence[Any]:
        rest, self._next = self._rows[self._next :], len(self._rows)
        return rest

    def __iter__(self) -> Any:
        return iter(self.fetchall())
