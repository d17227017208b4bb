"""What the author of a scenario is given: two modules, whole, and documented."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
API = ("archlab.lab", "archlab.scenario")
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
COURSE = sorted(path for path in (ROOT / "scenarios").rglob("*.py"))


@pytest.mark.parametrize("module", API)
def test_every_name_that_is_exported_is_there(module: str) -> None:
    """Also those that are imported only when they are first used."""
    exported = importlib.import_module(module).__all__
    assert len(set(exported)) == len(exported)
    for name in exported:
        assert getattr(importlib.import_module(module), name) is not None


@pytest.mark.parametrize("module", API)
def test_every_name_that_is_exported_is_documented(module: str) -> None:
    """CONTRIBUTING names it, in code."""
    undocumented = [name for name in importlib.import_module(module).__all__ if not _in_code(name)]
    assert undocumented == []


def test_the_text_imports_nothing_that_is_not_exported() -> None:
    for module, name in _imported(TEXT):
        assert module in API, f"CONTRIBUTING imports from {module}"
        assert name in importlib.import_module(module).__all__


@pytest.mark.parametrize("path", COURSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_scenario_imports_from_nowhere_else(path: Path) -> None:
    """Not even inside a function: what lies elsewhere may change without its author being told."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").startswith("archlab"):
            assert node.module in API
            assert {alias.name for alias in node.names} <= set(importlib.import_module(node.module).__all__)
        if isinstance(node, ast.Import):
            assert not [alias.name for alias in node.names if alias.name.startswith("archlab")]


def _in_code(name: str) -> bool:
    import re

    return bool(re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", TEXT)) or any(
        re.search(rf"\b{name}\b", block) for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    )


def _imported(text: str) -> list[tuple[str, str]]:
    """(module, name) of everything of archlab that the code blocks import."""
    import re

    found = []
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("archlab"):
                found += [(node.module or "", alias.name) for alias in node.names]
    return found
