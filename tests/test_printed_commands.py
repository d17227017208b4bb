"""Every command that archlab prints can be typed as it stands: on screens, in errors, in the README and in lessons."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from archlab import catalog
from archlab.cli import app
from archlab.commands import run as running
from archlab.export.svg import svg
from archlab.learn import quiz
from archlab.run import Run, Verdict
from archlab.scenario import Scenario
from archlab.store import Store
from archlab.view import compare, course, glossary, history, home, next_steps, page, report, run_screen, verdict

CHECKOUT = Path(__file__).parent.parent
NAMES = "list|show|run|claims|check|compare|quiz|new|history|trace|report|explain|broker|reset|export|lint"
COMMAND = re.compile(rf"archlab((?: (?:{NAMES})\b)(?: [^\s`·:“”│]+)*)")
"""From its name to what ends it: two spaces, the end of the line, a backtick, a colon."""
OF_A_RUN = {"RUN": "1"}
"""What stands in the README for the number of a run."""


class Accepted(Exception):
    """The command has come as far as to measure: everything that it names exists."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record with a quick run of each scenario: 1 is of cqrs, 2 of middleware."""
    folder = tmp_path_factory.mktemp("home")
    for name in ("cqrs", "middleware"):
        command = [sys.executable, "-m", "archlab", "run", name, "--quick", "--no-input"]
        subprocess.run(command, env={**os.environ, "ARCHLAB_HOME": str(folder)}, check=True, capture_output=True)
    return folder


@pytest.fixture
def here(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with an edited copy ``mine`` and one with a space in its name."""
    monkeypatch.setenv("ARCHLAB_HOME", str(recorded))
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "spaced"):
        catalog.copy_scenario(catalog.find("cqrs"), tmp_path / name)
        with (tmp_path / name / "crud.py").open("a", encoding="utf-8") as file:
            file.write("\nEDITED = True\n")
    (tmp_path / "spaced").rename(tmp_path / "my copy")
    (tmp_path / "no_lesson").mkdir()
    (tmp_path / "no_lesson" / "__init__.py").write_bytes((CHECKOUT / "tests/tiny/__init__.py").read_bytes())

    def measured(*arguments: Any) -> Run:
        raise Accepted

    monkeypatch.setattr("archlab.commands.run.measure", measured)
    monkeypatch.setattr("archlab.commands.watch._watch", measured)
    monkeypatch.setattr("archlab.bench.runner.warm", lambda scenario: None)
    monkeypatch.setattr("archlab.broker.process.serve", lambda port, data: None)
    return tmp_path


def commands_in(text: str) -> Iterator[str]:
    for found in COMMAND.findall(re.sub(r" \\\n +", " ", text)):
        words = found.strip().rstrip(".,;)").replace('"', "")
        yield " ".join(OF_A_RUN.get(word, word) for word in words.split(" "))


def typed(line: str, folder: Path) -> None:
    """Types it: it ends well, or has come as far as to measure. What would make a folder does so in one of its own."""
    arguments = shlex.split(line)
    if arguments[0] == "new":
        arguments[1] = str(folder / f"{arguments[1]}_{len(list(folder.iterdir()))}")
    if arguments[0] == "export" and "--svg" in arguments:
        arguments[-1] = str(folder / "picture.svg")
    result = CliRunner().invoke(app, arguments, input="")
    ended_well = result.exit_code == 0 or isinstance(result.exception, Accepted)
    assert ended_well, f"archlab {line}: {result.exception!r} {result.output[-400:]}"


def all_can_be_typed(text: str, folder: Path, at_least: int = 1) -> None:
    found = list(dict.fromkeys(commands_in(text)))
    assert len(found) >= at_least, f"only {found} in {text}"
    for line in found:
        typed(line, folder)


def drawn(picture: Any, width: int = 100) -> str:
    console = Console(file=StringIO(), width=width, markup=False, emoji=False)
    console.print(picture)
    return console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO above


def run_of(name: str, scenario: Scenario) -> Run:
    with Store.open() as store:
        found = store.latest(name)
    assert found is not None
    known = {design.name for design in scenario.designs}
    kept = tuple(d for d in found.designs if d.name in known)
    return replace(found, scenario=scenario.name, designs=kept)


CALLED = {"cqrs": "cqrs", "middleware": "middleware", "./mine": "cqrs", "./my copy": "cqrs"}
"""What is typed, and whose recorded run it shows."""


@pytest.mark.parametrize("asked", CALLED)
@pytest.mark.parametrize(
    "kind", ["whole", "quick", "invalid", "uncertain", "narrowed", "turned", "seeded", "all at once"]
)
def test_what_a_run_says_to_type_can_be_typed(here: Path, asked: str, kind: str) -> None:
    """For a scenario and its copies; whole, quick, invalid, uncertain, narrowed, with turned knobs, another seed."""
    scenario = catalog.find(asked)
    run = replace(run_of(CALLED[asked], scenario), quick=False, invalid_reasons=())
    every = kind == "all at once"
    if kind == "quick":
        run = replace(run, quick=True)
    if kind == "invalid" or every:
        run = replace(run, invalid_reasons=("the machine was suspended for 41 s",))
    if kind == "uncertain":
        first, *others = run.verdicts
        names = tuple(design.name for design in run.designs[:2])
        run = replace(run, verdicts=(Verdict(first.workload, "uncertain", None, names), *others))
    if kind in ("narrowed", "uncertain") or every:
        scenario = scenario.only((scenario.designs[0].name,), ("pressure",))
    if kind in ("turned", "uncertain") or every:
        turned = {knob.name: knob.high for knob in scenario.knobs[: len(scenario.knobs) if every else 2]}
        run = replace(run, turned=turned)
    if kind == "seeded" or every:
        run = replace(run, seed=-7)
    for width in (60, 100):
        all_can_be_typed(drawn(run_screen.whole(run, scenario), width), here, 2)
        checked = drawn(page.Picture(lambda at: verdict.checked(at, run, scenario)), width)
        all_can_be_typed(checked, here, 1 if kind == "invalid" else 0)
        all_can_be_typed(drawn(report.picture(run, scenario), width), here, 0)


def test_what_an_invalid_run_says_last_is_that_it_is_invalid_and_why(here: Path) -> None:
    scenario = catalog.find("./mine")
    run = replace(run_of("cqrs", scenario), invalid_reasons=("the machine was suspended for 41 s",), quick=False)
    *_, reason, told = [line.strip() for line in drawn(run_screen.figures(run, scenario)).split("\n") if line]
    assert reason == "INVALID  the machine was suspended for 41 s"
    assert told == "This run is invalid, so it gives no verdict. Try again: archlab run ./mine"


def test_the_same_once_more_is_the_same(here: Path) -> None:
    """Knobs with all their digits, designs, workloads and seed."""
    scenario = catalog.find("./my copy").only(("crud-mine",), ("pressure",))
    run = replace(run_of("cqrs", scenario), turned={"page_rows": 1234567}, seed=3)
    told = "archlab run './my copy' --set page_rows=1234567 --design crud-mine --workload pressure --seed 3 --quick"
    assert next_steps.again(run, scenario, "--quick") == told


def test_a_copy_is_named_where_a_scenario_is_and_nowhere_else(here: Path) -> None:
    steps = tuple((c, "why") for c in ("archlab quiz cqrs", "archlab show cqrs --code", "archlab explain outbox"))
    scenario = replace(catalog.find("./my copy"), try_next=steps)
    run = run_of("cqrs", scenario)
    said = list(commands_in(drawn(run_screen.figures(run, scenario))))
    assert said[-2:] == ["quiz './my copy'", "show './my copy' --code"]
    said = list(commands_in(drawn(run_screen.figures(run, replace(scenario, try_next=steps[2:])))))
    assert said[-1] == "explain outbox"


def test_what_was_done_is_not_offered_again(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run with the knobs that a command turns, and a copy that is there already."""
    made = run_of("cqrs", catalog.find("cqrs"))
    monkeypatch.setenv("ARCHLAB_HOME", str(here / "home"))
    offered = [f"archlab run cqrs --workload pressure --set page_rows={rows}" for rows in (2000, 20000)]
    commands = (*offered, "archlab new mine --from cqrs", "archlab new other --from cqrs", "archlab quiz cqrs")
    scenario = replace(catalog.find("cqrs"), try_next=tuple((command, "why") for command in commands))
    with Store.open() as store:
        store.save(replace(made, turned={"page_rows": 2000.0}))
    assert running._done(scenario) == [commands[0], commands[2]]


def test_a_recorded_run_of_a_copy_names_no_command_that_would_need_the_copy(here: Path) -> None:
    """Nobody knows where the copy is: the picture of its run says what can be typed anywhere."""
    run = replace(run_of("cqrs", catalog.find("./mine")), quick=False)
    assert "archlab run mine" not in svg(run).replace("&#160;", " ")
    all_can_be_typed(drawn(run_screen.whole(run)), here)
    invalid = replace(run, invalid_reasons=("a fault never struck",))
    all_can_be_typed(drawn(run_screen.whole(invalid)), here)


def test_what_the_course_says_to_type_can_be_typed(here: Path) -> None:
    scenarios = [catalog.find(name) for name in ("cqrs", "middleware")]
    topics = [course.Topic(s.name, s.topic, s.question, s.seconds) for s in scenarios]
    done = [replace(topic, last_run=1, questions=6, answered=n * 6) for n, topic in enumerate(topics)]
    compared = [compare.Compared(s.name, s.topic, run_of(s.name, s), s) for s in scenarios]
    unrun = [compare.Compared(s.name, s.topic, None, s) for s in scenarios]
    for picture in (home.home(topics), home.home(done), compare.course(compared), compare.course(unrun)):
        all_can_be_typed(drawn(picture), here, 2)
    all_can_be_typed(drawn(compare.topic(compared[0].run, scenarios[0])), here, 0)
    all_can_be_typed(drawn(history.history([])), here)
    all_can_be_typed(drawn(glossary.words()), here)


@pytest.mark.parametrize(
    "wrong",
    [
        ("run", "mine"),
        ("run", "my copy"),
        ("run", "./nothing"),
        ("run", "./no such folder"),
        ("run", "./cqrs"),
        ("run", "../elsewhere/x"),
        ("show", "./no_lesson"),
        ("trace", "99"),
        ("report", "99"),
        ("claims", "99"),
        ("explain", "xyzzy"),
        ("quiz", "./no_lesson"),
    ],
    ids=" ".join,
)
def test_what_an_error_says_to_type_can_be_typed(here: Path, wrong: tuple[str, ...]) -> None:
    said = str(CliRunner().invoke(app, wrong).exception)
    for after_type in re.findall(r"type ('[^']+'|\S+)\. ", said):
        said += f"\narchlab run {after_type}"
    all_can_be_typed(said, here, 0 if wrong[0] == "quiz" else 1)


def test_a_copy_says_what_to_type_wherever_it_was_made(here: Path, tmp_path: Path) -> None:
    (here / "some where").mkdir()
    for number, folder in enumerate((Path("one"), Path("some where/two"), here / "three")):
        result = CliRunner().invoke(app, ["new", str(folder), "--from", "cqrs"])
        assert result.exit_code == 0, number
        all_can_be_typed(result.output, here)


@pytest.mark.parametrize("name", ["cqrs", "middleware"])
def test_what_a_question_says_to_type_can_be_typed(here: Path, name: str) -> None:
    all_can_be_typed("\n".join(question.see for question in quiz.questions(catalog.find(name))), here, 5)


def test_a_quiz_about_one_scenario_is_asked_again_about_it(here: Path) -> None:
    result = CliRunner().invoke(app, ["quiz", "./my copy"], input="a 80\n" * 20)
    assert "archlab quiz './my copy'" in result.output
    all_can_be_typed(result.output, here)


@pytest.mark.parametrize("file", ["README.md", "scenarios/cqrs/lesson.md", "scenarios/middleware/lesson.md"])
def test_what_is_written_to_be_typed_can_be_typed(here: Path, file: str) -> None:
    """The README and the lessons; RUN stands for a run's number."""
    all_can_be_typed((CHECKOUT / file).read_text(encoding="utf-8"), here, 10 if file == "README.md" else 0)
