"""Counts what a design costs to read and to change, from its files: lines, modules, the size of a patch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.scenario import Design, Scenario, ScenarioError
from archlab.source import lines, sources

if TYPE_CHECKING:
    from archlab.run import DesignFacts

HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")


@dataclass(frozen=True)
class PatchSize:
    """What a unified diff touches: files, lines added and lines removed (a changed line is one of each)."""

    files: int = 0
    added: int = 0
    removed: int = 0


def patch_size(diff: str) -> PatchSize:
    """The size of a unified diff. Raises ScenarioError when it is cut short.

    Lines are counted inside hunks only, by the hunk's own header: a removed SQL comment (``--- total``) looks like
    the header of a file.
    """
    files = added = removed = old = new = 0
    previous = ""
    for line in diff.removesuffix("\n").split("\n"):
        if old > 0 or new > 0:
            mark = line[:1]
            if mark == "+":
                added, new = added + 1, new - 1
            elif mark == "-":
                removed, old = removed + 1, old - 1
            elif mark != "\\":  # "\ No newline at end of file"; else context, whose blank some editors strip
                old, new = old - 1, new - 1
        elif hunk := HUNK.match(line):
            old, new = (int(count) if count is not None else 1 for count in hunk.groups())
        elif line.startswith("+++ ") and previous.startswith("--- "):
            files += 1
        previous = line
    if old > 0 or new > 0:
        raise ScenarioError(f"a patch is cut short: its last hunk lacks {max(old, new)} lines.")
    return PatchSize(files, added, removed)


def patch_file(scenario: Scenario, design: Design) -> Path | None:
    """The change request as a patch of this design, or None where the scenario has none.

    It is looked for beside the design's own module first: in a copy, the originals keep their own patches.
    """
    return next((path for path in _patch_places(scenario, design) if path.is_file()), None)


def _patch_places(scenario: Scenario, design: Design) -> Iterator[Path]:
    folders = dict.fromkeys((sources(design)[0].parent, Path(scenario.folder)))
    for name in dict.fromkeys((design.name, design.edits or design.name)):
        for folder in folders:
            yield folder / "changes" / f"{name}.patch"


def fingerprint(scenario: Scenario) -> str:
    """Of a scenario's code and patches: runs with the same one executed the same designs in the same world."""
    import hashlib  # here, not above: every command imports this module

    folders = {Path(scenario.folder), *(sources(design)[0].parent for design in scenario.designs)}
    files = sorted(file for folder in folders for kind in ("*.py", "*.patch") for file in folder.rglob(kind))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def facts(scenario: Scenario) -> tuple[DesignFacts, ...]:
    """What every design costs, in the scenario's order from 1; moving parts are zero until something was started."""
    return tuple(_facts(scenario, order, design) for order, design in enumerate(scenario.designs, start=1))


def _facts(scenario: Scenario, order: int, design: Design) -> DesignFacts:
    files = sources(design)
    patch = patch_file(scenario, design)
    change = PatchSize()
    if patch is not None:
        try:
            # Bytes: reading as text would make a line end of every carriage return.
            change = patch_size(patch.read_bytes().decode(errors="replace"))
        except ScenarioError as error:
            raise ScenarioError(f"changes/{patch.name}: {error}") from None
    from archlab.run import DesignFacts  # `archlab list` checks scenarios, and knows no run

    return DesignFacts(
        name=design.name,
        title=design.title,
        role=design.role,
        order=order,
        lines=lines(files),
        modules=len(files),
        change_files=change.files,
        change_added=change.added,
        change_removed=change.removed,
        promises=design.promises,
        edits=design.edits,
    )
