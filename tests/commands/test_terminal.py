"""What a person may type where archlab asks."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from rich.console import Console

from archlab.commands import quiz
from archlab.commands.terminal import ask
from archlab.learn.quiz import Option

DESIGNS = ("crud", "queries", "Projection")
OPTIONS = tuple(Option(text, right=text == "two", misconception="", rebuttal="") for text in ("one", "two", "three"))


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
    assert ask(screen, "How sure are you, in percent", "50 is a coin's toss", range(50, 101)) == 70
    assert "or a name" not in shown(screen)


@pytest.mark.parametrize(("typed", "chosen"), [("b", (1, None)), ("B 80", (1, 80)), ("c 100 %", (2, 100)), ("q", None)])
def test_an_answer_is_a_letter_and_how_sure_one_is(
    typing: Callable[..., Console], typed: str, chosen: tuple[int, int | None] | None
) -> None:
    assert quiz._choose(typing(typed), OPTIONS) == chosen


@pytest.mark.parametrize("typed", ["c 200", "c 0", "c ²", "c very"])
def test_a_percentage_that_is_none_is_said_to_be_what_is_wrong(typing: Callable[..., Console], typed: str) -> None:
    screen = typing(typed, "c 20")
    assert quiz._choose(screen, OPTIONS) == (2, 20)
    wrong = typed.removeprefix("c ")
    assert f"How sure you are goes from 1 to 100 percent, not {wrong!r}. Type c alone, or c 80." in shown(screen)


@pytest.mark.parametrize("typed", ["d", "ab", "80", ""])
def test_what_is_no_letter_of_an_option_is_said_so(typing: Callable[..., Console], typed: str) -> None:
    screen = typing(typed, "a")
    assert quiz._choose(screen, OPTIONS) == (0, None)
    assert f"{typed!r} is no option. Type a letter from a to c." in shown(screen)
