"""The folder of data sets that can be made again: where it lies, what in it is archlab's, and how that is removed.

A folder is archlab's only if archlab made it, and says so in its ``CACHEDIR.TAG``. Even there only names that archlab
gives are removed, one by one: whatever else lies there is somebody's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

TAG = "CACHEDIR.TAG"
TAGGED = "Signature: 8a477f597d28d172789f06886806bc55\n# Made by archlab: `archlab reset` removes this folder.\n"
"""https://bford.info/cachedir/: backups leave such a folder out."""

DATA_SET = re.compile(r".+-[0-9a-f]{24}")
UNFINISHED = "seeding-"
_UNFINISHED = re.compile(rf"{UNFINISHED}[a-z0-9_]{{8}}")
"""What ``tempfile`` adds to the prefix."""


def made(candidates: Iterable[Path]) -> Path | None:
    """The first of these folders that archlab made, or can make now; None where others have taken every name.

    Raises OSError when a folder cannot be made.
    """
    for folder in candidates:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if is_ours(folder):
                return folder
            continue
        (folder / TAG).write_text(TAGGED, encoding="utf-8")
        return folder
    return None


def is_ours(folder: Path) -> bool:
    """Whether archlab made this folder."""
    try:
        return (folder / TAG).read_text(encoding="utf-8") == TAGGED
    except (OSError, ValueError):
        return False


def data_sets(folder: Path) -> Iterator[Path]:
    """The folders in it that bear a name which archlab gives: finished data sets, and what a killed archlab left."""
    for path in folder.iterdir():
        named = DATA_SET.fullmatch(path.name) or _UNFINISHED.fullmatch(path.name)
        if named and path.is_dir() and not path.is_symlink():
            yield path


def remove(folder: Path) -> list[Path]:
    """Removes archlab's data sets from a folder that archlab made, and the folder when nothing else is in it.

    Returns what was removed: the folder alone, or the data sets where something of others keeps the folder.
    """
    import shutil  # here, not above: every command imports this module

    if not is_ours(folder):
        return []
    removed = sorted(data_sets(folder))
    for path in removed:
        shutil.rmtree(path)
    if [path.name for path in folder.iterdir()] != [TAG]:
        return removed
    (folder / TAG).unlink()
    folder.rmdir()
    return [folder]
