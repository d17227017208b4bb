"""What archlab says in one line when something fails."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from archlab.neutral import printable

if TYPE_CHECKING:
    from pathlib import Path

TOO_MANY_FILES = "there are too few file descriptors; try `ulimit -n 1024`"
NO_PORTS = "all ephemeral ports are in use; end other programs, or wait a minute until closed connections are gone"
SHORT_OF = {
    errno.EMFILE: TOO_MANY_FILES,
    errno.ENFILE: TOO_MANY_FILES,
    errno.EADDRNOTAVAIL: NO_PORTS,
}
"""By error number: what the machine has run out of, and what to do about it."""

ARCHLAB = os.path.join(os.path.dirname(__file__), "")  # noqa: PTH118, PTH120 - pathlib takes longer to import
SCENARIOS = f"{ARCHLAB}scenarios"


def say(sentence: str) -> None:
    """One sentence of talk on stderr."""
    print(f"archlab: {printable(sentence)}", file=sys.stderr)


def describe(error: BaseException) -> str:
    """``ValueError: text (crud.py, line 12)``: what was raised, and the innermost line outside archlab and Python.

    What the machine is short of is nobody's line: it is said with what to do about it."""
    if isinstance(error, OSError) and error.errno in SHORT_OF:
        return SHORT_OF[error.errno]
    return _at(error, lambda file: not file.startswith((ARCHLAB, sys.base_prefix, "<")) or file.startswith(SCENARIOS))


def fault(error: BaseException) -> str:
    """The same for a fault of archlab itself: with the innermost line of archlab."""
    return _at(error, lambda file: file.startswith(ARCHLAB))


def _at(error: BaseException, looked_for: Callable[[str], bool]) -> str:
    import traceback  # slower to import than `archlab --version` takes, like the next one
    from pathlib import Path

    frames = list(traceback.extract_tb(error.__traceback__))
    own = [frame for frame in frames if looked_for(frame.filename)] or frames
    said = " ".join(str(error).split())
    place = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    return type(error).__name__ + (f": {said}" if said else "") + place


def disk_full(folder: Path) -> bool:
    """Whether what just failed in ``folder`` failed because its disk is full: there is not even a megabyte left."""
    import shutil

    return shutil.disk_usage(folder).free < 1_000_000
