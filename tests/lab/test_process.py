"""Processes of their own, for real: they are killed, crash, catch up, and never outlive archlab."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from archlab import catalog
from archlab.lab.errors import ProcessDied
from archlab.lab.lab import Lab
from archlab.lab.setting import Setting
from archlab.lab.spawned_process import Inbox
from archlab.scenario import Scenario

MAINS = (
    "def requests(lab",
    '''def summing(lab: Any, inbox: Any) -> None:
    """Adds up what it is sent, and says so; -1 is answered with a crash of its own making."""
    total = 0
    while True:
        message = inbox.receive()
        if message == -1:
            raise ValueError("cannot add -1")
        total += message
        (lab.folder / "total.txt").write_text(str(total))
        inbox.reached(total)


def hasty(lab: Any, inbox: Any) -> None:
    """Ends by itself."""
    inbox.receive()


def patient(lab: Any, inbox: Any) -> None:
    """Looks whether there is something, and says how often there was nothing."""
    looked = 0
    while inbox.receive(timeout=0.001) is None:
        looked += 1
        inbox.reached(looked)


def parent_of_one(lab: Any, inbox: Any) -> None:
    """Starts a process of its own, says both numbers on stdout, and waits for ever."""
    import os

    lab.spawn(child_of_one, "child")
    print("parent", os.getpid(), flush=True)
    inbox.receive()


def child_of_one(lab: Any, inbox: Any) -> None:
    import os

    print("child", os.getpid(), flush=True)
    inbox.receive()


def deaf(lab: Any, inbox: Any) -> None:
    """Says whether an interrupt from the terminal would reach it."""
    import signal

    print("blocked" if signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()) else "open", flush=True)


def requests(lab''',
)


@pytest.fixture
def scenario(tiny: Callable[..., Scenario]) -> Scenario:
    return tiny(MAINS)


@pytest.fixture
def lab(scenario: Scenario, tmp_path: Path) -> Iterator[Lab]:
    folder = tmp_path / "round"
    folder.mkdir()
    lab = Lab(Setting(catalog.source(catalog.reference(scenario)), "calm", {"words": 1, "rate": 100}, "1", folder))
    yield lab
    lab.close(finish=False)


@pytest.fixture
def main(scenario: Scenario) -> Any:
    """The scenario's module, with the functions that processes execute."""
    return sys.modules[scenario.designs[0].start.__module__]


# Messages and positions


def test_waiting_for_a_position_ends_when_the_process_has_reached_it(lab: Lab, main: Any) -> None:
    """Also when it is already beyond, and again for the same one."""
    process = lab.spawn(main.summing, "summing")
    for number in (1, 2, 3):
        process.send(number)
    process.wait_until(6)
    assert (lab.folder / "total.txt").read_text() == "6"
    process.wait_until(6)
    process.wait_until(2)
    process.send(4)
    process.wait_until(10)


def test_several_waits_are_answered_in_any_order(lab: Lab, main: Any) -> None:
    process = lab.spawn(main.summing, "summing")
    process.send(5)
    process.wait_until(5)
    with pytest.raises(TimeoutError, match="summing did not reach 9 within 0"):
        process.wait_until(9, timeout=0)
    process.send(4)
    process.wait_until(9)
    process.send(1)
    process.wait_until(10)


def test_a_process_may_look_for_messages_without_waiting_for_them(lab: Lab, main: Any) -> None:
    process = lab.spawn(main.patient, "patient")
    process.wait_until(3)
    process.send("something")
    assert process.exited() == 0


def test_a_stopped_process_first_does_what_it_was_sent(lab: Lab, main: Any) -> None:
    process = lab.spawn(main.summing, "summing")
    for number in range(1, 11):
        process.send(number)
    process.stop()
    assert not process.alive
    assert (lab.folder / "total.txt").read_text() == "55"
    process.check()


# Ends, planned and unplanned


def test_kill_is_sigkill_and_a_killed_process_can_be_started_again_from_nothing(lab: Lab, main: Any) -> None:
    process = lab.spawn(main.summing, "summing")
    process.send(5)
    process.wait_until(5)
    process.kill()
    assert not process.alive
    assert process.exited() == -signal.SIGKILL
    process.start()
    process.send(1)
    process.wait_until(1)
    assert (lab.folder / "total.txt").read_text() == "1", "its memory is gone"
    process.check()


def test_a_message_to_a_dead_process_is_lost_without_a_word(lab: Lab, main: Any) -> None:
    """Killed by the bench, crashed by itself, or ended: as on any wire."""
    process = lab.spawn(main.summing, "summing")
    process.kill()
    process.send(1)
    process.start()
    process.send(-1)
    process.exited()
    for _ in range(3):
        process.send(1)
    ended = lab.spawn(main.hasty, "hasty")
    ended.send("go")
    assert ended.exited() == 0
    ended.send("again")


def test_waiting_for_a_dead_process_says_who_died_and_how(lab: Lab, main: Any) -> None:
    process = lab.spawn(main.summing, "summing")
    process.send(-1)
    with pytest.raises(ProcessDied, match=r"summing ended \(exit code 1\) before it reached 5"):
        process.wait_until(5)
    assert "ValueError: cannot add -1" in (lab.folder / "failed-summing.txt").read_text()
    process.start()
    process.kill()
    with pytest.raises(ProcessDied, match=r"summing ended \(exit code -9\) before it reached 5"):
        process.wait_until(5)


def test_only_an_end_that_nobody_planned_is_held_against_a_process(lab: Lab, main: Any) -> None:
    """A kill, a crash point and a stop are planned; an exception is not, nor is a return that nobody asked for."""
    killed, ended = lab.spawn(main.summing, "killed"), lab.spawn(main.hasty, "ended")
    killed.kill()
    ended.send("go")
    ended.exited()
    crashed = lab.spawn(main.ticker, "crashed")
    crashed.kill()
    crashed.start(crash_at="counted")
    crashed.send("word")
    crashed.exited()
    for process in (killed, crashed):
        process.check()
    with pytest.raises(ProcessDied, match="ended ended by itself although nobody stopped it"):
        ended.check()
    failing = lab.spawn(main.summing, "failing")
    failing.send(-1)
    failing.exited()
    with pytest.raises(ProcessDied, match=r"failing ended unplanned \(exit code 1\)"):
        failing.check()


def test_a_process_that_still_runs_has_no_exit_code(lab: Lab, main: Any) -> None:
    with pytest.raises(TimeoutError, match="summing is still running after 0 s"):
        lab.spawn(main.summing, "summing").exited(timeout=0)


# Crash points


def test_a_crash_point_kills_by_sigkill_and_is_counted_where_it_strikes(lab: Lab, main: Any) -> None:
    process = lab.spawn(main.ticker, "ticker")
    process.send("word")
    process.wait_until(1)
    assert lab.faults_struck() == [], "without crash_at the point is passed"
    for strikes in (1, 2):
        process.kill()
        process.start(crash_at="counted")
        process.send("word")
        assert process.exited() == -signal.SIGKILL
        assert lab.faults_struck() == ["counted"] * strikes


def test_a_crash_point_of_another_name_never_strikes(lab: Lab, main: Any) -> None:
    process = lab.spawn(main.ticker, "ticker")
    process.kill()
    process.start(crash_at="somewhere else")
    process.send("word")
    process.wait_until(1)
    assert process.alive
    assert lab.faults_struck() == []


# What survives archlab: nothing


def script(tmp_path: Path, *statements: str) -> subprocess.Popen[str]:
    """archlab in a process of its own, with a Lab and the scenario's module at hand."""
    text = f"""
        import sys
        from pathlib import Path
        from archlab import catalog
        from archlab.lab import forking
        from archlab.lab.lab import Lab
        from archlab.lab.setting import Setting
        scenario = catalog.find({str(tmp_path / "tiny")!r})
        main = sys.modules[scenario.designs[0].start.__module__]
        forking.warm([])
        source = catalog.source(scenario.folder)
        lab = Lab(Setting(source, "calm", {{"words": 1}}, "1", Path({str(tmp_path)!r})))
    """
    command = [sys.executable, "-c", "\n".join([textwrap.dedent(text), *statements])]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def test_children_and_their_children_end_when_archlab_is_killed(scenario: Scenario, tmp_path: Path) -> None:
    """All of them hold archlab's stderr: it ends only when the last one has."""
    archlab = script(tmp_path, 'lab.spawn(main.parent_of_one, "parent").exited(60)')
    assert archlab.stderr is not None
    said = [archlab.stderr.readline().split() for _ in range(2)]
    assert {who for who, _ in said} == {"parent", "child"}, "both run, and both hold the pipe"
    archlab.send_signal(signal.SIGKILL)
    _, rest = archlab.communicate(timeout=60)  # raises where the pipe does not end
    assert rest == ""


def test_an_interrupt_from_the_terminal_reaches_archlab_alone(scenario: Scenario, tmp_path: Path) -> None:
    """Children have it blocked: they are ended by their parent, and print no traceback of their own."""
    archlab = script(tmp_path, 'lab.spawn(main.deaf, "deaf").exited(60)')
    assert archlab.communicate(timeout=60)[1] == "blocked\n"


def test_an_inbox_whose_parent_is_gone_ends_its_process() -> None:
    """Where the pipe ends before the watching thread has noticed."""
    import multiprocessing

    from archlab.lab.spawned_process import Stopped

    wire, childs_end = multiprocessing.Pipe()
    wire.close()
    with pytest.raises(Stopped) as end:
        Inbox(childs_end, None).receive()
    assert end.value.code == 0
