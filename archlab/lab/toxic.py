"""What a proxy does to the network: plain data, sent to the proxy's process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal["up", "down", "both"]
"""``up`` is from the client to the service, ``down`` the answers."""


@dataclass(frozen=True)
class Toxic:
    """What is done to the bytes of one direction, or of both. Several are applied together."""

    latency: float = 0.0
    """Seconds that everything takes longer; a round trip takes as much longer for each direction."""
    jitter: float = 0.0
    """Seconds by which latency varies at random, evenly, up and down; the order of the bytes is kept."""
    bandwidth: float | None = None
    """Bytes a second that pass."""
    stall: bool = False
    """Nothing passes, and nobody is told: packets are lost for ever. What was held passes when the toxic is gone."""
    reset_after: int | None = None
    """The connection is reset (RST) once so many bytes have passed; 0 at the first."""
    cut: bool = False
    """The link is down: connections are closed, new ones reset as soon as they come, so that each can be counted."""
    direction: Direction = "both"

    @property
    def names(self) -> list[str]:
        """What it is called where it is counted."""
        shown = {
            "latency": self.latency > 0,
            "jitter": self.jitter > 0,
            "bandwidth": self.bandwidth is not None,
            "stall": self.stall,
            "reset": self.reset_after is not None,
            "cut": self.cut,
        }
        return [name for name, there in shown.items() if there]

    def meets(self, way: str) -> bool:
        return self.direction in ("both", way)
