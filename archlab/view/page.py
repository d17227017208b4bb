"""The page on which every picture is drawn: lines of styled text that fit the terminal.

A picture is a function from a Page (how wide, which characters) to lines. It is laid out when Rich asks for it, so the
same picture fits every width; in an ASCII-only locale every line is ASCII, with NO_COLOR nothing but text remains.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from archlab.neutral import printable
from archlab.view.signs import plain

GOOD, BAD, PAYS, SELF, UNSURE = "green", "red", "bold cyan", "yellow", "magenta"
DIM, HEAD = "dim", "bold"

WIDEST = 120
"""A wider console does not make a wider page: the eye loses the line."""

Part = str | tuple[str, str] | Text
Align = Literal["left", "right"]


@dataclass(frozen=True)
class Page:
    """How much fits on a line, and whether only ASCII may be shown."""

    width: int = 100
    ascii: bool = False

    def spell(self, text: str) -> str:
        """``text`` as it may be shown: every part of a picture passes here."""
        return plain(printable(text)) if self.ascii else printable(text)

    def text(self, *parts: Part, style: str = "") -> Text:
        """Parts put together: a string, (a string, its style) or Text."""
        whole = Text(style=style)
        for part in parts:
            if isinstance(part, Text):
                whole.append_text(part)
            elif isinstance(part, tuple):
                whole.append(self.spell(part[0]), part[1])
            else:
                whole.append(self.spell(part))
        return whole

    def first_fit(self, width: int, *choices: Part) -> Text:
        """The first of several ways to say the same that fits in ``width`` cells, else the shortest."""
        said = [self.text(choice) for choice in choices]
        return next((text for text in said if text.cell_len <= width), min(said, key=lambda text: text.cell_len))

    def heading(self, title: str, right: Part = "", style: str = HEAD) -> list[Text]:
        """A title with something dim at the right edge; on a line of its own where both do not fit."""
        left, aside = self.text((title, style)), self.text(right)
        if not aside.plain:
            return self.wrap(left)
        if left.cell_len + aside.cell_len + 2 <= self.width:
            return [pad(left, self.width - aside.cell_len).append_text(aside)]
        return [*self.wrap(left), *self.wrap(aside)]

    def wrap(self, body: Part, label: Part = "", indent: int = 0) -> list[Text]:
        """``body`` on as many lines as it takes, behind ``label``, every further line indented.

        A number stays with its unit: there is no line break inside ``58 ms``.
        """
        first, (whole, *further) = self.text(label), self.text(body).split("\n", allow_blank=True)
        indent = indent if self.width - indent >= 20 else min(indent, 2)
        lines: list[Text] = []
        line = pad(first, indent)
        room, empty = self.width - line.cell_len, True
        if first.plain.strip() and room < 12:
            lines, line, room = [line], Text(" " * indent), self.width - indent
        for space, word in _short_words(whole, max(1, self.width - indent)):
            gap = 0 if empty else space
            if gap + word.cell_len > room and not empty:
                lines.append(line)
                line, room, gap = Text(" " * indent), self.width - indent, 0
            line.append(" " * gap).append_text(word)
            room, empty = room - gap - word.cell_len, False
        lines.append(line)
        for done in lines:
            done.rstrip()
        for paragraph in further:
            lines += self.wrap(paragraph, indent=indent)
        return lines

    def command(self, command: str, label: Part = "", indent: int = 0) -> list[Text]:
        """A command to type, on as many lines as it takes; the shell reads on behind a backslash."""
        lines = [pad(self.text(label), indent)]
        for word in re.findall(r"(?:'[^']*'|\S)+", self.spell(command)):
            started = lines[-1].cell_len > indent
            if started and lines[-1].cell_len + 1 + len(word) + len(" \\") > self.width:
                lines[-1].append(" \\")
                lines.append(Text(" " * (indent + 2)))
                started = False
            lines[-1].append(f" {word}" if started else word)
        return lines

    def with_command(self, body: Part, advice: str, indent: int = 0) -> list[Text]:
        """``body``, then advice that ends with a command to type: on a line of its own where that would be broken."""
        lines = self.wrap(body, indent=indent)
        if lines[-1].cell_len + 1 + self.text(advice).cell_len <= self.width:
            lines[-1].append(" ").append_text(self.text(advice))
            return lines
        return [*lines, *self.command(advice, indent=indent)]

    def entries(self, parts: Sequence[Part], gap: int = 2, indent: int = 0) -> list[Text]:
        """A legend: as many entries on a line as fit, none broken but one that is longer than a line."""
        lines: list[Text] = []
        for part in parts:
            entry = self.text(part)
            if lines and lines[-1].cell_len + gap + entry.cell_len <= self.width:
                lines[-1].append(" " * gap).append_text(entry)
            else:
                lines += self.wrap(entry, indent=indent)
        return lines


def pad(text: Text, width: int, align: Align = "left") -> Text:
    """``text`` in ``width`` cells; a longer one is left as it is: a figure is never cropped."""
    missing = max(0, width - text.cell_len)
    before, after = (0, missing) if align == "left" else (missing, 0)
    return Text(" " * before).append_text(text).append(" " * after)


def table(page: Page, rows: Sequence[Sequence[Part]], align: str = "", gap: int = 2, indent: int = 0) -> list[Text]:
    """Rows in aligned columns as wide as their cells; ``align`` has one of ``<`` and ``>`` a column.

    The last column takes what is left of the line and goes on below itself.
    """
    cells = [[page.text(part) for part in row] for row in rows]
    columns = max((len(row) for row in cells), default=0)
    widths = [max((row[i].cell_len for row in cells if i < len(row) - 1), default=0) for i in range(columns)]
    lines: list[Text] = []
    for row in cells:
        line = Text(" " * indent)
        for i, cell in enumerate(row[:-1]):
            line.append_text(pad(cell, widths[i], "right" if align[i : i + 1] == ">" else "left")).append(" " * gap)
        if row:
            last = row[-1]
            if align[len(row) - 1 : len(row)] == ">":
                last = pad(last, max((r[-1].cell_len for r in cells if len(r) == len(row)), default=0), "right")
            if page.width - line.cell_len >= min(12, last.cell_len):
                lines += page.wrap(last, line, indent=line.cell_len)
            else:
                line.rstrip()
                lines += [*page.wrap(line), *page.wrap(last, indent=indent + 2)]
    return lines


def commands(page: Page, label: str, steps: Sequence[tuple[str, str]]) -> list[Text]:
    """Commands to type, each with the question that it answers: beside it, or below it where the line is short."""
    indent = 9
    widest = max((len(page.spell(command)) for command, _ in steps), default=0)
    reasons = max((len(page.spell(why)) for _, why in steps), default=0)
    lines: list[Text] = []
    if indent + widest + 4 + min(reasons, 36) <= page.width:
        rows: list[Sequence[Part]] = [(command, (why, DIM)) for command, why in steps]
        lines = table(page, rows, gap=4, indent=indent)
        return [page.text((f"{label:<{indent}}", HEAD), lines[0][indent:]), *lines[1:]] if lines else []
    for i, (command, why) in enumerate(steps):
        lines += page.command(command, ("" if i else label, HEAD), indent)
        lines += page.wrap((why, DIM), indent=indent + 2 if page.width >= 40 else 4)
    return lines


_MARKS = ("✓", "✗", "★", "+", "?", "!")
_GLUE = re.compile(r"[\d.,−<≤±–]+$|^(≤|<=|n|≥|>=|\+)$")
_UNIT = re.compile(r"^(ns|µs|us|ms|s|min|h|days?|%|×|x|of|a)(\W|$)|^[≥≤]|^>=$|^\d")


def _short_words(text: Text, room: int) -> Iterable[tuple[int, Text]]:
    """The words; one that is longer than a whole line in pieces, broken at a hyphen if it has one."""
    for space, word in _words(text):
        while word.cell_len > room:
            cut = max(word.plain.rfind(sign, 1, room) + 1 for sign in "-/=_ ") or room
            yield space, word[:cut]
            space, word = 0, word[cut:]
        yield space, word


def _words(text: Text) -> list[tuple[int, Text]]:
    """(space before it, word) of a text; a number comes with its unit, a mark with its word, a dot ends a word."""
    spans: list[list[int]] = []
    for found in re.finditer(r"\S+", text.plain):
        if spans:
            before = text.plain[spans[-1][0] : spans[-1][1]].rsplit(" ", 1)[-1]
            word, length = found.group(), found.end() - spans[-1][0]
            unit = _GLUE.search(before) and _UNIT.search(word)
            if (
                word in ("·", "|")
                or before in _MARKS
                or (length <= 16 and (unit or (before.isalpha() and word.isdigit())))
            ):
                spans[-1][1] = found.end()
                continue
        spans.append([found.start(), found.end()])
    before_it = [start - end for (_, end), (start, _) in zip([[0, 0], *spans], spans, strict=False)]
    return [(space, text[start:end]) for space, (start, end) in zip(before_it, spans, strict=True)]


class Picture:
    """Something to print: ``draw`` is asked for its lines once the width and the characters are known."""

    def __init__(self, draw: Callable[[Page], Iterable[Text]], widest: int = WIDEST) -> None:
        self.draw = draw
        self.widest = widest

    def lines(self, page: Page) -> list[Text]:
        return list(self.draw(page))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        page = Page(min(options.max_width, self.widest), options.ascii_only)
        for line in self.lines(page):
            line.rstrip()
            # A word that is longer than the line is folded: better an ugly line than a lost figure.
            folded = [line] if line.cell_len <= page.width else line.wrap(console, page.width, overflow="fold")
            for part in folded:
                yield Fitted(Text(part.plain) if console.no_color else part, self.widest)


def spelled(console: Console, text: str) -> str:
    """A prompt or a sentence as this console can show it, for what is printed without a Picture."""
    return Page(ascii=console.options.ascii_only).spell(text)


@dataclass(frozen=True)
class Fitted:
    """Any renderable, kept within what the console can show: ASCII only, or without any styling."""

    inner: RenderableType
    widest: int = WIDEST

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        narrowed = options.update(width=min(options.max_width, self.widest))
        for segment in console.render(self.inner, narrowed):
            text = segment.text
            if options.ascii_only and not text.isascii():
                # What was laid out already must keep its width: one character for one.
                text = "".join((plain(c)[:1] or "?") if not c.isascii() else c for c in text)
            yield Segment(text, None if console.no_color else segment.style, segment.control)


def bar(page: Page, start: float, length: float, cells: int, filled: str = "█") -> str:
    """A bar on a scale from 0 to 1 over ``cells`` cells: from ``start``, ``length`` long, in eighths of a cell.

    What is too small for an eighth is a dot. Exactly ``cells`` wide, cut off where it runs beyond.
    """
    dot, full = (".", "#" if filled == "█" else "-") if page.ascii else ("·", filled)
    eighths = round(max(0.0, length) * cells * 8)
    at = min(int(max(0.0, start) * cells), cells - 1)
    if eighths == 0:
        return (" " * at + dot).ljust(cells)[:cells]
    whole, rest = divmod(eighths, 8)
    in_whole_cells = page.ascii or filled not in "█░"
    tip = "" if rest == 0 else (full * (rest >= 4) if in_whole_cells else " ▏▎▍▌▋▊▉"[rest])
    drawn = full * whole + tip
    return (" " * at + (drawn or dot)).ljust(cells)[:cells]
