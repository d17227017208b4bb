"""What `archlab list` shows is what the scenarios say of themselves, though those of the course are only read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from archlab import catalog
from archlab.catalog import listing, names


def test_the_course_is_listed_as_it_would_be_when_loaded() -> None:
    loaded = {entry.name: entry.scenario for entry in catalog.courses() if entry.scenario}
    listed = [entry for entry in catalog.listed() if entry.origin == "course"]
    assert [entry.name for entry in listed] == list(names.course())
    for entry in listed:
        scenario = loaded[entry.name]
        assert (entry.topic, entry.question, entry.seconds, entry.problem) == (
            scenario.topic,
            scenario.question,
            scenario.seconds,
            "",
        )


def test_listing_the_course_imports_none_of_it() -> None:
    code = (
        "import sys; from archlab import catalog; catalog.listed();"
        "print(*[m for m in sys.modules if m.startswith(('archlab.scenarios.', 'archlab.scenario'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["archlab.scenarios"]


@pytest.mark.parametrize("said", ["", "x = (", "SCENARIO = made()", "SCENARIO = Scenario(name='cqrs', topic=TOPIC)"])
def test_what_cannot_be_read_is_loaded(said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text(said)
    monkeypatch.setattr(names, "course_folder", lambda name: tmp_path)
    scenario = catalog.by_name("cqrs")
    first = catalog.listed()[0]
    assert (first.topic, first.question) == (scenario.topic, scenario.question)


def test_one_of_the_course_that_cannot_be_loaded_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "course", lambda: ("gone",))
    (first,) = [entry for entry in listing.listed() if entry.origin == "course"]
    assert first.problem.startswith("gone cannot be loaded: importing it raised ModuleNotFoundError")
