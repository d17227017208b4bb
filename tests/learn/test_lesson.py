"""What is shown to read is what lies in the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from archlab import catalog
from archlab.learn import lesson
from archlab.scenario import Scenario, ScenarioError

INIT = """\
from archlab.scenario import Load, Scenario, Workload
from . import one, two
SCENARIO = Scenario("tiny", "", "", "", "", (), (), (), (Workload("calm", ""), Workload("pressure", "")),
    (one.DESIGN, two.DESIGN), Load(lambda lab, n: []), lambda lab, shop: None, lambda lab: None)
"""
DESIGN = """\
from archlab.scenario import Design
def start(lab):
    return None
DESIGN = Design({name!r}, {name!r}, {role!r}, "", start, modules={modules!r})
"""
PATCH = "--- a/one.py\n+++ b/one.py\n@@ -1 +1,2 @@\n-a\n+b\n+c\n"


@pytest.fixture
def tiny(tmp_path: Path) -> Scenario:
    folder = tmp_path / "tiny"
    (folder / "changes").mkdir(parents=True)
    (folder / "__init__.py").write_text(INIT)
    (folder / "one.py").write_text(DESIGN.format(name="one", role="baseline", modules=()))
    (folder / "two.py").write_text(DESIGN.format(name="two", role="pattern", modules=("projector",)))
    (folder / "projector.py").write_text("x = 1\n")
    (folder / "changes" / "one.patch").write_text(PATCH)
    (folder / "lesson.md").write_text("# Größe\n", encoding="utf-8-sig")
    return catalog.find(str(folder))


def test_the_lesson_is_its_text(tiny: Scenario) -> None:
    assert lesson.text(tiny) == "# Größe\n"


def test_a_missing_or_unreadable_lesson_is_one_sentence(tiny: Scenario) -> None:
    file = Path(tiny.folder) / "lesson.md"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ScenarioError, match=r"lesson\.md cannot be read"):
        lesson.text(tiny)
    file.unlink()
    with pytest.raises(ScenarioError, match=r"tiny has no lesson\.md\. `archlab show \S*tiny --code`"):
        lesson.text(tiny)


def test_the_code_of_a_design_is_its_modules_in_order(tiny: Scenario) -> None:
    code = lesson.code(tiny)
    assert list(code) == ["one", "two"]
    assert code["one"] == (Path(tiny.folder) / "one.py").read_text()
    assert code["two"] == (Path(tiny.folder) / "two.py").read_text() + "\n\n# projector.py\n\nx = 1\n"


def test_the_change_is_the_patch_of_every_design_that_has_one(tiny: Scenario) -> None:
    assert lesson.changes(tiny) == {"one": PATCH}
