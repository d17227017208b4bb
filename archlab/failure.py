"""Failures of other people's code, said in one line."""

from __future__ import annotations

import shutil
import sys
import traceback
from pathlib import Path


def describe(error: BaseException) -> str:
    """``ValueError: text (crud.py, line 12)``: what was raised, and the innermost line outside archlab and Python."""
    frames = traceback.extract_tb(error.__traceback__)
    archlab = str(Path(__file__).parent)
    scenarios = str(Path(archlab) / "scenarios")

    def foreign(filename: str) -> bool:
        return not filename.startswith((archlab, sys.base_prefix, "<")) or filename.startswith(scenarios)

    own = [frame for frame in frames if foreign(frame.filename)] or list(frames)
    return _said(error) + _place(own)


def fault(error: BaseException) -> str:
    """The same for a fault of archlab itself: with the innermost line of archlab."""
    frames = list(traceback.extract_tb(error.__traceback__))
    own = [frame for frame in frames if frame.filename.startswith(str(Path(__file__).parent))] or frames
    return _said(error) + _place(own)


def disk_full(folder: Path) -> bool:
    """Whether what just failed in ``folder`` failed because its disk is full: there is not even a megabyte left."""
    return shutil.disk_usage(folder).free < 1_000_000


def _said(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return type(error).__name__ + (f": {said}" if said else "")


def _place(frames: list[traceback.FrameSummary]) -> str:
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
