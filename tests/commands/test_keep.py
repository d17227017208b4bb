"""`run --keep`: the system stays up after a run, does what is typed, and ends with the prompt."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from archlab.scenario import Scenario

EDITS = (
    ("from archlab.scenario import (\n", "from archlab.scenario import (\n    Action,\n"),
    ("    shown=", "    actions=(Action('wave', 'say hello', wave), Action('fail', 'break it', fail)),\n    shown="),
    ("SCENARIO = ", "def wave(lab, design):\n    return f'hello\\nfrom {lab.design.name}'\n\n\n"
     "def fail(lab, design):\n    raise ValueError('it broke')\n\n\nSCENARIO = "),
)  # fmt: skip
WHAT = ("--quick", "--workload", "calm", "--keep")


@pytest.fixture
def kept(
    tiny: Callable[..., Scenario], start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> Callable[[str], tuple[int, str, str]]:
    """``kept("wave\\n")``: the exit code and what was printed when that was typed after a run of one design."""
    scenario = tiny(*EDITS)

    def typed(text: str, *more: str) -> tuple[int, str, str]:
        design = scenario.designs[0].name
        archlab = start("run", scenario.folder, "--design", design, *WHAT, *more)
        out, err = archlab.communicate(text, timeout=60)
        return archlab.returncode, out, err

    return typed


def test_it_does_what_is_typed_until_an_empty_line(kept: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = kept("wave\nnothing of the kind\n\nwave\n")
    assert code == 0, err
    after = out[out.index("is running until") :]
    assert after.count("hello") == 2  # once where it is said what can be typed
    assert "from scan" in after
    assert "'nothing of the kind' is not one of the actions. Type one of wave, fail" in after


def test_the_end_of_input_ends_it(kept: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = kept("wave")
    assert code == 0
    assert "from scan" in out


def test_an_action_that_fails_is_one_sentence(kept: Callable[..., tuple[int, str, str]]) -> None:
    code, _, err = kept("fail\n")
    assert code == 1
    assert "scan: fail failed: ValueError: it broke" in err
    assert "Traceback" not in err


def test_it_needs_somebody_who_types(kept: Callable[..., tuple[int, str, str]]) -> None:
    code, _, err = kept("", "--json")
    assert code == 2
    assert "--keep opens a prompt. Leave out --json and --no-input." in err


def test_a_scenario_without_actions_says_so_before_it_measures(archlab: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = archlab("run", "cqrs", "--keep")
    assert code == 2
    assert "cqrs does not support --keep: it offers nothing to try after a run. Leave out --keep." in err
    assert "VERDICT" not in out
