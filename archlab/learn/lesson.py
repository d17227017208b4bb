"""What a scenario has to read: its lesson, the code of its designs, the change request as a patch of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from archlab.evolution import PatchSize, patch_file, patch_size, sources
from archlab.scenario import Design, Scenario, ScenarioError


@dataclass(frozen=True)
class SourceFile:
    name: str
    text: str


@dataclass(frozen=True)
class Code:
    """What a design alone needs, the module that it starts in first."""

    design: str
    title: str
    files: tuple[SourceFile, ...]

    @property
    def text(self) -> str:
        """All of it, one file below the other."""
        first, *others = self.files
        return first.text + "".join(f"\n\n# {file.name}\n\n{file.text}" for file in others)


@dataclass(frozen=True)
class Change:
    """What the change request takes in one design."""

    design: str
    size: PatchSize
    diff: str
    """A unified diff; empty where the scenario has none for this design."""


def lesson(scenario: Scenario) -> str:
    """The text of ``lesson.md``. Raises ScenarioError when there is none."""
    file = Path(scenario.folder) / "lesson.md"
    if not file.is_file():
        raise ScenarioError(
            f"{scenario.name} has no lesson.md. `archlab show {scenario.name} --code` shows its designs."
        )
    return _text(file)


def code(scenario: Scenario) -> tuple[Code, ...]:
    """The source of every design, in the scenario's order."""
    return tuple(_code(design) for design in scenario.designs)


def _code(design: Design) -> Code:
    files = sources(design)
    folder = files[0].parent
    return Code(
        design.name,
        design.title,
        tuple(
            SourceFile(file.relative_to(folder).as_posix() if file.is_relative_to(folder) else file.name, _text(file))
            for file in files
        ),
    )


def changes(scenario: Scenario) -> tuple[Change, ...]:
    """The change request as a patch of every design, in the scenario's order."""
    return tuple(_change(scenario, design) for design in scenario.designs)


def _change(scenario: Scenario, design: Design) -> Change:
    file = patch_file(scenario, design)
    diff = _text(file) if file else ""
    return Change(design.name, patch_size(diff), diff)


def _text(file: Path) -> str:
    try:
        # utf-8-sig: an editor on Windows may have put a mark in front, which is no text.
        return file.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise ScenarioError(f"{file.name} cannot be read: {error}.") from None
