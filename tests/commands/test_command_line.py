"""What is typed wrong is said in one style; every help has examples; a run without a name lets a person choose."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from archlab.cli import app
from archlab.commands import course, terminal
from archlab.scenario import UsageError

COMMANDS: Any = get_command(app)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("run --sed 3", "archlab run has no option --sed. Did you mean --seed or --set? Type `archlab run --help` …"),
        ("run -x", "archlab run has no option -x. Type `archlab run --help` …"),
        ("rum cqrs", "no such command 'rum'. Did you mean 'run'? Type `archlab --help` …"),
        ("show", "NAME is missing (A scenario's name, or ./folder of a copy). Type `archlab show --help` …"),
        ("new mine", "--from is missing (The scenario to copy). Type `archlab new --help` …"),
        ("trace abc", "invalid value for 'RUN': 'abc' is not a whole number. Type `archlab trace --help` …"),
        ("list a b", "got unexpected extra argument(s) (a b). Type `archlab list --help` …"),
        ("run cqrs --seed", "option '--seed' requires an argument. Type `archlab run --help` …"),
        ("run cqrs --quick=3", "option '--quick' does not take a value. Type `archlab run --help` …"),
        ("--nonsense", "archlab has no option --nonsense. Type `archlab --help` …"),
    ],
)
def test_what_is_typed_wrong_is_said_as_every_error_is(archlab: Callable[..., Any], typed: str, said: str) -> None:
    """One line that begins with the program's name, and says what to type next; exit code 2; nothing on stdout."""
    code, out, err = archlab(*typed.split())
    assert (code, out) == (2, "")
    assert err == f"archlab: {said.replace('…', 'to see what it takes.')}\n"


@pytest.mark.parametrize("name", ["", *COMMANDS.commands])
def test_every_help_has_two_examples(name: str) -> None:
    result = CliRunner().invoke(app, [*([name] if name else []), "--help"], env={"COLUMNS": "120"})
    lines = [line.strip() for line in result.output.split("\n")]
    examples = [line for line in lines[lines.index("Examples:") + 1 :] if line]
    assert len(examples) >= 2
    for example in examples:
        program, command, *rest = shlex.split(example)
        assert program == "archlab" and (command == name or not name)
        # The command line is taken as it stands; nothing is executed.
        COMMANDS.commands[command].make_context(command, rest, resilient_parsing=False)


@pytest.mark.parametrize("how", [(), ("--json",), ("--no-input",)])
def test_a_run_without_a_name_says_what_to_type_where_nobody_can_be_asked(
    archlab: Callable[..., Any], how: tuple[str, ...]
) -> None:
    said = "archlab: archlab run needs a scenario: "
    code, out, err = archlab("run", *how)
    assert (code, out) == (2, "")
    assert err.startswith(said) and "cqrs, middleware" in err and err.endswith(" Type `archlab run cqrs`.\n")


@pytest.mark.parametrize(("typed", "chosen"), [("2", "middleware"), ("cqrs", "cqrs"), ("", None)])
def test_a_run_without_a_name_offers_a_choice_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, chosen: str | None
) -> None:
    monkeypatch.setattr(terminal, "interactive", lambda: True)
    monkeypatch.setattr(terminal, "answer_to", lambda screen, prompt: typed)
    if chosen is None:
        with pytest.raises(UsageError, match=r"Type `archlab run cqrs`\."):
            course.choose("run")
    else:
        assert course.choose("run") == chosen
    out = capsys.readouterr().out
    assert "1  cqrs" in out and "2  middleware" in out


@pytest.mark.parametrize("original", ["cqrs", "middleware", "events"])
def test_a_new_copy_says_which_file_to_open_first_and_what_to_try(
    archlab: Callable[..., Any], tmp_path: Path, original: str
) -> None:
    code, out, err = archlab("new", "mine", "--from", original)
    assert (code, err) == (0, "")
    first, tries = (next(line.split()[at:] for line in out.split("\n") if word in line) for word, at in FIRST)
    assert (tmp_path / first[0]).is_file()
    assert len(tries) > 4
    assert "archlab run ./mine --watch" in out


FIRST = (("open first", 2), ("try  ", 1))
"""A label, and how many words it has."""


# What is longer than the screen


@pytest.fixture
def pager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """``pager("cat >FILE")``: a terminal whose PAGER is a script of this line; returns what FILE stands for."""

    def make(line: str) -> Path:
        paged = tmp_path / "paged"
        script = tmp_path / "pager"
        script.write_text(f"#!/bin/sh\n{line.replace('FILE', shlex.quote(str(paged)))}\n", encoding="utf-8")
        script.chmod(0o755)
        monkeypatch.setenv("PAGER", str(script))
        monkeypatch.setattr(terminal, "interactive", lambda: True)
        return paged

    return make


@pytest.mark.skipif(os.name == "nt", reason="the pager is a shell script")
def test_what_is_long_goes_through_the_pager(pager: Callable[[str], Path], capfd: pytest.CaptureFixture[str]) -> None:
    paged = pager("cat >FILE")
    result = CliRunner().invoke(app, ["show", "cqrs"])
    assert result.exit_code == 0
    assert "WORKLOADS" in paged.read_text() and "KNOBS" in paged.read_text()
    assert "KNOBS" not in result.output


@pytest.mark.skipif(os.name == "nt", reason="the pager is a shell script")
def test_a_pager_that_is_closed_early_is_no_failure(pager: Callable[[str], Path]) -> None:
    pager("head -n 1 >FILE")
    assert CliRunner().invoke(app, ["show", "cqrs", "--code", "--all"]).exit_code == 0


def test_a_pager_that_is_missing_is_done_without(
    pager: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pager("")
    monkeypatch.setenv("PAGER", "no-such-pager --wide")
    result = CliRunner().invoke(app, ["show", "cqrs"])
    assert result.exit_code == 0 and "KNOBS" in result.output
