"""The waterfall: one scale, the wait first, never more than three panes, nothing lost in adding up."""

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archlab.view import facts, panes, run_screen, summary, verdict
from archlab.view.page import Page
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


def test_each_operation_stands_on_the_scale_of_its_own_bound(samples):
    picture = waterfall(samples.run(), 3, samples.scenario())
    assert [(block.bounded, block.scale) for block in picture.blocks] == [(True, 0.100), (True, 0.050)]


@pytest.mark.parametrize("width", [50, 80, 100, 120])
def test_the_bound_is_written_where_the_scale_ends(samples, width):
    lines = samples.render(run_screen.traces(samples.run(), samples.scenario()), width).split("\n")
    for bound in ("bound 100 ms┃", "bound 50 ms┃"):
        (at,) = (i for i, line in enumerate(lines) if bound in line)
        below = next(line for line in lines[at + 1 :] if line.endswith(("┃", "▶")))
        assert len(lines[at]) == len(below) in (width - 1, width) and lines[at].endswith(bound)


def test_without_a_bound_the_longest_bar_ends_at_the_edge(samples):
    picture = waterfall(samples.third_party(), 3)
    for block in picture.blocks:
        longest = max(row.start + row.length for rows in block.panes for row in rows)
        assert not block.bounded and block.scale == longest


def test_the_wait_comes_first_and_the_steps_add_up(sample, the_scenario):
    picture = waterfall(sample, 3, the_scenario)
    if picture is None:
        assert not sample.traces
        return
    first = picture.blocks[0]
    operation = facts.shown_operations(sample, picture.workload, the_scenario)[0]
    for design, rows in zip(picture.designs, first.panes, strict=True):
        trace = sample.trace(operation, design.name, picture.workload)
        if panes.falls_behind(sample, picture.workload, design.name):
            continue
        assert rows[0].name == "wait" and rows[0].length == trace.wait
        work = sum(row.length for row in rows if not row.waiting)
        assert work == pytest.approx(trace.root.end - trace.root.start, rel=0.06)


@given(st.lists(st.tuples(st.sampled_from("abcdefghij"), st.floats(1e-6, 0.1)), min_size=1, max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_many_steps_are_summed_up_without_losing_time(samples, steps):
    trace = samples.trace("crud", "page", 0.01, [(name, seconds, 1) for name, seconds in steps])
    run = replace(samples.run(), traces=(trace,), waits=())
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
    """Of 34, 84, 204, 634 and 1,234 ms the last three are beyond 100 ms; of the orders the last is beyond 50 ms."""
    lines = samples.render(run_screen.traces(samples.run(), samples.scenario()), width).split("\n")
    assert [line.split()[0] for line in lines if "↑" in line] == ["8th", "24th", "70th", "69th"]


@pytest.mark.parametrize("width", [60, 100])
def test_what_the_bound_is_not_about_does_not_break_it(samples, width):
    """Others see the order after 58 ms. The 50 ms are the bound on the order itself."""
    run = replace(samples.run(), waits=())
    only = tuple(t for t in run.traces if t.design == "projection")
    text = samples.render(run_screen.traces(replace(run, traces=only), samples.scenario()), width)
    assert "58 ms" in text and "▶" in text and "↑" not in text


def test_the_scale_is_one_scale(samples):
    """84 ms of 100 ms is 84 % of the cells."""
    text = samples.render(run_screen.traces(samples.run(), samples.scenario()), 120).split("\n")
    for name, share in (("3rd", 0.84), ("1st", 0.34)):
        row = next(line for line in text if line.startswith(name))
        cells = re.search(r"ms ([░█▏▎▍▌▋▊▉]+)(\s*)┃", row.split("│")[0])
        drawn, rest = len(cells[1]), len(cells[2])
        assert drawn / (drawn + rest) == pytest.approx(share, abs=1 / (drawn + rest))


def test_narrow_consoles_get_figures_without_bars(samples):
    text = samples.render(run_screen.traces(samples.run(), samples.scenario()), 40)
    assert not re.search("[█░▏▎▍▌▋▊▉┃▶]", text)
    assert "1.2 s ↑" in text and "SELECT 5.1" in text


def test_designs_without_a_pane_are_named(samples):
    text = samples.render(run_screen.traces(samples.run(), samples.scenario()), 80)
    assert "Not shown: summary and projection. Every trace: archlab trace 12" in samples.flowing(text)
    early = samples.render(run_screen.traces(replace(samples.run(), run_id=None), samples.scenario()), 80)
    assert "Not shown: summary and projection." in early and "archlab trace" not in early


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


# A queue that grows


def queue_of(run, design, samples, operation=0):
    picture = waterfall(run, 3, samples.scenario())
    place = [d.name for d in picture.designs].index(design)
    return picture.blocks[operation].panes[place]


def test_a_design_that_falls_behind_shows_its_requests_from_the_first_to_the_last(samples):
    """Each is as long as its latency, and most of that is wait; of further operations the first and the last stand."""
    rows = queue_of(samples.run(), "crud", samples)
    assert [row.name for row in rows] == ["1st", "3rd", "8th", "24th", "70th"]
    assert [(row.waited, row.length) for row in rows[-2:]] == [(0.6, 0.634), (1.2, 1.234)]
    assert [row.name for row in queue_of(samples.run(), "crud", samples, 1)] == ["1st", "69th", "seen"]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
def test_by_how_much_the_queue_grows_stands_beside_the_name(samples, width):
    text = samples.render(run_screen.traces(samples.run(), samples.scenario()), width)
    assert re.search(r"crud: (its )?queue (grows |\+)0\.7 s (every|a) second", text)
    assert "queries: keeps up" in text and "queries: its" not in text


def test_where_the_time_goes_stands_below_the_queue(samples):
    text = samples.flowing(samples.render(run_screen.traces(samples.run(), samples.scenario()), 60))
    assert "work 34 ms: objects 26, SELECT 5.1, add up 2.6" in text


def before(run):
    return replace(run, requirements=(), verdicts=(), measurements=(), claims=(), comparisons=())


def test_before_there_are_figures_the_traced_pass_says_who_falls_behind(samples):
    early = before(samples.run())
    assert [panes.falls_behind(early, "pressure", name) for name in ("crud", "queries")] == [True, False]
    assert panes.traced_otherwise(early) == []
    text = samples.render(run_screen.traces(early, samples.scenario()), 80)
    assert "its queue grows" in text and "queries: keeps up" in text


def test_what_falls_behind_in_the_table_is_never_shown_as_keeping_up(samples):
    """Whatever the traced pass saw: the figures decide, and the run says where the two disagree."""
    run = samples.run()
    at_ease = replace(run, waits=tuple(replace(w, busy=0.4, grows=0.0) for w in run.waits))
    lines = samples.render(run_screen.traces(at_ease, samples.scenario()), 80).split("\n")
    assert any(line.startswith("crud: falls behind") for line in lines)
    assert "serves 29 of 100/s" in "".join(line.plain for line in summary.draw(Page(120), run, samples.scenario()))
    said = " ".join(line.plain for line in verdict.trust(Page(200), at_ease, samples.scenario()))
    assert "crud keeps up while it is traced, and falls behind without tracing" in said


def test_a_design_that_only_tracing_overloads_keeps_up(samples):
    run = samples.run()
    slowed = tuple(replace(w, busy=1.3, grows=0.2) if w.design == "queries" else w for w in run.waits)
    traced = replace(run, waits=slowed)
    assert "queries: keeps up" in samples.render(run_screen.traces(traced, samples.scenario()), 80)
    (said,) = panes.traced_otherwise(traced)
    assert said.startswith("queries falls behind while it is traced, and keeps up without tracing")


def test_a_run_without_recorded_waits_says_nothing_about_queues(samples):
    """Runs of an earlier archlab, and loads that are served back to back."""
    text = samples.render(run_screen.traces(replace(samples.run(), waits=()), samples.scenario()), 80)
    assert "keeps up" not in text and "queue" not in text and text.count("wait ") >= 2


def test_every_design_that_has_a_pane_was_traced(samples):
    """A quick look traces only a few: the verdict's design may be none of them."""
    run = samples.run()
    few = replace(run, traces=tuple(t for t in run.traces if t.design != "queries"))
    shown = [[d.name for d in waterfall(one, 2, samples.scenario()).designs] for one in (few, before(few))]
    assert shown == [["crud", "projection"], ["crud", "summary"]]


def test_how_many_requests_a_design_serves_is_read_from_why_it_has_no_figure():
    assert facts.serves("falls behind: 201 of 1594 a second") == ("201", "1,594")
    assert facts.serves("falls behind: 9.3 of 865 a second") == ("9.3", "865")
    assert facts.serves("2 of 60 requests failed: no answer") is None
