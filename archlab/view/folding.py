"""Wraps lines of code that are longer than the page."""

from __future__ import annotations

from rich.text import Text


def fold(line: Text, width: int) -> list[Text]:
    """A line of code in ``width`` cells: broken where code can be broken, and further in on the next line."""
    folded: list[Text] = []
    indent = len(line.plain) - len(line.plain.lstrip())
    comment = line.plain.lstrip().startswith("# ")
    begins = line[: indent + 2] if comment else Text(" " * min(indent + 4, max(0, width // 2)))
    while line.cell_len > width:
        plain = line.plain
        lead = len(plain) - len(plain.lstrip())
        cut = max((plain.rfind(sign, lead + 1, width) + len(sign) for sign in (" ", ", ", "(", "[", ".")), default=0)
        spaced = plain.rfind(" ", lead + 1, width) + 1
        cut = spaced if spaced > width // 2 else cut
        if cut <= lead + 1 or cut > width:
            cut = width
        folded.append(line[:cut])
        rest = line[cut:]
        spare = len(rest.plain) - len(rest.plain.lstrip())
        line = begins.copy().append_text(rest[spare:])
    return [*folded, line]
