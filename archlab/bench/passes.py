"""Repeats passes over all designs, workloads and experiments for as long as the plan says."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from archlab.bench import rounds
from archlab.bench.execution import Execution
from archlab.bench.length import OVERHEAD
from archlab.bench.machine_watch import Watch
from archlab.bench.measurements import LOAD, Cell, CellKey, Situation, settled
from archlab.bench.plan import ROUNDS, Round, due, every_entry, goes_on, in_order, shares_load_of
from archlab.bench.progress import Progress, Tell
from archlab.bench.validity import yields_what_it_declares

Situations = dict[Situation, dict[CellKey, Cell]]


class Passes:
    def __init__(self, bench: Execution, watch: Watch, began: float, tell: Tell) -> None:
        """``began`` is when the run began, on the monotonic clock."""
        self.situations: Situations = defaultdict(lambda: defaultdict(Cell))
        self._bench, self._watch, self._tell = bench, watch, tell
        self._run_began, self._began = began, time.monotonic()
        self._done = 0
        self._seconds_done = self._seconds_planned = 0.0
        """By what every round is planned to take, which is not what it takes, but in proportion."""
        plan = bench.plan
        for workload in plan.scenario.workloads:
            for design in plan.scenario.designs:
                same = shares_load_of(plan, workload, design) if design.asked_at(workload.name) else None
                if same is not None:
                    shared = self._cell(Round(same, design.name, None, 0))
                    self.situations[workload.name, ()][LOAD, design.name, workload.name] = shared

    def go(self) -> Situations:
        """All of them. Raises ScenarioError where a round fails, or yields something else than is declared."""
        plan, schedule, number = self._bench.plan, every_entry(self._bench.plan), 0
        while goes_on(plan, number, self._passed, self._began - self._run_began):
            batch = in_order([replace(entry, number=number) for entry in schedule if due(entry, plan, number)], number)
            later = [e for n in range(number + 1, ROUNDS) for e in schedule if not plan.quick and due(e, plan, n)]
            self._seconds_planned = self._seconds_done + self._takes([*batch, *later])
            for entry in self._one_by_one(entry for entry in batch if entry.alone):
                if not self._settled(entry):
                    self._watch.sample_speed()
                    self._cell(entry).rounds.append(self._bench.run(entry))
            beside = self._one_by_one(entry for entry in batch if not entry.alone)
            for entry, observed in self._bench.run_beside(beside):
                self._cell(entry).rounds.append(observed)
            if number == 0 and not self._bench.left_out and not self._bench.invalid:
                yields_what_it_declares(plan, self.situations)
            number += 1
        self._tell(Progress(1, 1, 0.0, ""))
        return self.situations

    @property
    def _passed(self) -> float:
        return time.monotonic() - self._run_began

    def _one_by_one(self, entries: Iterable[Round]) -> Iterator[Round]:
        """Those for which there is time, each once it is its turn: then progress is told."""
        for entry in entries:
            done, left = self._seconds_done, self._seconds_planned - self._seconds_done
            ahead = left * (time.monotonic() - self._began) / done if done else 0.0
            planned = self._done + max(1, round(self._done * left / done)) if done else self._done + 1
            self._tell(Progress(self._done, planned, ahead, f"{entry.workload.name}: {entry.design}"))
            self._done += 1
            self._seconds_done += self._takes([entry])
            if not self._bench.has_no_time_for(entry, self._passed):
                yield entry

    def _takes(self, entries: Iterable[Round]) -> float:
        return sum(self._bench.length.of(entry) + OVERHEAD for entry in entries)

    def _cell(self, entry: Round) -> Cell:
        name = entry.experiment.name if entry.experiment else LOAD
        return self.situations[entry.workload.name, entry.place][name, entry.design, entry.workload.name]

    def _settled(self, entry: Round) -> bool:
        name = entry.experiment.name if entry.experiment else LOAD
        connections = rounds.load_of(self._bench.plan.scenario, name).connections
        return entry.is_load and settled(self._cell(entry), connections)
