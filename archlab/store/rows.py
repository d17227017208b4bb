"""A Run as rows and back, exactly: tuples, None, nested mappings. Passwords of URLs stay behind."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from archlab import run as record
from archlab.run import ClaimOutcome, RequirementOutcome, Run, Trace
from archlab.store.errors import StoreError


def _parts() -> dict[str, type]:
    found = {}
    for field in fields(Run):
        kind = getattr(record, str(field.type).removeprefix("tuple[").removesuffix(", ...]"), None)
        if kind not in (None, Trace):
            found[field.name] = kind
    return found


PARTS = _parts()
"""The parts of a Run that are rows of a table of the same name; its traces have spans and are apart."""

RENAMED = {RequirementOutcome: {"id": "requirement"}, ClaimOutcome: {"id": "claim"}}
"""Fields whose column has another name: ``id`` is the row's own."""

APART = {*PARTS, "traces", "run_id"}

PASSWORD = re.compile(r"([a-zA-Z][\w+.-]*://[^/\s:@]*):(?!\d+(?:[/?#\s]|$))\S*@|([?&](?:password|passwd|pwd)=)[^&\s]+")
"""In ``amqp://user:secret@host`` and ``…?password=secret``; a port before a path is none."""

_Thing = TypeVar("_Thing")


def row(thing: Any) -> dict[str, Any]:
    """A dataclass as a row: a column a field, mappings and tuples as JSON."""
    names = RENAMED.get(type(thing), {})
    return {
        names.get(field.name, field.name): _column(getattr(thing, field.name), str(field.type))
        for field in fields(thing)
        if not (isinstance(thing, Run) and field.name in APART) and not str(field.type).startswith("tuple[Span")
    }


def thing(kind: type[_Thing], columns: Mapping[str, Any], **others: Any) -> _Thing:
    """The dataclass that ``row`` made the columns of; ``others`` are the fields that stand in tables of their own."""
    names = RENAMED.get(kind, {})
    values = {
        field.name: _value(columns[names.get(field.name, field.name)], str(field.type))
        for field in fields(kind)  # type: ignore[arg-type]  # every kind here is a dataclass
        if field.name not in others
    }
    return kind(**values, **others)


def _column(value: Any, declared: str) -> Any:
    if declared.startswith("tuple"):
        return dump(list(value))
    if declared.startswith("Mapping"):
        return dump(value)
    return _text(value) if isinstance(value, str) else value


def _value(column: Any, declared: str) -> Any:
    if declared.startswith("tuple"):
        return tuple(load(column))
    if declared.startswith("Mapping"):
        return load(column)
    return bool(column) if declared == "bool" else column


def without_passwords(text: str) -> str:
    """The text with ``***`` for the password of every URL in it."""
    return PASSWORD.sub(lambda found: f"{found[1]}:***@" if found[1] else f"{found[2]}***", text)


def _text(text: str) -> str:
    # SQLite holds UTF-8; an odd file name may have bytes that are none.
    return without_passwords(text).encode("utf-8", "backslashreplace").decode()


def dump(value: Any) -> str:
    """JSON, with what JSON lacks marked: tuples, keys that are no strings, infinities."""
    text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode()  # a lone surrogate becomes its JSON escape


def load(text: str) -> Any:
    return json.loads(text, object_hook=_unmarked)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return without_passwords(value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"(number)": str(value)}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, tuple):
        return {"(tuple)": [_plain(item) for item in value]}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("(") for key in value):
            return {without_passwords(key): _plain(item) for key, item in value.items()}
        return {"(items)": [[_plain(key), _plain(item)] for key, item in value.items()]}
    raise StoreError(f"a {type(value).__name__} cannot be recorded ({value!r}): nothing was recorded.")


def _unmarked(mapping: dict[str, Any]) -> Any:
    if "(tuple)" in mapping:
        return tuple(mapping["(tuple)"])
    if "(items)" in mapping:
        return dict(mapping["(items)"])
    if "(number)" in mapping:
        return float(mapping["(number)"])
    return mapping
