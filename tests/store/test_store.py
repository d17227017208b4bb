"""What is recorded is recorded whole or not at all, comes back equal, and survives what happens to files."""

from __future__ import annotations

import functools
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import types
import typing
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archlab.learn.prediction import Prediction
from archlab.learn.quiz import Answer
from archlab.run import (
    ClaimOutcome,
    Comparison,
    DesignFacts,
    Difference,
    Event,
    FaultRecord,
    Measurement,
    RequirementOutcome,
    Run,
    Span,
    Trace,
    Verdict,
    Waits,
    WorkloadFacts,
)
from archlab.scenario import UsageError
from archlab.store import CannotWrite, NewerDatabase, Store, StoreError, cache_folder, opening, reset, rows, schema

CASE = {"request": "page", "after": "", "field": "orders", "right": 2, "wrong": None}
OLD = Path(__file__).parent / "store-v1.sql"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def a_run(seed: int = 1, size: int = 20, scenario: str = "cqrs") -> Run:
    """A run with every part; the same for the same seed."""
    spans = tuple(Span(f"t{seed}", f"s{n}", f"s{n - 1}" if n else None, "SELECT", n, n + 1, "w") for n in range(size))
    return Run(
        scenario,
        "19",
        "?",
        seed,
        f"2026-11-22T10:00:{seed % 60:02}+00:00",
        9.6,
        (WorkloadFacts("calm", "", {"rows": 1}), WorkloadFacts("pressure", "", {"rows": 5000})),
        tuple(DesignFacts(f"d{n}", "title", "baseline", n + 1, promises="p") for n in range(4)),
        tuple(
            Measurement(
                "load", f"d{n % 4}", "calm", f"m{n}", "s", "lower", n / 7, None, 1.5, 60, 5, {"rtt": n}, (0.1, seed)
            )
            for n in range(size)
        ),
        (FaultRecord("killed", "d3", 3, 3),),
        (Trace("d0", "calm", "page", 0.1, spans), Trace("d1", "calm", "page", 0.2, (), "slowest", 0.3)),
        {"python": "3.11", "nested": {"seed": [seed, None]}},
        comparisons=(Comparison("m0", "calm", "d0", "d1", 1.0, 0.9, 1.1, "equivalent"),),
        requirements=(RequirementOutcome("in-time", "m0", 0.1, "s", "calm", "d0", "met", "because", 3.2),),
        verdicts=(Verdict("calm", "sufficient", "d0", ("d0",)), Verdict("pressure", "uncertain", None, ("d1", "d2"))),
        verdicts_along=(Verdict("pressure", "sufficient", "d1", ("d1",), {"rtt": 2}),),
        events=(Event("down", "d0", "pressure", 0.4, "done", "e-mail stops"),),
        claims=(ClaimOutcome("c", "text", "measured", "held", "e"), ClaimOutcome("r", "text", "reported", None, "")),
        differences=(Difference("d1", "d0", "calm", {}, 3, 60, "stale", (CASE,)),),
        waits=(Waits("d0", "calm", "page", ((1, 0.0, 0.1), (9, 1.5, 1.6)), 0.2, 1.4),),
        findings=("one", "two"),
        turned={"rows": 50},
        data={"calm": "abc"},
        noise=0.04,
        quick=True,
    )


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Anything that a field of this type can hold (but NaN, which equals nothing)."""
    arguments = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if is_dataclass(hint):
        assert isinstance(hint, type)
        hints = typing.get_type_hints(hint)
        return st.builds(hint, **{field.name: values(hints[field.name]) for field in fields(hint)})
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*map(values, arguments))
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if origin is not None:  # Mapping
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=3)
    simple: dict[Any, st.SearchStrategy[Any]] = {
        str: st.text(max_size=8) | st.sampled_from(["http://localhost:80/a@b", "(tuple)", "\x00x", "[]", "null"]),
        int: st.integers(-(2**63), 2**63 - 1),
        float: st.floats(allow_nan=False),
        bool: st.booleans(),
        type(None): st.none(),
    }
    if hint is typing.Any:
        leaves = st.one_of(*simple.values())
        return st.recursive(leaves, lambda inner: nested(inner, leaves), max_leaves=6)
    return simple[hint]


def nested(inner: st.SearchStrategy[Any], leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(inner, max_size=3)
    return lists | lists.map(tuple) | st.dictionaries(leaves | leaves.map(lambda leaf: (leaf,)), inner, max_size=3)


# What goes in comes out


@given(values(Run))
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None, max_examples=150)
def test_a_run_comes_back_equal_to_what_was_saved(tmp_path_factory: pytest.TempPathFactory, run: Run) -> None:
    home = tmp_path_factory.getbasetemp() / "property"
    with Store.open(home) as store:
        run_id = store.save(run)
        assert store.load(run_id) == replace(run, run_id=run_id)
        assert store.latest(run.scenario) == replace(run, run_id=run_id)
        line = store.history(1)[0]
    assert (line.run_id, line.scenario, line.valid) == (run_id, run.scenario, run.valid)
    assert (line.verdicts, line.turned) == (run.verdicts, run.turned)
    assert (line.held, line.prediction) == (sum(claim.outcome == "held" for claim in run.claims), None)
    assert line.held <= line.claims <= len(run.claims)


def test_runs_are_numbered_from_one_and_listed_newest_first(home: Path) -> None:
    with Store.open(home) as store:
        assert store.history() == []
        assert store.latest("cqrs") is None
        assert [store.save(a_run(seed)) for seed in (7, 8, 9)] == [1, 2, 3]
        assert [(line.run_id, line.seed) for line in store.history(2)] == [(3, 9), (2, 8)]
        newest_even = store.latest("cqrs", lambda run: run.seed % 2 == 0)
        assert newest_even is not None
        assert newest_even.run_id == 2
        with pytest.raises(UsageError, match="there is no run 4"):
            store.load(4)


def test_a_prediction_is_there_before_its_run_and_then_belongs_to_it(home: Path) -> None:
    with Store.open(home) as store:
        lost = store.predict("cqrs", "pressure", "d1", 70, {"rows": 5000})
    with Store.open(home) as store:
        store.save(a_run())
        assert store.history()[0].prediction is None
        kept = store.predict("cqrs", "calm", None, 50)
        assert kept != lost
        run_id = store.save(a_run(), kept)
        assert (store.history()[0].run_id, store.history()[0].prediction) == (run_id, Prediction(None, "calm", 50))
        store.save(a_run())
        assert store.history()[0].prediction is None


def test_answers_come_back_in_their_order(home: Path) -> None:
    given = [
        Answer("cqrs", "q1", "both", False, "two databases", 90, "2026-11-22T10:00:00+00:00"),
        Answer("events", "q1", "yes", True, None, None, "2026-11-22T09:00:00+00:00"),
    ]
    with Store.open(home) as store:
        for answer in given:
            store.answer(answer)
        assert store.answers() == given
        assert store.answers("events") == given[1:]


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("amqp://user:s3cret@host:5672/vhost", "amqp://user:***@host:5672/vhost"),
        ("see redis://:s3cret@h and amqp://a:s3cret/x@h", "see redis://:***@h and amqp://a:***@h"),
        ("postgres://h/db?user=x&password=s3cret&y=1", "postgres://h/db?user=x&password=***&y=1"),
        ("amqp://u:5672s3cret@h", "amqp://u:***@h"),
        ("http://localhost:8000/a@b", "http://localhost:8000/a@b"),
        ("amqp://user@host", "amqp://user@host"),
    ],
)
def test_passwords_of_urls_are_never_stored(home: Path, url: str, kept: str) -> None:
    """Not in a column, not in a mapping, and not in any byte of any file."""
    run = replace(a_run(), environment={url: [url, (url,)]}, invalid_reasons=(url,), question=url)
    with Store.open(home) as store:
        loaded = store.load(store.save(run))
        assert (loaded.question, loaded.environment, loaded.invalid_reasons) == (kept, {kept: [kept, (kept,)]}, (kept,))
        assert rows.without_passwords(kept) == kept
        for path in home.iterdir():
            assert b"s3cret" not in path.read_bytes()


def test_text_that_is_no_unicode_is_recorded_all_the_same(home: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    with Store.open(home) as store:
        loaded = store.load(store.save(replace(a_run(), question=name, environment={"file": name})))
    assert (loaded.question, loaded.environment) == ("caf\\udce9", {"file": name})


@pytest.mark.parametrize("broken", [{"environment": {"x": object()}}, {"seed": 2**70}])
def test_a_run_that_cannot_be_recorded_leaves_nothing(home: Path, broken: dict[str, Any]) -> None:
    with Store.open(home) as store:
        store.save(a_run())
        before = counts(store.path)
        late = Trace(
            "d0", "calm", "page", 0.0, (Span("t", "s", None, "x", 0.0, 1.0, "p", broken.get("environment", {})),)
        )
        for run in (replace(a_run(), **broken), replace(a_run(), traces=(late,), seed=broken.get("seed", 1))):
            with pytest.raises(StoreError, match="nothing was recorded"):
                store.save(run)
        assert counts(store.path) == before
        assert store.save(a_run()) == 2


# The tables


def counts(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


def columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {column[1] for column in connection.execute(f"PRAGMA table_info({table})")}


def test_every_field_of_a_run_has_its_column(home: Path) -> None:
    """A field that is added to the record needs a migration."""
    run = a_run()
    with Store.open(home) as store, closing(sqlite3.connect(store.path)) as connection:
        assert {*rows.row(run), "id", "valid"} == columns(connection, "runs")
        for table in rows.PARTS:
            assert {*rows.row(getattr(run, table)[0]), "id", "run_id"} == columns(connection, table)
        assert {*rows.row(run.traces[0]), "id", "run_id"} == columns(connection, "traces")
        assert {*rows.row(run.traces[0].spans[0]), "id", "of_trace"} == columns(connection, "spans")


def test_every_part_refers_to_its_whole_and_the_views_answer(home: Path) -> None:
    with Store.open(home) as store:
        store.save(a_run(1))
        store.save(a_run(2), store.predict("cqrs", "calm", "d0", 70))
        store.save(replace(a_run(3), invalid_reasons=("suspended",)))
        store.save(a_run(4, scenario="events"))
        path = store.path
    with closing(sqlite3.connect(path)) as connection:
        for table in (*rows.PARTS, "traces", "predictions"):
            assert [key[2] for key in connection.execute(f"PRAGMA foreign_key_list({table})")] == ["runs"]
        assert [key[2] for key in connection.execute("PRAGMA foreign_key_list(spans)")] == ["traces"]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        latest = "SELECT scenario, workload, status, design, run_id FROM latest_verdicts ORDER BY run_id, workload"
        assert connection.execute(latest).fetchall() == [
            ("cqrs", "calm", "sufficient", "d0", 2),
            ("cqrs", "pressure", "uncertain", None, 2),
            ("events", "calm", "sufficient", "d0", 4),
            ("events", "pressure", "uncertain", None, 4),
        ]
        beside = "SELECT design, confidence, status, verdict, run_id FROM predictions_and_outcomes"
        assert connection.execute(beside).fetchall() == [("d0", 70, "sufficient", "d0", 2)]


# Versions


def old_file(home: Path) -> Path:
    """A database as version 1 wrote it, with one run, one prediction and one answer."""
    home.mkdir(parents=True)
    with closing(sqlite3.connect(home / opening.DATABASE)) as connection:
        connection.executescript(OLD.read_text(encoding="utf-8"))
    return home / opening.DATABASE


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_a_file_of_version_1_is_migrated_and_keeps_everything(home: Path) -> None:
    path = old_file(home)
    assert version(path) == 1
    with Store.open(home) as store:
        assert store.load(1) == replace(
            a_run(1, size=2), run_id=1, verdicts_along=(), events=(), differences=(), waits=()
        )
        assert store.history()[-1].prediction == Prediction("d0", "calm", 70)
        assert [answer.question for answer in store.answers()] == ["q1"]
        assert store.save(a_run(2)) == 2
    assert version(path) == len(schema.MIGRATIONS)
    with closing(sqlite3.connect(path)) as connection:
        assert len(connection.execute("SELECT * FROM latest_verdicts").fetchall()) == 2


def test_a_migrated_file_and_a_fresh_one_have_the_same_tables(home: Path) -> None:
    def tables(path: Path) -> list[Any]:
        with closing(sqlite3.connect(path)) as connection:
            found = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
        return [(kind, name, " ".join((sql or "").split())) for kind, name, sql in found]

    old = old_file(home / "old")
    Store.open(home / "old").close()
    Store.open(home / "new").close()
    assert tables(old) == tables(home / "new" / opening.DATABASE)


def test_a_migration_that_fails_changes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = old_file(home)

    def third(db: Any) -> None:
        db.create_table("third", {"id": int})
        db.execute("SELECT nonsense")

    before = counts(path)
    monkeypatch.setattr(schema, "MIGRATIONS", [*schema.MIGRATIONS, third])
    with pytest.raises(StoreError, match="nonsense"):
        Store.open(home)
    assert (version(path), counts(path)) == (1, before)


def test_a_database_of_a_newer_archlab_is_left_as_it_is(home: Path) -> None:
    with Store.open(home) as store:
        store.save(a_run())
        path = store.path
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    before = path.read_bytes()
    with pytest.raises(NewerDatabase, match=r"newer archlab .*: nothing is recorded"):
        Store.open(home)
    assert path.read_bytes() == before
    assert {file.name for file in home.iterdir()} == {"archlab.db", "archlab.lock"}


def test_a_newer_version_that_stands_only_in_the_log_is_seen(home: Path) -> None:
    """A newer archlab was killed right after it migrated: neither database nor log may change."""
    with Store.open(home) as store:
        store.save(a_run())
        path = store.path
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
            files = [path, Path(f"{path}-wal")]
            before = [file.read_bytes() for file in files]
            assert before[1]
            with pytest.raises(NewerDatabase):
                Store.open(home)
            assert [file.read_bytes() for file in files] == before


def theirs(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")


def theirs_with_a_version(path: Path) -> None:
    theirs(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 7")


def theirs_with_an_id(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 99")


def no_database(path: Path) -> None:
    path.write_text("the archive of somebody's laboratory")


@pytest.mark.parametrize("strangers", [theirs, theirs_with_a_version, theirs_with_an_id, no_database])
def test_somebody_elses_database_is_neither_used_nor_changed_nor_removed(
    home: Path, strangers: Callable[[Path], None]
) -> None:
    """Not a byte of it, nor a file beside it: it may be written ahead, or not, as its owner wants it."""
    home.mkdir()
    path = home / opening.DATABASE
    strangers(path)
    before = path.read_bytes()
    with pytest.raises(CannotWrite, match="is not archlab's database"):
        Store.open(home)
    with pytest.raises(CannotWrite, match="is not archlab's database"):
        reset(home, everything=True)
    assert path.read_bytes() == before
    assert [file.name for file in home.iterdir()] == [path.name]


def test_a_stranger_where_archlab_has_been_is_refused_too(home: Path) -> None:
    """Somebody else's database took the name later."""
    Store.open(home).close()
    path = home / opening.DATABASE
    path.unlink()
    theirs(path)
    before = path.read_bytes()
    for use in (Store.open, lambda home: reset(home, everything=True)):
        with pytest.raises(CannotWrite, match="is not archlab's database"):
            use(home)
    assert path.read_bytes() == before


# Damage


def garbage(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(20_000))


def stub(path: Path) -> None:
    path.write_bytes(b"SQLite")


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def malformed_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)  # the first page after the schema's
        file.write(random.Random(2).randbytes(4096 * 3))


DAMAGE = [garbage, stub, truncated, malformed_page]


@pytest.mark.parametrize("hurt", DAMAGE)
def test_a_damaged_database_is_set_aside_and_a_new_one_records(home: Path, hurt: Callable[[Path], None]) -> None:
    with Store.open(home) as store:
        for seed in range(5):
            store.save(a_run(seed))
        path = store.path
    hurt(path)
    before = path.read_bytes()
    told: list[str] = []
    with Store.open(home, told.append) as store:
        assert store.save(a_run(9)) == 1
        assert store.load(1).seed == 9
        assert store.notices == told
    (aside,) = home.glob("archlab-damaged-*.db")
    assert len(told) == 1
    assert str(aside) in told[0]
    assert aside.read_bytes() == before
    assert intact(path)


@pytest.mark.parametrize("hurt", DAMAGE)
def test_reading_a_damaged_database_sets_it_aside_too(home: Path, hurt: Callable[[Path], None]) -> None:
    with Store.open(home) as store:
        store.save(a_run(size=200))
    hurt(store.path)
    with Store.open(home) as store:
        with pytest.raises(UsageError, match="there is no run 1"):
            store.load(1)
        assert len(store.notices) == 1
        assert store.save(a_run()) == 1


def killed_with_a_log(home: Path) -> None:
    """An archlab that is killed right after it recorded two runs leaves its log behind."""
    os.waitpid(forked(lambda: saves_until_killed(home, lambda line: None, runs=2)), 0)
    assert (home / f"{opening.DATABASE}-wal").stat().st_size


def test_a_log_that_still_holds_everything_saves_a_damaged_database(home: Path) -> None:
    killed_with_a_log(home)
    garbage(home / opening.DATABASE)
    with Store.open(home) as store:
        assert [line.seed for line in store.history()] == [2, 1]
        assert store.notices == []
    assert intact(store.path)


def test_a_new_database_never_finds_the_log_of_a_damaged_one(home: Path) -> None:
    with Store.open(home) as store:
        store.save(a_run(size=500))
    killed_with_a_log(home)
    garbage(home / opening.DATABASE)
    with Store.open(home) as store:
        assert store.save(a_run(5)) == 1
        assert len(store.notices) == 1
    assert intact(store.path)


def test_a_damaged_database_that_another_archlab_uses_stays_where_it_is(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.05)
    with Store.open(home) as other:
        other.save(a_run(size=200))
        other.close()
        malformed_page(other.path)
        with Store.open(home) as holder:
            with Store.open(home) as store, pytest.raises(CannotWrite, match="another archlab uses the database"):
                store.load(1)
            assert holder.path.exists()
    assert list(home.glob("archlab-damaged-*")) == []


def test_two_archlabs_that_find_the_damage_set_aside_one_file(home: Path) -> None:
    Store.open(home).close()
    garbage(home / opening.DATABASE)

    def work(number: int) -> None:
        with Store.open(home) as store:
            for seed in range(5):
                store.save(a_run(number * 100 + seed))

    together(work)
    assert len(list(home.glob("archlab-damaged-*.db"))) == 1
    with Store.open(home) as store:
        assert sorted(line.seed for line in store.history(100)) == [
            n * 100 + s for n in range(WORKERS) for s in range(5)
        ]


# Folders and disks


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for use in (Store.open, cache_folder):
        with pytest.raises(CannotWrite, match=r"cannot be written \(.*\)\. Set ARCHLAB_HOME to one of your folders\."):
            use(tmp_path / "file" / "home")


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that another user reaches: pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("what", ["folder", "database"])
def test_a_folder_or_database_without_permission_is_one_sentence(open_to_all: Path, what: str) -> None:
    """In a process of its own that is not root: root may write anywhere."""
    home = open_to_all / "home"
    with Store.open(home) as store:
        store.save(a_run())  # and all that saving imports is imported before the rights are gone
    (home / "archlab.lock").unlink()
    home.chmod(0o555 if what == "folder" else 0o777)
    store.path.chmod(0o666 if what == "folder" else 0o444)

    def work() -> None:
        if os.geteuid() == 0:
            os.setuid(65534)
        with pytest.raises(CannotWrite, match="cannot be written"), Store.open(home) as store:
            store.save(a_run())

    finished(forked(work))
    home.chmod(0o755)


def test_a_full_disk_records_nothing_half(home: Path) -> None:
    """The limit on a file's size stands in for the disk: at any size that it strikes, every run is whole."""
    for limit in range(150_000, 450_000, 60_000):

        def work(limit: int = limit) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
            with pytest.raises(CannotWrite, match="nothing was recorded"), Store.open(home) as store:
                for seed in range(1000):
                    store.save(a_run(seed))

        finished(forked(work))
        assert intact(home / opening.DATABASE)
    with Store.open(home) as store:
        assert store.save(a_run(4242)) > 0, "once there is room, it goes on"


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root on Linux can make a small disk")
def test_a_small_disk_that_fills_up(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine does not let root mount")
    try:
        with Store.open(disk) as store:
            with pytest.raises(CannotWrite, match=r"the disk is full|cannot be written"):
                for seed in range(1000):
                    store.save(a_run(seed))
            saved = len(store.history(1000))
        assert saved
        assert intact(disk / opening.DATABASE)
        with pytest.raises(CannotWrite), Store.open(disk / "other") as store:
            for seed in range(1000):
                store.save(a_run(seed))
    finally:
        subprocess.run(["umount", disk], check=True)


# Two at once, and none


WORKERS = 4


def forked(work: Callable[[], None]) -> int:
    """Does the work in a child; its exit code is 0 when nothing was raised."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def finished(child: int) -> None:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def together(work: Callable[[int], None]) -> None:
    """Starts the work in several processes at the same moment: each waits until the pipe is closed."""
    gate, opener = os.pipe()

    def wait_and_work(number: int) -> None:
        os.close(opener)
        os.read(gate, 1)
        work(number)

    children = [forked(lambda number=number: wait_and_work(number)) for number in range(WORKERS)]  # type: ignore[misc]
    os.close(gate)
    os.close(opener)
    for child in children:
        finished(child)


def intact(path: Path) -> bool:
    """SQLite finds nothing wrong, and every run is whole."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    with Store.open(path.parent) as store:
        for line in store.history(100_000):
            assert store.load(line.run_id) == replace(a_run(line.seed), run_id=line.run_id)
    return True


@pytest.mark.parametrize("before", ["nothing", "version 1"])
def test_archlabs_that_start_at_once_all_record(tmp_path: Path, before: str) -> None:
    """Whether they create the database together or migrate it together."""
    for attempt in range(5):
        home = tmp_path / str(attempt)
        if before == "version 1":
            with closing(sqlite3.connect(old_file(home))) as connection:
                there = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
                emptied = [name for name in (*rows.PARTS, "runs", "spans", "traces", "predictions") if name in there]
                connection.executescript(
                    "PRAGMA foreign_keys = OFF;" + "".join(f"DELETE FROM {table};" for table in emptied)
                )

        def work(number: int, home: Path = home) -> None:
            for seed in range(3):
                with Store.open(home) as store:
                    prediction = store.predict("cqrs", "calm", "d0", 50 + number)
                    run_id = store.save(a_run(number * 100 + seed), prediction)
                    predicted = {line.run_id: line.prediction for line in store.history(100)}
                    assert predicted[run_id] == Prediction("d0", "calm", 50 + number)

        together(work)
        assert intact(home / opening.DATABASE)
        with Store.open(home) as store:
            seeds = [line.seed for line in store.history(100)]
        assert sorted(seeds) == [number * 100 + seed for number in range(WORKERS) for seed in range(3)]


def saves_until_killed(home: Path, acknowledge: Callable[[bytes], Any], runs: int = 0) -> None:
    seed = 0
    while True:
        with Store.open(home) as store:
            for _ in range(5):
                seed += 1
                acknowledge(b"%d %d\n" % (store.save(a_run(seed)), seed))
                if seed == runs:
                    os.kill(os.getpid(), signal.SIGKILL)


def test_kill_9_at_any_moment_leaves_whole_runs_and_a_sound_database(home: Path) -> None:
    """Killed while it creates the database, opens, saves or closes it; what was acknowledged is there."""
    moments = random.Random(20261122)
    acknowledged: dict[int, int] = {}
    for attempt in range(60):
        folder = home / str(attempt // 20)  # a third of the time, the database is young
        reader, writer = os.pipe()

        def work(folder: Path = folder, reader: int = reader, writer: int = writer) -> None:
            os.close(reader)
            saves_until_killed(folder, functools.partial(os.write, writer))

        if not attempt % 20:
            acknowledged = {}
        child = forked(work)
        os.close(writer)
        with os.fdopen(reader, "rb") as lines:
            first = lines.readline() if attempt % 3 else b""  # else it is killed while it opens
            time.sleep(moments.uniform(0, 0.04))
            os.kill(child, signal.SIGKILL)
            said = (first + lines.read()).splitlines()
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        acknowledged |= {int(run_id): int(seed) for run_id, seed in (line.split() for line in said)}
        if attempt % 20 == 19:
            assert intact(folder / opening.DATABASE)
        if (folder / opening.DATABASE).exists():
            with Store.open(folder) as store:
                assert store.notices == []
                recorded = {line.run_id: line.seed for line in store.history(100_000)}
            assert acknowledged.items() <= recorded.items()
    assert acknowledged


# Cache, reset, start-up


def test_reset_removes_the_cache_and_the_record_only_when_told(home: Path) -> None:
    cache = cache_folder(home)
    (cache / DATA_SET).mkdir()
    with Store.open(home) as store:
        store.save(a_run())
    garbage(store.path)
    with Store.open(home) as store:
        store.save(a_run())
    assert reset(home) == [cache]
    assert not cache.exists()
    assert store.path.exists()
    assert len(reset(home, everything=True)) == 2
    assert {path.name for path in home.iterdir()} == {"archlab.lock"}
    assert reset(home, everything=True) == []


DATA_SET = f"cqrs-{'0' * 24}"


def test_a_cache_folder_of_somebody_else_is_neither_marked_nor_emptied(home: Path) -> None:
    """Also when a folder in it is named like a data set. Ours has another name then."""
    (home / "cache" / DATA_SET).mkdir(parents=True)
    ours = cache_folder(home)
    assert ours == home / "archlab-cache"
    (ours / DATA_SET).mkdir()
    assert reset(home) == [ours]
    assert [path.name for path in (home / "cache").iterdir()] == [DATA_SET]


def test_another_programs_mark_is_not_ours(home: Path) -> None:
    (home / "cache").mkdir(parents=True)
    (home / "cache" / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n")
    assert cache_folder(home) == home / "archlab-cache"


def test_what_somebody_put_into_the_cache_stays(home: Path) -> None:
    """An earlier archlab may have marked a folder that was there before it."""
    cache = cache_folder(home)
    (cache / "photos").mkdir()
    (cache / "photos" / "cat.jpg").write_text("cat")
    (cache / f"notes-{'0' * 24}").write_text("a file, not a data set")
    (cache / DATA_SET).mkdir()
    (cache / "seeding-abc_1234").mkdir()
    assert reset(home) == [cache / DATA_SET, cache / "seeding-abc_1234"]
    assert (cache / "photos" / "cat.jpg").read_text() == "cat"
    assert (cache / f"notes-{'0' * 24}").is_file()
    assert reset(home) == []


def test_reset_waits_for_nobody_who_is_recording(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.05)
    with Store.open(home) as store:
        with pytest.raises(CannotWrite, match="another archlab uses the database"):
            reset(home, everything=True)
        assert store.save(a_run()) == 1


def test_the_folder_is_the_users_own_unless_archlab_home_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import platformdirs

    monkeypatch.delenv("ARCHLAB_HOME", raising=False)
    assert opening.data_folder() == platformdirs.user_data_path("archlab", appauthor=False)
    monkeypatch.setenv("ARCHLAB_HOME", str(tmp_path / "x"))
    assert opening.data_folder() == tmp_path / "x"
    assert cache_folder() == Store.cache() == tmp_path / "x" / "cache"
    with Store.open() as store:
        assert store.path == tmp_path / "x" / "archlab.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHLAB_HOME", "relative")
    assert opening.data_folder() == tmp_path / "relative"


def loaded_modules(code: str, home: Path) -> set[str]:
    heavy = ("sqlite3", "sqlite_utils", "platformdirs", "shutil", "hashlib", "tomllib", "asyncio")
    script = f"import sys\n{code}\nprint(*[name for name in {heavy!r} if name in sys.modules])"
    environment = {**os.environ, "ARCHLAB_HOME": str(home)}
    answer = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    return set(answer.stdout.split())


def test_importing_the_store_imports_no_database_and_reading_no_sqlite_utils(home: Path) -> None:
    bare = loaded_modules("", home)
    assert loaded_modules("import archlab.store", home) == bare
    with Store.open(home) as store:
        store.save(a_run())
    read = "from archlab.store import Store\nwith Store.open() as store: store.load(1), store.history()"
    assert loaded_modules(read, home) - bare == {"sqlite3"}


@pytest.fixture(autouse=True)
def _no_home_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test may touch the record of whoever runs it."""
    monkeypatch.setenv("ARCHLAB_HOME", str(tmp_path / "default-home"))
    yield
