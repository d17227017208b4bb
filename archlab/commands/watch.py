"""``archlab run ./mine --watch``: measures briefly at every save, and says in one line what changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlab import catalog
from archlab.commands.terminal import tell
from archlab.exit_codes import DONE
from archlab.failure import say
from archlab.scenario import Scenario, ScenarioError, UsageError
from archlab.signals import ended_cleanly
from archlab.view import units

if TYPE_CHECKING:
    from archlab.commands.run import Asked

EVERY = 0.1
"""Seconds between two looks at the files: what is saved together is measured together."""
NOTICEABLE = 1.5
"""A look is one round: two figures that differ by a smaller factor are said to be alike."""

Files = Mapping[Path, tuple[int, int]]
"""When each file was written, and its length."""


def watch(asked: Asked) -> int:
    """Measures the folder at every save until it is interrupted or the folder is deleted; returns the exit code."""
    if asked.as_json or asked.seconds is not None or asked.keep:
        raise UsageError("--watch prints one line at every save. Leave out --json, --for and --keep.")
    folder = Path(asked.name).expanduser()
    if not (asked.name.startswith(".") or os.sep in asked.name):
        raise UsageError(f"--watch needs a folder. Type `archlab new mine --from {asked.name}`, then watch ./mine.")
    if not (folder / "__init__.py").is_file():
        catalog.find(asked.name)  # says what is wrong with it
    tell(f"Watching {asked.name}. Save a file to measure it; press Ctrl-C to end.")
    with ended_cleanly():
        _watch(asked, folder)
    return DONE


def _watch(asked: Asked, folder: Path) -> None:
    before: Look | None = None
    seen: Files = {}
    while folder.is_dir():
        now = _files(folder)
        if now == seen or now != _files(folder, after=EVERY):
            time.sleep(EVERY)
            continue
        seen = now
        try:
            for look in _looks(asked, folder, lambda seen=seen: _files(folder) != seen):  # type: ignore[misc]  # binds it
                for sentence in changes(look, before):
                    _line(sentence)
                before = before if look.invalid else look
        except (ScenarioError, UsageError) as error:
            _line(str(error))
    say(f"{asked.name} was deleted, so there is nothing left to watch.")


def _line(sentence: str) -> None:
    """One line with the time; a terminal that is too narrow for it gets the rest below, further in."""
    said = f"{time.strftime('%H:%M:%S')}  {sentence}"
    if sys.stdout.isatty():
        said = textwrap.fill(said, shutil.get_terminal_size().columns, subsequent_indent=" " * 10)
    for line in said.split("\n"):
        tell(line)
    sys.stdout.flush()


def _files(folder: Path, after: float = 0) -> Files:
    """The files of a folder that Python or a person reads, not what an editor keeps beside them."""
    time.sleep(after)
    found = {}
    with suppress(FileNotFoundError):  # a folder was deleted while it was listed
        for path in folder.rglob("*"):
            try:
                status = path.stat()
            except OSError:  # it is being written, or was deleted this moment
                continue
            if path.suffix in (".py", ".sql", ".toml", ".json") and "__pycache__" not in path.parts:
                found[path] = (status.st_mtime_ns, status.st_size)
    return found


# What a look finds


@dataclass(frozen=True)
class Look:
    """What one short run found: plain data, to be compared with the next."""

    workload: str
    designs: tuple[str, ...]
    """Those that are told of: the edited ones, or all where no original stands beside them."""
    edits: Mapping[str, str]
    """By an edited design, its original."""
    figures: Mapping[tuple[str, str], float]
    """By design and metric."""
    outcomes: Mapping[tuple[str, str], str]
    """By design and requirement: met, missed or uncertain."""
    says: Mapping[str, tuple[str, str, float]]
    """By metric: its words, its unit, and its noticeable margin."""
    invalid: str = ""


def _looks(asked: Asked, folder: Path, outdated: Callable[[], bool]) -> Iterator[Look]:
    """A look at the figures; then, if the answers turn out to be wrong, one that says so. Ends once the files change.

    Every look is a run in a process of its own, which reads the files as they are. Raises ScenarioError with the
    sentence in which that process failed.
    """
    from archlab.catalog import copies

    copied = copies.edited_designs(folder)
    designs, workloads, answered = list(asked.designs), list(asked.workloads), list[str]()
    if copied is not None:
        original, edited = copied
        if edited == []:
            names = ", ".join(f"{design.name}" for design in original.designs if design.role != "misuse")
            raise UsageError(f"nothing is edited yet: change a design ({names}) and save it.")
        designs = designs or [name for design in edited or () for name in (design, design + copies.EDITED)]
        if not workloads:
            workloads = [original.shown_workload or original.workloads[-1].name]
            # Answers are compared where requests are served one after the other: afterwards, for figures come first.
            answered = [w.name for w in original.workloads if w.closed and w.name not in workloads]
    for some in (workloads, answered):
        if some is answered and not some:
            return
        code, out, err = _finished(_command(asked, designs, some), asked.broker, outdated)
        if code is None:
            return
        if code:
            raise ScenarioError(err.strip().rpartition("\n")[2].removeprefix("archlab: ") or f"it ended with {code}.")
        look = _read(json.loads(out), some[-1] if some else None, copied[0] if copied else None)
        if some is workloads or look.invalid:
            yield look
        if look.invalid:
            return


def _command(asked: Asked, designs: Sequence[str], workloads: Sequence[str]) -> list[str]:
    options = [
        *(word for text in asked.turned for word in ("--set", text)),
        *(word for name in designs for word in ("--design", name)),
        *(word for name in workloads for word in ("--workload", name)),
        *("--seed", str(asked.seed), "--quick", "--json", "--no-input"),
    ]
    return [sys.executable, "-m", "archlab", "run", asked.name, *options]


def _finished(command: list[str], broker: str | None, outdated: Callable[[], bool]) -> tuple[int | None, str, str]:
    """Its exit code, stdout and stderr; None for the code where it was ended because it had become outdated."""
    import tempfile

    environment = {**os.environ, **({"ARCHLAB_BROKER": broker} if broker else {})}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err, _measuring():
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment)
        try:
            while process.poll() is None:
                if outdated():
                    return None, "", ""
                time.sleep(EVERY)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        out.seek(0)
        err.seek(0)
        return process.returncode, out.read(), err.read()


@contextmanager
def _measuring() -> Iterator[None]:
    """Says so on a terminal as long as it lasts."""
    if sys.stderr.isatty():
        print("measuring …", end="\r", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if sys.stderr.isatty():
            print(" " * len("measuring …"), end="\r", file=sys.stderr, flush=True)


def _read(document: Mapping[str, Any], told: str | None, original: Scenario | None) -> Look:
    """A recorded run as a look at the workload ``told``, or at the last one."""
    edits = {design["name"]: design["edits"] for design in document["designs"] if design["edits"]}
    names = tuple(edits) or tuple(design["name"] for design in document["designs"])
    workload = told or next((m["workload"] for m in reversed(document["measurements"])), "")
    figures = {
        (m["design"], m["metric"]): m["value"]
        for m in document["measurements"]
        if m["value"] is not None and not m["at"] and m["workload"] == workload
    }
    says = {m["metric"]: (m["metric"], m["unit"], 0.0) for m in document["measurements"]}
    for metric in original.metrics if original else ():
        says[metric.name] = (metric.says, metric.unit, metric.noticeable)
    outcomes = {(r["design"], r["id"]): r["outcome"] for r in document["requirements"] if r["workload"] == workload}
    from archlab.run import Difference
    from archlab.view.differences import brief

    different = {one.sentence: brief(one) for one in (Difference(**each) for each in document["differences"])}
    reasons = [f"{why}. {different[why]}" if why in different else why for why in document["invalid_reasons"]]
    return Look(workload, names, edits, figures, outcomes, says, "; ".join(reasons))


# What changed


def changes(look: Look, before: Look | None) -> list[str]:
    """One sentence a design: what changed against the look before, at the first look against its original."""
    if look.invalid:
        return [f"INVALID: {look.invalid}"]
    return [_change(look, before, design) for design in look.designs]


def _change(look: Look, before: Look | None, design: str) -> str:
    if before is None or not any(name == design for name, _ in before.figures):
        before, other, against = look, look.edits.get(design, design), f"like {look.edits.get(design, design)}"
    else:
        other, against = design, "as before"
    turned = [
        f"{requirement} is {outcome}, was {was}"
        for (name, requirement), outcome in look.outcomes.items()
        if name == design and (was := before.outcomes.get((other, requirement), outcome)) != outcome
    ]
    missed = [requirement for (name, requirement), o in look.outcomes.items() if name == design and o == "missed"]
    parts = [*turned, *_most_changed(look, before, design, other)] or [against]
    still = f"misses {', '.join(missed)}" if missed else "meets every requirement in this short run"
    return f"{design} at {look.workload}: {'; '.join(parts)}; {still}."


def _most_changed(look: Look, before: Look, design: str, other: str) -> Iterator[str]:
    """The figure that changed most, if any changed noticeably."""
    ratios = {}
    for (name, metric), value in look.figures.items():
        was = before.figures.get((other, metric))
        if name == design and was is not None and min(was, value) > 0 and abs(value - was) >= look.says[metric][2]:
            # Measured by its original in the same look: what slows the machine down for a moment slows both.
            by = _original(look, design, metric) / _original(before, design, metric) if other == design else 1.0
            ratios[metric] = max(value / was / by, was * by / value)
    if ratios and ratios[most := max(ratios, key=lambda metric: ratios[metric])] >= NOTICEABLE:
        words, unit, _ = look.says[most]
        now, was = look.figures[design, most], before.figures[other, most]
        whose = "before" if other == design else f"in {other}"
        yield f"{words} {units.figure(now, unit)}, {whose} {units.figure(was, unit)}"


def _original(look: Look, design: str, metric: str) -> float:
    """The figure of the original; 1 where no original stands beside the design, or it has none."""
    return look.figures.get((look.edits.get(design, ""), metric), 1.0) or 1.0
