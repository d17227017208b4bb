"""What is built and installed: every package, every file beside the code, and a start that imports next to nothing."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = (
    "pydantic", "asyncio", "pika", "sqlite_utils", "numpy", "starlette", "uvicorn", "httpx", "http.client",
)  # fmt: skip
"""What `archlab list` does without: each costs more to import than all that it does."""


@pytest.fixture(scope="module")
def setuptools() -> dict[str, Any]:
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "setuptools"
    ]
    return settings


def folder(package: str, mapping: dict[str, str]) -> Path:
    """Where a package's files lie: by the longest entry of the mapping that leads to it."""
    for parent in sorted(mapping, key=len, reverse=True):
        if package == parent or package.startswith(f"{parent}."):
            return ROOT / mapping[parent] / Path(*package[len(parent) :].strip(".").split("."))
    return ROOT / Path(*package.split("."))


def test_every_folder_with_python_files_is_a_package_and_every_package_is_listed(setuptools: dict[str, Any]) -> None:
    """A folder that nobody listed works in the checkout and is missing from the wheel."""
    listed = {folder(package, setuptools["package-dir"]) for package in setuptools["packages"]}
    assert len(listed) == len(setuptools["packages"])
    found = {path.parent for top in ("archlab", "scenarios") for path in (ROOT / top).rglob("*.py")}
    assert found == listed
    assert [path for path in sorted(found) if not (path / "__init__.py").is_file()] == []


def test_every_file_beside_the_code_is_packaged_and_every_pattern_finds_one(setuptools: dict[str, Any]) -> None:
    """A README beside the code is for those who read the code, and stays there."""
    mapping, data = setuptools["package-dir"], setuptools.get("package-data", {})
    packaged = set()
    for package, patterns in data.items():
        for pattern in patterns:
            found = set(folder(package, mapping).glob(pattern))
            assert found, f"{package}: {pattern} finds no file"
            packaged |= found
    beside = {
        path
        for top in ("archlab", "scenarios")
        for path in (ROOT / top).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and path.name != "README.md"
    }
    assert beside == packaged


@pytest.mark.parametrize("command", [["--version"], ["list"]], ids=" ".join)
def test_the_start_imports_nothing_heavy(command: list[str], tmp_path: Path) -> None:
    """The guard on the start-up time, without a clock."""
    script = f"""
import sys
from archlab.__main__ import main
sys.argv = ["archlab", *{command!r}]
code = main()
print("heavy:", *[name for name in {HEAVY!r} if name in sys.modules])
sys.exit(code)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": "", "ARCHLAB_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "heavy:"


def test_the_guard_can_fail() -> None:
    """It names modules that exist, by the names under which they are imported."""
    script = f"""
import importlib, sys
for name in {HEAVY!r}:
    try:
        importlib.import_module(name)
    except ImportError:
        continue
    assert name in sys.modules
import http.client, asyncio, pika, sqlite_utils
"""
    subprocess.run([sys.executable, "-c", script], check=True)
