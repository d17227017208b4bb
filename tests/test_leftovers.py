"""Temporary folders of archlab processes that are gone are removed at the next start; nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from archlab import leftovers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="left to the system there")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    tempfile.tempdir = None
    yield tmp_path
    tempfile.tempdir = None


@pytest.fixture
def ended() -> Iterator[int]:
    """The number of a process that has ended and been collected."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    yield child.pid


def test_the_folder_of_a_process_that_is_gone_is_removed(home: Path, ended: int) -> None:
    for kind in leftovers.KINDS:
        (home / f"archlab-{kind}-{ended}-abc").mkdir()
        (home / f"archlab-{kind}-{ended}-abc" / "file").write_text("x")
    leftovers.remove()
    assert list(home.iterdir()) == []


def test_the_folder_of_a_process_that_ended_and_was_not_collected_is_removed(home: Path) -> None:
    """Where archlab is the first process of a container's child, its parent may never collect it."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie
    (home / f"archlab-rounds-{child.pid}-abc").mkdir()
    leftovers.remove()
    if Path("/proc").is_dir():
        assert list(home.iterdir()) == []
    child.wait()


def test_what_belongs_to_a_running_process_or_has_another_name_stays(home: Path, ended: int) -> None:
    kept = {
        f"archlab-rounds-{os.getpid()}-abc",
        f"archlab-other-{ended}-abc",
        f"archlab-rounds-{ended}",
        "archlab-rounds-mine-abc",
        f"myarchlab-rounds-{ended}-abc",
    }
    for name in kept:
        (home / name).mkdir()
    leftovers.remove()
    assert {path.name for path in home.iterdir()} == kept
