"""Splits Python source into named parts, and lines up the same parts of several files."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """Lines ``first`` up to but not including ``last``, counted from 0."""

    name: str
    first: int
    last: int


def explanation(source: str) -> str | None:
    """The module's docstring, None where it has none or is no Python."""
    try:
        return ast.get_docstring(ast.parse(source))
    except (SyntaxError, ValueError):
        return None


def sections(source: str) -> list[Part]:
    """The docstring, the imports, every definition and every method, in order; together they are the whole source.

    Comments and decorators go with what follows them. A source that is no Python is one part.
    """
    total = source.count("\n") + 1
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return [Part("source", 0, total)]
    starts: list[tuple[str, int]] = []
    for node in tree.body:
        _add(starts, _name(node), node)
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                    _add(starts, f"{node.name}.{inner.name}", inner)
    lines = source.split("\n")
    found: list[Part] = []
    for name, line in starts:
        while line > 0 and lines[line - 1].strip().startswith("#"):
            line -= 1
        if found and found[-1].name == name:
            continue
        if found:
            found[-1] = Part(found[-1].name, found[-1].first, line)
        found.append(Part(name, line if found else 0, total))
    return found or [Part("source", 0, total)]


def _add(starts: list[tuple[str, int]], name: str, node: ast.stmt) -> None:
    decorated = getattr(node, "decorator_list", [])
    starts.append((name, min([node.lineno, *(d.lineno for d in decorated)]) - 1))


def _name(node: ast.stmt) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.Import | ast.ImportFrom | ast.If):
        return "imports"
    if isinstance(node, ast.Assign | ast.AnnAssign):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        return target.id if isinstance(target, ast.Name) else "assignment"
    return "docstring" if isinstance(node, ast.Expr) else "statement"


def align(panes: Sequence[Sequence[str]]) -> list[list[int | None]]:
    """For every row the index of the part that each pane shows there, None where it has none.

    Parts of the same name share a row; every pane keeps its own order (where two panes disagree about the order,
    the part stands alone).
    """
    rows: list[list[int | None]] = []
    for n, pane in enumerate(panes):
        after = 0
        for index, name in enumerate(pane):
            match = next((r for r in range(after, len(rows)) if name in _names(panes, rows[r])), None)
            if match is None:
                rows.insert(after, [None] * len(panes))
                match = after
            rows[match][n] = index
            after = match + 1
    return rows


def _names(panes: Sequence[Sequence[str]], row: Sequence[int | None]) -> set[str]:
    return {pane[index] for pane, index in zip(panes, row, strict=True) if index is not None}
