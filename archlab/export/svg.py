"""Draws the screen of a recorded run as an SVG picture, for a README or a slide."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO

from rich.console import Console

from archlab.neutral import printable
from archlab.run import Run
from archlab.scenario import Scenario
from archlab.view import run_screen
from archlab.view.next_steps import called

COLUMNS = 100


def svg(run: Run, scenario: Scenario | None = None) -> str:
    """The run's screen at 100 columns. It needs no font and nothing else from elsewhere."""
    console = Console(
        record=True, width=COLUMNS, file=StringIO(), force_terminal=True, color_system="truecolor", highlight=False
    )
    shown = replace(run, traces=tuple(trace for trace in run.traces if trace.picked == "median"))
    console.print(run_screen.whole(shown, scenario))
    drawn = console.export_svg(title=printable(_title(run, scenario)), unique_id="archlab")
    # Rich's picture would fetch its font from a server.
    drawn = re.sub(r"@font-face\s*\{.*?\}", "", drawn, flags=re.DOTALL)
    return re.sub(r"[ \t]+$", "", drawn.replace("Fira Code,", ""), flags=re.MULTILINE)


def _title(run: Run, scenario: Scenario | None) -> str:
    """The command that shows the like of it; a copy is not at hand, and cannot be named so."""
    return f"archlab run {called(run, scenario)}" if scenario else f"archlab · run of {run.scenario}"
