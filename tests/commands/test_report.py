"""``archlab report``: all that was recorded of a run, also where its scenario is another by now."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

Archlab = Callable[..., tuple[int, str, str]]


def quick_run(archlab: Archlab) -> None:
    code, _, err = archlab("run", "cqrs", "--quick", "--no-input", "--workload", "calm", "--design", "crud")
    assert code == 0, err


def change(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "archlab.db")) as record:
        assert record.execute(statement).rowcount
        record.commit()


def test_each_section_says_what_it_shows_and_a_run_that_is_not_there_what_to_type(archlab: Archlab) -> None:
    quick_run(archlab)
    code, out, err = archlab("report", "1")
    assert (code, err) == (0, "")
    lines = out.split("\n")
    for title in ("THE VERDICT", "REQUIREMENTS", "COST", "CLAIMS", "HOW FAR TO TRUST THIS"):
        assert lines[lines.index(title) + 1].endswith("."), title
    code, out, err = archlab("report", "99")
    assert (code, out) == (2, "") and "`archlab history`" in err


def test_a_run_whose_scenario_has_changed_or_is_gone_is_shown_and_said(archlab: Archlab, home: Path) -> None:
    quick_run(archlab)
    assert "has changed" not in archlab("report", "1")[1]
    change(home, "UPDATE runs SET environment = json_set(environment, '$.code', 'another')")
    told = " ".join(archlab("report", "1")[1].split())
    assert "The scenario cqrs has changed since run 1" in told and "For today's: archlab run cqrs" in told
    change(home, "UPDATE claims SET text = 'As it was once taught.'")
    told = " ".join(archlab("report", "1")[1].split())
    assert "As it was once taught." in told and "The claims of cqrs have changed since run 1" in told
    change(home, "UPDATE runs SET scenario = 'gone'")
    code, out, err = archlab("report", "1")
    assert (code, err) == (0, "") and "does not know gone" in out and "REQUIREMENTS" in out
