"""What a design costs to read and to change is counted from its files, and counts nothing that is not code."""

from __future__ import annotations

import difflib
import sys
import types
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab import source
from archlab.catalog import cost
from archlab.scenario import Design, Load, Scenario, ScenarioError

CODE = [
    "x = 1",
    "def f(a: int) -> int:\n    return a",
    "class A:\n    y = 2",
    "if True:\n    z = [\n        1,\n        2,\n    ]",
    "sql = '''\nSELECT 1\n# a hash inside a string is code\n'''",
    "t = f'''é {1 +\n 1}\n'''",
]
SILENT = ["", "   ", "# a comment", '"""A string that only documents."""', "'''\nover\n\nlines\n'''", "\f"]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evolution") / "module.py"


def count(file: Path, text: str) -> int:
    file.write_text(text, encoding="utf-8")
    return source.lines([file])


@given(st.lists(st.sampled_from(CODE)), st.data())
def test_blank_lines_comments_and_docstrings_never_change_the_count(
    file: Path, code: list[str], data: st.DataObject
) -> None:
    """Silent text may stand anywhere between statements; the count is that of the statements alone."""
    padded = []
    for statement in code:
        padded += data.draw(st.lists(st.sampled_from(SILENT), max_size=3))
        padded.append(statement)
    expected = sum(text.count("\n") + 1 for text in code)
    assert count(file, "\n".join(code)) == expected
    assert count(file, "\n".join(padded)) == expected


@given(st.lists(st.sampled_from(CODE)), st.lists(st.sampled_from(CODE)))
def test_the_lines_of_two_modules_add_up(file: Path, one: list[str], other: list[str]) -> None:
    second = file.with_name("second.py")
    first_alone, second_alone = count(file, "\n".join(one)), count(second, "\n".join(other))
    assert source.lines([file, second]) == first_alone + second_alone


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ('"""Doc."""', 0),
        ('"""Doc."""; x = 1', 1),
        ('é = "é"; """doc"""', 1),
        ('def f():\n    """Doc.\n\n    More.\n    """\n    return 1  # why\n', 2),
        ('class A:\n    a: int = 1\n    """What a is."""\n', 2),
        ("x = (\n    1  # one\n    # nothing\n\n)\n", 3),
        ("x = 1\r\n\r\n# comment\r\ny = 2\r\n", 2),
    ],
)
def test_what_counts_as_a_line_of_code(file: Path, text: str, expected: int) -> None:
    file.write_bytes(text.encode())
    assert source.lines([file]) == expected


@pytest.mark.parametrize("text", ["def f(:\n", "x = '''", "\x00"])
def test_a_file_that_is_no_python_is_named(file: Path, text: str) -> None:
    with pytest.raises(ScenarioError, match=r"module\.py cannot be read as Python"):
        count(file, text)


texts = st.lists(st.sampled_from(["", "a", "b", "-- total", "++ total", "@@ -1 +1 @@", "\\ x", "\fx"]), max_size=12)


@given(texts, texts)
def test_a_patch_has_the_size_that_difflib_gives_it(before: list[str], after: list[str]) -> None:
    """Also where lines of the text look like headers of a diff: ``-- total`` removed reads ``--- total``."""
    diff = "\n".join(difflib.unified_diff(before, after, "a/x.sql", "b/x.sql", lineterm=""))
    codes = [c for c in difflib.SequenceMatcher(None, before, after).get_opcodes() if c[0] != "equal"]
    size = cost.patch_size(diff)
    assert size.files == bool(codes)
    assert size.added == sum(j2 - j1 for _, _, _, j1, j2 in codes)
    assert size.removed == sum(i2 - i1 for _, i1, i2, _, _ in codes)
    assert size.added - size.removed == len(after) - len(before)


@given(st.lists(st.tuples(texts, texts), max_size=4))
def test_the_files_of_a_patch_add_up(pairs: list[tuple[list[str], list[str]]]) -> None:
    diffs = ["\n".join(difflib.unified_diff(a, b, "a", "b", lineterm="")) for a, b in pairs]
    sizes = [cost.patch_size(diff) for diff in diffs]
    whole = cost.patch_size("\n".join(diffs))
    assert whole == cost.PatchSize(*(sum(getattr(s, f) for s in sizes) for f in ("files", "added", "removed")))


def test_gits_own_patch_with_a_new_file_a_mode_and_no_last_newline() -> None:
    diff = """\
diff --git a/x.py b/x.py
old mode 100644
new mode 100755
diff --git a/new.py b/new.py
new file mode 100644
index 0000000..1
--- /dev/null
+++ b/new.py
@@ -0,0 +1 @@
+x = 1
\\ No newline at end of file
diff --git a/y.py b/y.py
--- a/y.py
+++ b/y.py
@@ -1,2 +1,2 @@ class A:
-a
+b

"""
    assert cost.patch_size(diff) == cost.PatchSize(files=2, added=2, removed=1)


def test_a_patch_that_is_cut_short_is_refused() -> None:
    with pytest.raises(ScenarioError, match="cut short: its last hunk lacks 1 line"):
        cost.patch_size("--- a\n+++ b\n@@ -1,2 +1,2 @@\n-a\n+b")


SCENARIO = Scenario(
    "s", "", "", "", "", (), (), (), (), (), Load(lambda lab, n: []), lambda lab, shop: None, lambda lab: None
)


@pytest.fixture
def scenario(tmp_path: Path) -> Iterator[Scenario]:
    """Two designs in files: ``plain`` alone, ``split`` with a projector and a package of readers."""
    (tmp_path / "changes").mkdir()
    (tmp_path / "readers").mkdir()
    (tmp_path / "projector.py").write_text("# run apart\nx = 1\ny = 2\n")
    (tmp_path / "readers" / "__init__.py").write_text("z = 3\n")
    (tmp_path / "changes" / "plain.patch").write_text("--- a\n+++ b\n@@ -1 +1,2 @@\n-a\n+b\n+c\n")
    designs = []
    for name, modules in (("plain", ()), ("split", ("projector", ".readers", "projector.py"))):
        path = tmp_path / f"{name}.py"
        path.write_text("class Shop:\n    pass\n")
        module = types.ModuleType(f"test_evolution_{name}")
        module.__file__ = str(path)
        sys.modules[module.__name__] = module
        exec(compile(path.read_text(), path, "exec"), vars(module))
        designs.append(Design(name, name, "baseline", "", vars(module)["Shop"], promises="p", modules=modules))
    yield replace(SCENARIO, folder=str(tmp_path), designs=tuple(designs))
    for design in designs:
        del sys.modules[design.start.__module__]


def test_facts_count_every_module_of_a_design_and_its_patch(scenario: Scenario) -> None:
    plain, split = cost.facts(scenario)
    assert (plain.order, split.order) == (1, 2)
    assert (plain.lines, plain.modules) == (2, 1)
    assert (split.lines, split.modules) == (2 + 2 + 1, 3), "a module that is named twice counts once"
    assert (plain.change_files, plain.change_added, plain.change_removed) == (1, 2, 1)
    assert (split.change_files, split.change_added, split.change_removed) == (0, 0, 0)
    assert plain.promises == "p"


def test_an_edited_design_has_its_originals_patch_until_it_has_its_own(scenario: Scenario) -> None:
    plain = scenario.designs[0]
    both = replace(scenario, designs=(plain, replace(plain, name="plain-mine", edits="plain")))
    assert [fact.change_added for fact in cost.facts(both)] == [2, 2]
    Path(scenario.folder, "changes", "plain-mine.patch").write_text("--- a\n+++ b\n@@ -1 +1,0 @@\n-a\n")
    assert [fact.change_added for fact in cost.facts(both)] == [2, 0]


def test_a_broken_patch_and_a_missing_module_are_named(scenario: Scenario) -> None:
    Path(scenario.folder, "changes", "plain.patch").write_text("--- a\n+++ b\n@@ -1 +1 @@\n-a\n")
    with pytest.raises(ScenarioError, match=r"changes/plain\.patch: a patch is cut short"):
        cost.facts(scenario)
    lost = replace(scenario.designs[0], modules=("worker",))
    with pytest.raises(ScenarioError, match="design plain names the module 'worker', which is not in"):
        source.sources(lost)


def test_runs_of_changed_code_or_changed_patches_are_other_runs(scenario: Scenario) -> None:
    """A patch is executed, and its size is on the bill; prose is neither."""
    before = cost.fingerprint(scenario)
    Path(scenario.folder, "lesson.md").write_text("# A lesson")
    assert cost.fingerprint(scenario) == before
    Path(scenario.folder, "changes", "plain.patch").write_text("--- a\n+++ b\n@@ -1 +1,0 @@\n-a\n")
    patched = cost.fingerprint(scenario)
    assert patched != before
    Path(scenario.folder, "new.py").write_text("x = 1\n")
    assert cost.fingerprint(scenario) not in (before, patched)
