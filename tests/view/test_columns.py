"""The table that requirements and bill share: whatever the width, its labels can be read and its cells stand apart."""

import re

import pytest
from rich.cells import cell_len

from archlab.view import columns
from archlab.view.columns import Row, Section
from archlab.view.page import Picture
from archlab.view.signs import plain

DESIGNS = ("per-endpoint", "decorators", "middleware", "misordered", "exempted")
LABELS = {
    "every concern at every endpoint": "≤ 0",
    "a new endpoint, too": "≤ 0",
    "a wrong path, too": "≤ 0",
    "a request, one in two": "≤ 5 ms",
    "met or missed by": "",
    "to answer errors as application/problem+json with the correlation id": "",
}
FIGURES = ("0 holes", "✗ 3 holes", "0 holes", "✗ 18 holes", "1.2 ms")


def drawn(samples, width, ascii_only=False, designs=DESIGNS, labels=LABELS):
    cells = [[(figure, "")] for figure in FIGURES[: len(designs)]]
    stands = [[("+ self-inflicted", ""), ("+ self-infl.", ""), ("+ self", "")] for _ in designs]
    rows = [Row(label, cells, bound) for label, bound in labels.items()]
    section = Section("pressure", "6 endpoints, six concerns; somebody adds one, somebody asks", stands, rows)
    picture = Picture(lambda page: columns.draw(page, "IS IT ENOUGH?", "simplest first →", designs, [section]))
    return samples.render(picture, width, ascii_only).split("\n")


@pytest.mark.parametrize("width", [20, 40, 60, 70, 80, 90, 100, 110, 120])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_every_label_stands_in_full(samples, width, ascii_only):
    """``a new …`` says nothing: the noun was left out."""
    lines = drawn(samples, width, ascii_only)
    assert all(cell_len(line) <= width for line in lines)
    for label in LABELS if width >= 40 else ():
        assert label in samples.flowing("\n".join(lines))


@pytest.mark.parametrize("width", [80, 90, 100, 110, 120])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_cells_stand_apart(samples, width, ascii_only):
    """A bound and a figure that touch read as one number, also where a sign is spelled in two letters."""
    lines = drawn(samples, width, ascii_only)
    first, *others = (plain(figure) if ascii_only else figure for figure in FIGURES)
    rows = [line for line in lines if others[0] in line]
    assert len(rows) == len(LABELS)
    for row in rows:
        assert re.search(r"(^|  )" + " +".join(map(re.escape, (first, *others))), row), row
    bounded = [row for row in rows if "≤" in row or "<=" in row]
    assert len(bounded) == 4
    assert all(re.search(r"(≤|<=) (0|5 ms)  +0 holes", row) for row in bounded)


def test_only_what_is_too_long_stands_above_its_figures(samples):
    lines = drawn(samples, 80)
    assert any(re.match(r"  a wrong path, too +≤ 0  +0 holes", line) for line in lines)
    above = lines.index("  every concern at every endpoint")
    assert re.match(r" +≤ 0  +0 holes", lines[above + 1])
