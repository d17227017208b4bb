"""The commands beside ``run``: what there is to learn, what was recorded, copies, words."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlab import catalog
from archlab.failure import say
from archlab.scenario import Scenario, ScenarioError, UsageError
from archlab.view.course import Topic, durations, listing

if TYPE_CHECKING:
    from archlab.run import Run


def home() -> None:
    from archlab.terminal import console
    from archlab.view import home as view

    console().print(view.home(_topics()))


def list_scenarios(as_json: bool) -> None:
    entries = catalog.entries()
    if as_json:
        listed = [
            {
                "name": entry.name,
                "topic": entry.scenario.topic if entry.scenario else "",
                "question": entry.scenario.question if entry.scenario else "",
                "seconds": entry.scenario.seconds if entry.scenario else None,
                "origin": entry.origin,
                "problem": entry.problem,
            }
            for entry in entries
        ]
        _print_json({"schema": 1, "scenarios": listed})
        return
    _print_lines(listing, [_topic(entry) for entry in entries])


def list_durations() -> None:
    """``archlab run`` without a name."""
    _print_lines(durations, [_topic(entry) for entry in catalog.entries()])


def _print_lines(draw: Callable[..., list[str]], topics: list[Topic]) -> None:
    """Plain lines: Rich takes longer to import than all the rest of ``archlab list``."""
    from shutil import get_terminal_size

    ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
    for line in draw(topics, get_terminal_size((100, 24)).columns, ascii_only):
        print(line)


def _topic(entry: catalog.Entry) -> Topic:
    if entry.scenario is None:
        return Topic(entry.name, problem=entry.problem, origin=entry.origin)
    scenario = entry.scenario
    return Topic(entry.name, scenario.topic, scenario.question, scenario.seconds, origin=entry.origin)


def _topics() -> list[Topic]:
    """The catalogue with what was done so far."""
    from dataclasses import replace

    from archlab.learn import quiz
    from archlab.terminal import recording
    from archlab.view.history import verdicts

    topics = []
    entries = catalog.entries()
    with recording() as store:
        for entry in entries:
            topic = _topic(entry)
            if entry.scenario is not None and store is not None:
                last = store.latest(entry.name, _whole(entry.scenario)) or store.latest(entry.name)
                asked = quiz.questions(entry.scenario)
                known = quiz.standing(entry.name, asked, store.answers(entry.name))
                topic = replace(
                    topic,
                    last_run=last.run_id if last else None,
                    outcome=verdicts(last) if last else "",
                    right=known.right,
                    answered=known.answered,
                    questions=known.questions,
                )
            topics.append(topic)
    return topics or [_topic(entry) for entry in entries]


def show(name: str, code: bool, change: bool, designs: list[str]) -> None:
    from archlab import evolution
    from archlab.learn import lesson
    from archlab.terminal import console
    from archlab.view import bill
    from archlab.view import lesson as view

    scenario = catalog.find(name)
    narrowed = scenario.only(designs, ())
    screen = console()
    if code:
        source = lesson.code(narrowed)
        screen.print(view.code([(d.name, d.title, source[d.name]) for d in narrowed.designs]))
    if change:
        diffs = lesson.changes(narrowed)
        facts = {f.name: f for f in evolution.facts(scenario)}
        shown = [(d.name, bill.takes(facts[d.name]), diffs[d.name]) for d in narrowed.designs if d.name in diffs]
        screen.print(view.change(scenario.change_request, shown))
    if not code and not change:
        screen.print(view.lesson(lesson.text(scenario)))
        screen.print(view.knobs(scenario.knobs))


def compare(name: str | None, as_json: bool) -> None:
    from archlab.terminal import console
    from archlab.view import compare as view

    wanted = [catalog.find(name)] if name else [e.scenario for e in catalog.entries() if e.scenario]
    runs = {scenario.name: _run_of(scenario) for scenario in wanted}
    if as_json:
        _print_json({"schema": 1, "runs": [run.to_json() for run in runs.values()]})
    elif name:
        console().print(view.topic(runs[wanted[0].name], wanted[0]))
    else:
        topics = [view.Compared(s.name, s.topic, runs[s.name], s) for s in wanted]
        console().print(view.course(topics, _age(min(run.started for run in runs.values()))))


def _whole(scenario: Scenario) -> Callable[[Run], bool]:
    """Whether a run is one of all the scenario's designs and workloads, as they are declared."""
    designs, workloads = [d.name for d in scenario.designs], [w.name for w in scenario.workloads]

    def whole(run: Run) -> bool:
        return [d.name for d in run.designs] == designs and [w.name for w in run.workloads] == workloads

    return whole


def _run_of(scenario: Scenario) -> Run:
    """The newest recorded run of the whole scenario as it is; without one it is run now."""
    from archlab.evolution import fingerprint
    from archlab.session import Asked, measure
    from archlab.signals import ended_cleanly
    from archlab.terminal import recording

    whole, code = _whole(scenario), fingerprint(scenario)

    def fit(run: Run) -> bool:
        return whole(run) and run.valid and not run.turned and not run.quick and run.environment.get("code") == code

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


def new(folder: Path, original: str) -> None:
    from archlab.copies import copy_scenario

    copy_scenario(catalog.find(original), folder)
    print(f"{folder} is a copy of {original}: edit its designs, then type")
    print(f"  archlab run ./{folder}")


def history(number: int, as_json: bool) -> None:
    from archlab.store import Store
    from archlab.terminal import console
    from archlab.view import history as view

    with Store.open(say=say) as store:
        runs = store.runs(number)
        if as_json:
            _print_json({"schema": 1, "runs": [run.to_json() for run in runs]})
            return
        predicted = {}
        for run in runs:
            made = store.prediction(run.run_id) if run.run_id is not None else None
            predicted[run.run_id] = (made.design or "none") if made else ""
    console().print(view.history([view.past(run, predicted[run.run_id]) for run in runs]))


def trace(run_id: int, design: str | None, slowest: bool, as_json: bool) -> None:
    from dataclasses import asdict

    from archlab.terminal import console
    from archlab.view import trace as view

    run = _recorded(run_id)
    known = list(dict.fromkeys(trace.design for trace in run.traces))
    if design is not None and design not in known:
        raise UsageError(f"run {run_id} has no traces of {design!r}. It has: {', '.join(known)}.")
    wanted = "slowest" if slowest else "median"
    traces = [t for t in run.traces if t.picked == wanted and design in (None, t.design)]
    if as_json:
        _print_json({"schema": 1, "run_id": run_id, "traces": [asdict(t) for t in traces]})
    else:
        console().print(view.traces(run, traces))


def export(run_id: int, picture: Path | None) -> None:
    from archlab.view import picture as view

    run = _recorded(run_id)
    if picture is None:
        _print_json(run.to_json())
        return
    try:
        scenario = catalog.by_name(run.scenario)
    except (UsageError, ScenarioError):  # it is gone, or no longer loads: what was recorded is still there
        scenario = None
    picture.write_text(view.svg(run, scenario), encoding="utf-8")
    print(f"{picture} shows run {run_id}.")


def _recorded(run_id: int) -> Run:
    from archlab.store import Store

    with Store.open(say=say) as store:
        return store.load(run_id)


def explain(word: str | None) -> None:
    from archlab.terminal import console
    from archlab.view import glossary

    if word is not None and glossary.find(word) is None:
        close = ", ".join(glossary.nearest(word))
        hint = f"Did you mean: {close}?" if close else "`archlab explain` lists the words."
        raise UsageError(f"{word!r} is not one of the words explained here. {hint}")
    console().print(glossary.words() if word is None else glossary.explain(word))


def reset(everything: bool, no_input: bool) -> None:
    from archlab import store
    from archlab.terminal import interactive

    if everything and not no_input:
        if not interactive():
            raise UsageError("reset --everything removes every recorded run and answer; add --no-input to mean it.")
        answer = input("Remove every recorded run, prediction and answer? Type yes: ")
        if answer.strip().lower() != "yes":
            print("Nothing was removed.")
            return
    removed = store.reset(everything=everything)
    print(f"Removed: {', '.join(map(str, removed))}." if removed else "There was nothing to remove.")


def _print_json(document: dict[str, Any]) -> None:
    print(json.dumps(document, indent=2, allow_nan=False))
