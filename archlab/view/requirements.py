"""Draws each requirement of each workload with the figure of each design, simplest first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from archlab import judge
from archlab.run import RequirementOutcome, Run
from archlab.scenario import Scenario
from archlab.view import facts, units
from archlab.view.columns import Cell, Row, Said, Section, shorter
from archlab.view.page import DIM, UNSURE

LONGEST_REASON = 18
"""Characters of a reason that a cell has room for."""


def sections(run: Run, scenario: Scenario | None = None) -> list[Section]:
    """One section a workload: each requirement with each design's figure."""
    designs = facts.in_order(run)
    found = []
    for w in run.workloads:
        demanded = facts.demands(run, w.name)
        if not demanded:
            continue
        rows = []
        for r in demanded:
            cells = [_cell(run, r, d.name) for d in designs]
            rows.append(Row(facts.says(scenario, r.id), cells, units.bound(r.at_most, r.unit, r.at_least)))
        rows += _clear(run, w.name)
        notes = [*_behind(run, scenario, w.name), *_where(run, scenario, w.name), *_notes(run, w.name)]
        stands = [facts.stands_as(run, w.name, d.name) for d in designs]
        found.append(Section(w.name, w.says, stands, rows, notes))
    return found


def _cell(run: Run, demanded: RequirementOutcome, design: str) -> Cell:
    """A figure with its interval, marked where it misses the bound or nobody can tell."""
    r = facts.outcome(run, demanded.id, design, demanded.workload)
    if r is None:
        return [("–", DIM)]
    mark, style = {"met": ("", ""), "missed": facts.MARKS["misses"], "uncertain": facts.MARKS["uncertain"]}[r.outcome]
    before = f"{mark} " if mark else ""
    m = facts.behind(run, r)
    if m is None or m.value is None:
        choices = _reasons(run, r)
    elif r.outcome == "missed":
        choices = [units.measured(m.value, m.unit)]
    else:
        whole, alone = units.interval(m.value, m.low, m.high, m.unit), units.measured(m.value, m.unit)
        choices = [whole, alone]
    return [(before + choice, style) for choice in choices]


def _reasons(run: Run, r: RequirementOutcome) -> list[str]:
    """``falls behind``, ``no answer``: why a design has no figure, as short as it must be. A rate stands below the
    table: the row is about another unit."""
    reason = facts.missed_because(run, r)
    short, _, rest = reason.partition(": ")
    if facts.serves(reason):
        return [short, "behind"]
    if not rest or len(rest) > LONGEST_REASON:
        return shorter(short)
    same = [o for o in run.requirements if (o.design, o.workload) == (r.design, r.workload)]
    first = next(o for o in same if facts.missed_because(run, o) == reason)
    return [rest] if first is r else [short, "as above"]


def _behind(run: Run, scenario: Scenario | None, workload: str) -> list[Said]:
    """How much a design serves that falls behind, a line for each: in requests, which the rows above are not about."""
    operations = {m.name: facts.words(m.operation) for m in scenario.metrics if m.operation} if scenario else {}
    told: dict[str, dict[str, None]] = {}
    for design in facts.in_order(run):
        for r in run.requirements:
            if (r.workload, r.design) != (workload, design.name):
                continue
            if rate := facts.serves(facts.missed_because(run, r)):
                served = f"{rate[0]} of {rate[1]} {operations.get(r.metric, '')} requests".replace("  ", " ")
                told.setdefault(design.name, {})[served] = None
    return [(f"{design} serves {units.listed(list(rates))} a second", DIM) for design, rates in told.items()]


def _where(run: Run, scenario: Scenario | None, workload: str) -> list[Said]:
    """Where a bound is missed the most, for each requirement whose metric has several places."""
    told: dict[str, list[str]] = {}
    for design in facts.in_order(run):
        for r in run.requirements:
            if (r.workload, r.design, r.outcome) == (workload, design.name, "missed") and r.at:
                where = f"{facts.says(scenario, r.id)}, at {facts.place(r.at, scenario)}"
                told.setdefault(where, []).append(design.name)
    mark, _ = facts.MARKS["misses"]
    return [(f"{mark} {', '.join(designs)}: {where}", DIM) for where, designs in told.items()]


def _notes(run: Run, workload: str) -> list[Said]:
    """Why nobody can tell, a line for every reason. Where another bound is missed there is nothing left to tell."""
    told: dict[str, list[str]] = {}
    for design in facts.in_order(run):
        if facts.standing(run, workload, design.name) == "misses":
            continue
        for r in run.requirements:
            if (r.workload, r.design, r.outcome) == (workload, design.name, "uncertain"):
                why = (r.why or facts.missed_because(run, r)).rpartition(": ")[2]
                if why and design.name not in told.setdefault(why, []):
                    told[why].append(design.name)
    mark, style = facts.MARKS["uncertain"]
    order = [d.name for d in facts.in_order(run)]
    return [
        (f"{mark} {', '.join(sorted(designs, key=order.index))}: {why}", style)
        for why, designs in _too_few_rounds_once(told).items()
    ]


_TOO_FEW = re.compile(r"(\d+) rounds? measured; a verdict needs (\d+)")


def _too_few_rounds_once(told: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Why → designs, with all that lack rounds under one why: a percentile needs more rounds than another figure."""
    few = {why: found for why in told if (found := _TOO_FEW.fullmatch(why))}
    seen, needed = (sorted({int(found[group]) for found in few.values()}) for group in (1, 2))
    merged: dict[str, list[str]] = {}
    for why, designs in told.items():
        if why in few:
            why = f"{_either(seen)} {'round' if seen == [1] else 'rounds'} measured; a verdict needs {_either(needed)}"
        named = merged.setdefault(why, [])
        named += [design for design in designs if design not in named]
    return merged


def _either(numbers: Sequence[int]) -> str:
    return " or ".join(map(str, numbers))


def _clear(run: Run, workload: str) -> list[Row]:
    """By how much each design keeps or breaks the bound that decides: its mark above says which of the two."""
    inside = [judge.clear_by(run, workload, d.name) for d in facts.in_order(run)]
    if not any(inside):
        return []
    cells: Sequence[Said] = [(units.ratio(i[1]), _clear_style(i[1])) if i else ("–", DIM) for i in inside]
    return [Row("margin", [[cell] for cell in cells])]


def _clear_style(factor: float) -> str:
    return DIM if factor >= judge.WELL_INSIDE else UNSURE
