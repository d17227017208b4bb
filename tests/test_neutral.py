"""Nothing that a scenario, a record or a person contains makes a terminal do anything."""

from __future__ import annotations

import json
import re
import sqlite3
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from archlab.neutral import printable

TINY = Path(__file__).parent / "tiny" / "__init__.py"
HOSTILE = "\x1b]0;pwned\x07\x1b[2J[red]x[/red]\u202e\x7f\x9b"
SHOWN = r"\x1b]0;pwned\x07\x1b[2J[red]x[/red]\u202e\x7f\x9b"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""What Rich itself sends: nothing else that begins with ESC."""

Archlab = Callable[..., tuple[int, str, str]]

SPOILT = """
from dataclasses import fields, is_dataclass, replace

NAMES_OF_ITS_WORLD = {
    Scenario: ("name", "shown", "shown_workload", "needs"),
    Knob: ("name",),
    Metric: ("name", "operation", "better", "of"),
    Requirement: ("metric", "unit", "workloads"),
    Workload: ("name", "settings"),
    Design: ("role",),
    Experiment: ("workloads", "faults"),
    Claim: ("kind",),
}

def spoilt(value):
    if isinstance(value, str):
        return value and value + HOSTILE
    if isinstance(value, tuple):
        return tuple(map(spoilt, value))
    if is_dataclass(value) and type(value) in NAMES_OF_ITS_WORLD:
        free = (field.name for field in fields(value) if field.name not in NAMES_OF_ITS_WORLD[type(value)])
        return replace(value, **{name: spoilt(getattr(value, name)) for name in free})
    return value

def it_holds(run):
    return held("it is so" + HOSTILE)

def it_does_not(run):
    return refuted("it is not so" + HOSTILE)

SCENARIO = replace(
    SCENARIO,
    claims=(Claim("holds", "It holds.", it_holds), Claim("fails", "It fails.", it_does_not),
            Claim("told", "They say.", kind="reported", source="a book")),
    try_next=(("archlab show tiny", "why"),),
    change_request="Change it.",
)
METRICS = tuple(replace(metric, says=metric.says + HOSTILE) for metric in SCENARIO.metrics)
SCENARIO = replace(spoilt(SCENARIO), metrics=METRICS)
"""

QUIZ = """
[[question]]
id = "one"
stem = "Who? {it}"
explain = "They. {it}"

[[question.option]]
text = "they {it}"
right = true

[[question.option]]
text = "others {it}"
misconception = "somebody {it}"
rebuttal = "No. {it}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A scenario with the hostile text in every field, in its source, lesson, questions and patch; what to type."""
    folder = tmp_path / "x"
    (folder / "changes").mkdir(parents=True)
    source = f"HOSTILE = {HOSTILE!r}  # {HOSTILE}\n"
    tiny = TINY.read_text(encoding="utf-8").replace("from __future__ import annotations\n", "")
    (folder / "__init__.py").write_text(f"{source}{tiny}{SPOILT}", encoding="utf-8")
    (folder / "lesson.md").write_text(
        f"# Tiny {HOSTILE}\n\nA lesson. {HOSTILE}\n\n```\n{HOSTILE}\n```\n", encoding="utf-8"
    )
    escaped = json.dumps(HOSTILE)[1:-1].replace("\x7f", "\\u007f").replace("\\u202e", "\\u202E")
    (folder / "quiz.toml").write_text(QUIZ.replace("{it}", escaped), encoding="utf-8")
    patch = f"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-one {HOSTILE}\n+two {HOSTILE}\n"
    (folder / "changes" / f"scan{HOSTILE}.patch".replace("/", "\\")).write_text(patch, encoding="utf-8")
    return "./x"


def obeyed(text: str) -> list[str]:
    """The characters of a text that a terminal obeys instead of showing them."""
    return [c for c in text if c != "\n" and (unicodedata.category(c) in ("Cc", "Cs") or c in "\u202e\u2066")]


def strings(document: Any) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for key, value in document.items():
            yield key
            yield from strings(value)
    elif isinstance(document, list):
        for value in document:
            yield from strings(value)


def test_control_characters_are_shown_as_python_spells_them_and_lines_stay() -> None:
    assert printable(HOSTILE) == SHOWN
    assert (
        printable("two lines\n\tand a tab, äµ≤\u00a0█ as they are") == "two lines\n\tand a tab, äµ≤\u00a0█ as they are"
    )
    assert printable("\r\b\udcff\u2028\u2066") == r"\x0d\x08\udcff\u2028\u2066"


def test_no_picture_of_a_hostile_scenario_reaches_the_terminal_as_a_command(archlab: Archlab, folder: str) -> None:
    """Run, shown, checked, asked, recorded, traced: literal brackets, and no control byte but the newline."""
    assert archlab("run", folder, "--quick", "--no-input")[0] == 0
    commands = [
        ("run", folder, "--quick", "--no-input", "--set", "words=3"),
        ("show", folder),
        ("show", folder, "--code"),
        ("show", folder, "--change"),
        ("check", folder, "--quick"),
        ("quiz", folder, "--no-input"),
        ("history",),
        ("trace", "1"),
        ("compare", folder),
        ("run", folder, "--design", "nobody"),
        ("run", folder, "--set", "words=0"),
        ("trace", "1", "nobody"),
    ]
    for colour in ({}, {"FORCE_COLOR": "1", "TERM": "xterm-256color"}, {"PYTHONIOENCODING": "ascii"}):
        for command in commands if not colour else commands[1:4] + commands[6:8]:
            code, out, err = archlab(*command, **colour)
            assert code in (0, 2, 3, 4), (command, err)
            assert not obeyed(COLOURS.sub("", out + err) if colour else out + err), command
            if command != ("history",):
                assert "[red]x[" in COLOURS.sub("", out + err), command


def test_no_document_of_a_hostile_scenario_decodes_to_a_control_character(archlab: Archlab, folder: str) -> None:
    for command in (("run", folder, "--quick"), ("export", "1"), ("history",), ("trace", "1"), ("quiz", folder)):
        code, out, err = archlab(*command, *([] if command[0] == "export" else ["--json"]))
        assert (code, obeyed(out + err)) == (0, []), command
        told = list(strings(json.loads(out)))
        assert not [text for text in told if obeyed(text.replace("\t", ""))], command
        assert any("[red]x[/red]" in text for text in told), command


def test_the_svg_picture_of_a_hostile_run_has_no_control_character(
    archlab: Archlab, folder: str, tmp_path: Path
) -> None:
    assert archlab("run", folder, "--quick", "--no-input")[0] == 0
    code, out, err = archlab("export", "1", "--svg", f"picture{HOSTILE}.svg".replace("/", ""))
    assert (code, err, obeyed(out)) == (0, "", [])
    (picture,) = tmp_path.glob("picture*.svg")
    drawn = picture.read_text(encoding="utf-8")
    assert not obeyed(drawn)
    assert "pwned" in drawn


def test_what_was_recorded_by_others_is_made_harmless_too(archlab: Archlab, folder: str, home: Path) -> None:
    """A record may have been written by anything: the history shows a scenario's name as text."""
    assert archlab("run", folder, "--quick", "--no-input")[0] == 0
    with closing(sqlite3.connect(home / "archlab.db")) as record:
        record.execute("UPDATE runs SET scenario = ?", [HOSTILE])
        record.commit()
    for command in (("history",), ("trace", "1"), ("history", "--json"), ("export", "1", "--svg", "x.svg")):
        code, out, err = archlab(*command)
        assert (code, obeyed(out + err)) == (0, []), command


@pytest.mark.parametrize("where", ["design", "loading", "data", "claim"])
def test_an_error_that_a_scenario_raises_is_said_as_text(
    archlab: Archlab, folder: str, tmp_path: Path, where: str
) -> None:
    file = tmp_path / "x" / "__init__.py"
    text = file.read_text(encoding="utf-8")
    fails = "raise ValueError('it broke' + HOSTILE)"
    spoil = {
        "design": ("time.sleep(self.pause * max(1, word))", fails),
        "loading": ("SCENARIO = Scenario(", f"{fails}\nSCENARIO = Scenario("),
        "data": ("lab.database().execute(", f"{fails}\n    lab.database().execute("),
        "claim": ('return held("it is so" + HOSTILE)', fails),
    }[where]
    assert spoil[0] in text
    file.write_text(text.replace(*spoil), encoding="utf-8")
    code, out, err = archlab("run", folder, "--quick", "--no-input")
    assert (code, obeyed(out + err)) == (1, [])
    assert f"it broke{SHOWN}" in err
    code, out, err = archlab("lint", folder)
    assert obeyed(out + err) == []
    assert where == "claim" or f"it broke{SHOWN}" in out + err


@pytest.mark.parametrize(
    "typed",
    [
        (HOSTILE,),
        (f"--{HOSTILE}",),
        ("explain", HOSTILE),
        ("run", HOSTILE),
        ("run", f"./{HOSTILE}"),
        ("run", "cqrs", "--set", HOSTILE),
        ("run", "cqrs", "--for", HOSTILE),
        ("run", "cqrs", "--seed", HOSTILE),
        ("run", "cqrs", "--design", HOSTILE),
        ("check", "cqrs", f"--{HOSTILE}"),
        ("trace", HOSTILE),
        ("history", "-n", HOSTILE),
        ("new", HOSTILE.replace("/", ""), "--from", "cqrs"),
        ("new", "mine", "--from", HOSTILE),
        ("show", "cqrs", HOSTILE),
    ],
    ids=lambda typed: " ".join(typed).encode("unicode_escape").decode(),
)
def test_what_a_person_types_comes_back_as_text(archlab: Archlab, typed: tuple[str, ...]) -> None:
    code, out, err = archlab(*typed)
    assert (code, out, obeyed(err)) == (2, "", [])
    assert "[red]x" in err


def test_an_answer_to_a_question_comes_back_as_text(archlab: Archlab, folder: str, tmp_path: Path) -> None:
    answers = tmp_path / "answers"
    answers.write_text(f"{HOSTILE}\nb\n", encoding="utf-8")
    code, out, err = archlab("quiz", folder, before=f"< {answers}")
    assert (code, err, obeyed(out)) == (0, "", [])
    assert "The misconception" in out
