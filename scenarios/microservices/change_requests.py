"""How many services must be released for a change: those that run other code once its patch is applied."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from archlab.scenario import Sample

if TYPE_CHECKING:
    from archlab.lab import Lab

CHANGES = {"gift wrapping": "", "a second currency": "second-currency", "the shared library": "shared-library"}
"""Change → its folder below ``changes``: over two domains, within one, and in what every service is built on."""


def releases(lab: Lab, design: Any) -> Iterator[Sample]:
    """For each change the services of the running design whose code differs after its patch."""
    for change, folder in CHANGES.items():
        after = lab.module(lab.design.version(folder))
        touched = [p.name for p in design.parts if code_of(p.main) != code_of(getattr(after, p.main.__name__))]
        at = {"change": change, "what": "services to release"}
        yield Sample("releases", len(touched), at, (f"{change}: release {', '.join(touched)}",))


def code_of(build: Callable[..., Any]) -> dict[str, str]:
    """Name → source of everything in the scenario that a function uses, directly or through what it uses."""
    package = build.__module__.rpartition(".")[0]
    found: dict[str, str] = {}
    to_read: list[Any] = [build]
    while to_read:
        read = to_read.pop()
        name = f"{read.__module__.removeprefix(package)}.{read.__qualname__}"
        if name in found:
            continue
        found[name], used_names = source(read)
        for used, value in within(package, sys.modules[read.__module__], used_names):
            if hasattr(value, "__qualname__"):
                to_read.append(value)
            else:
                found[f"{name} uses {used}"] = repr(value)
    return found


@cache
def source(of: Any) -> tuple[str, frozenset[str]]:
    """The lines of a function or class, and every name in them. Read once: services share much of their code."""
    text = textwrap.dedent(inspect.getsource(of))
    nodes = list(ast.walk(ast.parse(text)))
    plain = {node.id for node in nodes if isinstance(node, ast.Name)}
    return text, frozenset(plain | {node.attr for node in nodes if isinstance(node, ast.Attribute)})


def within(package: str, module: ModuleType, used: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """What these names stand for in a module: functions, classes and constants of the package, also of its modules."""
    for name in sorted(used & set(vars(module))):
        value = vars(module)[name]
        if inspect.ismodule(value):
            if value.__name__.rpartition(".")[0] == package and value is not module:
                yield from within(package, value, used)
        elif hasattr(value, "__qualname__"):
            if value.__module__.rpartition(".")[0] == package:
                yield name, value
        elif isinstance(value, int | float | str | tuple | set | dict):
            yield name, value
