"""Imported in the server that processes are forked from, and nowhere else.

Whoever asks for a process may be killed while it asks. The half request ends the new process before it has begun, which
is no news: without this, multiprocessing prints a traceback about it.
"""

from __future__ import annotations

import sys
from types import TracebackType


def _say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, EOFError):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _say
