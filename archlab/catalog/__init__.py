"""Finds and loads scenarios, says what is wrong with one, copies them, and counts what a design costs.

Each name is imported when it is first asked for: `archlab list` needs the list, and loads no scenario.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archlab.catalog.copies import copy_scenario, notes
    from archlab.catalog.finding import find, source
    from archlab.catalog.lint import advice, check
    from archlab.catalog.listing import Listed, listed
    from archlab.catalog.named import Entry, Inconsistent, by_name, courses, entries, reference, typed
    from archlab.catalog.names import known

__all__ = [
    "Entry",
    "Inconsistent",
    "Listed",
    "advice",
    "by_name",
    "check",
    "copy_scenario",
    "courses",
    "entries",
    "find",
    "known",
    "listed",
    "notes",
    "reference",
    "source",
    "typed",
]

_MODULES = {
    "copies": ("copy_scenario", "notes"),
    "finding": ("find", "source"),
    "lint": ("advice", "check"),
    "listing": ("Listed", "listed"),
    "named": ("Entry", "Inconsistent", "by_name", "courses", "entries", "reference", "typed"),
    "names": ("known",),
}


def __getattr__(name: str) -> Any:
    for module, inside in _MODULES.items():
        if name in inside:
            return getattr(import_module(f"archlab.catalog.{module}"), name)
    raise AttributeError(f"archlab.catalog has no {name!r}")
