"""Writes the logs of services: one JSON object a line, with the correlation id of the request."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")
"""The request that the running code works for. A design sets it, or does not; a log line carries what it finds."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "color_message"}


class JsonLines(logging.Formatter):
    """``{"time": …, "level": "INFO", "service": "api", "id": "…", "message": "…", …}``: whatever else was passed as
    ``extra`` stands behind. An ``id`` passed as ``extra`` wins over the context's."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": record.created,
            "level": record.levelname,
            "service": self.service,
            "id": correlation_id.get(),
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def write_to(path: Path, service: str) -> None:
    """Sends everything that this process logs, from INFO on, to ``path``."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(JsonLines(service))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.raiseExceptions = False  # a full disk must not fill stderr too


def read(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """The lines of several services in the order of time. A line that a killed process cut short is left out."""
    lines = []
    for path in paths:
        if not path.exists():
            continue
        for text in path.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(text))
            except ValueError:
                continue
    return sorted(lines, key=lambda line: float(line["time"]))


def last_words(path: Path, count: int = 3) -> str:
    """The last lines of a log as one sentence: level, message and the error's last line."""
    said = []
    for line in read([path])[-count:]:
        error = str(line.get("error", "")).strip().splitlines()
        said.append(f"{line['level'].lower()}: {line['message']}" + (f" ({error[-1]})" if error else ""))
    return "; ".join(said)
