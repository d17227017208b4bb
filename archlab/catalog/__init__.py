"""Finds and loads scenarios, says what is wrong with one, copies them, and counts what a design costs."""

from archlab.catalog.copies import copy_scenario, notes
from archlab.catalog.finding import find, source
from archlab.catalog.lint import check
from archlab.catalog.named import Entry, Inconsistent, by_name, courses, entries, names, reference, typed

__all__ = [
    "Entry",
    "Inconsistent",
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
