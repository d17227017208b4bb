"""The setting of a process in a round: plain data from which any process can make its Lab."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archlab.lab.broker_address import BrokerAddress
    from archlab.scenario import Scenario

STRUCK = "struck.log"
"""The file in a round's folder that has one line for every fault that struck."""
SEEN = "seen.log"
"""The file in a round's folder that has one line for everything that ``Lab.seen`` said, with the time."""


@dataclass(frozen=True)
class Setting:
    source: Callable[[], Scenario]
    """Loads the scenario, in any process; it can be pickled."""
    workload: str
    knobs: Mapping[str, float]
    """All of them, whether the processes of the round see them or not."""
    seed: str
    folder: Path
    traced: bool = False
    design: str = ""
    """The design that the round serves; empty while data are seeded."""
    calls: Mapping[str, int] = field(default_factory=dict)
    """Ports of the services that this process may call, by name."""
    broker: BrokerAddress | None = None
    """Where the broker is. In the round's own process: the one that a person gave, or None for the embedded one."""
    child: bool = False
    """Whether the process was started by another one of the round (spawned, or a service)."""
    unseen: frozenset[str] = frozenset()
    """Knobs that only say what is demanded."""
    carries_context: bool = True
    """Whether the clients of this process pass the trace context on."""


def struck_in(folder: Path) -> tuple[str, ...]:
    """The faults that have struck in a round, by its folder: also after everything in it has died."""
    log = folder / STRUCK
    return tuple(log.read_text(encoding="utf-8").split("\n")[:-1]) if log.exists() else ()
