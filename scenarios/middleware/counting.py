"""What stands in a design's code: lines that are there once, lines that every endpoint costs, places of a change."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .endpoints import ENDPOINTS

if TYPE_CHECKING:
    from archlab.scenario import Design

AUTHENTICATION = {"Authentication", "authenticated", "user", "user_of", "who"}
"""Names by which a line is about authentication."""


@dataclass(frozen=True)
class Counted:
    fixed: int
    each: float
    """Lines of one endpoint, its line in the route table included; the mean."""
    one_concern: int
    """Lines about authentication alone, at two endpoints."""
    places: tuple[str, ...]
    """Places that the change request touches: runs of changed lines that lie apart, each by its first line."""


def counted(design: Design) -> Counted:
    from archlab.lab import code_lines, patch, sources

    files = sources(design)
    names = {endpoint.name for endpoint in ENDPOINTS}
    fixed = each = written_once = written_each = 0
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        inside: set[int] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.AsyncFunctionDef) and node.name in names:
                first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                inside |= set(range(first, (node.end_lineno or first) + 1))
        table = {node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) == "Route"}
        code = code_lines(file)
        each += len(code & (inside | table))
        fixed += len(code - inside - table)
        about = _about(tree) & code
        written_each += len(about & inside)
        written_once += len(about - inside)
    folder = files[0].parent
    change = patch(folder, design.edits or design.name, "")
    endpoints = len(ENDPOINTS)
    guarded = endpoints - sum(endpoint.public for endpoint in ENDPOINTS)
    one_concern = written_once + round(2 * written_each / guarded)
    return Counted(fixed, each / endpoints, one_concern, tuple(places(change.read_text("utf-8"))))


def places(patch: str) -> list[str]:
    """The first line of every run of changed lines: ``per_endpoint.py, line 41: return problem(…)``.

    Lines in between that did not change set two runs apart. Imports do not count.
    """
    found: list[str] = []
    file, line, changing = "", 0, False
    for text in patch.splitlines():
        if text.startswith("+++ b/"):
            file = text.removeprefix("+++ b/")
        elif hunk := re.match(r"@@ -\S+ \+(\d+)", text):
            line, changing = int(hunk[1]), False
        elif not text.startswith("---"):
            changed = text[:1] in ("+", "-") and not _imports(text[1:])
            if changed and not changing:
                found.append(f"{file}, line {line}: {text[1:].strip()}")
            changing = changed or (changing and text[:1] in ("+", "-"))
            line += text[:1] != "-"
    return found


def _imports(line: str) -> bool:
    return line.startswith(("from ", "import ")) or not line.strip()


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _about(tree: ast.Module) -> set[int]:
    """Lines about authentication: the definitions that are named after it, and statements that use its names."""
    found: set[int] = set()
    for node in ast.walk(tree):
        name = node.name if isinstance(node, ast.ClassDef | ast.FunctionDef) else ""
        if name in AUTHENTICATION:
            found |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))  # type: ignore[attr-defined]
        elif isinstance(node, ast.Name) and node.id in AUTHENTICATION:
            found.add(node.lineno)
    return found
