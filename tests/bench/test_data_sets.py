"""Seeded data: made once per content, then copied; bounded; safe for two archlabs at once."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from archlab import catalog
from archlab.bench import data_files, data_sets
from archlab.lab.setting import Setting
from archlab.scenario import Scenario, ScenarioError

SEEDED = (
    '    lab.database().execute("CREATE TABLE words (word INTEGER)")\n',
    """    words = lab.database()
    words.execute("CREATE TABLE words (word INTEGER)")
    words.executemany("INSERT INTO words VALUES (?)", [(lab.random.randrange(10**9),) for _ in range(lab.knobs.words)])
""",
)


@pytest.fixture
def ready(cache: Path) -> Callable[..., Path]:
    """``ready(scenario, words=…)``: the folder for the scenario's first design, or the named one."""

    def find(scenario: Scenario, words: int = 3, seed: str = "1", design: str | None = None) -> Path:
        setting = Setting(
            catalog.source(catalog.reference(scenario)), "calm", {"words": words, "rate": 100.0}, seed, Path()
        )
        chosen = scenario.design(design) if design else scenario.designs[0]
        return data_sets.ready(scenario, chosen, setting, cache)

    return find


def words_in(folder: Path) -> list[int]:
    with closing(sqlite3.connect(folder / "shop.db")) as shop:
        return [word for (word,) in shop.execute("SELECT word FROM words ORDER BY rowid")]


def names(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir())


# Made once


def test_the_same_content_is_seeded_once(tiny: Callable[..., Scenario], ready: Callable[..., Path]) -> None:
    """The second time the very same file is there, untouched."""
    scenario = tiny(SEEDED)
    first = ready(scenario)
    state = (first / "shop.db").stat()
    assert ready(scenario) == first
    again = (first / "shop.db").stat()
    assert (again.st_ino, again.st_mtime_ns) == (state.st_ino, state.st_mtime_ns)
    assert len(words_in(first)) == 3


def test_it_depends_on_knobs_and_seed_and_on_nothing_else(
    tiny: Callable[..., Scenario], ready: Callable[..., Path], cache: Path
) -> None:
    scenario = tiny(SEEDED)
    first = ready(scenario)
    assert len(words_in(ready(scenario, words=50))) == 50
    other = ready(scenario, seed="2")
    assert other != first
    assert words_in(other) != words_in(first)
    assert len(names(cache)) == 3
    for path in cache.iterdir():
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
    before = words_in(ready(scenario))
    assert before == words_in(ready(scenario)), "the same seed, the same data"


def test_an_edit_of_the_code_that_seeds_or_of_a_module_beside_it_seeds_again(
    tiny: Callable[..., Scenario], ready: Callable[..., Path]
) -> None:
    """An index that is dropped from the module with the schema must be gone."""
    with_schema = (SEEDED[0], SEEDED[1].replace('"CREATE TABLE words (word INTEGER)"', "SCHEMA"))
    importing = ("class Scan:", "from .schema import SCHEMA\n\n\nclass Scan:")
    scenario_folder = Path(tiny(SEEDED).folder)
    (scenario_folder / "schema.py").write_text('SCHEMA = "CREATE TABLE words (word INTEGER)"\n')
    plain = ready(tiny(with_schema, importing))
    (scenario_folder / "schema.py").write_text('SCHEMA = "CREATE TABLE words (word INTEGER UNIQUE)"\n')
    edited = ready(tiny(with_schema, importing))
    assert edited != plain
    with closing(sqlite3.connect(edited / "shop.db")) as shop:
        assert "UNIQUE" in shop.execute("SELECT sql FROM sqlite_master").fetchone()[0]


def test_what_a_design_keeps_of_its_own_is_added_to_the_same_data(
    tiny: Callable[..., Scenario], ready: Callable[..., Path]
) -> None:
    prepares = ('"everybody does it", Index)', '"everybody does it", Index, prepare=prepare)')
    scenario = tiny(
        SEEDED,
        prepares,
        (
            "def answers(lab",
            "def prepare(lab: Any) -> None:\n"
            '    lab.database().execute("CREATE TABLE own AS SELECT * FROM words")\n\n\ndef answers(lab',
        ),
    )
    shared, own = ready(scenario), ready(scenario, design="index")
    assert shared != own
    assert words_in(own) == words_in(shared)
    with closing(sqlite3.connect(own / "shop.db")) as shop:
        assert shop.execute("SELECT count(*) FROM own").fetchone() == (3,)
    assert (own / data_files.DATA_HASH).read_text() == (shared / data_files.DATA_HASH).read_text()


@pytest.mark.parametrize("change", ["DELETE FROM words", "UPDATE words SET word = 0", "INSERT INTO words VALUES (7)"])
def test_a_preparation_that_changes_what_all_designs_share_is_refused(
    tiny: Callable[..., Scenario], ready: Callable[..., Path], cache: Path, change: str
) -> None:
    """Otherwise a design could be faster by having less to do."""
    scenario = tiny(
        SEEDED,
        ('"everybody does it", Index)', '"everybody does it", Index, prepare=prepare)'),
        (
            "def answers(lab",
            f'def prepare(lab: Any) -> None:\n    lab.database().execute("{change}")\n\n\ndef answers(lab',
        ),
    )
    with pytest.raises(ScenarioError, match="tiny for index: its preparation changes the table words, which all desig"):
        ready(scenario, design="index")
    assert len(names(cache)) == 1, "the shared data alone is kept"


# Failures


@pytest.mark.parametrize(
    ("seeding", "why"),
    [
        ('raise ValueError("no words")', r"ValueError: no words \(__init__\.py, line \d+\)"),
        ("import os; os._exit(1)", "the process that seeds it ended"),
        ('lab.database().execute("CREATE TABLE")', r"OperationalError: incomplete input \(__init__\.py, line \d+\)"),
    ],
)
def test_data_that_cannot_be_seeded_is_a_failure_in_one_sentence_and_leaves_nothing(
    tiny: Callable[..., Scenario], ready: Callable[..., Path], cache: Path, seeding: str, why: str
) -> None:
    with pytest.raises(ScenarioError, match=f"the data of tiny: {why}"):
        ready(tiny((SEEDED[0], f"    {seeding}\n")))
    assert names(cache) == []


# Bounded


def test_the_longest_unused_data_go_first_until_the_rest_fits(
    tiny: Callable[..., Scenario], ready: Callable[..., Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = tiny(SEEDED)
    folders = [ready(scenario, words=words) for words in (1, 2, 3, 4)]
    sizes = [sum(file.stat().st_size for file in folder.iterdir()) for folder in folders]
    (cache / "seeding-left_1st").mkdir()
    for age, folder in enumerate(reversed([cache / "seeding-left_1st", *folders])):
        os.utime(folder, (1000.0 - age, 1000.0 - age))
    ready(scenario, words=1)  # used again just now
    monkeypatch.setattr(data_sets, "MOST_BYTES", sum(sizes[:1] + sizes[2:]))
    data_sets.trim(cache)
    assert names(cache) == sorted(folder.name for folder in (folders[0], folders[2], folders[3]))
    monkeypatch.setattr(data_sets, "MOST_BYTES", 1)
    data_sets.trim(cache, keep=(folders[3], None))
    assert names(cache) == sorted(folder.name for folder in (folders[0], folders[3])), "one kept, one in use"


def test_what_others_put_into_the_cache_is_never_trimmed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However old and large: it is no data set of archlab's."""
    (cache / "photos").mkdir(parents=True)
    (cache / "photos" / "cat.jpg").write_bytes(bytes(1000))
    os.utime(cache / "photos", (1000.0, 1000.0))
    monkeypatch.setattr(data_sets, "MOST_BYTES", 1)
    data_sets.trim(cache)
    assert names(cache) == ["photos"]


def test_seeding_trims(
    tiny: Callable[..., Scenario], ready: Callable[..., Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = tiny(SEEDED)
    old = ready(scenario, words=1)
    os.utime(old, (1000.0, 1000.0))
    monkeypatch.setattr(data_sets, "MOST_BYTES", 1)
    new = ready(scenario, words=2)
    assert names(cache) == [new.name]


# Two at once


def test_archlabs_that_seed_the_same_at_once_end_up_with_one_whole_copy(
    tiny: Callable[..., Scenario], ready: Callable[..., Path], cache: Path, tmp_path: Path
) -> None:
    """Three processes are held in the middle of seeding until all are there; each then finds the data."""
    held = f"""
    import os
    gate = f"{tmp_path}/gate-{{os.getpid()}}"
    os.mkfifo(gate)
    print(gate, flush=True)
    open(gate).read()
"""
    scenario = tiny((SEEDED[0], SEEDED[1] + held))
    script = f"""
        from pathlib import Path
        from archlab import catalog
        from archlab.bench import data_sets
        from archlab.lab.setting import Setting
        scenario = catalog.find({scenario.folder!r})
        source = catalog.source(scenario.folder)
        setting = Setting(source, "calm", {{"words": 3, "rate": 100.0}}, "1", Path())
        print(data_sets.ready(scenario, scenario.designs[0], setting, Path({str(cache)!r})))
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    pipe = subprocess.PIPE
    archlabs: list[Any] = [subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) for _ in range(3)]
    with contextlib.ExitStack() as gates:  # they open together, once all three are there
        for archlab in archlabs:
            gates.enter_context(Path(archlab.stderr.readline().strip()).open("w"))
    found = {archlab.communicate(timeout=30)[0].strip() for archlab in archlabs}
    assert [archlab.returncode for archlab in archlabs] == [0, 0, 0]
    assert len(found) == 1
    assert names(cache) == [Path(found.pop()).name]
    assert len(words_in(ready(scenario))) == 3


def test_what_an_interrupted_removal_left_is_made_anew(
    tiny: Callable[..., Scenario], ready: Callable[..., Path]
) -> None:
    scenario = tiny(SEEDED)
    folder = ready(scenario)
    (folder / data_files.DATA_HASH).unlink()
    (folder / "shop.db").write_bytes(b"")
    assert ready(scenario) == folder
    assert len(words_in(folder)) == 3
