"""The table of requirements: a row is about one unit, and what has another unit stands below."""

import re

from archlab.view import requirements


def test_no_row_about_a_time_shows_a_rate(sample, the_scenario):
    """In full or as short as it can be said."""
    for section in requirements.sections(sample, the_scenario):
        for row in section.rows:
            said = [choice for cell in row.cells for choice in cell]
            assert not [choice for choice, _ in said if re.search(r"/s\b| a second|\d of \d", choice)]


def test_how_much_a_design_serves_that_falls_behind_stands_below_the_table(samples):
    pressure = next(s for s in requirements.sections(samples.run(), samples.scenario()) if s.title == "pressure")
    notes = [note for note, _ in pressure.notes]
    assert "crud serves 29 of 100 page requests and 29 of 100 order requests a second" in notes
    assert not any("queries serves" in note for note in notes)
