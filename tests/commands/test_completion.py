"""Completion: what is suggested where, that a real shell takes it, and that whatever is typed does no harm."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from archlab import catalog
from archlab.cli import app
from archlab.commands import completion

PROGRAM = get_command(app)

posix = pytest.mark.skipif(sys.platform == "win32", reason="these shells need a POSIX system")


def words(line: str) -> list[str]:
    return [word for word, _ in completion.suggestions(PROGRAM, *completion.split(line))]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("archlab ru", ["run"]),
        ("archlab run cq", ["cqrs"]),
        ("archlab new mine --from mid", ["middleware"]),
        ("archlab run cqrs --set page_r", ["page_rows="]),
        ("archlab run cqrs --set page_rows=10", ["page_rows=1000", "page_rows=100000"]),
        ("archlab run cqrs --set=page_r", ["--set=page_rows="]),
        ("archlab run cqrs --quick --design su", ["summary"]),
        ("archlab run --design crud cqrs --workload pr", ["pressure"]),
        ("archlab check cqrs --see", ["--seed"]),
        ("archlab explain steel", ["steelman"]),
        ("archlab run 'cq", ["cqrs"]),
        ("archlab --vers", ["--version"]),
        ("archlab nonsense ", []),
        ("archlab run no-such-scenario --design ", []),
        ("archlab run cqrs another ", []),
    ],
)
def test_what_can_follow_is_suggested(line: str, expected: list[str]) -> None:
    assert words(line) == expected


def test_every_knob_workload_and_design_is_suggested() -> None:
    scenario = catalog.find("middleware")
    assert words("archlab run middleware --set ") == [f"{knob.name}=" for knob in scenario.knobs]
    assert words("archlab run middleware --workload ") == [workload.name for workload in scenario.workloads]
    assert words("archlab show middleware --design ") == [design.name for design in scenario.designs]


def test_every_suggested_value_of_a_knob_can_be_set() -> None:
    scenario = catalog.find("cqrs")
    for knob in scenario.knobs:
        values = words(f"archlab run cqrs --set {knob.name}=")
        assert len(values) >= 2
        for value in values:
            scenario.turn(value)


def test_a_folder_is_suggested_and_completing_runs_none_of_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    catalog.copy_scenario(catalog.find("cqrs"), tmp_path / "mine")
    trap = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"
    for folder in ("mine", "trap"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "__init__.py").write_text(f"{trap}SCENARIO = None\n", encoding="utf-8")
    assert words("archlab run ./") == ["./mine", "./trap"]
    assert words("archlab run ./mine --set page_") == ["page_rows="], "those of what it was copied from"
    assert words("archlab run ./trap --set ") == []
    assert not list(tmp_path.rglob("ran"))


@posix
def test_the_number_of_a_run_is_suggested_and_the_designs_of_its_scenario(
    archlab: Callable[..., tuple[int, str, str]], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHLAB_HOME", str(home))
    assert words("archlab trace ") == []
    assert not home.exists(), "to complete a word records nothing"
    archlab("run", "cqrs", "--quick", "--no-input", "--workload", "calm", "--design", "crud")
    assert words("archlab trace ") == words("archlab export ") == ["1"]
    assert words("archlab trace 1 que") == ["queries"]
    assert {"cqrs", "1"} <= set(words("archlab claims "))


@given(st.text(max_size=40), st.sampled_from(["bash", "zsh", "fish", "csh"]))
def test_whatever_is_typed_is_answered_without_an_error(text: str, shell: str) -> None:
    """It may suggest nothing; a traceback in the middle of a prompt would be worse."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", {**os.environ, completion.SHELL: shell, completion.LINE: f"archlab {text}"})
        completion.answer(PROGRAM)


def test_a_line_is_split_as_a_shell_splits_it() -> None:
    assert completion.split("archlab run './my copy' --s") == (["run", "./my copy"], "--s")
    assert completion.split(r"archlab run ./my\ copy ") == (["run", "./my copy"], "")
    assert completion.split("archlab") == ([], "archlab")
    assert completion.split("") == ([], "")


# In a shell


class Terminal:
    """A shell in a terminal of its own, with this archlab on its path."""

    def __init__(self, shell: str, folder: Path) -> None:
        import pty

        (folder / "archlab").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m archlab "$@"\n', encoding="utf-8")
        (folder / "archlab").chmod(0o755)
        ours = {"HOME": str(folder), "PATH": f"{folder}:{os.environ['PATH']}", "TERM": "xterm", "ARCHLAB_HOME": "none"}
        environment = {**os.environ, **ours, "XDG_CONFIG_HOME": str(folder / ".config"), "SHELL": shell}
        os.spawnve(os.P_WAIT, folder / "archlab", ["archlab", "--install-completion", shell], environment)
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(shell, [shell, "-i"], environment)

    def types(self, keys: str, until: str, seconds: float = 30) -> str:
        """Types the keys and reads until the text is shown; fails where it never is."""
        os.write(self.file, keys.encode())
        shown, end = "", time.monotonic() + seconds
        while until not in shown:
            assert time.monotonic() < end, f"{until!r} is not in {shown!r}"
            if select.select([self.file], [], [], 0.1)[0]:
                shown += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", os.read(self.file, 4096).decode(errors="replace"))
        return shown

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.close(self.file)
        os.waitpid(self.pid, 0)


@pytest.fixture(params=["bash", "zsh", "fish"])
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    """On a laptop a shell that is not installed is skipped; in CI all are there."""
    if shutil.which(request.param) is None and "CI" not in os.environ:
        pytest.skip(f"no {request.param} is installed")
    terminal = Terminal(request.param, tmp_path)
    yield terminal
    terminal.end()


@posix
def test_a_shell_completes_what_is_typed(terminal: Terminal) -> None:
    """Installed as a person installs it, with the keys that a person presses."""
    terminal.types("echo rea''dy\n", until="ready\r\n")
    terminal.types("archlab ru\t", until="run ")
    terminal.types("cq\t", until="cqrs ")
    terminal.types("--set page_r\t", until="page_rows=")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_can_be_shown(archlab: Callable[..., Any], shell: str) -> None:
    assert archlab("--show-completion", shell) == (0, completion.SCRIPTS[shell], "")


def test_a_shell_that_is_not_supported_is_said(archlab: Callable[..., Any], tmp_path: Path) -> None:
    said = "archlab: there is no completion for the shell 'csh'. Choose from: bash, zsh, fish.\n"
    assert archlab("--install-completion", "csh", HOME=str(tmp_path / "nowhere")) == (2, "", said)
    assert not (tmp_path / "nowhere").exists()


@posix
def test_installing_twice_changes_the_start_file_once(archlab: Callable[..., Any], tmp_path: Path) -> None:
    start = tmp_path / ".bashrc"
    start.write_text("alias ll='ls -l'", encoding="utf-8")
    for _ in range(2):
        code, out, err = archlab("--install-completion", "bash", HOME=str(tmp_path))
        assert (code, err) == (0, "")
        assert out.startswith("Completion for bash is installed in ")
    assert start.read_text() == "alias ll='ls -l'\nsource ~/.bash_completions/archlab.sh\n"
