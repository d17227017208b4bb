"""How archlab ends, and what it says in one line when something fails."""

from __future__ import annotations

import sys

DONE, FAILED, WRONG_USAGE, REFUTED, UNCERTAIN, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit codes: it failed, wrong usage, a claim is refuted, a run is invalid or inconclusive, Ctrl-C."""


def say(sentence: str) -> None:
    """One sentence of talk on stderr."""
    print(f"archlab: {sentence}", file=sys.stderr)


def describe(error: BaseException) -> str:
    """``ValueError: text (crud.py, line 12)``: what was raised, and the innermost line outside archlab and Python."""
    import traceback  # slower to import than `archlab --version` takes, like the next one
    from pathlib import Path

    frames = traceback.extract_tb(error.__traceback__)
    archlab = str(Path(__file__).parent)
    scenarios = str(Path(archlab) / "scenarios")

    def foreign(filename: str) -> bool:
        return not filename.startswith((archlab, sys.base_prefix, "<")) or filename.startswith(scenarios)

    own = [frame for frame in frames if foreign(frame.filename)] or list(frames)
    place = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {error}{place}"
