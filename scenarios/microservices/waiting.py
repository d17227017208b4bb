"""Uneven load: payment gets hot, and what it needs more of is room to wait for the outside check, not CPU time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from archlab.scenario import Sample

if TYPE_CHECKING:
    from archlab.lab import Lab

BUDGET = 512_000_000
"""Bytes of the machine that the whole shop is to fit on."""
SLOW, AT_ONCE = 250.0, 48
"""How long the outside check takes, in ms, and how many ask for it at the same time: more than a process lets wait."""


def hot(lab: Lab, design: Any) -> Iterator[Sample]:
    """How many payments can wait at once, if processes are added to where payment lives until the budget is spent?"""
    home = design.homes["payment"]
    used, of_one = sum(part.memory() for part in design.parts), home.memory() / home.workers
    processes = home.workers + int((BUDGET - used) // of_one)
    each = wait_at_once(lab, design)
    case = f"{each} wait in one process of {of_one / 1e6:.0f} MB; {processes} such processes fit beside the others"
    yield Sample("waiting", each * max(0, processes), cases=(case,))


def wait_at_once(lab: Lab, design: Any) -> int:
    """How many payments one process lets wait at the same time, counted in there while more than that are asked for."""
    home = design.homes["payment"]
    one = lab.service(home.main, "one of payment", settings={**design.settings, "check_ms": SLOW}).ready()
    path = "/orders" if home is design.homes["orders"] else "/charges"

    def pay(number: int) -> bool:
        return bool(one.client.post(path, {"order": number, "customer": 1, "cents": 100, "items": [[1, 1]]}).ok)

    with ThreadPoolExecutor(AT_ONCE) as customers:
        served = list(customers.map(pay, range(950_000, 950_000 + AT_ONCE)))
    if not all(served):
        raise RuntimeError(f"{served.count(False)} of {AT_ONCE} payments failed")
    most = int(one.client.get("/waits").json())
    one.kill()
    return most
