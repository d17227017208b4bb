"""What there is to read: prose, source side by side, diffs."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

import archlab
from archlab.scenario import Knob, Workload
from archlab.view import lesson
from archlab.view.source_sections import align, sections

SOURCES = sorted(Path(archlab.__file__).parent.rglob("*.py"))

ONE = '''"""One model for both.

Good at: one place for everything
    that an order is.
Fails when: a page spans many orders.
"""

from world import add_up

# How many.
LIMIT = 10


class Shop:
    """The shop."""

    def place_order(self, command):
        return self.orders.add(command)

    def page(self, seller):
        return add_up(order for order in self.orders if order.seller == seller and not order.cancelled_before(today))
'''
OTHER = ONE.replace("LIMIT = 10", 'INDEX = "CREATE INDEX"').replace("return add_up(", "return self.query(")

MARKDOWN = """# CQRS

A problem – and *why* it is one: `page_rows` × rate ≤ capacity.

## When not

- when nobody waits
- when **nobody** reads

| a | b |
|---|---|
| 1 | 2 |

```python
def page(): ...
```

See [Fowler](https://martinfowler.com/bliki/CQRS.html).
"""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_sections_are_the_whole_source_in_order(path):
    """Whatever is between the definitions belongs to one of them."""
    source = path.read_text()
    parts = sections(source)
    assert parts[0].first == 0 and parts[-1].last == source.count("\n") + 1
    assert all(a.last == b.first and a.first < a.last for a, b in pairwise(parts))


def test_methods_are_sections_of_their_own():
    assert [p.name for p in sections(ONE)] == ["docstring", "imports", "LIMIT", "Shop", "Shop.place_order", "Shop.page"]
    assert [p.name for p in sections("no python (")] == ["source"]
    assert [p.name for p in sections("")] == ["source"]


panes = st.lists(st.lists(st.sampled_from("abcdef"), unique=True, max_size=6), min_size=1, max_size=4)


@given(panes)
def test_aligned_panes_keep_their_order_and_lose_nothing(names):
    rows = align(names)
    for n, pane in enumerate(names):
        assert [row[n] for row in rows if row[n] is not None] == list(range(len(pane)))


@given(panes)
def test_a_row_never_mixes_names(names):
    for row in align(names):
        assert len({names[n][index] for n, index in enumerate(row) if index is not None}) == 1


def test_the_same_names_stand_on_the_same_line(samples):
    text = samples.render(lesson.code([("crud", "both", ONE), ("queries", "apart", OTHER)], everything=True), 100)
    for name in ("class Shop:", "def place_order", "def page", "from world import"):
        row = next(line for line in text.split("\n") if name in line)
        assert row.count(name) == 2, row


def test_only_what_differs_is_shown_and_the_rest_is_named(samples):
    """Of designs beside each other: a function that all of them have word for word is left out."""
    other = ONE.replace("LIMIT = 10", "LIMIT = 20").replace("class Shop:", "class Shop:\n    fast = True")
    text = samples.render(lesson.code([("crud", "both", ONE), ("queries", "apart", other)]), 120)
    assert "LIMIT = 10" in text and "LIMIT = 20" in text and "fast = True" in text
    assert "def place_order" not in text and "from world import" not in text
    assert "The same in these designs: docstring, Shop.place_order, Shop.page. Add --all to see every line." in text


def test_where_designs_stand_below_each_other_what_the_first_has_is_left_out(samples):
    """On a narrow screen: the first is whole, the second shows in what it differs."""
    text = samples.flowing(samples.render(lesson.code([("crud", "both", ONE), ("queries", "apart", OTHER)]), 60))
    first, second = text.split("queries apart")
    assert "def place_order" in first and "def place_order" not in second and "def page" in second
    assert "The same in these designs: docstring, Shop, Shop.place_order. Add --all" in second


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_workloads_stand_beside_the_knobs(samples, width):
    """Each with what it sets, so that what --set would change can be seen."""
    rows = Knob("page_rows", 1, 1, 5000, "orders", "orders on a page", "SELECT count(*)")
    calm, rising = (
        Workload("calm", "small pages", {"page_rows": 1}),
        Workload("rising", "", along={"page_rows": (1, 9)}),
    )
    text = " ".join(samples.render(lesson.knobs([rows], [calm, rising]), width=width).split())
    assert "calm: small pages page_rows 1" in text and "page_rows 1, 9" in text
    assert text.index("WORKLOADS") < text.index("KNOBS")


@pytest.mark.parametrize(("width", "beside"), [(60, 1), (80, 2), (120, 2), (160, 3), (220, 4), (400, 4)])
def test_wider_consoles_show_more_designs_beside_each_other(samples, width, beside):
    designs = [(name, "a title", ONE) for name in ("a", "b", "c", "d")]
    text = samples.render(lesson.code(designs, everything=True), width)
    rows = [line for line in text.split("\n") if "def place_order" in line]
    assert rows[0].count("def place_order") == beside
    assert sum(row.count("def place_order") for row in rows) == 4
    begins = [row.index("│") for row in text.split("\n") if row.count("│") == beside - 1 and beside > 1]
    assert len(set(begins)) <= 1 + (4 % beside > 0)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 160, 220])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_code_fits_and_nothing_of_it_is_lost(samples, width, ascii_only):
    text = samples.render(lesson.code([("crud", "both", ONE)]), width, ascii_only)
    assert all(cell_len(line) <= width for line in text.split("\n"))
    assert not ascii_only or text.isascii()
    assert "\x1b" not in text
    squeezed = "".join(text.split())
    for part in ("Goodat:oneplaceforeverythingthatanorderis.", "defplace_order(self,command):", "LIMIT=10"):
        assert part in squeezed
    assert "order.cancelled_before(today))" in squeezed


def test_the_designs_of_the_course_can_be_shown(samples):
    folder = Path(archlab.__file__).parents[1] / "scenarios" / "cqrs"
    designs = [
        (name, "title", (folder / f"{name}.py").read_text()) for name in ("crud", "queries", "summary", "projection")
    ]
    text = samples.render(lesson.code(designs), 80)
    assert all(cell_len(line) <= 80 for line in text.split("\n"))


@pytest.mark.parametrize("width", [20, 40, 80, 120])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_lesson_fits(samples, width, ascii_only):
    text = samples.render(lesson.lesson(MARKDOWN), width, ascii_only)
    assert all(cell_len(line) <= min(width, lesson.READABLE) for line in text.split("\n"))
    assert not ascii_only or text.isascii()
    assert "\x1b" not in text
    assert "CQRS" in text and "nobody" in text


def test_signs_in_a_lesson_are_spelled_in_full(samples):
    """Before the lines are broken: ``≤`` must not become ``<``."""
    assert "<= capacity" in samples.flowing(samples.render(lesson.lesson(MARKDOWN), 80, ascii_only=True))


DIFF = """--- a/crud.py
+++ b/crud.py
@@ -1,2 +1,2 @@
-    return total
+    return total - discount_of_the_order_that_was_taken_off_when_it_was_placed_by_the_customer_long_ago
     # –
"""


@pytest.mark.parametrize("width", [20, 60, 100])
def test_diffs_fit_and_keep_their_signs(samples, width):
    text = samples.render(
        lesson.change("Show the discount", [("crud", "1 file +1 −1", DIFF), ("queries", "", "")]), width
    )
    assert all(cell_len(line) <= width for line in text.split("\n"))
    assert "\n-    return" in text and "\n+" in text and "nothing to change" in text


@pytest.mark.parametrize("width", [40, 100])
def test_every_knob_says_what_it_is_and_how_to_read_it_from_a_real_system(samples, width):
    rows = Knob("page_rows", 1, 1, 5000, "orders", "orders on a page", "SELECT count(*)")
    far = Knob("distance", 0.0, 0, 100, "ms", "round trip", "ping", assumed=True)
    text = " ".join(samples.render(lesson.knobs([rows, far]), width=width).split())
    assert "page_rows: orders on a page (1 to 5,000 orders; default 1). how to find your value: SELECT count(*)" in text
    assert text.count("Assumed") == 1
    assert text.index("distance") < text.index("Assumed") < text.index("how to find your value: ping")
    assert samples.render(lesson.knobs([])).strip() == ""
