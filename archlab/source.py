"""Finds which files belong to a design, and which of their lines are code."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from archlab.scenario import ScenarioError

if TYPE_CHECKING:
    from archlab.scenario import Design


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
