"""``archlab new``: a copy of a scenario, to be edited."""

from __future__ import annotations

from pathlib import Path

from archlab import catalog
from archlab.commands.terminal import tell


def new(folder: Path, original: str) -> None:
    catalog.copy_scenario(catalog.find(original), folder)
    tell(f"{folder} is a copy of {original}: edit its designs, then type")
    tell(f"  archlab run {catalog.typed(folder.resolve())}")
