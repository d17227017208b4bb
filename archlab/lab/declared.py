"""Remembers in a file which queues and exchanges a round declared, because the process that did may be killed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FILE = "declared.jsonl"

Kind = Literal["queue", "exchange"]


@dataclass(frozen=True)
class Declared:
    kind: Kind
    name: str
    exclusive: bool = False
    """An exclusive queue ends with the connection that declared it, and nobody else can remove it."""


def remember(folder: Path, kind: Kind, name: str, exclusive: bool = False) -> None:
    """Adds a name. Called before the name is declared, so that no death in between leaves a queue that nobody knows."""
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps([kind, name, exclusive]) + "\n")


def names(folder: Path) -> list[Declared]:
    """Everything that was declared so far, each once, in the order of the first declaration."""
    return list(dict.fromkeys(_lines(folder)))


def queues(folder: Path) -> int:
    """How many queues were declared so far."""
    return len({declared.name for declared in names(folder) if declared.kind == "queue"})


def forget(folder: Path) -> None:
    (folder / FILE).unlink(missing_ok=True)


def _lines(folder: Path) -> Iterator[Declared]:
    path = folder / FILE
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            yield Declared(*json.loads(line))
