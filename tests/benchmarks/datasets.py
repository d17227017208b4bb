"""How long until the data of cqrs are ready, the largest too: python tests/benchmarks/data_sets.py

Seeded once for each content, then copied. Measured for every workload, and where a knob that is turned to
its end makes the most data.
"""

from __future__ import annotations

import argparse
import math
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from figures import Report, seconds, value

from archlab import catalog
from archlab.bench import data_sets
from archlab.bench.runner import warm
from archlab.lab import forking
from archlab.lab.setting import Setting
from archlab.scenario import Design, Scenario, Workload

BOUND = 1.0


def settings(scenario: Scenario) -> list[tuple[str, Workload, dict[str, float]]]:
    """Name, workload, knobs: each workload as it is, and the one shown with each knob at either end."""
    found = [(w.name, w, scenario.settings(w, {})) for w in scenario.workloads]
    shown = scenario.workload(scenario.shown_workload)
    for knob in scenario.knobs:
        for end in (knob.low, knob.high):
            knobs = scenario.settings(shown, {knob.name: type(knob.default)(end)})
            found.append((f"{shown.name}, {knob.name}={end:g}", shown, knobs))
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--scenario", default="cqrs")
    asked = arguments.parse_args()
    scenario = catalog.find(asked.scenario)
    warm(scenario)
    forking.start(seconds, int, name="warm").join()  # the server that all are forked from is there
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        cache, copy = Path(folder, "cache"), Path(folder, "copy")

        def ready(workload: Workload, knobs: dict[str, float], design: Design) -> Path:
            setting = Setting(catalog.source(catalog.reference(scenario)), workload.name, knobs, "1:data", Path())
            return data_sets.ready(scenario, design, setting, cache)

        def seeded(workload: Workload, knobs: dict[str, float]) -> list[float]:
            """The data that all designs share, then what each keeps of its own."""
            shutil.rmtree(cache, ignore_errors=True)
            shared = replace(scenario.designs[0], prepare=None)
            own = [design for design in scenario.designs if design.prepare is not None]
            return [seconds(lambda d=design: ready(workload, knobs, d)) for design in (shared, *own)]  # type: ignore[misc]  # the default binds it

        def copied() -> float:
            shutil.rmtree(copy, ignore_errors=True)
            data = max(cache.iterdir(), key=_size)
            return seconds(lambda: shutil.copytree(data, copy))

        sizes: dict[str, int] = {}
        for name, workload, knobs in settings(scenario):
            seeded(workload, knobs)
            sizes[name] = max(map(_size, cache.iterdir()))
        largest = max(sizes, key=lambda name: sizes[name])
        for name, workload, knobs in settings(scenario):
            named = name in (w.name for w in scenario.workloads)
            if not named and name != largest:
                continue
            longest, whole, again = [], [], []
            for _ in range(asked.rounds):
                parts = seeded(workload, knobs)
                longest.append(max(parts))
                whole.append(sum(parts))
                again.append(copied())
            said = f"{name} ({sizes[name] / 1e6:.1f} MB)"
            report.show(f"{said}: the largest data set", value(longest), "ms", at_most=BOUND if named else math.inf)
            report.show(f"{said}: those of all designs together", value(whole), "ms")
            report.show(f"{said}: copied for a round", value(again), "ms")
    report.exit()


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


if __name__ == "__main__":
    main()
