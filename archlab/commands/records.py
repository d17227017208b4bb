"""Shows, exports and removes what was recorded: history, traces, reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archlab import catalog
from archlab.commands.terminal import console, interactive, print_json, print_long, tell
from archlab.failure import say
from archlab.run import Run
from archlab.scenario import Scenario, ScenarioError, UsageError
from archlab.store import Recorded, Store
from archlab.store import reset as remove

if TYPE_CHECKING:
    from archlab.view.history import Past


def history(number: int, as_json: bool) -> None:
    from archlab.view import history as view

    with Store.open(say=say) as store:
        if as_json:
            print_json({"schema": 1, "runs": [run.to_json() for run in store.runs(number)]})
            return
        recorded = store.history(number)
    console().print(view.history([_past(line) for line in recorded]))


def _past(line: Recorded) -> Past:
    from archlab.view import history as view

    verdicts = view.told(line.verdicts, line.invalid_reasons)
    return view.Past(
        line.run_id, line.scenario, line.started, line.seconds, line.valid, verdicts, line.held, line.claims, line.quick
    )


def trace(run_id: int, design: str | None, slowest: bool, as_json: bool) -> None:
    from dataclasses import asdict

    from archlab.view import trace as view

    run = _recorded(run_id)
    known = list(dict.fromkeys(trace.design for trace in run.traces))
    if design is not None and design not in known:
        raise UsageError(f"run {run_id} has no traces of {design!r}. It has: {', '.join(known)}.")
    wanted = "slowest" if slowest else "median"
    traces = [t for t in run.traces if t.picked == wanted and design in (None, t.design)]
    if as_json:
        print_json({"schema": 1, "run_id": run_id, "traces": [asdict(t) for t in traces]})
    else:
        console().print(view.traces(run, traces))


def export(run_id: int, picture: Path | None) -> None:
    from archlab.export import svg as view

    run = _recorded(run_id)
    if picture is None:
        print_json(run.to_json())
        return
    picture.write_text(view.svg(run, _scenario_of(run)), encoding="utf-8")
    tell(f"{picture} shows run {run_id}.")


def report(run_id: int) -> None:
    """All that was recorded of a run, through a pager on a terminal. Raises StoreError for a run that is not there."""
    from archlab.view import report as view

    with Store.open(say=say) as store:
        run = store.load(run_id, traces=False)
    scenario = _scenario_of(run)
    print_long(console(), view.picture(run, scenario, _changed(run, scenario)))


def _changed(run: Run, scenario: Scenario | None) -> bool:
    """Whether a scenario's code is another than when the run was made."""
    from archlab.catalog.cost import fingerprint

    made_by = run.environment.get("code")
    return scenario is not None and made_by is not None and made_by != fingerprint(scenario)


def _scenario_of(run: Run) -> Scenario | None:
    try:
        return catalog.by_name(run.scenario)
    except (UsageError, ScenarioError):  # it is gone, or no longer loads: what was recorded is still there
        return None


def _recorded(run_id: int) -> Run:
    with Store.open(say=say) as store:
        return store.load(run_id)


def reset(everything: bool, no_input: bool) -> None:
    if everything and not no_input:
        if not interactive():
            raise UsageError("reset --everything removes every recorded run and answer. Add --no-input to confirm.")
        answer = input("Remove every recorded run, prediction and answer? Type yes: ")
        if answer.strip().lower() != "yes":
            print("Nothing was removed.")
            return
    removed = remove(everything=everything)
    tell(f"Removed: {', '.join(map(str, removed))}." if removed else "There was nothing to remove.")
