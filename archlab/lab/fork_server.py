"""Imported in the server that processes are forked from, and nowhere else.

Whoever asks for a process may be killed while it asks. The half request ends the new process before it has begun, which
is no news: without this, multiprocessing prints a traceback about it. One that was connected and had sent nothing yet,
such as a supervisor that is killed while it replaces a worker, would end the server itself, and with it the run.
"""

from __future__ import annotations

import errno
import sys
from multiprocessing import reduction
from types import TracebackType
from typing import Any


def _say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, EOFError):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _say

_received = reduction.recvfds


def _receive(sock: Any, size: int) -> Any:
    try:
        return _received(sock, size)
    except EOFError:
        # The one error after which the server goes on: a connection that was given up before it was accepted.
        raise ConnectionAbortedError(errno.ECONNABORTED, "whoever asked for a process is gone") from None


reduction.recvfds = _receive
