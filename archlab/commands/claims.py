"""``archlab claims``: lists the claims with the evidence of the latest run, or of a given run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archlab import catalog
from archlab.commands.compare import whole
from archlab.commands.terminal import console, print_json, print_long
from archlab.failure import say
from archlab.scenario import Scenario, ScenarioError, UsageError
from archlab.store import Store

if TYPE_CHECKING:
    from archlab.run import Run
    from archlab.view.claims import Listed

RECENT = 50
"""Runs among which one of everything is looked for."""
LARGEST = 2**63 - 1
"""SQLite counts no further."""


def claims(asked: str | None, as_json: bool) -> None:
    """Of a scenario, of a run by its number, or of the whole course. Raises UsageError for what there is not."""
    from archlab.view import claims as view

    listed = [_of_run(int(asked))] if asked is not None and asked.isdecimal() else _of_scenarios(asked)
    if as_json:
        print_json({"schema": 1, "scenarios": [view.to_json(each) for each in listed]})
    else:
        print_long(console(), view.picture(listed))


def _of_run(number: int) -> Listed:
    from archlab.view import claims as view

    with Store.open(say=say) as store:
        run = store.load(min(number, LARGEST), traces=False)
    try:
        scenario = catalog.by_name(run.scenario)
    except (UsageError, ScenarioError):  # it is gone, or no longer loads: what was recorded is still there
        scenario = None
    return view.of_run(run, scenario, _ago(run))


def _of_scenarios(asked: str | None) -> list[Listed]:
    from archlab.view import claims as view

    wanted = [catalog.find(asked)] if asked else [e.scenario for e in catalog.entries() if e.scenario]
    with Store.open(say=say) as store:
        listed = []
        for scenario in wanted:
            run = store.latest(scenario.name, traces=False)
            other = _whole(store, scenario) if run else None
            listed.append(view.of_scenario(scenario, run, other, _ago(run) if run else ""))
    return listed


def _whole(store: Store, scenario: Scenario) -> int | None:
    """The number of the latest run of everything, as it is declared, among those that were recorded last."""
    is_whole = whole(scenario)
    for past in store.history(RECENT):
        able = past.scenario == scenario.name and past.valid and not past.turned and not past.quick
        if able and is_whole(store.load(past.run_id, traces=False)):
            return past.run_id
    return None


def _ago(run: Run) -> str:
    """``5 min ago``."""
    seconds = (datetime.now(UTC) - datetime.fromisoformat(run.started)).total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return "just now"
