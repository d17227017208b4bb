"""Draws a table with one column for each design, simplest first; requirements and cost share it.

A row's label that does not fit beside its figures stands in full on a line of its own above them. Where the columns do
not fit beside each other, every design gets lines of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.text import Text

from archlab.view import units
from archlab.view.page import DIM, HEAD, Page, pad

Said = tuple[str, str]
"""A text and its style."""

Cell = Sequence[Said]
"""Ways to say the same: in full (with its interval), then as usual, then ever shorter."""

NARROWEST_PAGE = 60
NARROWEST_LABEL = 22
APART = 2
"""Cells between a bound and the first figure: ``≤ 0 0 holes`` could be anything."""


@dataclass(frozen=True)
class Row:
    label: str
    cells: Sequence[Cell]
    aside: str = ""
    """At the right of the label: the bound."""


@dataclass(frozen=True)
class Section:
    """A workload or a bill: its title, what it is, one cell a design, and rows below."""

    title: str
    says: str
    cells: Sequence[Cell]
    rows: Sequence[Row] = ()
    notes: Sequence[Said] = ()
    """Said below, in full."""


def draw(page: Page, heading: str, aside: str, designs: Sequence[str], sections: Sequence[Section]) -> Iterable[Text]:
    if not sections or not designs:
        return
    columns, in_full = _columns(page, designs, sections)
    label = page.width - sum(columns)
    if page.width < NARROWEST_PAGE or label < _least(page, sections):
        yield from _as_list(page, heading, designs, sections)
        return
    titles = max(len(s.title) for s in sections) + 2
    labels = _labels(page, label, [row for section in sections for row in section.rows])
    first = _label(page, page.text((heading, HEAD)), aside, label)
    yield _line(page, first, [[(d, HEAD)] for d in designs], columns, True)
    for section in sections:
        title = page.text((f"{section.title:<{titles}}", HEAD), (section.says, DIM))
        if title.cell_len >= label:
            title = page.text((section.title, HEAD), " ", (section.says, DIM))
        beneath = title.cell_len >= label
        if beneath:
            title = page.text((section.title, HEAD))
        yield _line(page, pad(title, label), _alike(page, section.cells, columns), columns, True)
        if beneath:
            yield from page.wrap((section.says, DIM), indent=labels.indent)
        for row in section.rows:
            above, beside = labels.of(page, row)
            yield from above
            yield _line(page, pad(beside, label), row.cells, columns, in_full)
        for note in section.notes:
            yield from page.wrap(note, indent=labels.indent)


@dataclass(frozen=True)
class _Labels:
    """How the labels share their cells: the name from ``indent`` on, and the bound that ends at ``bound_ends``."""

    width: int
    indent: int
    bound_ends: int

    def of(self, page: Page, row: Row) -> tuple[list[Text], Text]:
        """What stands above a row's figures, and what beside them: a name in full is above where it is too long."""
        name = page.text((row.label, "" if row.aside else DIM))
        bound = page.text((row.aside, DIM))
        room = (self.bound_ends - bound.cell_len if row.aside else self.width) - self.indent - 1
        above = name.cell_len > room
        beside = Text() if above else Text(" " * self.indent).append_text(name)
        if row.aside:
            beside = pad(beside, self.bound_ends - bound.cell_len).append_text(bound)
        return page.wrap(name, indent=self.indent) if above else [], beside


def _labels(page: Page, width: int, rows: Sequence[Row]) -> _Labels:
    bounded = [row for row in rows if row.aside]
    bounds = max((len(page.spell(row.aside)) for row in bounded), default=0)
    names = max((len(page.spell(row.label)) for row in bounded), default=0)
    spare = width - (names + 1 + bounds + APART)
    if spare < 1:  # some stand above
        return _Labels(width, 2, width - APART)
    indent = min(spare, 2)
    gap = 2 if spare > 2 else 1
    return _Labels(width, indent, indent + names + gap + bounds)


def _columns(page: Page, designs: Sequence[str], sections: Sequence[Section]) -> tuple[list[int], bool]:
    """Cells for each design, and whether there is room to say all in full (with intervals) beside the labels."""
    stands: list[list[Cell]] = [[[(name, "")]] for name in designs]
    figures: list[list[Cell]] = [[] for _ in designs]
    for section in sections:
        for i, cell in enumerate(section.cells):
            stands[i].append(cell)
        for row in section.rows:
            for i, cell in enumerate(row.cells):
                figures[i].append(cell)

    def widths(stand_way: int, figure_way: int) -> list[int]:
        cells = [
            [_way(cell, stand_way) for cell in stands[i]] + [_way(cell, figure_way) for cell in figures[i]]
            for i in range(len(designs))
        ]
        return [max(page.text(said).cell_len for said in column) for column in cells]

    least, gaps = _wanted(page, sections), len(designs) - 1
    roomy = max([least, *(len(page.spell(s.says)) for s in sections if s.rows)]) + 12
    tight = _least(page, sections)
    for wanted, stand_way, figure_way in ((roomy, 0, 0), (least, 1, 0), (least, 1, 1), (tight, 1, 1), (tight, 9, 9)):
        needed = widths(stand_way, figure_way)
        alike = [max(needed)] * len(needed)
        for columns in (alike, needed):
            if wanted + sum(columns) + gaps <= page.width:
                gap = 2 if max(wanted, least) + sum(columns) + 2 * gaps + (page.width >= 90) * 8 <= page.width else 1
                return [*(column + gap for column in columns[:-1]), columns[-1]], figure_way == 0
    return [*(column + 1 for column in needed[:-1]), needed[-1]], False


def _alike(page: Page, cells: Sequence[Cell], columns: Sequence[int]) -> Sequence[Cell]:
    """The cells, with what is said in several of them said in the same words: the longest that fit in each."""
    ways: dict[Said, int] = {}
    for cell, room in zip(cells, [*(width - 1 for width in columns[:-1]), columns[-1]], strict=True):
        fitting = [way for way, said in enumerate(cell) if page.text(said).cell_len <= room]
        ways[cell[0]] = max(ways.get(cell[0], 0), min(fitting, default=len(cell) - 1))
    return [[_way(cell, ways[cell[0]])] for cell in cells]


def _way(cell: Cell, way: int) -> Said:
    return cell[min(way, len(cell) - 1)]


def _wanted(page: Page, sections: Sequence[Section]) -> int:
    """Cells that the labels need with their bounds; where there are none, those of the labels alone."""
    rows = [row for s in sections for row in s.rows]
    bounded = [row for row in rows if row.aside]
    names = max((len(page.spell(row.label)) for row in bounded or rows), default=0)
    bounds = max((len(page.spell(row.aside)) for row in bounded), default=0)
    titles = [len(page.spell(s.title)) + 1 for s in sections]
    return max([names + bounds + 4, *titles])


def _least(page: Page, sections: Sequence[Section]) -> int:
    """Cells without which there are no columns: the titles' and the bounds' at least."""
    titles = max(len(page.spell(s.title)) + 1 for s in sections)
    bounds = max((len(page.spell(row.aside)) for s in sections for row in s.rows), default=0)
    return max(min(_wanted(page, sections), NARROWEST_LABEL), titles, bounds + 4)


def _label(page: Page, name: Text, aside: str, label: int) -> Text:
    """The name, and at the right edge of the labels what goes with it, if there is room."""
    right = page.text((aside, DIM))
    if right.cell_len and name.cell_len + right.cell_len + 1 < label:
        return pad(pad(name, label - 1 - right.cell_len).append_text(right), label)
    return pad(name, label)


def _line(page: Page, label: Text, cells: Sequence[Cell], columns: Sequence[int], in_full: bool) -> Text:
    line = label
    for i, (cell, width) in enumerate(zip(cells, columns, strict=True)):
        last = i == len(columns) - 1
        ways = cell if in_full else cell[min(1, len(cell) - 1) :]
        line.append_text(pad(page.first_fit(width if last else width - 1, *ways), width))
    return line


def _as_list(page: Page, heading: str, designs: Sequence[str], sections: Sequence[Section]) -> Iterable[Text]:
    names = max(map(len, designs)) + 4
    yield page.text((heading, HEAD))
    for section in sections:
        brief = len(section.rows) == 1 and not section.rows[0].aside
        says = f"{section.says} · {section.rows[0].label}" if brief else section.says
        yield from page.wrap(page.text((section.title, HEAD), "  ", (says, DIM)))
        for i, design in enumerate(designs):
            line = pad(page.text(f"  {design}"), names)
            line.append_text(page.first_fit(page.width - line.cell_len, *section.cells[i]))
            if brief:
                figure = page.first_fit(page.width - line.cell_len - 2, *section.rows[0].cells[i])
                line = pad(line, max(line.cell_len + 1, page.width - figure.cell_len)).append_text(figure)
            yield line
            for row in () if brief else section.rows:
                if row.cells[i][0][0] != units.NOTHING:  # a table needs a sign there; a list does not
                    yield from _listed(page, row, row.cells[i])
        for note in section.notes:
            yield from page.wrap(note, indent=2)


def _listed(page: Page, row: Row, cell: Cell) -> list[Text]:
    """``    page, 95 %  ≤ 100 ms           5.4  5.1–5.9 ms``: the bound gives way first, then the interval; a name
    that still does not fit stands above its figure."""
    name = page.text(f"    {row.label}")
    bounded = page.text(name, ("  " + row.aside if row.aside else "", DIM))
    figure = page.first_fit(page.width // 2, *cell)
    brief = page.first_fit(page.width - name.cell_len - 1, *cell)
    for label, told in ((bounded, figure), (name, figure), (name, brief)):
        if label.cell_len + 1 + told.cell_len <= page.width:
            return [pad(label, page.width - told.cell_len).append_text(told)]
    below = pad(page.text(("    " + row.aside, DIM)), page.width - figure.cell_len)
    return [*page.wrap(page.text(row.label), indent=4), below.append_text(figure)]


def shorter(text: str) -> list[str]:
    """The text, then ever fewer of its words."""
    words = text.split()
    return [text, *(f"{' '.join(words[:n])} …" for n in range(len(words) - 1, 0, -1))]
