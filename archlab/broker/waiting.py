"""Waits for clients; stays awake a moment longer, because the next frame is often on its way."""

from __future__ import annotations

import os
import selectors
import time
from typing import Any

# Seconds for which the broker goes on looking before it sleeps: a client that answers at once needs about this long.
# To wake a process that sleeps takes 10 to 50 µs on a virtual machine, of which its client pays a part. Erlang's
# schedulers, and with them RabbitMQ, do the same (+sbwt).
AWAKE = 200e-6

_let_others_run = getattr(os, "sched_yield", lambda: None)  # so that nobody waits for a core that only waits


class Watchful(selectors.DefaultSelector):
    """What the loop waits with."""

    def select(self, timeout: float | None = None) -> list[Any]:
        look, clock = super().select, time.perf_counter
        ready = look(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        until = clock() + AWAKE
        while clock() < until:
            _let_others_run()
            if ready := look(0):
                return ready
        return look(timeout)
