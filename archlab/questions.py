"""``archlab quiz``: asks, judges at once, answers every misconception, and remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archlab import catalog
from archlab.scenario import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from archlab.learn.quiz import Answer, Question
    from archlab.scenario import Scenario
