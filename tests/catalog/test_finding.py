"""Scenarios are found by name or by an explicit path; what is wrong with one is said and harms nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archlab import catalog, source
from archlab.catalog import copies, cost, finding, named, names
from archlab.scenario import (
    Claim,
    Design,
    Experiment,
    Knob,
    Load,
    Metric,
    Requirement,
    Scenario,
    ScenarioError,
    Step,
    UsageError,
    Workload,
    held,
)

WORLD = '''\
"""What both designs share."""
from dataclasses import dataclass

@dataclass(frozen=True)
class Page:
    total: int

class NoStock(Exception):
    pass
'''
ONE = '''\
"""The simplest."""
from archlab.scenario import Design
from .world import NoStock, Page

class Shop:
    def __init__(self, lab):
        self.lab = lab
    def page(self):
        return Page(1)
    def order(self):
        raise NoStock

DESIGN = Design("one", "one table", "baseline", "simple", Shop)
'''
TWO = '''\
"""The pattern, with a projector of its own."""
from archlab.scenario import Design
from . import projector
from .world import NoStock, Page

class Shop:
    def __init__(self, lab):
        self.lab = lab
    def page(self):
        return Page(projector.total())
    def order(self):
        raise NoStock

DESIGN = Design("two", "two tables", "pattern", "fast", Shop, modules=("projector",))
'''
PROJECTOR = "def total():\n    return 1\n"
INIT = """\
from archlab.scenario import (Claim, Experiment, Knob, Load, Metric, Requirement, Scenario, Workload)
from archlab.scenario import held
from . import one, two

SCENARIO = Scenario(
    name="tiny", topic="", question="?", problem="", say_it="",
    knobs=(Knob("rows", 1, 1, 100, "rows", "", ""),),
    metrics=(Metric("page_p95", "", "s", 0.001, operation="page"),),
    requirements=(Requirement("in-time", "page_p95", 0.1, "s", "", "", ("pressure",)),),
    workloads=(Workload("calm", ""), Workload("pressure", "", {"rows": 50})),
    designs=(one.DESIGN, two.DESIGN),
    load=Load(lambda lab, n: []),
    answers=lambda lab, shop: shop.page(),
    data=lambda lab: None,
    experiments=(Experiment("stale", lambda lab, shop: [], designs=("two",)), Experiment("all", lambda lab, shop: [])),
    claims=(Claim("c", "", lambda run: held("")),),
)
"""
FILES = {
    "__init__.py": INIT,
    "world.py": WORLD,
    "one.py": ONE,
    "two.py": TWO,
    "projector.py": PROJECTOR,
    "lesson.md": "# Tiny\n",
    "quiz.toml": "",
    "changes/one.patch": "--- a\n+++ b\n@@ -1 +1,2 @@\n-a\n+b\n+c\n",
}


def write(folder: Path, **changed: str) -> Path:
    """A scenario folder; ``changed`` replaces files by their stem."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(changed.get(path.stem, text), encoding="utf-8")
    return folder


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write(tmp_path / "tiny")


@pytest.fixture
def listed(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue has tiny by its name, as it is now."""
    known, by_name = names.known, named.by_name
    monkeypatch.setattr(names, "known", lambda: [*known(), "tiny"])
    monkeypatch.setattr(
        named, "by_name", lambda name: finding._from_folder(tiny, str(tiny)) if name == "tiny" else by_name(name)
    )
    monkeypatch.setitem(named._references, (str(tiny), "tiny"), "tiny")


@pytest.fixture
def copied(tiny: Path, listed: None) -> Path:
    return copies.copy_scenario(catalog.find(str(tiny)), tiny.with_name("mine"))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Puts distributions with entry points on the path, as pip would."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    before = set(sys.modules)

    def install(entry_points: str, distribution: str = "others", **packages: dict[str, str]) -> Path:
        info = site / f"{distribution}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[archlab.scenarios]\n{entry_points}\n")
        for name, changed in packages.items():
            write(site / name, **changed)
        return site

    yield install
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(site)):
            del sys.modules[name]


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def designs_of(scenario: Scenario) -> list[str]:
    return [design.name for design in scenario.designs]


# Finding


def test_the_course_comes_first_and_in_its_order() -> None:
    import importlib

    course = list(importlib.import_module("archlab.scenarios").COURSE)
    assert [entry.name for entry in catalog.courses()] == course
    assert [entry.name for entry in catalog.entries()][: len(course)] == course
    assert all(entry.scenario is not None or entry.problem for entry in catalog.entries())


def test_a_third_party_scenario_is_found_by_its_entry_point(installed: Callable[..., Path]) -> None:
    called = INIT.replace('"tiny"', '"outside"')
    site = installed("outside = outside_pkg\nother = outside_pkg:SCENARIO", outside_pkg={"__init__": called})
    listed = {entry.name: entry for entry in catalog.entries()}
    assert listed["outside"].problem == ""
    assert listed["outside"].origin == "others 1.2"
    assert "calls itself 'outside'" in listed["other"].problem
    found = catalog.find("outside")
    assert found.folder == str((site / "outside_pkg").resolve())
    assert catalog.reference(found) == "outside"


@pytest.mark.parametrize(
    ("init", "why"),
    [
        ("x = (\n", r"syntax error in __init__\.py, line 1: .*never closed"),
        ("x = 1\nraise ValueError('a\\nb')", r"importing it raised ValueError: a b \(__init__\.py, line 2\)"),
        ("import sys\nsys.exit(3)", r"importing it raised SystemExit: 3 \(__init__\.py, line 2\)"),
        ("import json\n\njson.loads('x')", r"raised JSONDecodeError: .* \(__init__\.py, line 3\)"),
        ("x = 1", "it does not define SCENARIO"),
        ("SCENARIO = 'x'", "its SCENARIO is a str, not a Scenario"),
    ],
)
def test_one_that_fails_to_load_is_reported_in_one_line_and_harms_nothing_else(
    installed: Callable[..., Path], init: str, why: str
) -> None:
    good = INIT.replace('"tiny"', '"good"')
    installed("bad = bad_pkg\ngood = good_pkg", bad_pkg={"__init__": init}, good_pkg={"__init__": good})
    listed = {entry.name: entry for entry in catalog.entries()}
    assert listed["good"].scenario is not None
    assert listed["bad"].scenario is None
    assert "\n" not in listed["bad"].problem
    with pytest.raises(ScenarioError, match=why):
        catalog.find("bad")


def test_an_entry_point_without_a_module_and_a_name_taken_twice(installed: Callable[..., Path]) -> None:
    called = INIT.replace('"tiny"', '"same"')
    installed("gone = no_such_module\nsame = same_pkg", same_pkg={"__init__": called})
    installed("same = same_pkg", distribution="zebra")
    listed = [(entry.name, entry.origin, entry.problem) for entry in catalog.entries() if entry.origin != "course"]
    assert listed == [
        (
            "gone",
            "others 1.2",
            "gone cannot be loaded: importing it raised ModuleNotFoundError: No module named 'no_such_module'.",
        ),
        ("same", "others 1.2", ""),
        ("same", "zebra 1.2", "the name 'same' is taken: the first one is used."),
    ]


def test_nothing_is_loaded_from_the_current_folder_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a folder of that name nor an entry point of a distribution that lies here."""
    write(tmp_path / "tiny", __init__="raise SystemExit('loaded')")
    info = tmp_path / "here-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: here\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[archlab.scenarios]\ntiny = tiny\n")
    monkeypatch.chdir(tmp_path)
    for here in ("", str(tmp_path)):
        with monkeypatch.context() as context:
            context.syspath_prepend(here)
            assert "tiny" not in catalog.known()
            with pytest.raises(UsageError, match=r"no scenario 'tiny'. To run the folder of that name, type \./tiny"):
                catalog.find("tiny")


def test_an_unknown_scenario_suggests_the_nearest_and_lists_them(installed: Callable[..., Path]) -> None:
    installed("outside = outside_pkg", outside_pkg={})
    with pytest.raises(UsageError, match=r"no scenario 'outsid'\. Did you mean outside\? Choose from: cqrs.*, outside"):
        catalog.find("outsid")


def test_a_folder_is_found_by_its_path_and_goes_by_its_own_name(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny.parent)
    renamed = tiny.rename(tiny.with_name("other-name"))
    found = catalog.find("./other-name")
    assert (found.name, found.folder) == ("other-name", str(renamed.resolve()))
    assert catalog.find(str(renamed)).designs[0] is found.designs[0], "it is loaded once"
    monkeypatch.chdir(renamed)
    assert catalog.find(".").name == "other-name"


def test_an_edit_is_seen_by_the_next_find_in_the_same_process(tiny: Path) -> None:
    assert catalog.find(str(tiny)).designs[0].title == "one table"
    edit(tiny / "one.py", "one table", "two table")
    assert catalog.find(str(tiny)).designs[0].title == "two table"


@pytest.mark.parametrize("kind", ["folder", "copy"])
def test_a_reference_loads_the_same_in_another_process_elsewhere(
    tiny: Path, installed: Callable[..., Path], kind: str
) -> None:
    """An object of the scenario's own classes can be pickled to a child that has loaded the reference."""
    import pickle

    scenario = catalog.find(str(tiny))
    site = installed("original = original", original={"__init__": INIT.replace('"tiny"', '"original"')})
    if kind == "copy":
        copied = copies.copy_scenario(catalog.find("original"), tiny.with_name("mine"))
        edit(copied / "one.py", "Page(1)", "Page(1 + 0)")
        scenario = catalog.find(str(copied))
        assert "one-mine" in designs_of(scenario)
    shop = scenario.designs[-1].start(None)  # type: ignore[arg-type]
    child = (
        "import pickle, sys; from archlab import catalog; s = catalog.find(sys.argv[1]);"
        "shop, page = pickle.loads(sys.stdin.buffer.read());"
        "assert shop.page() == page and type(shop) is s.designs[-1].start;"
        "print(s.name, *(d.name for d in s.designs), catalog.reference(s) == sys.argv[1])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", child, catalog.reference(scenario)],
        input=pickle.dumps((shop, shop.page())),
        cwd="/",
        env=os.environ | {"PYTHONPATH": str(site)},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert answer.stdout.decode().split() == [scenario.name, *designs_of(scenario), "True"]


def test_a_course_scenario_named_by_its_folder_is_the_course_scenario(tmp_path: Path) -> None:
    import importlib

    package = importlib.import_module("archlab.scenarios")
    folder = Path(str(package.__file__)).parent / package.COURSE[0]
    by_name = next(entry for entry in catalog.courses())
    if by_name.scenario is not None:
        assert catalog.reference(catalog.find(str(folder))) == by_name.name
        assert catalog.find(str(folder)).designs[0] is by_name.scenario.designs[0]


@pytest.mark.parametrize(
    ("spoil", "kind", "why"),
    [
        (lambda f: (f / "__init__.py").unlink(), ScenarioError, r"is not a scenario: it has no __init__\.py"),
        (lambda f: edit(f / "one.py", "class Shop", "class"), ScenarioError, r"syntax error in one\.py, line 5"),
        (
            lambda f: edit(f / "one.py", "DESIGN =", "1 / 0\nDESIGN ="),
            ScenarioError,
            r"ZeroDivisionError: .*one\.py, l",
        ),
        (
            lambda f: edit(f / "one.py", "NoStock,", "Nothing,"),
            ScenarioError,
            r"ImportError: .*'Nothing'.*one\.py, line 3",
        ),
        (lambda f: edit(f / "__init__.py", "SCENARIO =", "scenario ="), ScenarioError, "does not define SCENARIO"),
        (
            lambda f: edit(f / "__init__.py", '"page_p95", 0', '"page", 0'),
            ScenarioError,
            "'page', which is not a metric",
        ),
        (lambda f: f.rename(f.with_name("moved")), UsageError, "there is no folder"),
    ],
)
def test_a_folder_that_is_no_scenario_is_refused_in_one_sentence(
    tiny: Path, spoil: Callable[[Path], Any], kind: type[Exception], why: str
) -> None:
    spoil(tiny)
    with pytest.raises(kind, match=why) as caught:
        catalog.find(str(tiny))
    assert "\n" not in str(caught.value)
    with pytest.raises(kind):  # and a second attempt finds nothing half loaded
        catalog.find(str(tiny))


def test_a_file_is_not_a_folder(tiny: Path) -> None:
    with pytest.raises(UsageError, match="is a file: a scenario is a folder"):
        catalog.find(str(tiny / "one.py"))


# Consistency


def change(scenario: Scenario, **parts: Any) -> Scenario:
    return replace(scenario, **parts)


LATER, SOONER = Step(2.0, "it is back", print), Step(1.0, "it stops", print, fault="down")


def loads(**changed: Any) -> dict[str, Any]:
    return {"experiments": (Experiment("e", **changed),)}


LOADS: list[tuple[dict[str, Any], str]] = [
    (loads(run=print, timeline=(SOONER,)), "experiment e has both run and a load: leave one out"),
    (loads(), "experiment e: run must be a function, not None."),
    (loads(load=print), "experiment e: load must be a Load, not <built-in"),
    (loads(load=Load(lambda lab, n: [], connections=0)), "experiment e: its load has 0 connections"),
    (loads(timeline=(SOONER,), seconds=-1.0), "experiment e: seconds is how long its schedule lasts, never negative"),
    (loads(timeline=[SOONER]), "experiment e: timeline must be a tuple of Step, not [Step("),
    (loads(timeline=SOONER), "experiment e: timeline must be a tuple of Step, not Step("),
    (loads(timeline=(LATER, SOONER)), "the step 'it stops' is before 'it is back': steps stand in the order of time."),
    (loads(timeline=(replace(SOONER, at=-1.0),)), "the step 'it stops' is at -1 s, before the load begins."),
    (loads(timeline=(replace(SOONER, do=None),)), "the step 'it stops' must do a function of lab and design, not None"),
    (loads(timeline=(replace(SOONER, says=""),)), "experiment e: the step at 1 s does not say what happens."),
    (loads(timeline=(SOONER,), faults={"down": 1}), "plans the fault 'down' in a step and in faults"),
    ({"experiments": (Experiment("load", print),)}, "experiment load: this name is reserved"),
    ({"metrics": (Metric("m", "", "share", 0.1, of="failures"),)}, "metric m is of 'failures' and names no operation"),
    (
        {"metrics": (Metric("m", "", "s", 0.1, experiment="x"),)},
        "metric m names the load experiment 'x', which does not",
    ),
    (
        loads(run=print) | {"metrics": (Metric("m", "", "s", 0.1, operation="page", experiment="e"),)},
        "metric m names the load experiment 'e', which does not exist.",
    ),
    (
        {
            "experiments": (Experiment("e", timeline=(SOONER,), workloads=("pressure",)),),
            "metrics": (Metric("m", "", "s", 0.1, operation="page", experiment="e"),),
            "requirements": (Requirement("r", "m", 1, "s", "", ""),),
        },
        "requirement r is demanded in calm, where e is not done: give it workloads=('pressure',).",
    ),
]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"knobs": Knob("rows", 1, 1, 100, "rows", "", "")}, "knobs must be a tuple of Knob, not Knob. A tuple of one"),
        ({"needs": "services"}, "needs must be a tuple of str, not str. A tuple of one needs a comma: ('services',)."),
        ({"shown": "page"}, "A tuple of one needs a comma: ('page',)."),
        ({"words": "lag"}, "words must be a tuple of Word, not str."),
        (
            {"metrics": (Metric("m", "", "s", 0.1, operation="page", experiment="load"),)},
            "metric m is taken from the workload's load where it names no experiment: leave it out.",
        ),
        ({"claims": ("c",)}, "claims must hold only Claim, not 'c'."),
        ({"load": None}, "load must be a Load"),
        ({"load": Load(lambda lab, n: [], connections=0)}, "load has 0 connections: it needs at least one."),
        ({"data": None}, "data must be a function"),
        ({"knobs": (Knob("rows", 0, 1, 100, "", "", ""),)}, "its default 0 is outside its range, 1 to 100."),
        ({"metrics": (Metric("m", "", "s", 0.1, quantile=95),)}, "quantile is a share between 0 and 1"),
        ({"metrics": (Metric("m", "", "s", -1),)}, "never negative"),
        ({"requirements": (Requirement("r", "nope", 1, "s", "", ""),)}, "bounds 'nope', which is not a metric. Choose"),
        ({"requirements": (Requirement("r", "page_p95", 1, "ms", "", ""),)}, "is in 'ms', its metric in 's'."),
        ({"requirements": (Requirement("r", "page_p95", 1, "s", "", "", ("x",)),)}, "names the workload 'x'"),
        (
            {"requirements": tuple(Requirement(name, "page_p95", 1, "s", "", "") for name in ("a", "b"))},
            "requirements a and b both bound 'page_p95' in calm: keep the tighter one",
        ),
        (
            {"workloads": (Workload("calm", "{row} rows"), Workload("pressure", ""))},
            "workload calm: says cannot be shown with the knobs: KeyError: 'row'",
        ),
        ({"workloads": (Workload("calm", ""),)}, "it has no workload 'pressure'"),
        ({"shown_workload": "x"}, "shown_workload is 'x', which is not a workload."),
        ({"workloads": (Workload("calm", "", {"x": 1}), Workload("pressure", ""))}, "sets 'x', which is not a knob."),
        ({"workloads": (Workload("calm", "", {"rows": 101}), Workload("pressure", ""))}, "outside its range, 1 to 100"),
        ({"workloads": (Workload("calm", "", {"rows": 1.5}), Workload("pressure", ""))}, "not a whole number"),
        ({"designs": ()}, "it has no designs."),
        ({"designs": (Design("d", "", "pattern", "", int),)}, "none of its designs is the baseline."),
        ({"designs": (Design("d", "", "best", "", int),)}, "role is one of baseline"),  # type: ignore[arg-type]
        ({"experiments": (Experiment("e", lambda a, b: [], designs=("x",)),)}, "names the design 'x'"),
        ({"experiments": (Experiment("e", lambda a, b: [], workloads=("x",)),)}, "names the workload 'x'"),
        ({"experiments": (Experiment("e", lambda a, b: [], rounds=0),)}, "it needs at least one"),
        ({"experiments": (Experiment("e", lambda a, b: [], faults={"f": 0}),)}, "strikes at least once"),
        *LOADS,
        ({"claims": (Claim("c", ""),)}, "claim c is measured but has no judge"),
        ({"claims": (Claim("c", "", kind="reported"),)}, "names no source"),
        ({"claims": (Claim("c", "", kind="modelled"),)}, "claim c is modelled but has no formula: give it formula="),
        ({"claims": (Claim("c", "", kind="modelled", formula="x", here="1"),)}, "here must be a function of the run"),  # type: ignore[arg-type]
        ({"claims": (Claim("c", "", lambda run: held(""), formula="x"),)}, "has a formula and is measured"),
        ({"claims": (Claim("c", "", kind="said"),)}, "kind is one of measured, modelled, reported, not 'said'"),  # type: ignore[arg-type]
    ],
)
def test_each_inconsistency_is_a_sentence(tiny: Path, changed: dict[str, Any], sentence: str) -> None:
    scenario = catalog.find(str(tiny))
    assert catalog.check(scenario) == []
    wrong = catalog.check(replace(scenario, **changed))
    assert any(sentence in said for said in wrong), wrong


@pytest.mark.parametrize("part", ["knobs", "metrics", "requirements", "workloads", "designs", "experiments", "claims"])
def test_a_name_that_is_used_twice_is_a_sentence(tiny: Path, part: str) -> None:
    scenario = catalog.find(str(tiny))
    things = getattr(scenario, part)
    wrong = catalog.check(replace(scenario, **{part: (*things, things[0])}))
    assert any(f"two of its {part} are called" in said for said in wrong), wrong


# Copies


def test_a_copy_has_every_file_and_remembers_its_origin(tiny: Path, copied: Path) -> None:
    assert {str(p.relative_to(copied)) for p in copied.rglob("*") if p.is_file()} == {*FILES, "origin.toml"}
    for name, text in FILES.items():
        assert (copied / name).read_text() == text
    origin = tomllib.loads((copied / "origin.toml").read_text())
    assert origin["original"] == "tiny"
    assert set(origin["files"]) == set(FILES)
    assert [path.name for path in tiny.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("name", ["cqrs", "1st", "my copy", "-x", "."])
def test_a_name_that_will_not_do_is_refused(tiny: Path, name: str) -> None:
    with pytest.raises(UsageError):
        copies.copy_scenario(catalog.find(str(tiny)), tiny.parent / name)


@pytest.mark.parametrize("there", ["folder", "file", "link"])
def test_a_copy_never_overwrites(tiny: Path, there: str) -> None:
    target = tiny.with_name("mine")
    if there == "folder":
        target.mkdir()
    elif there == "file":
        target.write_text("x")
    else:
        target.symlink_to("nowhere")
    with pytest.raises(UsageError, match="is there already"):
        copies.copy_scenario(catalog.find(str(tiny)), target)


def test_a_copy_that_cannot_be_written_leaves_nothing(tiny: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be written: No such file or directory"):
        copies.copy_scenario(catalog.find(str(tiny)), tiny.with_name("none") / "mine")
    assert [path.name for path in tiny.parent.iterdir()] == ["tiny"]


def test_a_copy_without_an_edit_is_the_original_and_says_so(tiny: Path, copied: Path) -> None:
    original, mine = catalog.find(str(tiny)), catalog.find(str(copied))
    assert mine == replace(original, name="mine", folder=str(copied), typed=str(copied))
    assert copies.notes(mine) == ("nothing is edited in mine yet: this is exactly tiny.",)
    assert copies.notes(original) == ()


def test_a_folder_is_named_as_a_shell_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert named.typed(tmp_path / "mine") == "./mine"
    assert named.typed(tmp_path / "my copy") == "'./my copy'"
    assert named.typed(tmp_path) == str(tmp_path)


def test_an_edited_design_stands_right_after_its_original(tiny: Path, copied: Path) -> None:
    edit(copied / "one.py", "Page(1)", "Page(2)")
    original, mine = catalog.find(str(tiny)), catalog.find(str(copied))
    assert designs_of(mine) == ["one", "one-mine", "two"]
    assert mine.design("one") is original.design("one")
    assert mine.design("two") is original.design("two")
    assert mine.design("one-mine").title == "one table (edited)"
    assert mine.requirements == original.requirements
    assert mine.claims == original.claims
    assert catalog.check(mine) == []
    assert copies.notes(mine) == ("one.py of mine is edited: judged beside tiny as *-mine.",)
    assert [fact.change_added for fact in cost.facts(mine)] == [2, 2, 0]


def test_an_edited_design_lives_in_the_originals_world(copied: Path) -> None:
    """Its answers compare equal to the originals', and its errors are the ones that the load expects."""
    edit(copied / "one.py", "Page(1)", "Page(0 + 1)")
    mine = catalog.find(str(copied))
    theirs, edited = (mine.design(name).start(None) for name in ("one", "one-mine"))  # type: ignore[arg-type]
    assert type(theirs) is not type(edited)
    assert theirs.page() == edited.page()
    with pytest.raises(sys.modules[type(theirs).__module__].NoStock):
        edited.order()


def test_an_edit_of_a_designs_second_module_edits_that_design(copied: Path) -> None:
    """And what was done to the original in an experiment is done to the edited one too."""
    edit(copied / "projector.py", "return 1", "return 7")
    mine = catalog.find(str(copied))
    assert designs_of(mine) == ["one", "two", "two-mine"]
    assert [mine.design(name).start(None).page().total for name in ("two", "two-mine")] == [1, 7]  # type: ignore[arg-type]
    assert [experiment.designs for experiment in mine.experiments] == [("two", "two-mine"), ()]


def test_lesson_quiz_and_patches_are_no_edit_of_a_design(copied: Path) -> None:
    for name in ("lesson.md", "quiz.toml", "changes/one.patch"):
        (copied / name).write_text("# mine\n")
    (copied / "notes.md").write_text("new")
    assert designs_of(catalog.find(str(copied))) == ["one", "two"]


@pytest.mark.parametrize("name", ["world.py", "__init__.py"])
def test_an_edit_of_what_designs_share_makes_the_copy_stand_alone(copied: Path, name: str) -> None:
    edit(copied / "one.py", "Page(1)", "Page(2)")
    (copied / name).write_text((copied / name).read_text() + "\n# edited\n")
    mine = catalog.find(str(copied))
    assert designs_of(mine) == ["one", "two"]
    assert {source.sources(design)[0].parent for design in mine.designs} == {copied}
    (note,) = copies.notes(mine)
    assert note == f"{name} of mine is edited, which the designs share, so the copy is judged alone."


TRAP = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"


def test_an_origin_that_names_a_folder_runs_nothing_of_it(tiny: Path, copied: Path, tmp_path: Path) -> None:
    """What a file says must not decide whose code is executed."""
    trap = write(tmp_path / "trap", __init__=TRAP)
    edit(copied / "one.py", "Page(1)", "Page(2)")
    edit(copied / "origin.toml", 'original = "tiny"', f'original = "{trap}"')
    mine = catalog.find(str(copied))
    assert designs_of(mine) == ["one", "two"]
    (note,) = copies.notes(mine)
    assert "cannot be loaded, so the copy is judged alone" in note
    assert not (trap / "ran").exists()


def test_a_name_that_was_recorded_is_never_taken_for_a_folder(tmp_path: Path) -> None:
    trap = write(tmp_path / "trap", __init__=TRAP)
    with pytest.raises(UsageError, match="there is no scenario"):
        catalog.by_name(str(trap))
    assert not (trap / "ran").exists()


def test_a_copy_of_a_folder_stands_alone(tiny: Path) -> None:
    """It refers to nothing: the folder may be gone, or somebody else's, when the copy is run."""
    mine = copies.copy_scenario(catalog.find(str(tiny)), tiny.with_name("mine"))
    assert not (mine / "origin.toml").exists()
    assert designs_of(catalog.find(str(mine))) == ["one", "two"]


def test_a_copy_outlives_its_original(tiny: Path, copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the catalogue knows it no more
    mine = catalog.find(str(copied))
    assert designs_of(mine) == ["one", "two"]
    assert copies.notes(mine) == ("tiny, which mine was copied from, cannot be loaded, so the copy is judged alone.",)


def test_an_original_that_changed_since_runs_as_it_is_now(tiny: Path, copied: Path) -> None:
    edit(tiny / "one.py", "one table", "one better table")
    mine = catalog.find(str(copied))
    assert mine.designs[0].title == "one better table"
    assert designs_of(mine) == ["one", "two"]
    assert "tiny has changed since you copied it" in copies.notes(mine)[-1]


def test_a_copy_of_a_copy_has_the_same_original(tiny: Path, copied: Path) -> None:
    edit(copied / "one.py", "Page(1)", "Page(2)")
    second = copies.copy_scenario(catalog.find(str(copied)), copied.with_name("second"))
    found = catalog.find(str(second))
    assert designs_of(found) == ["one", "one-mine", "two"]
    assert found.design("one").start.__module__ == catalog.find(str(tiny)).design("one").start.__module__


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (
            lambda f: edit(f / "one.py", "class Shop", "class"),
            r"mine cannot be loaded: syntax error in one\.py, line 5",
        ),
        (lambda f: edit(f / "one.py", "DESIGN =", "OTHER ="), None),
        (
            lambda f: edit(f / "one.py", "DESIGN = Design(", "DESIGN = ("),
            r"mine/one\.py no longer defines the design 'one'",
        ),
        (lambda f: (f / "origin.toml").write_text("x = ["), r"mine/origin\.toml cannot be read"),
        (lambda f: (f / "origin.toml").write_text("x = 1"), r"mine/origin\.toml cannot be read"),
    ],
)
def test_a_copy_that_is_broken_is_refused_in_one_sentence(
    copied: Path, spoil: Callable[[Path], Any], why: str | None
) -> None:
    spoil(copied)
    if why is None:  # a Design under another variable is still that design
        assert designs_of(catalog.find(str(copied))) == ["one", "one-mine", "two"]
        return
    with pytest.raises(ScenarioError, match=why):
        catalog.find(str(copied))


# Start-up


def test_the_catalogue_imports_nothing_slow(tmp_path: Path) -> None:
    slow = (
        "importlib.metadata",
        "tomllib",
        "hashlib",
        "ast",
        "inspect",
        "shutil",
        "sqlite3",
        "asyncio",
        "difflib",
        "json",
    )
    code = (
        f"import sys; from archlab import catalog; catalog.known(); print(*[m for m in {slow!r} if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": ""}
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
    )
    before = subprocess.run(
        [sys.executable, "-c", code.replace("from archlab import catalog; catalog.known(); ", "")],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=environment,
    )
    dataclasses_itself = {"inspect", "ast"}  # dataclasses imports inspect, which imports ast
    assert set(answer.stdout.split()) - set(before.stdout.split()) <= dataclasses_itself


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"knobs": (Knob("rows", "1", 1, 100, "", "", ""),)}, "knob rows: default is a number, not '1'."),  # type: ignore[arg-type]
        ({"metrics": (Metric("m", "", "s", "x"),)}, "metric m: noticeable is a number, not 'x'."),  # type: ignore[arg-type]
        ({"requirements": (Requirement("r", "m", "0.1", "s", "", ""),)}, "requirement r: at_most is a number"),  # type: ignore[arg-type]
    ],
)
def test_a_number_that_is_none_is_a_sentence(tiny: Path, changed: dict[str, Any], sentence: str) -> None:
    """And no fault of archlab's."""
    wrong = catalog.check(replace(catalog.find(str(tiny)), **changed))
    assert any(said.startswith(sentence) for said in wrong), wrong
