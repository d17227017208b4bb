"""Watching a copy: every save is measured and told in one line; what goes wrong is said, and watching goes on."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from archlab import catalog
from archlab.cli import app
from archlab.commands.watch import Look, changes
from archlab.scenario import UsageError

SLOW, BEHIND = ("crud-mine", "page_time"), ("crud-mine", "in-time")
LOOK = Look(
    workload="pressure",
    designs=("crud-mine",),
    edits={"crud-mine": "crud"},
    figures={("crud", "page_time"): 0.004, SLOW: 0.004},
    outcomes={("crud", "in-time"): "missed", BEHIND: "missed"},
    says={"page_time": ("page, work alone", "s", 0.001)},
)


def test_the_first_look_compares_with_the_original() -> None:
    assert changes(LOOK, None) == ["crud-mine at pressure: like crud; misses in-time."]
    faster = replace(LOOK, figures={**LOOK.figures, SLOW: 0.0002}, outcomes={**LOOK.outcomes, BEHIND: "met"})
    assert changes(faster, None) == [
        "crud-mine at pressure: in-time is met, was missed; page, work alone 200 µs, in crud 4 ms; "
        "meets every requirement in this short run."
    ]


def test_every_further_look_compares_with_the_one_before() -> None:
    faster = replace(LOOK, figures={**LOOK.figures, SLOW: 0.0002})
    assert changes(faster, faster) == ["crud-mine at pressure: as before; misses in-time."]
    assert "page, work alone 200 µs, before 4 ms" in changes(faster, LOOK)[0]


def test_noise_is_no_change() -> None:
    """A look is one round: a figure that moves by a tenth says nothing, nor does one that nobody would notice."""
    noisy = replace(LOOK, figures={**LOOK.figures, SLOW: 0.0044})
    assert changes(noisy, LOOK) == ["crud-mine at pressure: as before; misses in-time."]
    fast, slower = (replace(LOOK, figures={SLOW: seconds}) for seconds in (0.0001, 0.0005))
    assert changes(slower, fast) == ["crud-mine at pressure: as before; misses in-time."]


def test_a_machine_that_is_slower_for_a_moment_is_no_change() -> None:
    """It slows the original down as well: the two are compared within a look, and looks by what comes of that."""
    slower = replace(LOOK, figures={name: 3 * value for name, value in LOOK.figures.items()})
    assert changes(slower, LOOK) == ["crud-mine at pressure: as before; misses in-time."]
    slowed = replace(LOOK, figures={**LOOK.figures, SLOW: 0.012})
    assert "page, work alone 12 ms, before 4 ms" in changes(slowed, LOOK)[0]


def test_an_invalid_look_says_why_and_nothing_else() -> None:
    assert changes(replace(LOOK, invalid="it answers differently"), None) == ["INVALID: it answers differently"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("run", "cqrs", "--watch"), "archlab new mine --from cqrs"),
        (("run", "./nothing", "--watch"), "there is no folder ./nothing"),
        (("run", "./nothing", "--watch", "--keep"), "Leave out --json, --for and --keep"),
        (("run", "./nothing", "--watch", "--json"), "Leave out --json, --for and --keep"),
    ],
)
def test_what_cannot_be_watched_is_said(typed: tuple[str, ...], said: str) -> None:
    error = CliRunner().invoke(app, typed).exception
    assert isinstance(error, UsageError) and said in str(error)


# With real files and processes


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return catalog.copy_scenario(catalog.find("cqrs"), tmp_path / "mine")


def line_with(process: subprocess.Popen[str], text: str) -> str:
    """The next line that has this text; fails at the end of the output."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(f"{text!r} was never said")


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_save_is_measured_a_mistake_is_said_and_a_deleted_folder_ends_it(
    start: Callable[..., subprocess.Popen[str]], mine: Path
) -> None:
    process = start("run", "./mine", "--watch")
    line_with(process, "nothing is edited yet: change a design (crud, queries, summary, projection) and save it.")
    edit(mine / "crud.py", "self._add_up(self._objects(rows), views)", "self._add_up(self._objects(rows[:1]), views)")
    assert ", crud-mine " in line_with(process, "INVALID: crud-mine answers differently"), "with both values"
    edit(mine / "crud.py", "def page(self", "def page((self")
    assert "syntax error in crud.py, line " in line_with(process, "syntax error")
    edit(mine / "crud.py", "def page((self", "def page(self")
    edit(mine / "crud.py", "rows[:1]", "rows")
    edit(mine / "crud.py", "INDEX = ", "UNUSED = 1\nINDEX = ")
    assert "crud-mine at pressure: " in line_with(process, "crud-mine")
    shutil.rmtree(mine)
    out, err = process.communicate(timeout=60)
    assert err == "archlab: ./mine was deleted, so there is nothing left to watch.\n"
    assert process.returncode == 0, out


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to another process is POSIX")
def test_ctrl_c_ends_it_with_what_it_has_started(start: Callable[..., Any], mine: Path, tmp_path: Path) -> None:
    edit(mine / "crud.py", "INDEX = ", "UNUSED = 1\nINDEX = ")
    process = start("run", "./mine", "--watch")
    line_with(process, "crud-mine at pressure: ")
    edit(mine / "crud.py", "UNUSED = 1", "UNUSED = 2")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.count("\n")) == (130, 1)
    assert list((tmp_path / "tmp").iterdir()) == [], "what it has started has ended and tidied up"
