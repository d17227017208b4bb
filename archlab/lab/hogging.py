"""A CPU hog, the child's side: a thread that computes, started and ended by signals."""

from __future__ import annotations

import _thread
import signal
from typing import Any

HOG, UNHOG = "SIGUSR1", "SIGUSR2"
"""The names of the signals that begin and end it. They are held back until a child listens to them."""

_burning = False


def listen() -> None:
    """Lets this process be hogged from now on. To be called by its main thread."""
    if not hasattr(signal, HOG):
        return
    signal.signal(getattr(signal, HOG), _begin)
    signal.signal(getattr(signal, UNHOG), _end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {getattr(signal, HOG), getattr(signal, UNHOG)})


def _begin(number: int, frame: Any) -> None:
    global _burning
    if not _burning:
        _burning = True
        # Not threading.Thread: what was interrupted just now may hold the locks that it takes.
        _thread.start_new_thread(_burn, ())


def _end(number: int, frame: Any) -> None:
    global _burning
    _burning = False


def _burn() -> None:
    while _burning:
        sum(range(1000))
