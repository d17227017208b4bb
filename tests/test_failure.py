"""What is said in one line when something fails."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from archlab.failure import describe


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.EADDRNOTAVAIL, "all ephemeral ports are in use; end other programs"), (errno.EMFILE, "ulimit -n 1024")],
)
def test_what_the_machine_is_short_of_is_said_with_what_to_do(number: int, advice: str) -> None:
    assert advice in describe(OSError(number, os.strerror(number)))


def test_any_other_error_is_said_with_its_line() -> None:
    try:
        Path("/no/such/file").read_text()
    except OSError as error:
        assert "FileNotFoundError" in describe(error) and "(test_failure.py, line" in describe(error)
