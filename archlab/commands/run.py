"""``archlab run``: asks for a prediction, runs the designs, and shows traces, figures and the verdict."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from archlab import catalog
from archlab.commands.terminal import ask, console, interactive, print_json, progress, recording
from archlab.exit_codes import DONE, FAILED, REFUTED, UNCERTAIN
from archlab.failure import say
from archlab.scenario import Scenario, UsageError
from archlab.signals import ended_cleanly
from archlab.store import Store, StoreError

if TYPE_CHECKING:
    from rich.console import Console

    from archlab.bench.progress import Notice, Progress, Traced
    from archlab.lab.broker_address import BrokerUrl
    from archlab.run import Run

BROKER = "ARCHLAB_BROKER"
"""The environment variable with the URL of the broker for all runs."""
PRIVATE = "rabbitmq"
"""What stands in place of a URL for a RabbitMQ node of the run's own."""


@dataclass(frozen=True)
class Asked:
    """What a person asked for on the command line."""

    name: str
    turned: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    designs: tuple[str, ...] = ()
    seed: int = 1
    quick: bool = False
    seconds: float | None = None
    as_json: bool = False
    no_input: bool = False
    slowest: bool = False
    broker: str | None = field(default=None, repr=False)
    """The URL of a broker, with a password."""
    keep: bool = False
    full: bool = False

    def __post_init__(self) -> None:
        if abs(self.seed) >= 2**63:
            raise UsageError(f"--seed takes a whole number of at most 64 bits, not {self.seed}.")
        if self.quick and self.seconds is not None:
            raise UsageError("--quick and --for contradict each other: leave out one of them.")
        if self.full and self.as_json:
            raise UsageError("--json prints everything already. Leave out --full.")
        if self.keep and (self.as_json or self.no_input):
            raise UsageError("--keep opens a prompt. Leave out --json and --no-input.")


@dataclass(frozen=True)
class Predicted:
    design: str
    confidence: int
    """50 to 100."""
    id: int | None
    """None where it could not be recorded."""


def run(asked: Asked) -> int:
    """``archlab run``; returns the exit code."""
    with _nothing_but_json(asked):
        scenario = catalog.find(asked.name)
    turned = dict(scenario.turn(text) for text in asked.turned)
    narrowed = scenario.only(asked.designs, asked.workloads)
    if asked.keep:
        from archlab.commands import keep

        keep.chosen(narrowed)  # before anything is measured
    if scenario.typed:
        for note in catalog.notes(scenario):
            say(note)
    with ended_cleanly():
        if asked.as_json:
            with _nothing_but_json(asked):
                judged = measure(narrowed, turned, asked)
            print_json(judged.to_json())
            if not judged.valid:
                say(f"this run is invalid, and nothing in it is judged: {'; '.join(judged.invalid_reasons)}")
        else:
            judged = _shown(narrowed, turned, asked)
            if asked.keep:
                _keep(narrowed, turned, asked)
    return _broken(judged)


def _keep(scenario: Scenario, turned: dict[str, float], asked: Asked) -> None:
    from archlab.bench.plan import Plan
    from archlab.commands import keep

    with _broker(asked, scenario) as broker:
        keep.keep(Plan(scenario, turned, asked.seed, broker=broker), _cache())


def check(asked: Asked) -> int:
    """``archlab check``: the same run, answered by the exit code."""
    from archlab.view import page, verdict

    with ended_cleanly(), _nothing_but_json(asked):
        scenario = catalog.find(asked.name)
        turned = dict(scenario.turn(text) for text in asked.turned)
        judged = measure(scenario, turned, asked)
    if asked.as_json:
        print_json(judged.to_json())
    else:
        console().print(page.Picture(lambda at: verdict.checked(at, judged, scenario)))
    outcomes = {claim.outcome for claim in judged.claims if claim.kind == "measured"}
    if _broken(judged):
        return FAILED
    if "refuted" in outcomes:
        return REFUTED
    return UNCERTAIN if not judged.valid or "inconclusive" in outcomes else DONE


def _shown(scenario: Scenario, turned: dict[str, float], asked: Asked) -> Run:
    from archlab.bench.runner import warm
    from archlab.view import run_screen

    screen = console()
    screen.print(run_screen.header(scenario.name, scenario.question, f"seed {asked.seed}"))
    screen.print()
    sys.stdout.flush()
    warm(scenario)  # it imports while the problem is read
    predicted = _predict(screen, scenario, turned, asked)

    def show(traced: Run) -> None:
        screen.print(run_screen.traces(_picked(traced, asked), scenario))
        screen.print()
        sys.stdout.flush()

    judged = measure(scenario, turned, asked, show, predicted)
    said, sure = (predicted.design, predicted.confidence) if predicted else (None, 0)
    done = _done(scenario) if judged.run_id is not None else []
    screen.print(run_screen.figures(judged, scenario, said, sure, done))
    if asked.full:
        from archlab.commands.terminal import print_long
        from archlab.view import report

        print_long(screen, report.picture(judged, scenario))
    return judged


def _done(scenario: Scenario) -> list[str]:
    """What the scenario offers to try next and was done already: run with these knobs, or copied into this folder."""
    with recording() as store:
        turned = [run.turned for run in store.history(200) if run.scenario == scenario.name] if store else []
    found = []
    for command, _ in scenario.try_next:
        _, what, name, *options = shlex.split(command)
        knobs = {knob: float(value) for knob, equals, value in (o.partition("=") for o in options) if equals}
        if (what == "run" and knobs in turned) or (what == "new" and Path(name).exists()):
            found.append(command)
    return found


def _picked(run: Run, asked: Asked) -> Run:
    """The run with the traces that are asked for alone: of each operation the median request, or the slowest."""
    wanted = "slowest" if asked.slowest else "median"
    return replace(run, traces=tuple(trace for trace in run.traces if trace.picked == wanted))


def measure(
    scenario: Scenario,
    turned: dict[str, float],
    asked: Asked,
    show: Callable[[Run], None] = lambda traced: None,
    predicted: Predicted | None = None,
) -> Run:
    """Executes, judges and records. What is recorded is recorded whole or not at all."""
    from archlab.bench.plan import Plan
    from archlab.bench.progress import Traced
    from archlab.bench.runner import execute
    from archlab.judge import judge

    with _broker(asked, scenario) as broker, progress() as moved:
        plan = Plan(scenario, turned, asked.seed, asked.quick, asked.seconds, broker)

        def tell(event: Traced | Progress | Notice) -> None:
            if isinstance(event, Traced):
                show(event.run)
            else:
                moved(event)

        judged = judge(scenario, execute(plan, _cache(), tell))
    with recording() as store:
        if store is not None:
            judged = replace(judged, run_id=store.save(judged, predicted.id if predicted else None))
    return judged


@contextmanager
def _broker(asked: Asked, scenario: Scenario) -> Iterator[BrokerUrl | None]:
    """The broker that a person gave: with ``--broker``, else for all runs in the environment.

    ``rabbitmq`` stands for a private node, which is started where the scenario needs a broker, and lasts as long.
    """
    from archlab.lab.broker_address import BrokerUrl

    text = (asked.broker or os.environ.get(BROKER) or "").strip()
    if text != PRIVATE:
        yield BrokerUrl.parse(text) if text else None
    elif "broker" not in scenario.needs:
        yield None
    else:
        from archlab.lab import rabbitmq_node

        say("starting a RabbitMQ node for this run. This takes a few seconds.")
        with rabbitmq_node.running() as url:
            yield url


def _cache() -> Path | None:
    """Where data sets are kept; None where they cannot be: recording the run will say why."""
    try:
        return Store.cache()
    except StoreError:
        return None


def _predict(screen: Console, scenario: Scenario, turned: dict[str, float], asked: Asked) -> Predicted | None:
    """Asks which design will do under pressure; recorded before anything is measured. None where nobody can answer."""
    if asked.no_input or not interactive():
        return None
    from archlab.view import prediction as view

    workload = next((w for w in scenario.workloads if w.name == scenario.shown_workload), scenario.workloads[-1])
    choices = [design for design in scenario.designs if design.role != "misuse"]
    screen.print(view.question(scenario, workload, choices, turned))
    names = [design.name for design in choices]
    number = ask(screen, "Your prediction", "press enter to skip", range(1, len(choices) + 1), names)
    if number is None:
        return None
    confidence = ask(screen, "How sure are you, in percent", "50 means a guess", range(50, 101)) or 50
    screen.print()
    design = names[number - 1]
    with recording() as store:
        knobs = scenario.settings(workload, turned)
        made = store.predict(scenario.name, workload.name, design, confidence, knobs) if store else None
    return Predicted(design, confidence, made)


def _nothing_but_json(asked: Asked) -> AbstractContextManager[object]:
    """With ``--json`` what a scenario prints while it is loaded or judged goes to stderr."""
    return redirect_stdout(sys.stderr) if asked.as_json else nullcontext()


def _broken(judged: Run) -> int:
    from archlab.judge import broken_claims

    for claim in broken_claims(judged):
        say(f"claim {claim.id!r} of {judged.scenario} cannot be judged: {claim.evidence}. Correct its judge.")
    return FAILED if broken_claims(judged) else DONE


def seconds(text: str | None) -> float | None:
    """``60s``, ``5m``, ``90`` → seconds; raises UsageError."""
    if text is None:
        return None
    units = {"s": 1, "m": 60, "h": 3600}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1)
    try:
        value = float(number) * unit
    except ValueError:
        value = 0
    if not 1 <= value <= 24 * 3600:
        raise UsageError(f"--for takes a time such as 60s or 5m, up to 24h, not {text!r}.")
    return value
