"""The command line, as a person meets it: real processes, what goes wrong, and how they end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TINY = Path(__file__).parent / "tiny" / "__init__.py"
INTERRUPTED = "archlab: interrupted: every process that archlab started has ended, and no half of a run was recorded.\n"

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and closed streams as POSIX has them")


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., str]:
    """``tiny((old, new), …)``: the tiny scenario as a folder, with edits; returns what to type."""

    def make(*edits: tuple[str, str]) -> str:
        text = TINY.read_text(encoding="utf-8")
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "tiny").mkdir()
        (tmp_path / "tiny" / "__init__.py").write_text(text, encoding="utf-8")
        return "./tiny"

    return make


def find_does(what: str) -> tuple[str, str]:
    """An edit: what the design ``scan`` does when it is asked."""
    return "time.sleep(self.pause * max(1, word))", what


ONE = ("--quick", "--no-input", "--workload", "calm", "--design", "scan")


def runs(home: Path) -> int:
    with contextlib.closing(sqlite3.connect(home / "archlab.db")) as record:
        return int(record.execute("SELECT count(*) FROM runs").fetchone()[0])


def test_a_quick_look_cannot_take_longer(archlab: Callable[..., Any], tiny: Callable[..., str]) -> None:
    code, out, err = archlab("run", tiny(), "--quick", "--for", "60s")
    assert (code, out, err) == (2, "", "archlab: --quick and --for contradict each other: leave out one of them.\n")


def test_check_takes_no_input_like_every_other_command(archlab: Callable[..., Any]) -> None:
    """It never asks; who writes a script need not know that."""
    code, _, err = archlab("check", "no-such-scenario", "--no-input")
    assert (code, err.count("there is no scenario")) == (2, 1)


# Where nothing can be recorded


def test_a_data_folder_that_cannot_be_written_costs_the_record_and_nothing_else(
    archlab: Callable[..., Any], tiny: Callable[..., str], home: Path
) -> None:
    home.touch()  # a file in the way: root may write anywhere else
    code, out, err = archlab("run", tiny(), *ONE)
    assert (code, "VERDICT" in out) == (0, True)
    assert err == (
        f"archlab: {home} cannot be written (file exists). Set ARCHLAB_HOME to one of your folders. "
        "This is not recorded.\n"
    )


def test_a_cache_that_cannot_be_written_costs_nothing_at_all(
    archlab: Callable[..., Any], tiny: Callable[..., str], home: Path
) -> None:
    home.mkdir()
    (home / "cache").touch()
    code, _, err = archlab("run", tiny(), *ONE)
    assert (code, err, runs(home)) == (0, "", 1)


@pytest.mark.parametrize(
    "command", [("history",), ("trace", "1"), ("report", "1"), ("export", "1"), ("reset", "--everything")]
)
def test_what_reads_the_record_says_in_one_sentence_why_it_cannot(
    archlab: Callable[..., Any], home: Path, command: tuple[str, ...]
) -> None:
    (home / "archlab.db").mkdir(parents=True)
    code, out, err = archlab(*command, *(["--no-input"] if command[0] == "reset" else []))
    assert (code, out) == (1, "")
    assert err.startswith("archlab: ") and err.count("\n") == 1 and "fault" not in err


def test_a_record_that_turns_out_to_be_damaged_while_history_reads_it(
    archlab: Callable[..., Any], tiny: Callable[..., str], home: Path
) -> None:
    archlab("run", tiny(), *ONE)
    with contextlib.closing(sqlite3.connect(home / "archlab.db")) as record:
        page = record.execute("SELECT rootpage FROM sqlite_master WHERE name = 'claims'").fetchone()[0]
    with (home / "archlab.db").open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    code, out, err = archlab("history")
    assert code == 0 and "No run is recorded yet" in out
    assert err.startswith("archlab: the database was damaged") and err.count("\n") == 1


# Numbers that nothing can hold


HUGE = str(10**20)


@pytest.mark.parametrize(
    "arguments",
    [("trace", HUGE), ("report", HUGE), ("export", HUGE), ("history", "-n", HUGE), ("run", "cqrs", "--seed", HUGE)],
)
def test_a_number_too_large_for_the_record_is_wrong_usage_before_anything_runs(
    archlab: Callable[..., Any], arguments: tuple[str, ...]
) -> None:
    code, out, err = archlab(*arguments)
    assert (code, out) == (2, "")
    assert HUGE in err


def test_the_folder_of_nobody(archlab: Callable[..., Any]) -> None:
    assert archlab("run", "~nobody-here/mine")[0] == 2
    code, _, err = archlab("history", ARCHLAB_HOME="~nobody-here")
    assert (code, err) == (1, "archlab: ~nobody-here is not a folder. Set ARCHLAB_HOME to one of your folders.\n")


# Streams


@posix
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed(
    archlab: Callable[..., Any], tiny: Callable[..., str], home: Path, closed: str
) -> None:
    """A database must not be opened under the number of stdout, to be printed into."""
    code, _, err = archlab("run", tiny(), "--quick", "--workload", "calm", before=closed)
    assert (code, err) == (0, "")
    assert runs(home) == 1


@posix
@pytest.mark.parametrize("arguments", [("run", "cqrs", "--json"), ("show", "cqrs", "--code"), ("show", "cqrs")])
def test_a_reader_that_has_enough_is_no_failure(start: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    process = start(*arguments, *(ONE[:4] if arguments[0] == "run" else []))
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 0


def test_json_is_all_that_stdout_gets_whatever_a_scenario_prints(
    archlab: Callable[..., Any], tiny: Callable[..., str]
) -> None:
    edits = find_does('print("asked")'), ("SCENARIO = ", 'print("loaded")\nSCENARIO = ')
    code, out, err = archlab("run", tiny(*edits), *ONE, "--json")
    assert (code, json.loads(out)["schema"]) == (0, 1)
    assert {"asked", "loaded"} <= set(err.splitlines())


# Designs that do not behave


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("raise ValueError('two\\nlines')", "ValueError: two lines"),
        ("raise MemoryError", "MemoryError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_a_design_that_raises_is_named_with_its_line(
    archlab: Callable[..., Any], tiny: Callable[..., str], does: str, said: str
) -> None:
    code, _, err = archlab("run", tiny(find_does(does)), *ONE)
    assert code == 1
    assert err.startswith(f"archlab: scan at calm failed: {said} (__init__.py, line ") and err.count("\n") == 1


def test_compare_takes_the_recorded_run_of_the_code_as_it_is(
    archlab: Callable[..., Any], tiny: Callable[..., str], tmp_path: Path
) -> None:
    """Once the code has changed, what was measured before says nothing about it."""
    folder = tiny()
    said = "tiny has no recorded run of its present code"
    assert [said in archlab("compare", folder)[2] for _ in range(2)] == [True, False]
    with (tmp_path / "tiny" / "__init__.py").open("a") as file:
        file.write("# mended")
    assert said in archlab("compare", folder)[2]


def test_home_tells_of_the_whole_whatever_was_narrowed_since(archlab: Callable[..., Any]) -> None:
    quick = "run", "cqrs", "--quick", "--no-input"
    archlab(*quick, "--workload", "calm", "--design", "crud")
    assert "run 1" in archlab()[1], "better than nothing"
    archlab(*quick)
    archlab(*quick, "--workload", "calm", "--design", "crud")
    out = archlab()[1]
    assert "run 2" in out and "run 3" not in out


@pytest.mark.skipif(sys.platform != "linux", reason="a small disk is a mount of its own, made by root")
def test_a_full_disk_under_the_rounds_is_said(archlab: Callable[..., Any], tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], capture_output=True).returncode:
        pytest.skip("this machine does not let me mount")
    try:
        code, _, err = archlab("run", "cqrs", "--quick", "--no-input", TMPDIR=str(small))
        assert code == 1
        assert f"the disk of {small} is full; free some space, or set TMPDIR to another folder." in err
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)


# What ends it


def in_terminal(start_in: Path, home: Path, *arguments: str) -> tuple[int, int]:
    """archlab in a terminal of its own: its process id and the terminal."""
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(start_in)
        os.environ.update(TERM="xterm-256color", ARCHLAB_HOME=str(home), TMPDIR=str(start_in))
        os.execv(sys.executable, [sys.executable, "-m", "archlab", *arguments])
    return pid, terminal


def all_of(terminal: int, until: str = "") -> str:
    """What a terminal shows, up to ``until`` or its end."""
    shown = b""
    while not until or until.encode() not in shown:
        try:
            read = os.read(terminal, 4096)
        except OSError:  # how Linux says that nobody is there any more
            break
        if not read:
            break
        shown += read
    return shown.decode()


@posix
@pytest.mark.parametrize("moment", ["press enter to skip", "Traces", "measuring"])
def test_ctrl_c_in_a_terminal(tiny: Callable[..., str], tmp_path: Path, home: Path, moment: str) -> None:
    """It reaches every process of the terminal, and only archlab answers: in one sentence, whatever goes on."""
    name = tiny(find_does("time.sleep(0.02)"))
    before = set(tmp_path.iterdir())
    pid, terminal = in_terminal(tmp_path, home, "run", name, "--quick")
    shown = all_of(terminal, until="press enter to skip")
    if moment != "press enter to skip":
        os.write(terminal, b"\r")
        shown = all_of(terminal, until=moment)
        assert moment in shown
    os.write(terminal, b"\x03\x03")  # somebody in a hurry
    rest = all_of(terminal)  # ends when the last process of the terminal has ended
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    os.close(terminal)
    assert rest.replace("\r\n", "\n").count(INTERRUPTED) == 1
    assert "Traceback" not in rest
    assert set(tmp_path.iterdir()) - before <= {home}, "a temporary folder is left"
    assert not (home / "archlab.db").exists() or runs(home) == 0


@posix
@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_archlab(
    start: Callable[..., Any], tiny: Callable[..., str], tmp_path: Path, which: int
) -> None:
    process = start("run", tiny(find_does('print("asked", flush=True)')), "--quick", "--no-input")
    assert process.stderr.readline() == "asked\n"
    process.send_signal(which)
    rest = process.stderr.read()  # ends when the last process has ended
    assert rest.endswith(INTERRUPTED) and "Traceback" not in rest
    assert process.wait() == 128 + which
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_recorded_run_that_names_a_folder_runs_nothing_of_it(
    archlab: Callable[..., tuple[int, str, str]], home: Path, tmp_path: Path
) -> None:
    """A database that somebody hands on is data: whatever it names, none of its commands imports a stranger's code."""
    from archlab.run import Run
    from archlab.store import Store

    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "__init__.py").write_text("from pathlib import Path\nPath(__file__).with_name('ran').touch()\n")
    with Store.open(home) as store:
        started = "2026-01-01T00:00:00+00:00"
        store.save(Run(str(trap), "Trap", "Whose code runs?", 1, started, 1.0, (), (), (), (), (), {}))
    for command in (
        ["export", "1", "--svg", "run.svg"],
        ["export", "1"],
        ["history"],
        ["trace", "1"],
        ["claims", "1"],
        [],
    ):
        code, _, err = archlab(*command)
        assert code == 0, err
    assert not (trap / "ran").exists()


@pytest.mark.parametrize(
    ("edits", "code", "said"),
    [
        ((), 0, ["Nothing found."]),
        (
            (("seconds=5,", 'seconds=5, needs=("brokr",),'), ('Experiment("killed"', 'Experiment("load"')),
            1,
            ["needs names 'brokr', which is not a part of the lab", "experiment load: this name is reserved"],
        ),
        ((('shown=("find",)', 'shown=("fidn",)'),), 1, ["shown names 'fidn', which no request names"]),
        (
            (('run.verdict("pressure")', 'run.verdict("presure")'),),
            1,
            ["claim index-pays cannot be judged: the claim itself failed: it asks for the workload 'presure', which"],
        ),
        (
            (('"With many words the index pays.", index_is_enough', '"As told.", kind="modelled", source="2 x 2"'),),
            1,
            ["claim index-pays is modelled and shows its formula in source only: give it formula="],
        ),
        (
            (
                ('"people wait for it"),)', '"people wait for it"), CLEAN)'),
                (
                    "SCENARIO = ",
                    'CLEAN = Requirement("clean", "exit_code", 0, "", "exit", "why", ("calm",))\nSCENARIO = ',
                ),
            ),
            1,
            ["requirement clean counts exit_code, and its samples name no cases: yield Sample(…, cases="],
        ),
    ],
)
def test_lint_says_all_that_is_wrong_with_a_scenario(
    archlab: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    edits: tuple[tuple[str, str], ...],
    code: int,
    said: list[str],
) -> None:
    """What it declares is looked at first; only then it is run."""
    text = TINY.read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "scenario").mkdir()
    (tmp_path / "scenario" / "__init__.py").write_text(text, encoding="utf-8")
    ended, out, _ = archlab("lint", "./scenario")
    assert ended == code
    assert len(out.splitlines()) == len(said)
    assert all(line.startswith(sentence) for line, sentence in zip(out.splitlines(), said, strict=True))


def test_a_run_says_in_a_sentence_that_a_claim_asks_for_what_there_is_not(
    archlab: Callable[..., Any], tiny: Callable[..., str]
) -> None:
    """A misspelt name would leave the claim inconclusive for ever: it is a fault of the scenario, and the run fails."""
    misspelt = ('run.verdict("pressure")', 'run.measured("find_p59", "scan", "pressure") and run.verdict("pressure")')
    code, _, err = archlab("run", tiny(misspelt), "--quick", "--no-input")
    assert code == 1
    (said,) = [line for line in err.splitlines() if "index-pays" in line]
    assert said.startswith("archlab: claim 'index-pays' of tiny cannot be judged: the claim itself failed: it asks for")
    assert "the metric 'find_p59', which the scenario does not declare; did you mean 'find_p95'? (__init__.py" in said


def test_explain_knows_the_words_of_every_scenario(archlab: Callable[..., Any]) -> None:
    code, out, err = archlab("explain", "Outbox")
    assert (code, err) == (0, "")
    assert out.startswith("outbox  cqrs\n")
    code, out, _ = archlab("explain")
    assert code == 0
    assert "of cqrs: outbox · projection" in out and "of middleware: hole" in out


def test_the_history_reads_no_spans(archlab: Callable[..., Any], tiny: Callable[..., str], home: Path) -> None:
    """A line needs none of the thousands that a run may have: it is the same without them."""
    assert archlab("run", tiny(), *ONE)[0] == 0
    whole = archlab("history")
    document = json.loads(archlab("history", "--json")[1])
    with contextlib.closing(sqlite3.connect(home / "archlab.db")) as record:
        assert record.execute("SELECT count(*) FROM spans").fetchone()[0] > 0
        record.execute("UPDATE spans SET attributes = 'no JSON'")
        record.commit()
    assert archlab("history") == whole
    assert (document["schema"], [run["scenario"] for run in document["runs"]]) == (1, ["tiny"])
    assert {"measurements", "claims", "verdicts", "environment"} <= document["runs"][0].keys()


def test_an_invalid_run_says_so_last_and_only_check_fails(
    archlab: Callable[..., Any], tiny: Callable[..., str]
) -> None:
    """A planned fault never strikes. The run did what was asked; who wants to know by the exit code asks check."""
    folder = tiny(('faults={"counted": 1}', 'faults={"never met": 1}'))
    code, out, err = archlab("run", folder, "--quick", "--no-input", "--seed", "2", COLUMNS="120")
    *_, reason, told = [line.strip() for line in out.split("\n") if line]
    assert (code, err) == (0, "")
    assert reason.startswith("INVALID  ") and "never met" in reason
    assert told == "This run is invalid, so it gives no verdict. Try again: archlab run ./tiny --seed 2 --quick"
    code, out, err = archlab("run", folder, "--quick", "--json")
    assert (code, json.loads(out)["valid"]) == (0, False)
    assert "archlab: this run is invalid, and nothing in it is judged: " in err.splitlines()[-1]
    code, out, _ = archlab("check", folder, "--quick", COLUMNS="120")
    assert (code, out.split("\n")[-2].strip()) == (4, told.replace(" --seed 2", ""))
