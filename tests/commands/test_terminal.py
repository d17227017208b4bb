"""What a person may type where archlab asks."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from archlab.commands import quiz
from archlab.commands.terminal import ask

DESIGNS = ("crud", "queries", "Projection")


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Console]:
    """``typing("x", "2")``: a screen on which somebody types these lines, then ends the input."""

    def screen(*lines: str) -> Console:
        left = iter(lines)

        def typed(prompt: str = "") -> str:
            for line in left:
                return line
            raise EOFError

        monkeypatch.setattr("builtins.input", typed)
        monkeypatch.setattr("sys.stdin", StringIO())  # whatever runs the tests may have a terminal
        return Console(file=StringIO(), width=200)

    return screen


def shown(screen: Console) -> str:
    assert isinstance(screen.file, StringIO)
    return screen.file.getvalue()


@pytest.mark.parametrize(
    ("typed", "number"), [("2", 2), ("queries", 2), (" Queries ", 2), ("projection", 3), ("", None)]
)
def test_a_design_is_predicted_by_its_number_or_its_name(
    typing: Callable[..., Console], typed: str, number: int | None
) -> None:
    assert ask(typing(typed), "Your prediction", "press enter to skip", range(1, 4), DESIGNS) == number


def test_what_is_neither_is_asked_again_with_the_choices(typing: Callable[..., Console]) -> None:
    screen = typing("4", "²", "query", "crud")
    assert ask(screen, "Your prediction", "press enter to skip", range(1, 4), DESIGNS) == 1
    told = "Type a number from 1 to 3 or a name (crud, queries, Projection), or press enter."
    assert shown(screen).count(told) == 3


def test_a_percentage_has_no_names(typing: Callable[..., Console]) -> None:
    screen = typing("crud", "49", "70 %")
    assert ask(screen, "How sure are you, in percent", "50 means a guess", range(50, 101)) == 70
    assert "or a name" not in shown(screen)


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        ("b", (1, None)),
        ("2", (1, None)),
        ("B 80", (1, 80)),
        ("2 80", (1, 80)),
        ("3,80", (2, 80)),
        ("c 100 %", (2, 100)),
        ("q", "quit"),
        ("s", "skip"),
    ],
)
def test_an_answer_is_a_number_or_a_letter_and_how_sure_one_is(
    typing: Callable[..., Console], typed: str, chosen: quiz.Chosen
) -> None:
    assert quiz._choose(typing(typed), 3, "") == chosen


def test_enter_alone_asks_again_and_says_nothing(typing: Callable[..., Console]) -> None:
    screen = typing("", "  ", "2")
    assert quiz._choose(screen, 3, "") == (1, None)
    assert shown(screen).count("? hint") == 3 and "not an option" not in shown(screen)


def test_a_hint_is_shown_and_the_question_asked_again(typing: Callable[..., Console]) -> None:
    screen = typing("?", "b")
    assert quiz._choose(screen, 3, "Count the round trips.") == (1, None)
    assert "Hint: Count the round trips." in shown(screen)


@pytest.mark.parametrize("typed", ["c 200", "c 0", "c ²", "c very"])
def test_a_percentage_that_is_none_is_said_to_be_what_is_wrong(typing: Callable[..., Console], typed: str) -> None:
    screen = typing(typed, "c 20")
    assert quiz._choose(screen, 3, "") == (2, 20)
    wrong = typed.removeprefix("c ")
    assert f"A confidence goes from 1 to 100 percent; {wrong!r} does not. Type c alone, or c 80." in shown(screen)


@pytest.mark.parametrize("typed", ["d", "ab", "80", "4", "0", "²"])
def test_what_is_no_option_is_said_so(typing: Callable[..., Console], typed: str) -> None:
    screen = typing(typed, "a")
    assert quiz._choose(screen, 3, "") == (0, None)
    assert f"{typed!r} is not an option. Type a number from 1 to 3." in shown(screen)


def test_the_score_so_far_is_shown_however_a_quiz_ends(
    typing: Callable[..., Console], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After q, at the end of the input, and after Ctrl-C; skipped questions do not count."""
    monkeypatch.setenv("ARCHLAB_HOME", str(tmp_path))

    def interrupted(*arguments: object) -> str:
        for line in lines:
            return line
        raise SystemExit(130)

    for ends in ("q", "end of input", "Ctrl-C"):
        screen = typing("s", "a 90", *(["q"] if ends == "q" else []))
        monkeypatch.setattr(quiz, "console", lambda screen=screen: screen)
        if ends == "Ctrl-C":
            lines = iter(["s", "a 90"])
            monkeypatch.setattr(quiz, "answer_to", interrupted)
            with pytest.raises(SystemExit):
                quiz.quiz("cqrs", no_input=False, as_json=False)
        else:
            quiz.quiz("cqrs", no_input=False, as_json=False)
        assert " of 1 right." in shown(screen), ends
        assert "over 1 answer with a confidence" in shown(screen)
