"""What stands in a design's code: lines that are there once, lines that every endpoint costs, places of a change."""

from __future__ import annotations

import ast
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
    places: int
    """Places that the change request touches: runs of changed lines that lie apart."""


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
    return Counted(
        fixed, each / endpoints, written_once + round(2 * written_each / guarded), places(change.read_text("utf-8"))
    )


def places(patch: str) -> int:
    """Runs of changed lines; lines in between that did not change set two apart. Imports do not count."""
    count, changing = 0, False
    for line in patch.splitlines():
        changed = line[:1] in "+-" and not line.startswith(("+++", "---")) and not _imports(line[1:])
        count += changed and not changing
        changing = changed or (changing and line[:1] in "+-")
    return count


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
