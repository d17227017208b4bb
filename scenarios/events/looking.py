"""The actions of `archlab run events --keep`: look at the running system, and break it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .topology import dead, depth, retry
from .world import Order, happened, wanted

if TYPE_CHECKING:
    from archlab.lab import Lab


def order(lab: Lab, design: Any) -> str:
    return _checkout(lab, design, 1999)


def poison(lab: Lab, design: Any) -> str:
    return _checkout(lab, design, None) + "; it has no amount, so nobody can make an invoice of it"


def _checkout(lab: Lab, design: Any, amount: int | None) -> str:
    (last,) = lab.database().execute("SELECT coalesce(max(id), 0) FROM orders").fetchone()
    began = time.perf_counter()
    accepted = design.checkout(Order(last + 1, 1, amount))
    return f"order {accepted} is accepted, after {(time.perf_counter() - began) * 1000:.1f} ms"


def effects(lab: Lab, design: Any) -> str:
    """How many effects there are in every store, and the last orders that had them."""
    (orders,) = lab.database().execute("SELECT count(*) FROM orders").fetchone()
    lines = [f"orders     {orders}"]
    for kind in wanted(lab):
        done = happened(lab, kind)
        lines.append(f"{kind:10} {len(done)}" + (f", the last ones for {done[-5:]}" if done else ""))
    return "\n".join(lines)


def queues(lab: Lab, design: Any) -> str:
    """What waits: in queues, or in a table."""
    if hasattr(design, "queues"):
        channel = lab.broker().connect().channel()
        told = [
            f"{kind:10} {depth(channel, queue)} waiting, {depth(channel, retry(queue))} to be tried again, "
            f"{depth(channel, dead(queue))} dead"
            for kind, queue in design.queues.items()
        ]
        channel.connection.close()
        return "\n".join(told)
    if lab.database().execute("SELECT 1 FROM sqlite_master WHERE name = 'jobs'").fetchone():
        rows = lab.database().execute("SELECT kind, state, count(*) FROM jobs GROUP BY 1, 2 ORDER BY 1, 2").fetchall()
        return "\n".join(f"{kind:10} {count} {state}" for kind, state, count in rows) or "no job yet"
    return "nothing waits in this design: what is not done when a checkout answers is never done"


def letters(lab: Lab, design: Any) -> str:
    """The dead letters, or the jobs that were given up."""
    if not hasattr(design, "set_aside"):
        return "this design sets nothing aside"
    told = [f"{kind:10} {fact}" for kind in wanted(lab) for fact in design.set_aside(lab, kind)]
    return "\n".join(told) or "none; try poison"


def replay(lab: Lab, design: Any) -> str:
    """Gives what was given up another chance: what is still poison comes back here."""
    if not hasattr(design, "replay"):
        return "this design sets nothing aside"
    return f"{sum(design.replay(lab, kind) for kind in wanted(lab))} are tried again"


def stop(lab: Lab, design: Any) -> str:
    design.provider.kill()
    return "the mail provider is down: try order, then effects and queues"


def start(lab: Lab, design: Any) -> str:
    if design.provider.alive:
        return "the mail provider is up already"
    design.provider.start()
    design.provider.ready()
    return "the mail provider is back: look at effects"
