"""The signals that end a program: Ctrl-C, SIGTERM and a closed terminal."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ENDING = "SIGINT", "SIGTERM", "SIGHUP"


@contextmanager
def ended_cleanly() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal end archlab alike: through every ``finally``, which a second one spares."""

    def end(number: int, frame: Any) -> None:
        for which in before:
            signal.signal(which, signal.SIG_IGN)
        before.clear()  # nor does one later: what is left is to say so
        raise SystemExit(128 + number)

    before = {}
    for name in ENDING:
        if hasattr(signal, name):
            before[getattr(signal, name)] = signal.signal(getattr(signal, name), end)
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


@contextmanager
def held_back(*names: str) -> Iterator[None]:
    """These signals wait meanwhile, where that can be asked for; without names, all that end a program.

    They wait for this thread, so every other one must be started within: it holds them back as long as it lives.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.Signals[name] for name in names or ENDING})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
