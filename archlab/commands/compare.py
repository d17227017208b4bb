"""``archlab compare``: the course on one screen, or one scenario in full, from recorded runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archlab import catalog
from archlab.failure import say
from archlab.scenario import Scenario

if TYPE_CHECKING:
    from archlab.run import Run


def compare(name: str | None, as_json: bool) -> None:
    from archlab.commands.terminal import console, print_json
    from archlab.view import compare as view

    wanted = [catalog.find(name)] if name else [e.scenario for e in catalog.entries() if e.scenario]
    runs = {scenario.name: _run_of(scenario) for scenario in wanted}
    if as_json:
        print_json({"schema": 1, "runs": [run.to_json() for run in runs.values()]})
    elif name:
        console().print(view.topic(runs[wanted[0].name], wanted[0]))
    else:
        topics = [view.Compared(s.name, s.topic, runs[s.name], s) for s in wanted]
        console().print(view.course(topics, _age(min(run.started for run in runs.values()))))


def whole(scenario: Scenario) -> Callable[[Run], bool]:
    """Whether a run is one of all the scenario's designs and workloads, as they are declared."""
    designs, workloads = [d.name for d in scenario.designs], [w.name for w in scenario.workloads]

    def whole(run: Run) -> bool:
        return [d.name for d in run.designs] == designs and [w.name for w in run.workloads] == workloads

    return whole


def _run_of(scenario: Scenario) -> Run:
    """The newest recorded run of the whole scenario as it is; without one it is run now."""
    from archlab.catalog.cost import fingerprint
    from archlab.commands.run import Asked, measure
    from archlab.commands.terminal import recording
    from archlab.signals import ended_cleanly

    is_whole, code = whole(scenario), fingerprint(scenario)

    def fit(run: Run) -> bool:
        return is_whole(run) and run.valid and not run.turned and not run.quick and run.environment.get("code") == code

    with recording() as store:
        if store is not None and (found := store.latest(scenario.name, fit)):
            return found
    say(f"{scenario.name} has no recorded run of its present code: running it now, about {scenario.seconds:.0f} s.")
    with ended_cleanly():
        return measure(scenario, {}, Asked(scenario.name))


def _age(started: str) -> str:
    seconds = (datetime.now(UTC) - datetime.fromisoformat(started)).total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} old"
    return "just now"
