"""The questions of a scenario: each wrong option is a named misconception with a rebuttal of its own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """One answer that somebody gave."""

    scenario: str
    question: str
    """Its id in the scenario's quiz."""
    option: str
    """The text that was chosen."""
    right: bool
    misconception: str | None
    """What a wrong option shows; None when the answer is right."""
    confidence: int | None
    """Percent, or None where nobody was asked."""
    answered: str
    """UTC, ISO 8601."""
