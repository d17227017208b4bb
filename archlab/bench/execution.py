"""Executes the rounds of a plan, each in a fresh process, and ends what they started."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from archlab import catalog
from archlab.bench import data_sets, rounds
from archlab.bench.answers import Reply
from archlab.bench.length import OVERHEAD, length
from archlab.bench.plan import (
    QUICK_END,
    Place,
    Plan,
    Round,
    at_place,
    traced_place,
    traced_quickly,
)
from archlab.bench.progress import Tell
from archlab.bench.rounds import Observed, Task
from archlab.bench.running_round import RunningRound
from archlab.bench.traced_pass import stalled
from archlab.lab import broker, containment
from archlab.lab.broker_address import BrokerAddress
from archlab.lab.setting import Setting
from archlab.scenario import Calibrated, Design, ScenarioError, Workload

ROUND_LIMIT = 30.0
"""Seconds beyond its planned length after which a round that has not ended is ended."""
QUICK_LIMIT = 10.0
"""The same for a quick look."""
BESIDE = 3
"""Rounds that run at a time, of those that may run beside others: they mostly wait, and machines are small."""
TRACED_PASSES = 3
"""At most, where a machine stalls in one after the other."""
MOST_SHOWN = 12
"""Designs whose traces are recorded."""


class Execution:
    """Executes rounds, and ends what they started. What is timed runs alone."""

    def __init__(self, plan: Plan, cache: Path | None, scratch: Path, tell: Tell) -> None:
        self.plan = plan
        self.scratch = scratch
        self.invalid: list[str] = []
        self._cache = cache
        self._source = catalog.source(catalog.reference(plan.scenario))
        self._data: dict[tuple[Any, ...], Path] = {}
        self._hung: dict[str, str] = {}
        """Designs of which a round did not end, and the reason: further rounds would not end either."""
        self._count = 0
        self._tell = tell
        self._known = containment.children()
        self.length = length(plan, self._setting(plan.scenario.workloads[0], f"{plan.seed}:length"), scratch)
        self.left_out: dict[str, None] = {}
        """What a quick look had no time for, each once."""
        self._begun: dict[str, None] = {}
        self._answers: dict[str, tuple[Reply, ...]] = {}
        """By their hash: those that are alike are kept once."""
        self.left: dict[str, None] = {}
        """What designs started by themselves and left running, in sentences, each once."""

    def has_no_time_for(self, entry: Round, passed: float) -> bool:
        """Whether a quick look leaves an experiment out, ``passed`` seconds after its start: on all designs or none."""
        if not self.plan.quick or entry.experiment is None:
            return False
        what = f"{entry.experiment.name} at {entry.workload.name}"
        if what not in self._begun:
            designs = sum(entry.experiment.done_to(d.name, entry.workload.name) for d in self.plan.scenario.designs)
            ends = passed + designs * (self.length.of(entry) + OVERHEAD)
            (self._begun if ends <= (self.plan.seconds or QUICK_END) else self.left_out)[what] = None
        return what in self.left_out

    @property
    def no_time_for(self) -> tuple[str, ...]:
        """What a quick look left out, in sentences."""
        if not self.plan.quick:
            return ()
        slow = [experiment.name for experiment in self.plan.scenario.experiments if not experiment.quick]
        said = [f"this quick run leaves out {', '.join(slow)}"] if slow else []
        return (*said, *([f"this quick run had no time for {', '.join(self.left_out)}"] if self.left_out else []))

    def _setting(self, workload: Workload, seed: str, traced: bool = False, of_data: bool = False) -> Setting:
        knobs = self.plan.scenario.settings(workload, self.plan.turned)
        if of_data:  # what is kept from run to run does not depend on how fast the machine was
            knobs = {name: value.typical if isinstance(value, Calibrated) else value for name, value in knobs.items()}
        address = BrokerAddress(self.plan.broker, foreign=True) if self.plan.broker else None
        unseen = frozenset(knob.name for knob in self.plan.scenario.knobs if knob.demand)
        return Setting(self._source, workload.name, knobs, seed, self.scratch, traced, broker=address, unseen=unseen)

    def _data_for(self, workload: Workload, design: str) -> Path:
        key = workload.name, tuple(workload.settings.items()), design
        if key not in self._data:
            scenario, setting = self.plan.scenario, self._setting(workload, f"{self.plan.seed}:data", of_data=True)
            own = self.scratch / "data"
            try:
                self._data[key] = data_sets.ready(scenario, scenario.design(design), setting, self._cache or own)
            except OSError:  # the cache cannot be written, or its disk is full: the data are for this run alone
                self._data[key] = data_sets.ready(scenario, scenario.design(design), setting, own)
        return self._data[key]

    def traced_pass(self) -> dict[tuple[str, str], Observed]:
        """Every design once at the workload that is shown, recorded. Its figures are used for nothing else.

        A quick look traces only what a screen shows side by side.
        """
        scenario = self.plan.scenario
        return {
            (design.name, workload.name): self._trace(at_place(workload, place), design)
            for workload, place in self.traced_at
            for design in self._traced([d for d in scenario.designs if d.asked_at(workload.name)])
        }

    @property
    def traced_at(self) -> list[tuple[Workload, Place]]:
        """The workload that is shown, and the place of it."""
        workloads = self.plan.scenario.workloads
        shown = [w for w in workloads if w.name == self.plan.scenario.shown_workload] or list(workloads[:1])
        return [(workload, traced_place(self.plan, workload)) for workload in shown]

    def _trace(self, workload: Workload, design: Design) -> Observed:
        """The pass of one design; once more where it shows nothing but a stall of the machine."""
        for _ in range(TRACED_PASSES):
            observed = self.run(Round(workload, design.name, None, 0), traced=True)
            if not stalled(observed, self.plan.scenario.load.connections):
                break
        return observed

    def _traced(self, designs: list[Design]) -> list[Design]:
        if self.plan.quick:
            return traced_quickly(designs)
        return designs[:MOST_SHOWN]

    def task(self, entry: Round, traced: bool = False) -> Task:
        """What the process of a round is asked to do, with a new folder of its own."""
        workload = entry.workload
        self._count += 1
        folder = self.scratch / str(self._count)
        folder.mkdir()
        setting = self._setting(workload, f"{self.plan.seed}:{entry.number}:{workload.name}", traced)
        return Task(
            replace(setting, folder=folder, design=entry.design),
            self._data_for(workload, entry.design),
            entry.design,
            entry.experiment.name if entry.experiment else None,
            rounds.QUICK_REQUESTS if self.plan.quick and entry.in_open_loop else rounds.REQUESTS,
            # Beside others nobody could tell whose socket it is.
            first=entry.number == 0 and entry.alone,
        )

    def run(self, entry: Round, traced: bool = False) -> Observed:
        return self.run_beside([entry], traced)[0][1]

    def run_beside(self, entries: Iterable[Round], traced: bool = False) -> list[tuple[Round, Observed]]:
        """Each of the rounds with what it sent back; a few of them run at a time. Raises ScenarioError when one fails.

        The next one is asked for when there is room for it.
        """
        begun: list[Round] = []
        observed: dict[int, Observed] = {}
        running: dict[int, RunningRound] = {}
        try:
            for number, entry in enumerate(entries):
                begun.append(entry)
                if entry.design in self._hung:
                    observed[number] = Observed(died=self._hung[entry.design])
                    continue
                running[number] = RunningRound(
                    self.task(entry, traced), _what(entry), self.length.of(entry), self._limit
                )
                if len(running) == BESIDE or entry.alone:
                    self._take_next(running, observed, begun)
            while running:
                self._take_next(running, observed, begun)
        finally:
            for one in running.values():
                one.end()
            self._end_left(begun)
            for one in running.values():
                self._remove(one.task.setting.folder)
        return [(entry, observed[number]) for number, entry in enumerate(begun)]

    def _take_next(
        self, running: dict[int, RunningRound], observed: dict[int, Observed], begun: Sequence[Round]
    ) -> None:
        """Waits for the next round that ends, takes what it sent back, and removes what it left."""
        one = RunningRound.first_ended(list(running.values()), self._tell)
        number = next(number for number, other in running.items() if other is one)
        seen = one.observed()
        if seen.died == one.hung:
            self._hung[one.task.design] = one.hung
        one.end()
        del running[number]
        if not running:  # while others run, nobody could tell whose it is
            self._end_left(begun)
        self._remove(one.task.setting.folder)
        observed[number] = self._checked(begun[number], seen)

    def _end_left(self, entries: Sequence[Round]) -> None:
        """Ends what rounds have left running, and says so."""
        designs = " or ".join(dict.fromkeys(entry.design for entry in entries))
        where = " or ".join(dict.fromkeys(entry.workload.name for entry in entries))
        for command in containment.end_adopted(self._known):
            self.left[f"{designs} left `{command}` running at {where}. archlab ended it with the round"] = None

    def _remove(self, folder: Path) -> None:
        """Removes what a round has left on the disk, and on somebody else's broker."""
        if self.plan.broker:
            broker.remove(folder, self.plan.broker)
        shutil.rmtree(folder, ignore_errors=True)

    def _checked(self, entry: Round, observed: Observed) -> Observed:
        """What a round sent back, once what was wrong with it is written down."""
        what = _what(entry)
        if observed.failed:
            raise ScenarioError(f"{what} failed: {observed.failed}.")
        if observed.died:
            self.invalid.append(f"{what}: {observed.died}")
        self.invalid += [
            f"{entry.design} listens on {host}, where other machines can reach it; let it listen on 127.0.0.1"
            for host in dict.fromkeys(address.rpartition(":")[0] for address in observed.reachable)
        ]
        return replace(observed, answers=self._answers.setdefault(observed.answers_hash, observed.answers))

    @property
    def _limit(self) -> float:
        """Seconds beyond its planned length after which a round is ended."""
        return QUICK_LIMIT if self.plan.quick else ROUND_LIMIT


def _what(entry: Round) -> str:
    """A round in words: ``crud at pressure with rtt=2, crashes``."""
    where = " ".join([entry.workload.name, *(f"with {knob}={value:g}" for knob, value in entry.place)])
    return f"{entry.design} at {where}" + (f", {entry.experiment.name}" if entry.experiment else "")
