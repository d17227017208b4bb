"""The comparison of the course, and of one topic in full."""

import re
from dataclasses import replace

import pytest
from rich.cells import cell_len

from archlab.view import compare, units


@pytest.fixture
def topics(samples):
    return [
        compare.Compared("cqrs", "19 · CQRS", samples.run(), samples.scenario()),
        compare.Compared("middleware", "20 · MIDDLEWARE"),
        compare.Compared("events", "21 · EVENTS", samples.third_party()),
        compare.Compared("broken", "23 · BROKEN", samples.invalid(), samples.scenario()),
        compare.Compared("misused", "22 · MISUSED", samples.with_misuse(), samples.scenario()),
    ]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_the_course_fits(topics, samples, width, ascii_only):
    text = samples.render(compare.course(topics, "2 h old"), width, ascii_only)
    assert all(cell_len(line) <= width for line in text.split("\n"))
    assert "\x1b" not in text
    assert not ascii_only or text.isascii()


def test_every_design_stands_with_and_without_its_problem(topics, samples):
    lines = samples.render(compare.course(topics), 100).split("\n")
    row = next(line for line in lines if line.startswith("  queries"))
    assert row.index("+ self-infl.") < row.index("★ pays") < row.index("5.4 ms") < row.index("78") < row.index("1f +4")
    assert any("29 of 100/s" in line and line.startswith("  crud") for line in lines)
    assert any(line.startswith("    misordered") and "not asked" in line and "✗ misses" in line for line in lines)


def test_what_was_not_run_says_how_to(topics, samples):
    text = samples.render(compare.course(topics), 100)
    assert "not run yet: archlab run middleware" in text
    assert "its last run is invalid; again: archlab run broken" in text


def test_in_short_counts_only_what_was_judged(topics, samples):
    text = samples.render(compare.course(topics), 100)
    assert (
        "In 3 of 3 topics the simple design failed under pressure. The full pattern was needed there in 1."
        in samples.flowing(text)
    )
    assert "IN SHORT" not in samples.render(compare.course(topics[1:2]), 100)


def test_at_80_columns_marks_and_borders_stay(topics, samples):
    text = samples.render(compare.course(topics), 80)
    assert "page_rows: crud ─1,400 ±130─ queries" in text
    row = next(line for line in text.split("\n") if line.startswith("  queries"))
    assert "+ self-infl." in row and "★ pays" in row and "5.4 ms" in row and "1f +4" not in row


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
def test_one_topic_shows_every_figure_of_every_workload(samples, sample, the_scenario, width):
    text = samples.render(compare.topic(sample, the_scenario), width)
    assert all(cell_len(line) <= width for line in text.split("\n"))
    flowing = samples.flowing(text)
    for m in sample.measurements if sample.valid else ():
        if m.value is not None and any(r.metric == m.metric for r in sample.requirements):
            whole = samples.flowing(units.interval(m.value, m.low, m.high, m.unit))
            assert whole in flowing or units.measured(m.value, m.unit) in flowing


def test_a_comparison_is_told_of_the_design_not_of_its_rival(samples):
    """The record says that queries is worse than projection: in projection's column that reads better."""
    text = samples.render(compare.topic(samples.run(), samples.scenario()), 120)
    assert "620 × better  590–650" in text
    turned = [
        replace(c, a=c.b, b=c.a, ratio=1 / c.ratio, low=1 / c.high, high=1 / c.low, outcome="better")
        if c.outcome == "worse"
        else c
        for c in samples.run().comparisons
    ]
    again = samples.render(compare.topic(replace(samples.run(), comparisons=tuple(turned)), samples.scenario()), 120)
    assert "620 × better  590–650" in again


def test_an_invalid_run_compares_nothing(samples):
    text = samples.render(compare.topic(samples.invalid(), samples.scenario()), 100)
    assert "INVALID" in text and "✓" not in text


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_headings_stand_apart_over_their_columns(topics, samples, width, ascii_only):
    lines = samples.render(compare.course(topics), width, ascii_only).split("\n")
    head = next(line for line in lines if "PROBLEM" in line)
    assert "PROBLEM ABSENT " in head and "PROBLEM PRESENT " in head
    row = next(line for line in lines if line.startswith("  projection"))
    assert row[head.index("PROBLEM ABSENT")] == row[head.index("PROBLEM PRESENT")] == "+"
    assert row[head.index("lines") :].startswith("141")


@pytest.mark.parametrize("width", [80, 100, 120])
def test_what_the_problem_is_stands_there_in_full(samples, width):
    """A situation that is too long for its column gets a line of its own: two of its words would say nothing."""
    run = samples.run()
    calm, pressure, *others = run.workloads
    long = replace(calm, says="pages of one order; half of the requests write")
    high = replace(pressure, says="1,300 requests a second, nearly half of them pages of 1,000 orders each")
    changed = replace(run, workloads=(long, high, *others))
    for topic in ("19 · CQRS", "19 · Command Query Responsibility Segregation"):
        told = compare.course([compare.Compared("cqrs", topic, changed, samples.scenario())])
        text = samples.flowing(samples.render(told, width))
        assert f"absent: {long.says} present: {high.says}" in text
        assert topic.replace(" · ", " ") in text


def test_a_long_name_keeps_its_distance(samples):
    run, name = samples.run(), "a-design-with-a-very-long-name"
    long = replace(
        run,
        designs=tuple(replace(d, name=name if d.name == "summary" else d.name) for d in run.designs),
        requirements=tuple(replace(r, design=name if r.design == "summary" else r.design) for r in run.requirements),
    )
    for width in (80, 100):
        text = samples.render(compare.course([compare.Compared("x", "1 · X", long)]), width)
        assert re.search(r"  a-design-with-a[\w-]*… \+ self", text)
