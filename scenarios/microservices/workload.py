"""What all designs are asked to do: orders, and what is asked to compare their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archlab.scenario import Answered, Request

from .world import FEATURES, an_order

if TYPE_CHECKING:
    from archlab.lab import Lab


def requests(lab: Lab, n: int) -> list[Request]:
    first = 1 + lab.random.randrange(1000)
    return [Request(i / lab.knobs.rate, "order", (an_order(first + i, lab.knobs.items),)) for i in range(n)]


def answers(lab: Lab, design: Any) -> list[Answered]:
    """The same public API: every feature, an order placed twice, and one that cannot be served."""
    asked = [Answered(name, design.ask(*FEATURES[name]).json()) for name in FEATURES if name != "order"]
    order = an_order(900_000, 3)
    asked += [Answered(f"order, sent for the {time} time", design.order(order)) for time in ("first", "second")]
    sold_out = {"order": 900_001, "customer": 1, "items": [[1, 2_000_000]]}
    asked.append(Answered("order of more than there is", design.ask("orders", "POST", "/orders", sold_out).json()))
    for name in ("availability", "balance"):
        asked.append(Answered(name, design.ask(*FEATURES[name]).json(), after="an order was refused"))
    return asked
