"""Spans: in one trace across processes, with the right parents, and nothing of them in a measured pass."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab import catalog
from archlab.bench import execution
from archlab.bench.plan import Plan
from archlab.bench.runner import execute
from archlab.catalog import find
from archlab.lab.database import connect
from archlab.lab.lab import Lab
from archlab.lab.setting import Setting
from archlab.run import Run, Span
from archlab.tracing import Recorder, TracedConnection, collect, spans_of

Tiny = Callable[..., Any]


def spans(recorder: Recorder, folder: Path) -> list[Span]:
    """Every span of the recorder, all traces, in order of start."""
    recorder.dump(folder)
    records = collect(folder)
    traces = dict.fromkeys(record[1] for _, record in records)
    return sorted((span for trace in traces for span in spans_of(trace, records, 0)), key=lambda span: span.start)


def by_name(found: list[Span]) -> dict[str, Span]:
    assert len({span.name for span in found}) == len(found)
    return {span.name: span for span in found}


# One process


def test_a_call_inside_a_call_is_its_child_and_lies_within_it(tmp_path: Path) -> None:
    recorder = Recorder("shop")
    inner = recorder.wrap("inner", lambda: 1)
    outer = recorder.wrap("outer", lambda: inner() + recorder.wrap("other", lambda: 1)())
    assert outer() == 2
    named = by_name(spans(recorder, tmp_path))
    assert named["outer"].parent_id is None
    assert named["inner"].parent_id == named["other"].parent_id == named["outer"].span_id
    assert len({span.trace_id for span in named.values()}) == 1
    assert named["outer"].start <= named["inner"].start <= named["inner"].end <= named["other"].start
    assert named["other"].end <= named["outer"].end
    assert {span.process for span in named.values()} == {"shop"}


def test_calls_one_after_the_other_are_traces_of_their_own(tmp_path: Path) -> None:
    recorder = Recorder("shop")
    call = recorder.wrap("call", lambda: None)
    call()
    call()
    one, other = spans(recorder, tmp_path)
    assert one.trace_id != other.trace_id
    assert one.parent_id is other.parent_id is None


def test_a_call_that_raises_is_recorded_and_does_not_become_a_parent(tmp_path: Path) -> None:
    recorder = Recorder("shop")

    def fail() -> None:
        raise LookupError("no such order")

    with pytest.raises(LookupError, match="no such order"):
        recorder.wrap("failing", fail)()
    recorder.wrap("next", lambda: None)()
    named = by_name(spans(recorder, tmp_path))
    assert named["next"].parent_id is None
    assert named["failing"].end >= named["failing"].start


def test_a_wrapped_call_gets_its_arguments_and_gives_its_answer() -> None:
    assert Recorder("shop").wrap("join", lambda *a, **k: (a, k))(1, 2, three=3) == ((1, 2), {"three": 3})


trees: st.SearchStrategy[list[Any]] = st.recursive(
    st.just([]), lambda children: st.lists(children, max_size=3), max_leaves=12
)


@given(trees)
def test_any_nesting_of_calls_is_recorded_as_it_was(tree: list[Any]) -> None:
    """The parents of the spans give back the tree of the calls."""
    recorder = Recorder("shop")

    def call(children: list[Any]) -> None:
        for child in children:
            recorder.wrap("call", call)(child)

    recorder.wrap("call", call)(tree)

    def rebuilt(span: int | None) -> list[Any]:
        below = sorted((r for r in recorder.records if r[3] == span), key=lambda record: record[4])
        return [rebuilt(record[2]) for record in below]

    assert rebuilt(None) == [tree]


def test_times_are_seconds_since_the_request_was_due(tmp_path: Path) -> None:
    recorder = Recorder("shop")
    recorder.wrap("call", lambda: None)()
    (record,) = recorder.records
    (span,) = spans_of(record[1], [("shop", record)], record[4] - 1_500_000)
    assert span.start == pytest.approx(0.0015)
    assert span.end - span.start == pytest.approx((record[5] - record[4]) / 1e9)


# Several processes

FAR = """
import sys
from pathlib import Path
from archlab.tracing import Recorder
recorder = Recorder("far")
recorder.follow(sys.argv[1])
recorder.wrap("handle", recorder.wrap("write", lambda: None))()
recorder.follow(None)
recorder.wrap("tidy", lambda: None)()
recorder.dump(Path(sys.argv[2]))
"""


def test_spans_of_several_processes_form_one_trace_with_the_right_parents(tmp_path: Path) -> None:
    """The context travels as a W3C traceparent; what the other process does for nobody is no part of the trace."""
    recorder = Recorder("near")

    def send() -> str:
        carried = recorder.carried()
        assert carried is not None
        subprocess.run([sys.executable, "-c", FAR, carried, str(tmp_path)], check=True)
        return carried

    carried = recorder.wrap("order", recorder.wrap("send", send))()
    recorder.dump(tmp_path)
    records = collect(tmp_path)
    order = next(record for _, record in records if record[0] == "order")
    named = by_name(list(spans_of(order[1], records, order[4])))
    assert set(named) == {"order", "send", "handle", "write"}
    assert [named[name].process for name in ("order", "send", "handle", "write")] == ["near", "near", "far", "far"]
    assert named["send"].parent_id == named["order"].span_id
    assert named["handle"].parent_id == named["send"].span_id
    assert named["write"].parent_id == named["handle"].span_id
    assert carried == f"00-{named['send'].trace_id}-{named['send'].span_id}-01"
    # One clock for all processes of a machine: what was done for a call lies within it.
    assert named["send"].start < named["handle"].start <= named["write"].end <= named["handle"].end < named["send"].end


def test_outside_a_span_nothing_is_carried() -> None:
    assert Recorder("shop").carried() is None


def test_processes_never_share_an_id() -> None:
    """However alike they start: the upper half of every id is random."""
    first, second = Recorder("a"), Recorder("a")
    for recorder in (first, second):
        recorder.wrap("call", lambda: None)()
    assert first.records[0][2] != second.records[0][2]
    assert first.records[0][1] != second.records[0][1]


def test_spans_are_left_whole_or_not_at_all(tmp_path: Path) -> None:
    """A file that a killed process left unfinished is no obstacle to the others."""
    recorder = Recorder("shop")
    recorder.wrap("call", lambda: None)()
    (tmp_path / f"spans-killed-{os.getpid()}.part").write_text('["killed", [[')
    recorder.dump(tmp_path)
    assert [process for process, _ in collect(tmp_path)] == ["shop"]
    assert json.loads((tmp_path / f"spans-shop-{os.getpid()}.json").read_text())[0] == "shop"


# The database


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[tuple[TracedConnection, Recorder]]:
    recorder = Recorder("shop")
    connection = TracedConnection(connect(tmp_path / "shop.db"), recorder, "shop")
    yield connection, recorder
    connection.close()


def test_a_statement_is_a_span_named_and_described_as_opentelemetry_does(
    traced: tuple[TracedConnection, Recorder], tmp_path: Path
) -> None:
    shop, recorder = traced
    shop.executescript("CREATE TABLE orders (id INTEGER PRIMARY KEY, total INTEGER)")
    shop.executemany("INSERT INTO orders VALUES (?, ?)", [(1, 10), (2, 20)])
    shop.execute("SELECT total FROM orders WHERE id = ?", (2,))
    found = spans(recorder, tmp_path)
    assert [span.name for span in found] == ["CREATE", "INSERT", "SELECT"]
    assert found[2].attributes == {
        "db.system.name": "sqlite",
        "db.namespace": "shop",
        "db.query.text": "SELECT total FROM orders WHERE id = ?",
    }


def test_a_traced_statement_answers_as_a_bare_one(traced: tuple[TracedConnection, Recorder], tmp_path: Path) -> None:
    """By every way that a design may read its rows, in any mixture."""
    shop, _ = traced
    shop.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, total INTEGER)")
    bare = connect(tmp_path / "shop.db")
    sql = "SELECT id, total FROM orders ORDER BY id"
    inserted = shop.execute("INSERT INTO orders VALUES (7, 10)")
    assert (inserted.lastrowid, inserted.rowcount) == (7, 1)
    assert shop.execute("INSERT INTO orders VALUES (8, 20), (9, 30) RETURNING id").fetchall() == [(8,), (9,)]
    for read in (
        lambda rows: rows.fetchall(),
        list,
        lambda rows: [rows.fetchone() for _ in range(5)],
        lambda rows: (rows.fetchone(), rows.fetchall(), rows.fetchone(), rows.fetchall()),
        lambda rows: (rows.fetchone(), list(rows)),
    ):
        assert read(shop.execute(sql)) == read(bare.execute(sql))
    with pytest.raises(sqlite3.IntegrityError):
        shop.execute("INSERT INTO orders VALUES (7, 10)")
    bare.close()


def test_the_rows_are_computed_inside_the_span(traced: tuple[TracedConnection, Recorder]) -> None:
    """SQLite computes them while they are fetched: a span without them would show next to nothing."""
    shop, recorder = traced
    count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n"
    shop.execute(count)
    shop.execute("SELECT 1")
    long, short = ((end - start) for _, _, _, _, start, end, _ in recorder.records)
    assert long > 20 * short


# What a design holds


def lab(folder: Path, traced: bool) -> Lab:
    return Lab(Setting(catalog.source("tiny"), "calm", {"words": 1}, "1", folder, traced=traced))


def test_in_a_measured_pass_a_design_holds_the_bare_objects(tmp_path: Path) -> None:
    """Nothing is wrapped, so nothing can be recorded or paid for."""
    measured = lab(tmp_path, traced=False)
    assert measured.recorder is None
    assert type(measured.database()) is sqlite3.Connection
    measured.close(finish=True)
    assert list(tmp_path.glob("spans-*")) == []


def test_in_a_traced_pass_it_holds_wrapped_ones(tmp_path: Path) -> None:
    traced = lab(tmp_path, traced=True)
    assert type(traced.database()) is TracedConnection
    traced.database().execute("SELECT 1")
    traced.close(finish=True)
    assert [record[0] for _, record in collect(tmp_path)] == ["SELECT"]


WORDS = '''
"""A shop whose orders are written by a process of its own."""

from dataclasses import replace
from pathlib import Path

import importlib.util
import sys

spec = importlib.util.spec_from_file_location("archlab_tests_tiny", TINY)
tiny = importlib.util.module_from_spec(spec)
sys.modules["archlab_tests_tiny"] = tiny
spec.loader.exec_module(tiny)

from archlab.scenario import Design, Load, Request

KINDS = []


class Shop:
    def __init__(self, lab):
        self.lab = lab
        self.shop = lab.database()
        self.writer = lab.spawn(writer, "writer")
        self.sent = 0

    def find(self, word):
        self.check()
        self.sent += 1
        self.writer.send(self.sent)
        self.writer.wait_until(self.sent)
        return self.shop.execute("SELECT count(*) FROM words").fetchone()[0] >= 0

    def skip(self, word):
        kind = type(self.find).__name__, type(self.shop).__name__
        (Path(MARKS) / f"{self.lab.setting.traced}-{kind[0]}-{kind[1]}").touch()

    def check(self):
        pass


def writer(lab, inbox):
    shop = lab.database()
    while True:
        number = inbox.receive()
        shop.execute("INSERT INTO words VALUES (?)", (number,))
        inbox.reached(number)


def requests(lab, n):
    return [Request(i / 2000, "skip" if i % 3 else "find", (i,)) for i in range(3 * n)]


SCENARIO = replace(
    tiny.SCENARIO,
    designs=(Design("shop", "a shop", "baseline", "simple", Shop, steps={"check": "check rules"}),),
    load=Load(requests),
    answers=lambda lab, shop: shop.find(0),
    experiments=(),
    claims=(),
)
'''


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """A run of a design with a step, a helper process, and an operation that is not shown."""
    home = tmp_path_factory.mktemp("traced")
    marks = home / "marks"
    marks.mkdir()
    folder = home / "words"
    folder.mkdir()
    tiny = Path(__file__).parent / "tiny" / "__init__.py"
    text = WORDS.replace("TINY", repr(str(tiny))).replace("MARKS", repr(str(marks)))
    (folder / "__init__.py").write_text(text)
    plan = Plan(find(str(folder)).only([], ["pressure"]), {}, quick=True)
    return execute(plan, home / "cache", lambda event: None), marks


def test_the_measured_pass_of_a_run_holds_bare_objects_and_the_traced_one_wrapped_ones(
    shop: tuple[Run, Path],
) -> None:
    """As seen by the design itself, in both passes: its own method, and its connection."""
    assert sorted(mark.name for mark in shop[1].iterdir()) == [
        "False-method-Connection",
        "True-function-TracedConnection",
    ]


def test_a_trace_shows_the_request_its_steps_and_what_another_process_did_for_it(shop: tuple[Run, Path]) -> None:
    run, _ = shop
    assert run.valid
    assert {(t.operation, t.picked) for t in run.traces} == {("find", "median"), ("find", "slowest")}
    for trace in run.traces:
        named = by_name(list(trace.spans))
        assert set(named) == {"find", "check rules", "INSERT", "process", "SELECT"}
        assert trace.root == named["find"]
        # What another process does for a message stands below a span that lasts until it asks for the next one.
        assert named["INSERT"].parent_id == named["process"].span_id
        assert {named[name].parent_id for name in ("check rules", "SELECT", "process")} == {trace.root.span_id}
        assert {name: span.process for name, span in named.items()} == {
            "find": "worker",
            "check rules": "worker",
            "INSERT": "writer",
            "SELECT": "worker",
            "process": "writer",
        }
        assert trace.root.start <= named["check rules"].end <= named["INSERT"].start
        assert named["INSERT"].end <= named["SELECT"].start <= named["SELECT"].end <= trace.root.end


def test_the_first_bar_is_the_wait_and_the_trace_begins_when_the_request_was_due(shop: tuple[Run, Path]) -> None:
    """Its spans begin where its wait ends, and its end is its latency."""
    for trace in shop[0].traces:
        assert trace.wait >= 0
        assert trace.root.start == pytest.approx(trace.wait, abs=0.002)
        assert trace.latency == trace.root.end > trace.root.start


def test_the_slowest_is_no_faster_than_the_one_nearest_the_median(shop: tuple[Run, Path]) -> None:
    latency = {trace.picked: trace.latency for trace in shop[0].traces}
    assert latency["slowest"] >= latency["median"]


def test_the_observer_effect_can_be_told(shop: tuple[Run, Path]) -> None:
    """Beside every trace stands the untraced time of the same operation."""
    assert all(trace.untraced and trace.untraced > 0 for trace in shop[0].traces)
    assert execution.MOST_SHOWN >= 2
