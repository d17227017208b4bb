"""Removes temporary folders that a killed archlab left behind, at the start of the next command.

Every command imports this, so it imports nothing that takes time.
"""

from __future__ import annotations

import os
import sys

KINDS = ("rounds", "server", "broker")
"""archlab's temporary folders are called ``archlab-<kind>-<number of the process that made it>-…``."""


def remove() -> None:
    """Removes the folders of processes that run no more. Never one of another user, nor one with another name."""
    if sys.platform == "win32":
        return  # there is no harmless way to ask whether a process runs: its folders are left to the system
    home = next((f for f in map(os.environ.get, ("TMPDIR", "TEMP", "TMP")) if f and os.path.isdir(f)), "/tmp")  # noqa: PTH112
    try:
        with os.scandir(home) as entries:
            left = [entry.path for entry in entries if entry.name.startswith("archlab-") and _left_behind(entry)]
    except OSError:
        return
    if left:
        import shutil

        for path in left:
            shutil.rmtree(path, ignore_errors=True)


def _left_behind(entry: os.DirEntry[str]) -> bool:
    _, kind, owner, *rest = (*entry.name.split("-"), "", "")
    if kind not in KINDS or not owner.isdigit() or not any(rest):
        return False
    try:
        mine = entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_uid == os.getuid()
    except OSError:
        return False
    return mine and not _running(int(owner))


def _running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return not _zombie(pid)


def _zombie(pid: int) -> bool:
    """Whether a process has ended and its parent has not collected it yet: in a container nobody may ever do so."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 (pathlib takes time to import)
            return file.read().rpartition(b")")[2].split()[:1] == [b"Z"]
    except OSError:
        return False
