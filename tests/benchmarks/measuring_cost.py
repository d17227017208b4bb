"""What measuring adds to a request, in both loops: python tests/benchmarks/measuring_cost.py"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable
from time import perf_counter

from figures import Report, interleaved, ratio, seconds, value

from archlab.bench.load import Bounds, Done, closed_loop, open_loop
from archlab.scenario import Request
from archlab.statistics import median

COUNT = 20_000
BOUND = 0.4e-6


class Shop:
    """Its operation does as little as a call can."""

    def page(self, seller: int) -> int:
        return seller


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=30)
    asked = arguments.parse_args()
    shop = Shop()
    # All of them due before the load begins, so that the open loop never waits.
    requests = [Request(-1.0, "page", (seller,)) for seller in range(COUNT)]

    def directly() -> None:
        for request in requests:
            getattr(shop, request.operation)(*request.arguments)

    def bounds() -> Bounds:
        return Bounds({"page": 1e9}, {"page": 3})

    loops: list[Callable[[], Done]] = [
        lambda: closed_loop(requests, shop, bounds()),
        lambda: open_loop(requests, shop, bounds()),
    ]
    whole: list[list[float]] = [[], []]

    def quietly(action: Callable[[], float]) -> float:
        gc.collect()
        gc.disable()  # as in a round, where what was made before is frozen
        try:
            return action() / COUNT
        finally:
            gc.enable()

    def served(which: int) -> float:
        """From the first request to the last: what a loop looks up before anything is due costs no request."""
        begin = perf_counter()
        done = loops[which]()
        whole[which].append((perf_counter() - begin) / COUNT)
        return done.finished[-1] - done.started[0]

    direct, *loop_rounds = interleaved(
        [lambda: quietly(lambda: seconds(directly)), *(lambda i=i: quietly(lambda: served(i)) for i in range(2))],  # type: ignore[misc]  # the default binds it
        asked.rounds,
    )
    report = Report()
    report.show("a call made directly", value(direct), "µs")
    for name, loop, all_of_it in zip(("closed loop", "open loop"), loop_rounds, whole, strict=True):
        added = [measured - bare for measured, bare in zip(loop, direct, strict=True)]
        report.show(f"{name}: added to a request", value(added), "µs", at_most=BOUND)
        report.show(f"{name}: a measured request ÷ a direct call", ratio(loop, direct), "×")
        with_lookup = [median(all_of_it[i : i + 3]) for i in range(0, len(all_of_it), 3)]
        report.show(f"{name}: with what is looked up beforehand ÷ a direct call", ratio(with_lookup, direct), "×")
    report.exit()


if __name__ == "__main__":
    main()
