"""The conversation of one run: problem → prediction → traces → figures → verdict beside the prediction."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from archlab import catalog
from archlab.__main__ import DONE, FAILED, INTERRUPTED, REFUTED, UNCERTAIN, say
from archlab.scenario import Scenario, UsageError
from archlab.store import Store

if TYPE_CHECKING:
    from rich.console import Console

    from archlab.bench.runner import Progress, Traced
    from archlab.run import Run


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


@dataclass(frozen=True)
class Predicted:
    design: str
    confidence: int
    """50 to 100."""
    id: int | None
    """None where it could not be recorded."""


def run(asked: Asked) -> int:
    """``archlab run``; returns the exit code."""
    scenario = catalog.find(asked.name)
    turned = dict(scenario.turn(text) for text in asked.turned)
    narrowed = scenario.only(asked.designs, asked.workloads)
    for note in catalog.notes(scenario):
        say(note)
    with ended_cleanly():
        if asked.as_json:
            judged = _measure(narrowed, turned, asked, lambda traced: None)
            print(json.dumps(judged.to_json(), indent=2, allow_nan=False))
        else:
            judged = _shown(narrowed, turned, asked)
    return _broken(judged)


def check(asked: Asked) -> int:
    """``archlab check``: the same run, answered by the exit code."""
    from archlab.view import page, verdict

    scenario = catalog.find(asked.name)
    turned = dict(scenario.turn(text) for text in asked.turned)
    with ended_cleanly():
        judged = _measure(scenario, turned, asked, lambda traced: None)
    if asked.as_json:
        print(json.dumps(judged.to_json(), indent=2, allow_nan=False))
    else:
        console().print(page.Picture(lambda at: verdict.checked(at, judged)))
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
    if not asked.as_json:
        screen.print(run_screen.header(scenario.name, scenario.question, f"seed {asked.seed}"))
        screen.print()
        sys.stdout.flush()
    warm(scenario)  # it imports while the problem is read
    predicted = _predict(screen, scenario, turned, asked)

    def show(traced: Run) -> None:
        screen.print(run_screen.traces(_picked(traced, asked), scenario))
        screen.print()
        sys.stdout.flush()

    judged = _measure(scenario, turned, asked, show, predicted)
    prediction = (predicted.design, predicted.confidence) if predicted else (None, 0)
    screen.print(run_screen.figures(judged, scenario, *prediction))
    return judged


def _picked(run: Run, asked: Asked) -> Run:
    """The run with the traces that are asked for alone: of each operation the median request, or the slowest."""
    wanted = "slowest" if asked.slowest else "median"
    return replace(run, traces=tuple(trace for trace in run.traces if trace.picked == wanted))


def _measure(
    scenario: Scenario,
    turned: dict[str, float],
    asked: Asked,
    show: Callable[[Run], None],
    predicted: Predicted | None = None,
) -> Run:
    """Executes, judges and records. What is recorded is recorded whole or not at all."""
    from archlab.bench.runner import Plan, Traced, execute
    from archlab.judge import judge

    plan = Plan(scenario, turned, asked.seed, asked.quick, asked.seconds)
    with progress() as moved:

        def tell(event: Traced | Progress) -> None:
            if isinstance(event, Traced):
                show(event.run)
            else:
                moved(event)

        judged = judge(scenario, execute(plan, Store.cache(), tell))
    with recording() as store:
        if store is not None:
            judged = replace(judged, run_id=store.save(judged, predicted.id if predicted else None))
    return judged


def _predict(screen: Console, scenario: Scenario, turned: dict[str, float], asked: Asked) -> Predicted | None:
    """Asks which design will do under pressure; recorded before anything is measured. None where nobody can answer."""
    if asked.no_input or not interactive():
        return None
    from archlab.view import prediction as view

    workload = next((w for w in scenario.workloads if w.name == scenario.shown_workload), scenario.workloads[-1])
    choices = [design for design in scenario.designs if design.role != "misuse"]
    screen.print(view.question(scenario, workload, choices))
    number = _ask(screen, "Your prediction", "press enter to skip", range(1, len(choices) + 1))
    if number is None:
        return None
    confidence = _ask(screen, "How sure are you, in percent", "50 is a coin's toss", range(50, 101)) or 50
    screen.print()
    design = choices[number - 1].name
    with recording() as store:
        knobs = scenario.settings(workload, turned)
        made = store.predict(scenario.name, workload.name, design, confidence, knobs) if store else None
    return Predicted(design, confidence, made)


def _ask(screen: Console, what: str, hint: str, allowed: range) -> int | None:
    """A number in ``allowed``; None for an empty answer or the end of input."""
    while True:
        try:
            answer = screen.input(f"{what} ({allowed.start}–{allowed.stop - 1}; {hint}): ").strip()
        except EOFError:
            return None
        if not answer:
            return None
        if answer.rstrip("%").isdigit() and int(answer.rstrip("%")) in allowed:
            return int(answer.rstrip("%"))
        screen.print(f"Type a number from {allowed.start} to {allowed.stop - 1}, or press enter.", style="dim")


def _broken(judged: Run) -> int:
    from archlab.judge import broken_claims

    for claim in broken_claims(judged):
        say(f"claim {claim.id!r} of {judged.scenario} cannot be judged: {claim.evidence}. Mend its judge.")
    return FAILED if broken_claims(judged) else DONE


def console() -> Console:
    """Where pictures go. A pipe has no width of its own: 100 columns, unless COLUMNS says otherwise."""
    import os

    from rich.console import Console

    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(width=100 if piped else None, highlight=False, markup=False, emoji=False)


def interactive() -> bool:
    """Whether a person can be asked: a terminal on both sides, and not a dumb one."""
    import os

    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def progress() -> Iterator[Callable[[Progress], None]]:
    """A bar with the time left on stderr, where that is a terminal; gone when the measuring is over."""
    if not sys.stderr.isatty():
        yield lambda event: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("measuring"), BarColumn(30), TextColumn("{task.fields[left]}  {task.description}"))
    with Bar(*columns, console=Console(stderr=True), transient=True, refresh_per_second=5) as bar:
        task = bar.add_task("", total=1.0, left="")

        def moved(event: Progress) -> None:
            left = f"{event.seconds_left:3.0f} s left" if event.seconds_left else ""
            bar.update(task, completed=event.done / event.planned, description=event.doing, left=left)

        yield moved


@contextmanager
def recording() -> Iterator[Store | None]:
    """The open store; None, with a sentence, where nothing can be recorded: archlab goes on without."""
    ...


@contextmanager
def ended_cleanly() -> Iterator[None]:
    """SIGTERM and a closed terminal end archlab like Ctrl-C does: through every ``finally``."""

    def end(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    before = {}
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            before[getattr(signal, name)] = signal.signal(getattr(signal, name), end)
    try:
        yield
    except KeyboardInterrupt:
        say("interrupted: everything that was started has ended, and nothing was recorded half.")
        raise SystemExit(INTERRUPTED) from None
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


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
