"""Two designs that answer differently: the request, the field and both values; a kind only if all of it fits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from archlab.bench.answers import LONGEST, MOST, Reply, digest, replies
from archlab.bench.differences import MOST_CASES, difference, is_rounded, pairs
from archlab.run import Difference
from archlab.scenario import Answered, Failed, ScenarioError

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
NESTED = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)
TOLD = st.lists(st.builds(Answered, st.sampled_from("abc"), NESTED, st.sampled_from(("", "x was done"))), max_size=6)


def compared(right: Any, wrong: Any) -> Difference:
    return difference("yours", "crud", "calm", {}, [(replies(right), replies(wrong))])


# Flattening


@dataclass(frozen=True)
class Totals:
    orders: int
    revenue: int


class Row(NamedTuple):
    status: str
    key: str


def test_a_field_is_named_by_the_way_to_it() -> None:
    page = {"panels": {("DE", "placed"): Totals(3, 1240)}, "top": ["Kettle", Row("new", "x")], "none": [], "at": None}
    (reply,) = replies([Answered("page of seller 17", page, after="order 1 was placed")])
    assert (reply.request, reply.after) == ("page of seller 17", "order 1 was placed")
    assert dict(reply.fields) == {
        "panels, DE, placed, orders": 3,
        "panels, DE, placed, revenue": 1240,
        "top, 1": "'Kettle'",
        "top, 2, status": "'new'",
        "top, 2, key": "'x'",
        "none": "[]",
        "at": "None",
    }


@pytest.mark.parametrize(
    ("answers", "requests"),
    [
        ([1, 2], ["answer 1", "answer 2"]),
        ((one for one in "ab"), ["answer 1", "answer 2"]),
        ({"lookup": 1, "page": 2}, ["lookup", "page"]),
        (Answered("page", 1), ["page"]),
        (7, ["the answer"]),
        (Totals(1, 2), ["the answer"]),
        (Row("a", "b"), ["the answer"]),
        ([], []),
    ],
)
def test_whatever_answers_returns_is_taken_request_by_request(answers: Any, requests: list[str]) -> None:
    assert [reply.request for reply in replies(answers)] == requests


@pytest.mark.parametrize(
    "answers", [[1, Failed("no stock")], [Answered("page", Failed("no stock"))], Failed("no stock")]
)
def test_a_request_that_fails_cannot_be_compared(answers: Any) -> None:
    with pytest.raises(ScenarioError, match="failed a request that every design must answer alike"):
        replies(answers)


def test_what_is_kept_is_bounded_and_what_lies_beyond_still_counts() -> None:
    rows = list(range(MOST + 10))
    (reply,) = replies(Answered("page", rows))
    assert len(reply.fields) == MOST + 1
    assert compared(Answered("page", rows), Answered("page", [*rows[:-1], -1])).differ == 1
    text = "x" * 2 * LONGEST
    assert len(str(replies([text])[0].fields[0][1])) < LONGEST + 80
    assert compared([text + "a"], [text + "b"]).differ == 1


@given(st.integers() | st.floats() | st.sampled_from((10**5000, -(10**400), 2**63)))
def test_a_case_can_be_written_as_json_whatever_the_numbers(number: float) -> None:
    for right, wrong in ((number, "x"), ("x", number), (number, 1.5)):
        for case in compared([right], [wrong]).cases:
            assert json.loads(json.dumps(case, allow_nan=False)) == case


def test_what_refers_to_itself_ends() -> None:
    endless: list[Any] = [1]
    endless.append(endless)
    assert replies([endless])


def test_the_order_of_keys_makes_no_difference_and_that_of_requests_does() -> None:
    assert digest(replies([{"a": 1, "b": 2}])) == digest(replies([{"b": 2, "a": 1}]))
    assert digest(replies([1, 2])) != digest(replies([2, 1]))
    for one, other in ((1, "1"), (None, "None"), (True, "True"), (True, 1), (1, 1.0)):
        assert digest(replies([one])) != digest(replies([other]))


# Comparing


@given(TOLD)
def test_answers_that_are_alike_differ_in_nothing(told: list[Answered]) -> None:
    found = compared(told, list(told))
    assert (found.differ, found.of, found.cases, found.kind) == (0, len(told), (), "")


@given(TOLD, TOLD)
def test_it_is_symmetric_in_how_many_and_finds_something_where_the_hash_differs(
    right: list[Answered], wrong: list[Answered]
) -> None:
    there, back = compared(right, wrong), compared(wrong, right)
    assert (there.differ, there.of) == (back.differ, back.of)
    assert there.of >= max(len(right), len(wrong))
    requests = [sorted(a.request for a in told) for told in (right, wrong)]
    same_order = [a.request for a in right] == [a.request for a in wrong]
    if same_order and digest(replies(right)) != digest(replies(wrong)):
        assert there.differ > 0
    if digest(replies(right)) == digest(replies(wrong)):
        assert there.differ == 0 and requests[0] == requests[1]
    assert len(there.cases) == min(there.differ, MOST_CASES)


@given(TOLD, st.data())
def test_one_changed_value_is_found_where_it_was_changed(told: list[Answered], data: st.DataObject) -> None:
    assume(told)
    place = data.draw(st.integers(0, len(told) - 1))
    changed = [*told]
    changed[place] = Answered(told[place].request, {"changed": "here"}, told[place].after)
    assume(told[place].answer != {"changed": "here"})
    found = compared(told, changed)
    assert found.differ == 1
    assert (found.cases[0]["request"], found.cases[0]["after"]) == (told[place].request, told[place].after)
    assert found.cases[0]["right"] != found.cases[0]["wrong"]


def page(orders: int, revenue: int, after: str = "") -> Answered:
    return Answered("page of seller 17", {"orders": orders, "country DE": {"revenue": revenue}}, after)


RIGHT = [page(3, 900), page(4, 1240, "order 4711 was placed"), page(5, 1300, "order 4712 was placed")]
"""The same page, asked for again after each of two orders."""


def test_an_answer_of_before_is_stale_and_the_first_operation_is_told() -> None:
    found = compared(RIGHT, [RIGHT[0], page(3, 900, "order 4711 was placed"), page(4, 1240, "order 4712 was placed")])
    assert (found.kind, found.differ, found.of) == ("stale", 2, 3)
    assert found.cases[0] == {
        "request": "page of seller 17",
        "after": "order 4711 was placed",
        "field": "orders",
        "right": 4,
        "wrong": 3,
    }


def test_a_row_that_is_not_there_yet_is_stale_and_one_that_never_was_is_missing() -> None:
    rows = [Answered("page", {"a": 1}), Answered("page", {"a": 1, "b": 2}, "b was added")]
    assert compared(rows, [rows[0], Answered("page", {"a": 1}, "b was added")]).kind == "stale"
    assert compared([rows[1]], [Answered("page", {"a": 1})]).kind == "missing"
    assert compared([Answered("page", {"a": [1, 2]})], [Answered("page", {"a": []})]).kind == "missing"
    assert compared([Answered("page", {"a": 1})], [Answered("page", {"a": None})]).kind == "missing"
    assert compared([Answered("page", {"a": 1})], []).kind == "missing"


def test_a_page_of_which_a_part_is_of_before_is_stale_unless_it_merely_lacks_something() -> None:
    right = [Answered("page", {"a": 1, "b": 1}), Answered("page", {"a": 2, "b": 2}, "it grew")]
    assert compared(right, [right[0], Answered("page", {"a": 2, "b": 1})]).kind == "stale"
    grown = [Answered("page", {"a": 1}), Answered("page", {"a": 2, "b": 2}, "it grew")]
    assert compared(grown, [grown[0], Answered("page", {"a": 2})]).kind == "missing"
    assert compared(grown, [grown[0], Answered("page", {"a": 1})]).kind == "stale"


def test_what_is_there_and_should_not_be_is_not_missing() -> None:
    assert compared([Answered("page", {"a": 1})], [Answered("page", {"a": 1, "b": 2})]).kind == ""


def test_one_difference_that_does_not_fit_leaves_no_guess() -> None:
    assert compared(RIGHT, [RIGHT[0], page(3, 900), page(4, 777)]).kind == ""
    assert compared([1243, 1240], [1240, 77]).kind == ""


@given(st.floats(1, 1e9), st.integers(0, 3))
def test_fewer_digits_are_rounded(value: float, digits: int) -> None:
    less = round(value, digits)
    assume(less != value and abs(less - value) <= 0.05 * value)
    assert is_rounded(value, less)
    assert not is_rounded(less, value)
    assert compared([value], [less]).kind == "rounded"


@pytest.mark.parametrize(
    ("right", "wrong", "is_it"),
    [
        (1243, 1240, True),
        (1249, 1240, True),
        (1241, 1250, True),
        (0.1 + 0.2, 0.3, True),
        (12.345, 12.34, True),
        (1240, 1180, False),
        (4, 0, False),
        (14, 10, False),
        (1240, 1243, False),
        (1243, "1240", False),
        (float("inf"), 1.0, False),
        (float("nan"), 1.0, False),
        (True, False, False),
    ],
)
def test_a_figure_that_is_merely_near_is_not_rounded(right: Any, wrong: Any, is_it: bool) -> None:
    assert is_rounded(right, wrong) == is_it


def test_another_order_of_requests_is_no_difference_in_any_of_them() -> None:
    found = compared([Answered("a", 1), Answered("b", 2)], [Answered("b", 2), Answered("a", 1)])
    assert (found.differ, found.cases) == (0, ())


def test_all_rounds_count_and_the_first_cases_are_kept() -> None:
    def told(values: Sequence[int]) -> tuple[Reply, ...]:
        return replies([Answered(f"page {i}", value) for i, value in enumerate(values)])

    rounds = [(told(range(10)), told(range(1, 11))), (told(range(10)), told(range(10)))]
    found = difference("yours", "crud", "calm", {}, rounds)
    assert (found.differ, found.of) == (10, 20)
    assert [case["request"] for case in found.cases] == [f"page {i}" for i in range(MOST_CASES)]


def test_the_n_th_request_of_a_name_is_compared_with_the_n_th() -> None:
    made = pairs(replies([page(1, 1), page(2, 2)]), replies([page(1, 1), page(2, 2), page(3, 3)]))
    assert [pair.right.get("orders") for pair in made] == [1, 2, None]
    assert [pair.wrong.get("orders") for pair in made] == [1, 2, 3]


def test_sums_of_rounded_figures_are_near_and_leave_the_guess_standing() -> None:
    right = [Answered("page", {"a": 1243, "b": 2249, "c": 3311, "all": 6803})]
    wrong = [Answered("page", {"a": 1240, "b": 2240, "c": 3310, "all": 6790})]
    assert not is_rounded(6803, 6795)
    assert compared(right, wrong).kind == "rounded"
    assert compared([6803], [6795]).kind == ""
