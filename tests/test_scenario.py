"""The vocabulary: knobs that say what they take, scenarios that can be narrowed, requirements that know where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab.scenario import Design, Experiment, Knob, Load, Metric, Requirement, Scenario, UsageError, Workload

ROWS = Knob("page_rows", 10, 1, 100_000, "rows", "rows that a page shows", "SELECT count(*)")
SHARE = Knob("read_share", 0.9, 0.05, 0.98, "share", "share of reads", "the access log")

SCENARIO = Scenario(
    name="pages",
    topic="",
    question="",
    problem="",
    say_it="",
    knobs=(ROWS, SHARE),
    metrics=(Metric("page_p95", "", "s", 0.01, operation="page"),),
    requirements=(),
    workloads=(Workload("calm", ""), Workload("pressure", "", {"page_rows": 5000})),
    designs=(
        Design("plain", "", "baseline", "", lambda lab: None),
        Design("model", "", "pattern", "", lambda lab: None),
    ),
    load=Load(lambda lab, n: []),
    answers=lambda lab, running: None,
    data=lambda lab: None,
)


# Knobs


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("5000", 5000), ("5_000", 5000), ("5,000", 5000), ("50.0", 50)])
def test_a_whole_knob_takes_whole_numbers_however_they_are_written(text: str, value: int) -> None:
    assert ROWS.parse(text) == value
    assert type(ROWS.parse(text)) is int


@given(st.floats(0.05, 0.98))
def test_a_knob_takes_every_value_of_its_range_as_it_is_printed(value: float) -> None:
    assert SHARE.parse(repr(value)) == value


@pytest.mark.parametrize(
    ("knob", "text", "said"),
    [
        (ROWS, "many", "knob page_rows: 'many' is not a whole number"),
        (ROWS, "", "knob page_rows: '' is not a whole number"),
        (ROWS, "1.5", "knob page_rows: '1.5' is not a whole number"),
        (ROWS, "nan", "knob page_rows: 'nan' is not a whole number"),
        (SHARE, "half", "knob read_share: 'half' is not a number"),
        (SHARE, "nan", "knob read_share: 'nan' is not a number"),
        (ROWS, "0", "knob page_rows: 0 is outside its range"),
        (ROWS, "1e6", "knob page_rows: 1e6 is outside its range"),
        (ROWS, "inf", "knob page_rows: .*inf.* is"),
        (SHARE, "1", "knob read_share: 1 is outside its range"),
        (SHARE, "-0.5", "knob read_share: -0.5 is outside its range"),
    ],
)
def test_what_a_knob_does_not_take_is_said_with_what_it_does_take(knob: Knob, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as wrong:
        knob.parse(text)
    assert f"Give {knob.name}={knob.default:g} or any value from {knob.low:g} to {knob.high:g} ({knob.unit})." in str(
        wrong.value
    )


@given(st.text(max_size=12))
def test_any_text_is_either_a_value_inside_the_range_or_wrong_usage(text: str) -> None:
    for knob in (ROWS, SHARE):
        try:
            value = knob.parse(text)
        except UsageError:
            continue
        assert knob.low <= value <= knob.high


@given(st.text(max_size=12))
def test_turning_is_either_a_knob_with_a_value_or_wrong_usage(text: str) -> None:
    try:
        name, value = SCENARIO.turn(text)
    except UsageError:
        return
    assert name in ("page_rows", "read_share")
    assert isinstance(value, (int, float))


def test_a_knob_is_turned_by_its_name() -> None:
    assert SCENARIO.turn("page_rows=50") == ("page_rows", 50)
    assert SCENARIO.turn(" read_share = 0.5 ") == ("read_share", 0.5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rows=5", "pages has no knob 'rows'. Its knobs: page_rows .1 to 100000., read_share .0.05 to 0.98.."),
        ("page_rows", "--set takes knob=value, not 'page_rows'. Its knobs: page_rows"),
        ("", "--set takes knob=value, not ''"),
        ("=5", "pages has no knob ''"),
    ],
)
def test_an_unknown_knob_lists_those_that_there_are(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        SCENARIO.turn(text)


def test_a_setting_is_what_a_person_turned_else_what_the_workload_sets_else_the_default() -> None:
    calm, pressure = SCENARIO.workloads
    assert SCENARIO.settings(calm, {}) == {"page_rows": 10, "read_share": 0.9}
    assert SCENARIO.settings(pressure, {}) == {"page_rows": 5000, "read_share": 0.9}
    assert SCENARIO.settings(pressure, {"page_rows": 7}) == {"page_rows": 7, "read_share": 0.9}


# Where things apply


def test_a_requirement_is_demanded_where_it_says_and_everywhere_if_it_says_nothing() -> None:
    everywhere = Requirement("a", "page_p95", 0.1, "s", "", "")
    pressure = Requirement("b", "page_p95", 0.1, "s", "", "", ("pressure",))
    assert [everywhere.demanded_in(w) for w in ("calm", "pressure")] == [True, True]
    assert [pressure.demanded_in(w) for w in ("calm", "pressure")] == [False, True]


def test_an_experiment_is_done_where_it_says_and_to_whom() -> None:
    def nothing(lab: object, running: object) -> list[object]:
        return []

    everything = Experiment("a", nothing)  # type: ignore[arg-type]  # it yields nothing
    some = Experiment("b", nothing, workloads=("calm",), designs=("model",))  # type: ignore[arg-type]  # as above
    places = [(d.name, w.name) for d in SCENARIO.designs for w in SCENARIO.workloads]
    assert [everything.done_to(*place) for place in places] == [True] * 4
    assert [place for place in places if some.done_to(*place)] == [("model", "calm")]


def test_a_narrowed_scenario_keeps_the_order_and_says_that_it_is_narrowed() -> None:
    narrow = SCENARIO.only(["model", "plain"], ["pressure"])
    assert [d.name for d in narrow.designs] == ["plain", "model"]
    assert [w.name for w in narrow.workloads] == ["pressure"]
    assert narrow.narrowed == "--workload pressure", "every design is there"
    assert SCENARIO.only(["model"], ["pressure"]).narrowed == "--design model --workload pressure"
    assert SCENARIO.only([], []) == SCENARIO


@pytest.mark.parametrize(
    ("designs", "workloads", "said"),
    [
        (["modell"], [], "there is no design 'modell'. Choose from: plain, model."),
        ([], ["calme"], "there is no workload 'calme'. Choose from: calm, pressure."),
    ],
)
def test_what_does_not_exist_is_wrong_usage_that_lists_what_does(
    designs: list[str], workloads: list[str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        SCENARIO.only(designs, workloads)
    with pytest.raises(UsageError, match=r"there is no metric 'x'. Choose from: page_p95\."):
        SCENARIO.metric("x")


def test_a_caption_says_the_knobs_as_they_are_and_marks_what_a_person_turned() -> None:
    busy = Workload("busy", "{rate:,.0f} pages of {rows:.0f} orders each")
    assert busy.caption({"rate": 1300, "rows": 5}) == "1,300 pages of 5 orders each"
    assert busy.caption({"rate": 1300, "rows": 5}, {"rate"}) == "1,300 (you) pages of 5 orders each"
    with pytest.raises(KeyError):
        busy.caption({"rate": 1300})
