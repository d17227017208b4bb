"""The screen of a run: whatever the console can show, what stands on it is what the run says."""

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from archlab import judge
from archlab.view import bill, columns, facts, glossary, report, run_screen, summary, units
from archlab.view.page import Picture
from archlab.view.signs import plain

WIDTHS = (20, 40, 60, 80, 100, 120, 200)


def screen(sample, scenario):
    return run_screen.whole(sample, scenario, predicted=sample.designs[-1].name, confidence=70)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_console(sample, the_scenario, samples, width):
    for line in samples.render(screen(sample, the_scenario), width).split("\n"):
        assert cell_len(line) <= width, line


@pytest.mark.parametrize("width", WIDTHS)
def test_an_ascii_locale_gets_nothing_but_ascii(sample, the_scenario, samples, width):
    """A character that the console cannot encode would end the program: rendering it at all is the test."""
    text = samples.render(screen(sample, the_scenario), width, ascii_only=True)
    assert text.isascii()


def test_every_sign_has_a_spelling_of_its_own(sample, the_scenario, samples):
    """``?`` stands for characters of other people's texts that nobody foresaw, not for our own signs."""
    for width in (60, 100):
        for sign in set(samples.render(screen(sample, the_scenario), width)):
            assert sign == "?" or "?" not in plain(sign), sign


def test_no_colour_means_no_escape_codes(sample, the_scenario, samples):
    assert "\x1b" not in samples.render(screen(sample, the_scenario), 100)
    assert "\x1b" in samples.render(screen(sample, the_scenario), 100, colour=True)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
def test_every_required_figure_is_the_runs(sample, the_scenario, samples, width):
    """With its interval or without: the figure stands there, in the unit that a person reads."""
    text = samples.flowing(samples.render(report.picture(sample, the_scenario), width))
    for r in sample.requirements:
        m = facts.behind(sample, r)
        if m is None or m.value is None:
            continue
        whole = samples.flowing(units.interval(m.value, m.low, m.high, m.unit))
        assert whole in text or units.measured(m.value, m.unit) in text, (r, whole)


def test_marks_repeat_the_standing(sample, the_scenario, samples):
    """In the report's narrow layout a design has a line of its own under its workload, so its mark can be found."""
    lines = samples.render(report.picture(sample, the_scenario), 40).split("\n")
    words = {"enough": "✓ enough", "misses": "✗ misses", "pays": "★ pays", "self-inflicted": "+ self-inflicted",
             "uncertain": "? uncertain", "misuse": "· misuse"}  # fmt: skip
    for w in sample.workloads if sample.valid else ():
        begin = next(i for i, line in enumerate(lines) if line.startswith(w.name) and ":" not in line)
        for d in sample.designs:
            row = next(line for line in lines[begin:] if re.match(rf"  {d.name}\s", line))
            assert words.get(facts.standing(sample, w.name, d.name), "not asked") in row


def table(samples, run, width):
    """The lines of the table from its header on: a line for each design."""
    picture = Picture(lambda page: summary.draw(page, run, samples.scenario()))
    return samples.render(picture, width).split("\n")[: 1 + len(run.designs)]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_every_cell_of_the_table_stands_under_its_workload_with_its_mark(samples, width):
    """Every mark of a workload begins in the column of its name; the last column is the cost."""
    run = samples.run()
    head, *rows = table(samples, run, width)
    assert head.split() == [*(w.name for w in run.workloads), "cost"]
    for row, design in zip(rows, facts.in_order(run), strict=True):
        assert row.startswith(design.name)
        for w in run.workloads:
            assert row[head.index(w.name)] == facts.MARKS[facts.standing(run, w.name, design.name)][0]
        assert str(design.lines) in row


def test_a_cell_that_misses_says_what_is_served_or_the_figure(samples):
    _, crud, *_ = table(samples, samples.run(), 120)
    assert "✗ serves 29 of 100/s" in crud and "✗ page, 95 %: 410 ms" in crud


@pytest.mark.parametrize("width", [20, 40])
def test_a_narrow_table_has_marks_and_words_only(samples, width):
    head, *rows = table(samples, samples.run(), width)
    assert "cost" not in head and len(rows) == 4
    assert all(cell_len(row) <= width for row in rows)


def test_from_the_table_on_it_fits_a_screen_of_24_lines(samples):
    """At 80 columns, with a prediction: verdict and prompt are on the same screen."""
    text = samples.render(run_screen.figures(samples.run(), samples.scenario(), "projection", 70), 80).split("\n")
    begin = next(i for i, line in enumerate(text) if line.split()[-1:] == ["cost"])
    assert len(text) - begin <= 24


def test_how_far_inside_is_the_margin_that_decides(samples):
    """The tightest bound of a design that passes, the one it breaks the most of a design that fails."""
    run = samples.run()
    assert judge.clear_by(run, "pressure", "projection") == (True, pytest.approx(1.0 / 0.058))
    assert judge.clear_by(run, "far_views", "crud") == (False, pytest.approx(4.1))
    assert judge.clear_by(samples.uncertain(), "pressure", "queries") is None


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_margin_of_a_design_that_misses_does_not_read_as_praise(samples, width):
    """``3.4 ×`` under ✗ is how far beyond the bound it lies: the row's name must be true of both."""
    text = samples.render(report.picture(samples.run(), samples.scenario()), width)
    assert "margin" in text and "clear of" not in text
    ((_, word),) = glossary.find("margin")
    assert word.name == "margin" and "misses" in word.means


def test_an_invalid_run_is_judged_in_nothing(samples):
    text = samples.render(run_screen.whole(samples.invalid(), samples.scenario(), "crud", 60), 100)
    assert "INVALID" in text
    for reason in samples.invalid().invalid_reasons:
        assert reason in text
    for judged in ("VERDICT", "cost", "CLAIMS", "YOU SAID", "✓", "★", "VALID ·  "):
        assert judged not in text.replace("INVALID", "")


def test_what_is_uncertain_names_the_command_that_tells_more(samples):
    text = samples.flowing(samples.render(run_screen.figures(samples.uncertain(), samples.scenario(), "crud", 60), 100))
    assert "pressure: this run cannot tell whether queries or summary is enough." in text
    assert "far_views: this run cannot tell, perhaps projection" in text
    assert "archlab run cqrs --for 60s" in text
    assert "? open in a quick look: faster. Try archlab run cqrs --for 60s" in text


def test_a_claim_that_a_whole_run_leaves_open_stands_in_full(samples):
    whole = replace(samples.uncertain(), quick=False)
    text = samples.flowing(samples.render(run_screen.figures(whole, samples.scenario(), "crud", 60), 100))
    assert "? inconclusive faster" in text
    assert "4.1 × with an interval of 0.9–9 ×" in text


@pytest.mark.parametrize("width", [40, 80, 100, 120])
def test_why_nobody_can_tell_is_said_in_full_below(samples, width):
    """A long reason must not break the table that it belongs to."""
    text = samples.render(report.picture(samples.uncertain(), samples.scenario()), width)
    assert "? queries: over the bound in 2 of 5 rounds" in samples.flowing(text)
    assert "? projection: 1 of 5 rounds ended with requests outstanding" in samples.flowing(text)


def test_too_few_rounds_are_one_reason_however_many_each_bound_needs(samples):
    """A percentile needs five rounds and a single figure three: that is no reason to say it twice."""
    run = samples.run()
    needs = {"page_p95": 5, "order_p95": 5, "seen": 3}
    unsure = tuple(
        replace(r, outcome="uncertain", why=f"1 round measured; a verdict needs {needs[r.metric]}")
        if r.workload == "pressure" and r.design in ("summary", "projection")
        and not (r.design == "summary" and needs[r.metric] == 3)
        else r
        for r in run.requirements
    )  # fmt: skip
    text = samples.flowing(
        samples.render(report.picture(replace(run, requirements=unsure, quick=True), samples.scenario()))
    )
    assert text.count("a verdict needs") == 1
    assert "? summary, projection: 1 round measured; a verdict needs 3 or 5" in text


def test_a_refuted_claim_stands_in_full(samples):
    run = samples.none_sufficient()
    text = samples.flowing(samples.render(run_screen.figures(run, samples.scenario()), 60))
    assert "pressure: no design meets every requirement" in text
    assert "✗ refuted start-simple: the start-simple claim. Evidence: queries missed the bound too: 400 ms." in text
    assert "6 of 7 held" in text


def test_a_live_run_tells_afterwards_what_its_header_could_not_know(samples):
    first = samples.render(run_screen.figures(samples.run(), samples.scenario()), 100).split("\n")[0]
    assert first.strip() == "run 12 · VALID · 9.6 s · 2 cores · seed 1"
    assert "not recorded" in samples.render(run_screen.figures(replace(samples.run(), run_id=None)), 100)
    header = samples.render(run_screen.header("cqrs", "Why?", "seed 1"), 60).split("\n")[0]
    assert header.startswith("cqrs · Why?") and header.endswith("seed 1") and len(header) == 60


def test_traces_can_be_shown_before_anything_is_judged(samples):
    early = replace(samples.run(), requirements=(), verdicts=(), claims=(), measurements=(), comparisons=())
    text = samples.render(run_screen.traces(early, samples.scenario()), 100)
    assert "ONE PAGE" in text and "bound 100 ms┃" in text
    assert not any(mark in text for mark in "✓✗★?")


values = st.one_of(st.none(), st.just(0.0), st.floats(1e-12, 1e-6), st.floats(1e-6, 10), st.floats(1e3, 1e12))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(width=st.integers(20, 160), ascii_only=st.booleans(), data=st.data())
def test_any_figures_fit_on_any_page(samples, width, ascii_only, data):
    """Nothing, tiny, huge: the screen neither overflows nor fails."""
    run = samples.run()
    changed = []
    for m in run.measurements:
        value = data.draw(values)
        low, high = (None, None) if value is None else (value * data.draw(st.floats(0, 1)), value * 3)
        changed.append(replace(m, value=value, low=low, high=high, note="" if data.draw(st.booleans()) else m.note))
    text = samples.render(screen(replace(run, measurements=tuple(changed)), samples.scenario()), width, ascii_only)
    assert all(cell_len(line) <= width for line in text.split("\n"))


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_six_designs_all_have_their_place(samples, width):
    text = samples.render(run_screen.figures(samples.six_designs(), samples.scenario()), width)
    for d in samples.six_designs().designs:
        assert d.name in text


def test_another_scenario_needs_no_word_of_the_core(samples):
    """Other operations, other requirements, no scenario at hand: the run alone is enough."""
    text = samples.render(run_screen.whole(samples.third_party()), 100)
    text += samples.render(report.picture(samples.third_party()), 100)
    for said in ("CHECK OUT", "checkout p95", "no effect lost", "17", "events", "! the declared order contradicts"):
        assert said in text


def test_of_several_places_the_one_that_decided_is_shown(samples):
    """A bound that is broken at one crash point of three must not be shown with another one's figure."""
    run = samples.run()
    missed = next(r for r in run.requirements if r.outcome == "met" and r.design == "queries")
    met = facts.behind(run, missed)
    places = [
        replace(met, at={"crash_point": name}, value=value, over=over)
        for name, value, over in (("a", 0.0, (0.0,) * 5), ("b", 7.0, (1.0,) * 5), ("c", 0.0, (0.0,) * 5))
    ]
    others = tuple(m for m in run.measurements if m is not met)
    assert facts.behind(replace(run, measurements=(*others, *places)), missed) == places[1]


def test_a_design_that_was_not_started_has_no_number_of_processes(samples):
    run = samples.run()
    idle = replace(run, designs=tuple(replace(d, processes=0) for d in run.designs))
    sections = [bill.section(idle, samples.scenario())]
    drawn = Picture(lambda page: columns.draw(page, "", "", [d.name for d in run.designs], sections))
    (line,) = [line for line in samples.render(drawn).split("\n") if line.startswith("THE BILL")]
    assert line.count(" · –") == len(run.designs) and " · 0" not in line
