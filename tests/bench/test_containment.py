"""What a design starts by itself ends with its round; what hid from it is found, ended and named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from archlab.bench.plan import Plan
from archlab.bench.runner import execute
from archlab.run import Run
from archlab.scenario import Scenario

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")

STARTS = '        self.ticker = lab.spawn(ticker, "ticker")\n'
SLEEP = "import subprocess, sys; subprocess.Popen(['sleep', '{seconds}'], start_new_session={hides})\n"


def sleeping(seconds: str) -> list[int]:
    """The processes that sleep for so long: a number that nothing else on the machine sleeps for."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and (folder / "cmdline").read_bytes() == f"sleep\0{seconds}\0".encode():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def soon(true: Callable[[], bool]) -> bool:
    """Whether it becomes true: a process that was started or killed just now may take a moment to look so."""
    end = time.monotonic() + 20
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()


def gone(seconds: str) -> bool:
    return soon(lambda: not sleeping(seconds))


def started_in(where: str, statement: str) -> tuple[str, str]:
    """An edit: the design itself executes the statement, or the process that it spawned does."""
    if where == "round":
        return STARTS, f"{STARTS}        {statement}"
    return "    seen = 0\n", f"    {statement}    seen = 0\n"


def run(scenario: Scenario, cache: Path) -> Run:
    return execute(Plan(scenario.only(["index"], ["calm"]), {}, quick=True), cache, lambda event: None)


@pytest.mark.parametrize("where", ["round", "process"])
def test_a_subprocess_ends_with_its_round(tiny: Callable[..., Scenario], cache: Path, where: str) -> None:
    """Whether the design itself started it or a process of the design's did. It disturbed nobody: nothing is said."""
    statement = SLEEP.format(seconds="86111", hides=False)
    edit = (
        (STARTS, f"{STARTS}        {statement}")
        if where == "round"
        else ("    seen = 0\n", f"    {statement}    seen = 0\n")
    )
    found = run(tiny(edit), cache)
    assert found.valid, found.invalid_reasons
    assert found.findings == ()
    assert gone("86111")


@pytest.mark.parametrize("where", ["round", "process"])
def test_one_that_has_left_its_group_is_ended_and_named(tiny: Callable[..., Scenario], cache: Path, where: str) -> None:
    statement = SLEEP.format(seconds="86222", hides=True)
    edit = (
        (STARTS, f"{STARTS}        {statement}")
        if where == "round"
        else ("    seen = 0\n", f"    {statement}    seen = 0\n")
    )
    found = run(tiny(edit), cache)
    assert found.findings == ("index left `sleep 86222` running at calm. archlab ended it with the round",)
    assert gone("86222")


def test_a_fork_that_has_left_its_group_is_ended_and_named(tiny: Callable[..., Scenario], cache: Path) -> None:
    """A daemon as daemons are made: it forks twice, and never executes another program."""
    daemon = """\
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(1000)
            os._exit(0)
        os.wait()
"""
    found = run(tiny((STARTS, STARTS + daemon)), cache)
    (said,) = found.findings
    assert said.startswith("index left `") and said.endswith("running at calm. archlab ended it with the round")


@pytest.mark.parametrize("hides", [False, True])
def test_nothing_outlives_an_archlab_that_is_killed(tiny: Callable[..., Scenario], tmp_path: Path, hides: bool) -> None:
    """SIGKILL, in the middle of a round."""
    seconds = "86333" if hides else "86444"
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    waits = f"        {SLEEP.format(seconds=seconds, hides=hides)}        open({str(gate)!r}).read()\n"
    scenario = tiny((STARTS, STARTS + waits))
    text = f"""
        from pathlib import Path
        from archlab import catalog
        from archlab.bench.plan import Plan
        from archlab.bench.runner import execute
        scenario = catalog.find({scenario.folder!r}).only(["index"], ["calm"])
        execute(Plan(scenario, {{}}), Path({str(tmp_path / "cache")!r}), lambda event: None)
    """
    archlab = subprocess.Popen([sys.executable, "-c", textwrap.dedent(text)])
    try:
        with gate.open("w"):  # opens once the round reads it: by then the subprocess has been started
            assert soon(lambda: bool(sleeping(seconds)))
            archlab.send_signal(signal.SIGKILL)
            archlab.wait()
    finally:
        archlab.kill()
        archlab.wait()
    assert gone(seconds)


@pytest.mark.parametrize(
    ("address", "said"),
    [("0.0.0.0", "0.0.0.0,"), ("::", "[::],"), ("127.0.0.1", None), ("::1", None), ("127.9.9.9", None)],
)
@pytest.mark.parametrize("where", ["round", "process"])
def test_a_design_that_others_can_reach_makes_the_run_invalid(
    tiny: Callable[..., Scenario], cache: Path, where: str, address: str, said: str | None
) -> None:
    """Whoever of its processes listens: what is measured must be of this machine alone."""
    family = "AF_INET6" if ":" in address else "AF_INET"
    listens = f"import socket; lab.open = socket.create_server(({address!r}, 0), family=socket.{family})\n"
    up = (STARTS, f"{STARTS}        self.ticker.send(0)\n        self.ticker.wait_until(1)\n")
    edits = [started_in(where, listens)] if where == "round" else [up, started_in(where, listens)]
    found = run(tiny(*edits), cache)
    if said is None:
        assert found.valid, found.invalid_reasons
    else:
        assert not found.valid
        assert all(
            reason.startswith(f"index listens on {said}") and reason.endswith("let it listen on 127.0.0.1")
            for reason in found.invalid_reasons
        )
