"""Finds and ends what a design started by itself (a subprocess, a fork), so that it does not outlive its round.

Every process of a round leads a group of its own, which ends with it. What leaves its group is found in two ways: Linux
hands orphans to archlab while it measures, and everything that descends from archlab carries a mark in its environment.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import sys
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

MARK = "ARCHLAB_DESCENDANT_OF"
"""The variable in the environment of everything that archlab starts; its value is archlab's own."""
GRACE = 0.3
"""Seconds that a killed process may take to be gone."""
SET_CHILD_SUBREAPER = 36
"""Of prctl(2): orphaned descendants become children of the process that asks for it."""


def lead_group() -> None:
    """Makes this process the leader of a session and a group of its own. A terminal's signals do not reach it."""
    if hasattr(os, "setsid"):
        with contextlib.suppress(PermissionError):  # it leads one already
            os.setsid()


def end_own_group() -> None:
    """SIGKILL to this process and to everything that stayed in its group."""
    _kill_group(os.getpid())
    os._exit(1)  # where there are no groups


def end(process: BaseProcess) -> None:
    """SIGKILL to a child and to everything that stayed in its group; waits until the child is gone."""
    pid = process.pid
    assert pid is not None  # it was started
    led = process.is_alive()
    if led:
        _kill_group(pid)
        process.kill()  # it may not lead a group yet
    process.join()
    # A number is not given away while a group bears it: a process of this number now is somebody else's.
    if not led and not Path(f"/proc/{pid}").exists():
        _kill_group(pid)


def _kill_group(leader: int) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)


@contextlib.contextmanager
def adopting() -> Iterator[None]:
    """Orphaned descendants become children of this process meanwhile (Linux)."""
    _adopt(True)
    try:
        yield
    finally:
        _adopt(False)


def _adopt(yes: bool) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, int(yes), 0, 0, 0)


def children() -> set[int]:
    """The numbers of this process's children (Linux; elsewhere none)."""
    found: set[int] = set()
    with contextlib.suppress(OSError):
        for task in Path("/proc/self/task").iterdir():
            found.update(map(int, (task / "children").read_text().split()))
    return found


def end_adopted(before: set[int]) -> list[str]:
    """Ends the children that this process has beside ``before``; what they were, each as somebody typed it.

    Those that were killed with their group are not among them: they are given the time to be gone.
    """
    ended = []
    while new := children() - before:
        for pid in new:
            command = _command(pid)
            if not _gone_within(GRACE, pid):
                ended.append(command)
                os.kill(pid, signal.SIGKILL)
                _gone_within(math.inf, pid)
    return sorted(ended)


def _gone_within(seconds: float, pid: int) -> bool:
    """Waits for the end of a child; false if it has not come by then. (There is no event to wait for without pidfd.)"""
    end = time.monotonic() + seconds
    while True:
        try:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return True
        except ChildProcessError:
            return True
        if time.monotonic() > end:
            return False
        time.sleep(0.002)


def _command(pid: int) -> str:
    """The command line of a process; empty for one that has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def end_marked(mark: str) -> None:
    """Ends every other process that carries this mark: all that archlab started, and what that started (Linux)."""
    wanted = f"{MARK}={mark}".encode()
    with contextlib.suppress(OSError):
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit() or int(folder.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    os.kill(int(folder.name), signal.SIGKILL)
