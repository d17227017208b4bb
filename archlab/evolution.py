"""What a design costs to read and to change, counted from its files: lines, modules, the size of a patch."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.scenario import Design, Scenario, ScenarioError

if TYPE_CHECKING:
    from archlab.run import DesignFacts

EDITED = "-mine"
"""What the name of a learner's edited design ends with, after the name of its original."""

HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")


@dataclass(frozen=True)
class PatchSize:
    """What a unified diff touches: files, lines added and lines removed (a changed line is one of each)."""

    files: int = 0
    added: int = 0
    removed: int = 0


def lines(modules: Iterable[Path]) -> int:
    """Code lines of Python files: without blank lines, comments, and strings that only document.

    A statement over several lines counts as many, so the figure is what a reader's eye passes over.
    Raises ScenarioError for a file that is no Python.
    """
    return sum(len(code_lines(path)) for path in modules)


def code_lines(path: Path) -> set[int]:
    """The numbers of the lines that ``lines`` counts, from 1."""
    import ast  # here, not above: every command imports this module, few count lines
    import io
    import tokenize

    no_code = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    no_code |= {tokenize.ENCODING, tokenize.ENDMARKER}
    source = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        tree = ast.parse(source)
        tokens = list(tokenize.tokenize(io.BytesIO(source).readline))
    except (SyntaxError, ValueError, tokenize.TokenError) as error:
        raise ScenarioError(f"{path.name} cannot be read as Python: {error}.") from None
    documents = [
        ((node.lineno, node.col_offset), (node.end_lineno or node.lineno, node.end_col_offset or 0))
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    counted: set[int] = set()
    for token in tokens:
        if token.type in no_code:
            continue
        # ast counts columns in bytes of UTF-8, tokenize in characters.
        column = len(token.line.split("\n")[0][: token.start[1]].encode())
        if any(start <= (token.start[0], column) < end for start, end in documents):
            continue
        rows = range(token.start[0], token.end[0] + 1)
        # A blank line inside a long string (some SQL, say) is still a blank line.
        written = token.string.split("\n") if len(rows) > 1 else [token.string]
        counted.update(row for row, text in zip(rows, written, strict=False) if text.strip())
    return counted


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


def sources(design: Design) -> tuple[Path, ...]:
    """The files that a design alone needs: the module that defines ``start``, then Design.modules, each once.

    Raises ScenarioError when one of them is not there.
    """
    start = design.start
    while isinstance(start, functools.partial):
        start = start.func
    module = getattr(start, "__module__", None) or type(start).__module__
    found = getattr(sys.modules.get(module), "__file__", None) or _unimported(module)
    if found is None:
        raise ScenarioError(f"design {design.name}: the module {module!r} that defines its start has no file.")
    first = Path(found)
    return tuple(dict.fromkeys((first, *(_module_file(design, name, first.parent) for name in design.modules))))


def _unimported(module: str) -> str | None:
    """The file of a module that is to be imported later."""
    import importlib.util

    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    return spec.origin if spec else None


def _module_file(design: Design, name: str, folder: Path) -> Path:
    """``"projector"`` or ``"readers.sql"`` lie beside the design; a full name is what Python has imported."""
    relative = folder.joinpath(*name.removesuffix(".py").lstrip(".").split("."))
    for path in (relative.with_name(relative.name + ".py"), relative / "__init__.py"):
        if path.is_file():
            return path
    imported = getattr(sys.modules.get(name), "__file__", None)
    if imported:
        return Path(imported)
    raise ScenarioError(f"design {design.name} names the module {name!r}, which is not in {folder.name}.")


def patch_file(scenario: Scenario, design: Design) -> Path | None:
    """The change request as a patch of this design, or None where the scenario has none.

    It is looked for beside the design's own module first: in a copy, the originals keep their own patches.
    """
    return next((path for path in _patch_places(scenario, design) if path.is_file()), None)


def _patch_places(scenario: Scenario, design: Design) -> Iterator[Path]:
    folders = dict.fromkeys((sources(design)[0].parent, Path(scenario.folder)))
    for name in dict.fromkeys((design.name, design.name.removesuffix(EDITED))):
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
    )
