"""What a person reads is written in plain words: phrases that readers had to decode do not come back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
DECODED = (
    "A bench for architecture decisions",
    "in which they differ",
    "A look within seconds",
    "further rounds for so long",
    "Demanded:",
    "log lines its id misses",
    "Traced apart",
    "sooner than",
    "met or missed by",
    "faults that struck",
    "treated unfairly",
    "inside its region; turn",
    "turn the workload's knobs further",
    "that a judgement needs",
    "is no option",
    "will not do as a name",
    "The problem was real",
    "with their money in their hand",
    "for the first time time",
    "for a next start",
    "nobody wants to build what follows",
    "Put in what is known",
    "What nobody wrote",
    "A bad network in front of",
    "none is sufficient",
    "mend it",
)


def texts() -> list[Path]:
    folders = [path for folder in ("archlab", "scenarios") for path in (CHECKOUT / folder).rglob("*")]
    read = [path for path in folders if path.suffix in (".py", ".md", ".toml")]
    return [*read, *(CHECKOUT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"))]


@pytest.mark.parametrize("phrase", DECODED)
def test_a_phrase_that_had_to_be_decoded_occurs_nowhere(phrase: str) -> None:
    """Also where it is broken over two lines, or over two parts of a string."""
    pattern = re.compile(r"(?:\s|\"\s*f?\")+".join(map(re.escape, phrase.split())))
    found = [str(path.relative_to(CHECKOUT)) for path in texts() if pattern.search(path.read_text(encoding="utf-8"))]
    assert found == []
