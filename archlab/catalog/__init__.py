"""Finds and loads scenarios, says what is wrong with one, copies them, and counts what a design costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archlab.catalog.finding import find, source
from archlab.catalog.lint import advice, check
from archlab.catalog.named import Entry, Inconsistent, by_name, courses, entries, names, reference, typed

if TYPE_CHECKING:
    from archlab.catalog.copies import copy_scenario, notes

__all__ = [
    "Entry",
    "Inconsistent",
    "advice",
    "by_name",
    "check",
    "copy_scenario",
    "courses",
    "entries",
    "find",
    "names",
    "notes",
    "reference",
    "source",
    "typed",
]


def __getattr__(name: str) -> Any:
    """What is about copies is imported when it is asked for: `archlab list` need not wait for it."""
    if name in ("copy_scenario", "notes"):
        from archlab.catalog import copies

        return getattr(copies, name)
    raise AttributeError(f"archlab.catalog has no {name!r}")
