"""Reads the texts of a scenario: its lesson, the code of its designs, the patches of the change request."""

from __future__ import annotations

from pathlib import Path

from archlab.catalog.cost import patch_file
from archlab.scenario import Design, Scenario, ScenarioError
from archlab.source import sources


def text(scenario: Scenario) -> str:
    """``lesson.md``, in Markdown. Raises ScenarioError when there is none."""
    file = Path(scenario.folder) / "lesson.md"
    if not file.is_file():
        hint = f"`archlab show {scenario.typed or scenario.name} --code` shows its designs"
        raise ScenarioError(f"{scenario.name} has no lesson.md. {hint}.")
    return _text(file)


def code(scenario: Scenario) -> dict[str, str]:
    """The source of every design by its name: the module that it starts in, then those that it alone needs."""
    return {design.name: _code(design) for design in scenario.designs}


def _code(design: Design) -> str:
    first, *others = sources(design)
    return _text(first) + "".join(f"\n\n# {file.name}\n\n{_text(file)}" for file in others)


def changes(scenario: Scenario) -> dict[str, str]:
    """The change request as a unified diff of every design that has one, by the design's name."""
    files = {design.name: patch_file(scenario, design) for design in scenario.designs}
    return {name: _text(file) for name, file in files.items() if file is not None}


def _text(file: Path) -> str:
    try:
        # utf-8-sig: an editor on Windows may have put a mark in front, which is no text.
        return file.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise ScenarioError(f"{file.name} cannot be read: {error}.") from None
