"""THE BILL: what each design costs to read, to run and to change, counted."""

from __future__ import annotations

from collections.abc import Callable

from archlab.run import DesignFacts, Run
from archlab.scenario import Scenario
from archlab.view import facts, units
from archlab.view.columns import Cell, Row, Section

_MORE: tuple[tuple[str, Callable[[DesignFacts], int]], ...] = (
    ("modules", lambda d: d.modules),
    ("tables", lambda d: d.tables),
    ("queues", lambda d: d.queues),
)


def section(run: Run, scenario: Scenario | None = None) -> Section:
    """Lines and processes, modules, tables and queues, the change request."""
    designs = facts.in_order(run)
    rows = []
    counted = [" · ".join(str(of(d)) for _, of in _MORE) for d in designs]
    rows.append(Row(" · ".join(name for name, _ in _MORE), [[(cell, "")] for cell in counted]))
    if any(d.change_files for d in designs):
        rows.append(Row(_asked(scenario), [change(d, run) for d in designs]))
    return Section("THE BILL", "lines · processes", [[(f"{d.lines:,} · {processes(d)}", "")] for d in designs], rows)


def processes(design: DesignFacts) -> str:
    """How many were started; nothing is known of a design that this run did not start."""
    return str(design.processes or units.NOTHING)


def _asked(scenario: Scenario | None) -> str:
    """``Show the discount: the total that …`` → ``to show the discount``."""
    request = scenario.change_request.partition(":")[0].rstrip(" .") if scenario else ""
    return f"to {request[0].lower()}{request[1:]}" if request else "the change request"


def change(design: DesignFacts, run: Run) -> Cell:
    """``4 files +19 −2``: what the change request takes in this design."""
    if not design.change_files:
        return [("nothing" if any(d.change_files for d in run.designs) else "–", "")]
    return [(takes(design), ""), (f"{design.change_files}f {_lines(design)}", "")]


def takes(design: DesignFacts) -> str:
    """``4 files +19 −2``."""
    return f"{units.count(design.change_files, 'file')} {_lines(design)}"


def _lines(design: DesignFacts) -> str:
    return f"+{design.change_added}" + (f" −{design.change_removed}" if design.change_removed else "")
