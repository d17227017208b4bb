"""A whole run of the tiny scenario, in real processes: what it records, what makes it invalid, and how it ends."""

from __future__ import annotations

import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archlab import catalog
from archlab.bench import data_files, execution, plan, runner, running_round
from archlab.bench.length import length, said_beforehand
from archlab.bench.plan import Plan
from archlab.bench.progress import Notice, Progress, Traced
from archlab.bench.runner import execute
from archlab.lab.setting import Setting
from archlab.run import Run
from archlab.scenario import Scenario, ScenarioError

Execute = Callable[..., Run]
Tiny = Callable[..., Scenario]


def index_does(statement: str) -> tuple[str, str]:
    """An edit: what the index does instead of looking the word up."""
    sent = "        self.ticker.send(word)\n        "
    return sent + "return word < self.words", sent + statement


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of the test's own; its name is short, as a socket's path must be."""
    folder = Path(tempfile.mkdtemp(prefix="t"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def run(cache: Path, temporary: Path) -> Iterator[Execute]:
    """``run(scenario, designs, workloads)``: executes it, narrowed to those. However it ends, nothing is left."""

    def do(
        scenario: Scenario, designs: Any = (), workloads: Any = (), tell: Any = lambda event: None, **plan: Any
    ) -> Run:
        return execute(Plan(scenario.only(designs, workloads), {}, **plan), cache, tell)

    yield do
    assert list(temporary.iterdir()) == []


Whole = tuple[Run, list[Any]]


@pytest.fixture(scope="module")
def whole(tiny_in: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """One run of everything, with what it told on its way."""
    told: list[Any] = []
    home = tmp_path_factory.mktemp("whole")
    pid = ('yield Sample("exit_code", abs(exit_code))', 'yield Sample("exit_code", __import__("os").getpid())')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "ROUNDS_SECONDS", math.inf)  # however slow the machine is
        run = execute(Plan(tiny_in(home / "tiny", pid), {}), home / "cache", told.append)
    return run, told


# What is recorded


def test_every_design_is_measured_as_often_as_it_takes(whole: Whole) -> None:
    """In five rounds; back to back, which is cheap, in twenty; and the scan, which is overloaded several times over
    under pressure, in three."""
    run, _ = whole
    assert run.valid
    cells = {(m.design, m.workload): m for m in run.measurements if m.metric == "find_p95"}
    assert set(cells) == {(d, w) for d in ("scan", "index") for w in ("calm", "pressure")}
    assert cells.pop(("scan", "pressure")).rounds == 3
    assert {(m.workload, m.rounds) for m in cells.values()} == {("calm", 20), ("pressure", 5)}
    assert {m.per_round for m in cells.values()} == {60}


def test_the_figures_tell_the_designs_apart(whole: Whole) -> None:
    """Under pressure the scan, which sleeps 4 ms for its ten words at 2,000 requests a second, falls behind; of an
    index nobody waits for a tenth as long."""
    run, _ = whole
    behind = run.measured("find_p95", "scan", "pressure")
    scan, index = run.measured("find_time", "scan", "pressure"), run.measured("find_time", "index", "pressure")
    assert behind is not None
    assert behind.note.startswith("falls behind")
    assert (behind.utilisation or 0) > 3
    assert scan is not None
    assert index is not None
    assert (scan.value or 0) > 0.004
    assert (index.value or 1) < 0.1 * (scan.value or 0)


def test_designs_take_turns_and_every_pass_turns_the_order_around(whole: Whole) -> None:
    """A B then B A: a drift of the machine's speed meets every design alike."""
    _, told = whole
    doing = [event.doing for event in told if isinstance(event, Progress) and event.doing]
    first = ["calm: scan", "calm: index", "calm: index", "pressure: scan", "pressure: index"]
    without_experiment = [entry for position, entry in enumerate(first) if position != 2]
    closed = ["calm: scan", "calm: index"]
    turns = [first, first[::-1], *[without_experiment, without_experiment[::-1]] * 2][:5]
    turns += [*[closed[::-1], closed] * 7, closed[::-1]]
    assert doing == [entry for turn in turns for entry in turn]


def test_progress_counts_up_to_the_end_and_says_how_long(whole: Whole) -> None:
    _, told = whole
    steps = [event for event in told if isinstance(event, Progress)]
    assert all(0 <= step.done <= step.planned and step.seconds_left >= 0 for step in steps)
    assert steps[-1] == Progress(1, 1, 0.0, "")


def test_every_round_has_a_fresh_process(whole: Whole) -> None:
    """The experiment's figure is, here, the process that it ran in."""
    run, _ = whole
    pids = run.measured("exit_code", "index", "calm")
    assert pids is not None
    assert len(set(pids.by_round)) == pids.rounds == 2
    assert os.getpid() not in pids.by_round


def test_faults_and_moving_parts_are_what_really_happened(whole: Whole) -> None:
    run, _ = whole
    assert [(f.name, f.design, f.planned, f.injected) for f in run.faults] == [("counted", "index", 2, 2)]
    assert [(d.name, d.processes, d.tables) for d in run.designs] == [("scan", 1, 1), ("index", 2, 1)]


def test_the_traces_are_told_before_anything_is_measured(whole: Whole) -> None:
    """And are told again at the end, with the untraced time of the same operation beside them."""
    run, told = whole
    assert isinstance(told[0], Traced)
    assert sum(isinstance(event, Traced) for event in told) == 1
    assert told[0].run.measurements == ()
    shown = {(t.design, t.workload, t.operation, t.picked) for t in told[0].run.traces}
    assert shown == {(d, "pressure", "find", p) for d in ("scan", "index") for p in ("median", "slowest")}
    assert all(t.untraced is not None and t.untraced > 0 for t in run.traces)


def test_data_and_environment_are_recorded(whole: Whole) -> None:
    run, _ = whole
    assert set(run.data) == {"calm", "pressure"}
    assert all(len(digest) == 64 for digest in run.data.values())
    assert run.environment["cpu_count"] == os.cpu_count()
    assert run.started.endswith("+00:00")


DRAWN = (
    ("Load(requests)", "Load(requests, afterwards)"),
    ('"find", (int(lab.knobs.words) - 1,))', '"find", (lab.random.randrange(1000),))'),
    ("time.sleep(self.pause * max(1, word))\n        return word < self.words", "return word"),
    index_does("return word"),
    (
        "def answers(lab",
        'def afterwards(lab: Any, design: Any, found: Any) -> Any:\n    yield Sample("exit_code", sum(found))\n\n\n'
        "def answers(lab",
    ),
)


def test_every_design_gets_the_same_operations_new_ones_each_round_and_others_for_another_seed(
    tiny: Tiny, run: Execute
) -> None:
    scenario = tiny(*DRAWN)
    found = [run(scenario, workloads=["calm"], seed=seed) for seed in (1, 1, 2)]
    sums = []
    for one in found:
        loads = {m.design: m.by_round for m in one.measurements if (m.metric, m.experiment) == ("exit_code", "load")}
        assert loads["scan"] == loads["index"]
        assert len(set(loads["scan"])) == len(loads["scan"]) >= 5
        sums.append(loads["scan"][:5])
    assert sums[0] == sums[1]
    assert set(sums[0]).isdisjoint(sums[2])


@pytest.mark.parametrize(("seconds", "closed"), [(math.inf, 5), (0.0, 1)])
def test_a_quick_run_looks_at_an_open_loop_once_and_goes_round_a_closed_one_while_there_is_time(
    tiny: Tiny, run: Execute, monkeypatch: pytest.MonkeyPatch, seconds: float, closed: int
) -> None:
    monkeypatch.setattr(plan, "QUICK_SECONDS", seconds)
    quick = run(tiny(), designs=["index"], quick=True)
    loads = {m.workload: (m.rounds, m.per_round) for m in quick.measurements if m.metric == "find_p95"}
    assert loads == {"calm": (closed, 60), "pressure": (1, 30)}


def test_a_quick_look_traces_what_was_edited_beside_its_original(tiny: Tiny) -> None:
    first = tiny().designs[0]
    names = ("a", "b", "c", "c-mine", "d")
    designs = [replace(first, name=name, role="alternative", edits="c" if name == "c-mine" else "") for name in names]
    assert [d.name for d in plan.traced_quickly(designs)] == ["a", "b", "c", "c-mine"]
    plain = [replace(d, role="pattern" if d.name == "d" else d.role) for d in designs if d.name != "c-mine"]
    assert [d.name for d in plan.traced_quickly(plain)] == ["a", "b", "d"]


def test_what_goes_round_more_often_stops_when_the_time_is_over(
    tiny: Tiny, run: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "ROUNDS_SECONDS", 0.0)
    m = run(tiny(), designs=["index"], workloads=["calm"]).measured("find_p95", "index", "calm")
    assert m is not None
    assert m.rounds == 5


def test_for_goes_on_with_further_rounds(tiny: Tiny, run: Execute) -> None:
    """Given four times what the usual rounds take, there are more of them, and they take about that long."""
    scenario = tiny()
    usual = run(scenario, designs=["index"], workloads=["calm"])
    longer = run(scenario, designs=["index"], workloads=["calm"], seconds=4 * usual.seconds)
    many, few = (one.measured("find_p95", "index", "calm") for one in (longer, usual))
    assert many is not None
    assert few is not None
    assert many.rounds > few.rounds
    assert longer.seconds > 2 * usual.seconds


def test_only_what_was_asked_for_is_run(tiny: Tiny, run: Execute) -> None:
    narrow = run(tiny(), designs=["scan"], workloads=["calm"])
    assert {(m.design, m.workload) for m in narrow.measurements} == {("scan", "calm")}
    assert {(t.design, t.workload) for t in narrow.traces} == {("scan", "calm")}
    assert narrow.faults == ()


# What makes it invalid


def test_designs_that_answer_differently_cannot_be_compared_fairly(tiny: Tiny, run: Execute) -> None:
    found = run(tiny(index_does("return word + 1 < self.words")), workloads=["calm"])
    assert found.invalid_reasons == (
        "index answers differently from scan at calm, so the comparison would not be fair",
    )
    (found_in,) = found.differences
    assert (found_in.design, found_in.against, found_in.workload, found_in.kind) == ("index", "scan", "calm", "")
    assert 0 < found_in.differ < found_in.of, "of two lookups a round one finds what is not there"
    case = {"request": "answer 1", "after": "", "field": "", "right": True, "wrong": False}
    assert dict(found_in.cases[0]) == case


def test_a_planned_fault_that_never_strikes(tiny: Tiny, run: Execute) -> None:
    """The experiment goes through its motions; the crash point is never armed."""
    pretending = ('start(crash_at="counted")', "start()"), ("design.ticker.exited()", "9")
    found = run(tiny(*pretending), designs=["index"], workloads=["calm"])
    assert found.invalid_reasons == ("the planned fault counted was never injected into index",)
    assert [(f.planned, f.injected) for f in found.faults] == [(2, 0)]


def test_rounds_that_start_from_different_data(tiny: Tiny, run: Execute, cache: Path) -> None:
    """The cached data are exchanged in mid-run."""

    def exchange(event: Traced | Progress) -> None:
        if isinstance(event, Progress) and event.done == 3:
            (folder,) = cache.iterdir()
            (folder / data_files.DATA_HASH).write_text("other")

    found = run(tiny(), designs=["scan"], workloads=["calm"], tell=exchange)
    assert found.invalid_reasons == ("the designs did not start from the same data at calm",)


def test_a_round_whose_process_dies_unplanned(tiny: Tiny, run: Execute) -> None:
    found = run(tiny(index_does("import os; os._exit(3)")), designs=["index"], workloads=["calm"])
    assert found.invalid_reasons[0] == "index at calm: its process ended unplanned (exit code 3)"
    assert "index at calm, killed" not in " ".join(found.invalid_reasons), "that round had no request to serve"


def test_a_design_whose_helper_dies_unplanned(tiny: Tiny, run: Execute) -> None:
    """Nobody waits for it, and messages to it are lost: it is said all the same, with what it died of."""
    dying = ("seen += 1", 'raise ValueError("cannot count")'), index_does("return self.ticker.exited() == 0")
    found = run(tiny(*dying), designs=["index"], workloads=["pressure"])
    assert len(found.invalid_reasons) == 1
    assert found.invalid_reasons[0].startswith(
        "index at pressure: ticker ended unplanned (exit code 1): ValueError: cannot count (__init__.py, line "
    )


NEVER_ENDS = index_does("import time; time.sleep(600)")


def test_a_round_that_does_not_end_is_told_of_and_then_ended(
    tiny: Tiny, run: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond what its schedule takes; the design is not run again."""
    monkeypatch.setattr(running_round, "PATIENCE", 0.1)
    monkeypatch.setattr(execution, "ROUND_LIMIT", 0.3)
    told: list[Any] = []
    found = run(tiny(NEVER_ENDS), designs=["index"], workloads=["pressure"], tell=told.append)
    assert found.invalid_reasons == ("index at pressure: did not end within 0 s",)
    said = [event.sentence for event in told if isinstance(event, Notice)]
    assert said == ["index at pressure has not ended after 0 s. archlab ends it after 0 s."]


def test_a_quick_look_gives_up_a_round_sooner(tiny: Tiny, run: Execute, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "QUICK_LIMIT", 0.2)
    monkeypatch.setattr(execution, "ROUND_LIMIT", 600)
    found = run(tiny(NEVER_ENDS), designs=["index"], workloads=["pressure"], quick=True)
    assert found.invalid_reasons == ("index at pressure: did not end within 0 s",)


def test_a_round_is_given_the_time_that_its_schedule_takes(
    tiny: Tiny, run: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a low rate a round is long, and nothing is wrong with it."""
    monkeypatch.setattr(execution, "QUICK_LIMIT", 1.0)
    monkeypatch.setattr(running_round, "PATIENCE", 1.0)
    low = ("2000.0, 1, 10_000", "20.0, 1, 10_000")
    found = run(tiny(low), designs=["index"], workloads=["pressure"], quick=True)
    assert found.valid, found.invalid_reasons
    assert found.seconds > 1.5  # 34 requests at 20 a second


# How long it takes


@pytest.mark.parametrize(("rate", "says"), [(2000.0, False), (2.0, True)])
def test_the_length_of_a_run_is_known_before_it_starts_and_said_when_it_is_long(
    tiny: Tiny, tmp_path: Path, rate: float, says: bool
) -> None:
    """60 requests at 2 a second are due over half a minute, in 5 rounds of 2 designs: 5 minutes and a little more."""
    asked = Plan(tiny(), {"rate": rate})
    setting = Setting(catalog.source(asked.scenario.folder), "calm", {}, "1", tmp_path)
    planned = length(asked, setting, tmp_path)
    assert planned.schedules["calm"] == 0.0
    assert planned.schedules["pressure"] == pytest.approx(59 / rate)
    assert planned.seconds >= 2 * 5 * 59 / rate
    said = said_beforehand(asked, planned)
    assert bool(said) == says
    if says:
        assert said.startswith("this run takes about 5 min. At pressure the requests of one round are due over 30 s")
        assert "--quick" in said


# What nothing yields


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (('"s", 0.001, operation="find"),', '"s", 0.001, operation="fnd"),'), "metric find_p95 is about 'fnd'"),
        (('shown=("find",)', 'shown=("fidn",)'), "shown names 'fidn', which no request names. Choose from: find."),
        (
            ('Requirement("in-time", "find_p95", 0.05, "s",', 'Requirement("in-time", "exit_code", 0.05, "",'),
            "requirement in-time is demanded at pressure, where nothing yields its metric exit_code",
        ),
    ],
)
def test_what_nothing_yields_ends_the_run_after_its_first_pass(
    tiny: Tiny, cache: Path, edit: tuple[str, str], said: str
) -> None:
    """Instead of a valid run that is uncertain for ever."""
    with pytest.raises(ScenarioError, match=re.escape(said)):
        execute(Plan(tiny(edit), {}), cache, lambda event: None)


def test_a_quick_look_that_is_out_of_time_begins_no_experiment_and_says_so(
    tiny: Tiny, run: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "QUICK_END", 0.0)
    found = run(tiny(), designs=["index"], quick=True)
    assert found.findings == ("this quick run had no time for killed at calm",)
    assert found.valid, found.invalid_reasons
    assert {m.workload for m in found.measurements if m.metric == "find_p95"} == {"calm", "pressure"}


# What ends it


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            index_does('raise ValueError("no such word")'),
            r"index at \w+ failed: ValueError: no such word \(__init__\.py",
        ),
        (
            ("self.ticker = lab.spawn(ticker", "self.nothing[0] = lab.spawn(ticker"),
            r"index at \w+ failed: AttributeError: 'Index' object has no attribute 'nothing' \(__init__\.py, line \d+",
        ),
        (
            ('yield Sample("exit_code", abs(exit_code))', "1 / 0"),
            r"index at calm, killed failed: ZeroDivisionError: division by zero \(__init__\.py, line \d+\)",
        ),
        (
            ('yield Sample("exit_code"', 'yield Sample("exit_cod"'),
            r"index at calm, killed failed: a sample names 'exit_cod', which is not a metric \(choose from:"
            r".*\) \(__init__\.py, line \d+\)",
        ),
        (
            ("abs(exit_code)", 'float("nan")'),
            r"index at calm, killed failed: a sample of exit_code is not a number",
        ),
        (
            ('yield Sample("exit_code", abs(exit_code))', "return [exit_code]"),
            r"index at calm, killed failed: an experiment yields samples, Sample\(metric, value\), not -?\d+ "
            r"\(__init__\.py, line \d+\)",
        ),
    ],
)
def test_a_design_or_an_experiment_that_raises_ends_the_run_with_what_and_where(
    tiny: Tiny, run: Execute, edit: tuple[str, str], said: str
) -> None:
    with pytest.raises(ScenarioError, match=said):
        run(tiny(edit))


@pytest.mark.parametrize(
    ("edit", "made"),
    [
        (('"find", (int(', '"fnd", (int('), "Request(due=0.0, operation='fnd', arguments=(10,))"),
        (("i / lab.knobs.rate, ", ""), "Request(due='find', operation=(10,), arguments=())"),
        (("Request(i / lab", "(i / lab"), "(0.0, 'find', (10,))"),
    ],
)
def test_a_request_that_names_no_operation_of_the_design_is_shown(
    tiny: Tiny, run: Execute, edit: tuple[str, str], made: str
) -> None:
    """It is the scenario's schedule that is wrong, so no file of archlab is named."""
    with pytest.raises(ScenarioError) as raised:
        run(tiny(edit))
    assert str(raised.value) == (
        f"scan at pressure failed: the schedule of the scenario made {made}, which names no operation of the design; "
        "a request is Request(due, operation, arguments), due in seconds."
    )


def test_a_schedule_that_is_too_short(tiny: Tiny, run: Execute) -> None:
    with pytest.raises(ScenarioError, match=r"asked for 64 of every operation, and made 3 in all"):
        run(tiny(("for i in range(n)]", "for i in range(3)]")))


def script(scenario: Scenario, home: Path, temporary: Path, before: str = "") -> subprocess.Popen[str]:
    """archlab in a process and a session of its own, running the scenario's index at calm."""
    text = f"""
        from pathlib import Path
        from archlab import catalog
        from archlab.bench import machine_watch, runner
        {before}
        scenario = catalog.find({scenario.folder!r}).only(["index"], ["calm"])
        try:
            run = runner.execute(runner.Plan(scenario, {{}}), Path({str(home / "cache")!r}), lambda event: None)
            print(*run.invalid_reasons, sep="\\n")
        except KeyboardInterrupt:
            print("interrupted")
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(text)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
        start_new_session=True,
    )


def held_at(gate: Path) -> tuple[str, str]:
    """An edit: the first request that the index ever serves says so, and is held until the gate is opened."""
    os.mkfifo(gate)
    return index_does(
        f"""import pathlib
        if not pathlib.Path("{gate}.passed").exists():
            pathlib.Path("{gate}.passed").touch()
            print("serving", flush=True)
            open("{gate}").read()
        return word < self.words"""
    )


def test_ctrl_c_leaves_no_process_and_no_file(tiny: Tiny, tmp_path: Path, temporary: Path) -> None:
    """The signal reaches the whole group, as from a terminal. Every process holds archlab's stdout: it ends with the
    last of them."""
    archlab = script(tiny(held_at(tmp_path / "gate")), tmp_path, temporary)
    assert archlab.stdout is not None
    assert archlab.stdout.readline() == "serving\n"
    os.killpg(archlab.pid, signal.SIGINT)
    said, _ = archlab.communicate(timeout=30)
    assert said == "interrupted\n"
    assert archlab.returncode == 0
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("command", ["list", "--version"])
def test_what_a_killed_archlab_left_in_the_temporary_folder_is_removed_by_the_next_command(
    tiny: Tiny, tmp_path: Path, temporary: Path, command: str
) -> None:
    """All its processes end with it; its folders remain, and are known by its number. What others have put there, or
    what still runs, stays."""
    archlab = script(tiny(held_at(tmp_path / "gate")), tmp_path, temporary)
    assert archlab.stdout is not None
    assert archlab.stdout.readline() == "serving\n"
    archlab.kill()
    archlab.communicate(timeout=30)
    assert list(temporary.glob("archlab-rounds-*"))
    others = [
        temporary / name
        for name in (
            f"archlab-rounds-{os.getpid()}-in-use",
            "archlab-notes",
            "archlab-rounds-mine",
            f"archlab-{archlab.pid}-x",
        )
    ]
    for folder in others:
        folder.mkdir()
    (temporary / f"archlab-rounds-{archlab.pid}-link").symlink_to(tmp_path)
    environment = {**os.environ, "TMPDIR": str(temporary), "ARCHLAB_HOME": str(tmp_path / "home")}
    subprocess.run([sys.executable, "-m", "archlab", command], env=environment, check=True, stdout=subprocess.DEVNULL)
    assert sorted(temporary.iterdir()) == sorted([*others, temporary / f"archlab-rounds-{archlab.pid}-link"])


def test_a_run_that_was_suspended_says_so(tiny: Tiny, tmp_path: Path, temporary: Path) -> None:
    """archlab is stopped for a second while a round is being served; time itself is what is tested here."""
    impatient = "machine_watch.GAP, machine_watch.TICK = 0.3, 0.05"
    archlab = script(tiny(held_at(tmp_path / "gate")), tmp_path, temporary, impatient)
    assert archlab.stdout is not None
    assert archlab.stdout.readline() == "serving\n"
    archlab.send_signal(signal.SIGSTOP)
    os.waitpid(archlab.pid, os.WUNTRACED)
    time.sleep(1.0)
    archlab.send_signal(signal.SIGCONT)
    (tmp_path / "gate").open("w").close()
    said, _ = archlab.communicate(timeout=60)
    assert "the machine or archlab was suspended for 1 s while measuring; run it again\n" in said


def test_the_originals_beside_a_copy_are_imported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they are installed; the folder itself is loaded by the catalogue alone, in every process."""
    from archlab import catalog
    from archlab.catalog import copies

    folder = tmp_path / "mine"
    copies.copy_scenario(catalog.find("middleware"), folder)
    with (folder / "middleware.py").open("a") as file:
        file.write("# edited\n")
    warmed: list[str] = []
    monkeypatch.setattr(runner.forking, "warm", warmed.extend)
    runner.warm(catalog.find(str(folder)))
    assert "archlab.scenarios.middleware.middleware" in warmed
    assert not any(module.startswith("archlab_folder") for module in warmed)


def test_a_fault_that_struck_before_its_round_died_has_struck(tiny: Tiny, run: Execute) -> None:
    """The round is lost, and the run says so; it does not say that the fault never struck."""
    dies = '    design.ticker.send("word")\n    design.ticker.exited()\n    __import__("os")._exit(7)\n'
    found = run(tiny(('    design.ticker.send("word")\n', dies)), ["index"], ["calm"])
    assert found.invalid_reasons == ("index at calm, killed: its process ended unplanned (exit code 7)",)
    assert [(fault.planned, fault.injected) for fault in found.faults] == [(2, 2)]


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("{'p': []}", r"'p': \[\]"),
        ("{1: 2}", "1: 2"),
        ("{'p': float('nan')}", "'p': nan"),
    ],
)
def test_a_place_that_is_no_plain_value_is_refused_where_it_is_made(
    tiny: Tiny, run: Execute, at: str, said: str
) -> None:
    edit = ('yield Sample("exit_code", abs(exit_code))', f'yield Sample("exit_code", abs(exit_code), {at})')
    with pytest.raises(
        ScenarioError, match=f"a sample of exit_code has the place {said}.*takes names with plain values"
    ):
        run(tiny(edit), ["index"], ["calm"])


def test_a_metric_that_is_only_called_busy_is_an_ordinary_one(tiny: Tiny, run: Execute) -> None:
    """What the load demands of a worker is told by what the metric is of, not by its name."""
    metric = '        Metric("exit_code", "the ticker\'s exit code", "", 1),\n'
    named = (
        metric + '        Metric("busy", "", "", 1),\n        Metric("demand", "", "share", 0.1, of="utilisation"),\n'
    )
    samples = 'yield Sample("exit_code", abs(exit_code))'
    found = run(tiny((metric, named), (samples, f'{samples}\n    yield Sample("busy", 42)')), ["index"], ["calm"])
    (busy,) = found.all_measured("busy", "index", "calm")
    assert (busy.experiment, busy.value) == ("killed", 42)
    pressed = run(tiny((metric, named)), ["index"], ["pressure"])
    (demand,) = pressed.all_measured("demand", "index", "pressure")
    assert demand.experiment == "load"
    assert demand.value == demand.utilisation or demand.utilisation is None
    assert list(pressed.all_measured("busy", "index", "pressure")) == []
