"""Makes foreign text harmless: shows the characters that a terminal would obey.

A scenario, a service, a record and a person may all contain escape sequences. Such text could change the window's
title, erase the screen or turn the reading direction. Every text that archlab shows passes ``printable``.
"""

from __future__ import annotations

from typing import Any

_KEPT = "\n\t"
_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""They turn the reading direction, so that a text reads as another one than it is."""
_LINES = (0x2028, 0x2029)
_SURROGATES = range(0xD800, 0xE000)
"""What Python makes of bytes that are no UTF-8. It could not be printed at all."""


_table: dict[int, str] = {}


def _shown() -> dict[int, str]:
    """What stands for every control character. It is long, and made when it is first needed: few commands need it."""
    if _table:
        return _table
    points = (*range(0x20), 0x7F, *range(0x80, 0xA0), *_BIDI, *_LINES, *_SURROGATES)
    _table.update({p: f"\\x{p:02x}" if p < 0x100 else f"\\u{p:04x}" for p in points if chr(p) not in _KEPT})
    return _table


def printable(text: str) -> str:
    """``text`` with every control character as Python spells it: ``\\x1b`` for ESC. Newlines and tabs stay."""
    return text if text.isprintable() else text.translate(_shown())


def printable_document(value: Any) -> Any:
    """The same for every string and key of a JSON document: who decodes it may print it."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(key) if isinstance(key, str) else key: printable_document(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable_document(item) for item in value]
    return value
