"""The page: lines fit, nothing is lost, and what cannot be shown is spelled."""

import io
import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from archlab.view.page import Page, Picture, bar, pad, spelled, table
from archlab.view.signs import plain, shorten

words = st.lists(
    st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=30), max_size=30
)


@given(st.text())
def test_plain_is_ascii_whatever_it_is_given(text):
    assert plain(text).isascii()


def test_plain_spells_the_signs():
    assert plain("✓ ≤ 100 µs · 1.8 × “code” – café…") == 'v <= 100 us | 1.8 x "code" - cafe...'


@given(words, st.integers(20, 130), st.integers(0, 12))
def test_wrap_fits_and_loses_nothing(sentence, width, indent):
    lines = Page(width).wrap(" ".join(sentence), indent=indent)
    assert all(line.cell_len <= width for line in lines)
    assert "".join(line.plain for line in lines).replace(" ", "") == "".join(sentence)


def test_wrap_never_parts_a_number_from_its_unit():
    """``58 ms`` at the end of a line would be two figures."""
    text = "the seller looks 58 ms into the past, at 1.8 × the code, n ≥ 60 of 100 in run 12 and 3 of 3"
    for width in range(20, 80):
        lines = [line.plain for line in Page(width).wrap(text)]
        for line, following in pairwise(lines):
            unit = re.match(r"\s*(ms|×|≥|of)\b", following)
            assert not (re.search(r"[\d≥]$", line) and unit), lines
            assert not line.endswith((" run", " n", "≥")), lines


def test_wrap_puts_the_body_behind_its_label():
    lines = [
        line.plain for line in Page(40).wrap("one two three four five six seven eight nine ten", ("VERDICT", ""), 9)
    ]
    assert lines[0].startswith("VERDICT  one")
    assert all(line.startswith(" " * 9) for line in lines[1:])


@given(st.floats(0, 1.5), st.floats(0, 3), st.integers(1, 60), st.booleans(), st.sampled_from("█░─"))
def test_bar_is_exactly_as_wide_as_its_cells(start, length, cells, ascii_only, filled):
    drawn = bar(Page(80, ascii_only), start, length, cells, filled)
    assert len(drawn) == cells
    assert not ascii_only or drawn.isascii()


@given(st.integers(1, 60), st.floats(0, 1), st.floats(0, 1))
def test_a_longer_time_never_has_a_shorter_bar(cells, one, other):
    def ink(length):
        drawn = bar(Page(80), 0, length, cells)
        return sum(8 if c == "█" else " ▏▎▍▌▋▊▉".find(c) if c in "▏▎▍▌▋▊▉" else 0 for c in drawn)

    assert ink(min(one, other)) <= ink(max(one, other))


def test_what_is_too_small_for_a_bar_is_a_dot():
    assert bar(Page(80), 0, 0.0001, 10).rstrip() == "·"
    assert bar(Page(80, True), 0, 0.0001, 10).rstrip() == "."


def test_a_figure_is_never_cropped():
    assert pad(Text("1,234 ms"), 3).plain == "1,234 ms"
    assert Page(80).first_fit(3, "in full", "short").plain == "short"


@given(st.lists(st.tuples(words.map(" ".join), words.map(" ".join)), min_size=1, max_size=5), st.integers(20, 120))
def test_table_on_a_page_fits(rows, width):
    picture = Picture(lambda page: table(page, rows))
    for line in Console(width=width, file=None, record=False).render_lines(picture):
        assert sum(segment.cell_length for segment in line) <= width


def test_shorten_keeps_whole_words():
    assert shorten("one two three", 100) == "one two three"
    assert shorten("one two three", 9) == "one two…"


def test_a_prompt_is_spelled_for_its_console():
    console = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert spelled(console, "Your answer (a–d): ") == "Your answer (a-d): "
    assert spelled(Console(file=io.TextIOWrapper(io.BytesIO(), encoding="utf-8")), "a–d") == "a–d"


@given(st.lists(words.map(" ".join).filter(bool), max_size=8), st.integers(20, 130), st.integers(0, 4))
def test_the_entries_of_a_legend_stay_whole(entries, width, indent):
    lines = [line.plain for line in Page(width).entries(entries, indent=indent)]
    assert all(len(line) <= width for line in lines)
    for entry in entries:
        if indent + len(entry) <= width:
            assert any(entry in line for line in lines)
