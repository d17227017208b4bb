"""One trace in full: every span under what called it."""

import pytest
from rich.cells import cell_len

from archlab.view import trace


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_traces_fit(sample, samples, width, ascii_only):
    text = samples.render(trace.traces(sample, sample.traces), width, ascii_only)
    assert all(cell_len(line) <= width for line in text.split("\n"))
    assert not ascii_only or text.isascii()


def test_every_span_is_in_the_tree_once(sample):
    for one in sample.traces:
        assert sum(node.times for node in trace.tree(one)) == len(one.spans)


def test_many_calls_of_a_name_are_one_line_with_their_number(samples):
    one = samples.trace("crud", "page", 0.0, [("SELECT", 0.05, 5000), ("add up", 0.001, 1)])
    nodes = trace.tree(one)
    assert [(n.name, n.times) for n in nodes] == [("page", 1), ("SELECT", 5000), ("add up", 1)]
    assert nodes[1].busy == pytest.approx(0.05)
    assert "SELECT × 5,000" in samples.render(trace.traces(samples.run(), [one]))


def test_the_work_of_other_processes_names_them(samples):
    one = samples.run().trace("order", "projection", "pressure")
    lines = samples.render(trace.traces(samples.run(), [one]), 100).split("\n")
    assert any("project" in line and line.endswith("projector") for line in lines)


def test_a_span_whose_caller_was_lost_hangs_below_the_root(samples):
    from dataclasses import replace

    one = samples.run().trace("order", "projection", "pressure")
    lost = replace(one.spans[-1], span_id="x", parent_id="nowhere")
    assert len(trace.tree(replace(one, spans=(*one.spans, lost)))) == len(one.spans) + 1


def test_a_run_without_such_a_trace_says_so(samples):
    assert "no such trace" in samples.render(trace.traces(samples.run(), []))
