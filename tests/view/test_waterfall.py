"""The waterfall: one scale, the wait first, never more than three panes, nothing lost in adding up."""

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archlab.view import facts, run_screen
from archlab.view.waterfall import MOST_STEPS, waterfall


def test_never_more_than_three_panes(sample, the_scenario):
    for most in (1, 2, 3) if sample.traces else ():
        assert len(waterfall(sample, most, the_scenario).designs) <= most


def test_before_the_verdict_two_panes_show_the_simplest_and_the_first_that_kept_its_bounds(samples):
    """The traces stand on the screen while the rest is still measured."""
    traced = replace(samples.run(), requirements=(), verdicts=())
    assert [d.name for d in waterfall(traced, 2, samples.scenario()).designs] == ["crud", "queries"]


def test_the_panes_are_the_simplest_the_verdicts_and_the_full_pattern(samples):
    names = [d.name for d in waterfall(samples.six_designs(), 3, samples.scenario()).designs]
    assert names == ["crud", "queries", "projection"]
    assert [d.name for d in waterfall(samples.run(), 2, samples.scenario()).designs] == ["crud", "queries"]


def test_an_edited_design_stands_beside_its_original(samples):
    """Then the pattern, if there is room: the comparison that somebody edited it for comes first."""
    run = samples.with_edit()
    names = [d.name for d in waterfall(run, 3, samples.scenario()).designs]
    assert names == ["queries", "queries-mine", "projection"]
    assert [d.name for d in waterfall(run, 2, samples.scenario()).designs] == names[:2]
    early = replace(run, requirements=(), verdicts=())
    assert [d.name for d in waterfall(early, 2, samples.scenario()).designs] == names[:2]
    assert facts.full_pattern(run).name == "projection"


def test_an_edited_design_without_traces_takes_no_pane(samples):
    run = samples.with_edit()
    untraced = replace(run, traces=tuple(t for t in run.traces if t.design != "queries-mine"))
    names = [d.name for d in waterfall(untraced, 3, samples.scenario()).designs]
    assert names == ["crud", "queries", "projection"]


def test_an_edited_pattern_is_not_the_full_pattern(samples):
    run = samples.run()
    mine = replace(run.designs[-1], name="projection-mine", order=5, edits="projection")
    edited = replace(run, designs=(*run.designs, mine))
    assert facts.full_pattern(edited).name == "projection"
    assert facts.full_pattern(replace(run, designs=(mine,))).name == "projection-mine"


def test_a_misuse_never_gets_a_pane(samples):
    assert all(d.role != "misuse" for d in waterfall(samples.with_misuse(), 3, samples.scenario()).designs)


def test_the_right_edge_is_the_bound_of_the_first_operation(samples):
    picture = waterfall(samples.run(), 3, samples.scenario())
    assert picture.bounded and picture.scale == 0.100


def test_without_a_bound_the_longest_bar_ends_at_the_edge(samples):
    picture = waterfall(samples.third_party(), 3)
    longest = max(row.start + row.length for block in picture.blocks for rows in block.panes for row in rows)
    assert not picture.bounded and picture.scale == longest


def test_the_wait_comes_first_and_the_steps_add_up(sample, the_scenario):
    picture = waterfall(sample, 3, the_scenario)
    if picture is None:
        assert not sample.traces
        return
    first = picture.blocks[0]
    operation = facts.shown_operations(sample, picture.workload, the_scenario)[0]
    for design, rows in zip(picture.designs, first.panes, strict=True):
        trace = sample.trace(operation, design.name, picture.workload)
        assert rows[0].name == "wait" and rows[0].length == trace.wait
        work = sum(row.length for row in rows if not row.waiting)
        assert work == pytest.approx(trace.root.end - trace.root.start, rel=0.06)


@given(st.lists(st.tuples(st.sampled_from("abcdefghij"), st.floats(1e-6, 0.1)), min_size=1, max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_many_steps_are_summed_up_without_losing_time(samples, steps):
    trace = samples.trace("crud", "page", 0.01, [(name, seconds, 1) for name, seconds in steps])
    run = replace(samples.run(), traces=(trace,))
    rows = waterfall(run, 1, samples.scenario()).blocks[0].panes[0]
    assert len(rows) <= 1 + MOST_STEPS + 1
    assert sum(row.length for row in rows[1:]) == pytest.approx(sum(seconds for _, seconds in steps), rel=0.06)


def test_a_step_inside_a_step_is_not_counted_twice(samples):
    trace = samples.trace("crud", "page", 0.0, [("build", 0.010, 1)])
    build = trace.spans[1]
    inner = replace(build, span_id="inner", parent_id=build.span_id, name="SELECT", end=build.start + 0.004)
    own = {name: seconds for name, _, seconds in facts.step_times(replace(trace, spans=(*trace.spans, inner)))}
    assert own == {"build": pytest.approx(0.006), "SELECT": pytest.approx(0.004)}


def test_what_is_seen_later_is_told_from_the_roots_end(samples):
    trace = samples.run().trace("order", "projection", "pressure")
    assert facts.seen_after(trace) == pytest.approx(0.058)
    assert "project" not in [name for name, _, _ in facts.step_times(trace)]
    assert facts.seen_after(samples.run().trace("order", "crud", "pressure")) is None


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_only_what_runs_beyond_the_bound_is_marked(samples, width):
    lines = samples.render(run_screen.traces(samples.run(), samples.scenario()), width).split("\n")
    beyond = [line for line in lines if "▶" in line]
    assert len(beyond) == 1 and "1.2 s ↑" in beyond[0] and beyond[0].startswith("wait")
    assert sum(line.count("↑") for line in lines) == 1


def test_the_scale_is_one_scale(samples):
    """58 ms of 100 ms is 58 % of the cells, whatever pane it stands in."""
    text = samples.render(run_screen.traces(samples.run(), samples.scenario()), 120).split("\n")
    row = next(line for line in text if line.startswith("seen"))
    last = row.split("│")[-1]
    cells = re.search(r"seen\s+([░▏▎▍▌▋▊▉]+)(\s*)┃", last)
    drawn, rest = len(cells[1]), len(cells[2])
    assert drawn / (drawn + rest) == pytest.approx(0.58, abs=1 / (drawn + rest))


def test_narrow_consoles_get_figures_without_bars(samples):
    text = samples.render(run_screen.traces(samples.run(), samples.scenario()), 40)
    assert not re.search("[█░▏▎▍▌▋▊▉┃▶]", text)
    assert "1.2 s ↑" in text and "5.1 ms" in text


def test_designs_without_a_pane_are_named(samples):
    text = samples.render(run_screen.traces(samples.run(), samples.scenario()), 80)
    assert "+ 2 designs: summary, projection" in text and "archlab trace 12 projection" in text


def test_a_run_without_traces_has_no_waterfall(samples):
    assert samples.render(run_screen.traces(replace(samples.run(), traces=())), 100).strip() == ""


def test_the_bound_is_that_of_the_operation_whatever_its_metric_is_called(samples):
    """Its metric declares the operation; a name that begins like another operation says nothing."""
    run, known = samples.run(), samples.scenario()
    assert facts.trace_bound(run, known, "page", "pressure") == 0.1
    metrics = [replace(m, operation={"page_p95": "order", "order_p95": None}.get(m.name)) for m in known.metrics]
    odd = replace(known, metrics=tuple(metrics))
    unjudged = replace(run, requirements=())
    for each in (run, unjudged):
        assert facts.trace_bound(each, odd, "order", "pressure") == 0.1
        assert facts.trace_bound(each, odd, "page", "pressure") is None
    alone = [replace(m, of="service") for m in known.metrics]
    assert facts.trace_bound(run, replace(known, metrics=tuple(alone)), "page", "pressure") is None
    assert facts.trace_bound(run, None, "page", "pressure") is None
