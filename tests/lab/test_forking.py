"""The server that processes are forked from: what its children import, what a signal leaves, how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = """
import sys
from archlab.lab import forking
forking.warm([])
child = forking.start("builtins:print", "from", "the", "child", name="child")
child.join()
sys.exit(child.exitcode)
"""


def test_nothing_is_imported_from_the_current_folder(tmp_path: Path) -> None:
    """As in a clone whose archlab is installed beside it: what is imported is what is installed."""
    program, here = tmp_path / "program.py", tmp_path / "here"
    program.write_text(HERE)
    here.mkdir()
    for name in ("archlab", "sqlite3", "signal", "json"):
        (here / f"{name}.py").write_text(f"import os; os.mkdir({str(tmp_path / 'taken')!r})")
    done = subprocess.run([sys.executable, program], cwd=here, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "from the child\n")
    assert not (tmp_path / "taken").exists()


def test_a_signal_that_waited_for_a_start_leaves_no_process(tmp_path: Path) -> None:
    """It is raised before anybody has been given the process: nobody else could end it."""
    program = tmp_path / "program.py"
    program.write_text(SIGNALLED)
    done = subprocess.run([sys.executable, program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


SIGNALLED = """
import multiprocessing, multiprocessing.context, os, signal, sys, time
from archlab.lab import forking

def end(*_):
    raise SystemExit(3)

started = multiprocessing.context.ForkServerProcess.start

def start_and_signal(process):
    started(process)
    os.kill(os.getpid(), signal.SIGTERM)

forking.warm([])
signal.signal(signal.SIGTERM, end)
multiprocessing.context.ForkServerProcess.start = start_and_signal
try:
    forking.start("time:sleep", 60, name="child")
except SystemExit:
    sys.exit(len(multiprocessing.active_children()))
"""


def test_the_server_has_ended_when_its_program_has(tmp_path: Path) -> None:
    """And the folder of its socket is gone."""
    program = tmp_path / "program.py"
    program.write_text(
        "from multiprocessing import forkserver\n"
        "from archlab.lab import forking\n"
        "forking.warm([])\n"
        "print(forkserver._forkserver._forkserver_pid)\n"
    )
    with tempfile.TemporaryDirectory() as temporary:  # pytest's own is too long for a socket
        environment = os.environ | {"TMPDIR": temporary}
        with (tmp_path / "said").open("w") as said:  # no pipe: its end would be the server's end, too
            subprocess.run([sys.executable, program], stdout=said, env=environment, check=True)
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "said").read_text()), 0)
        assert list(Path(temporary).iterdir()) == []


HALF_A_REQUEST = """
import os
from multiprocessing import forkserver
from archlab.lab import forking

forking.warm([])
sentinel, request = forkserver.connect_to_new_process([])
forkserver.read_signed(sentinel)
os.close(request)
os.read(sentinel, 64)  # until it has ended
forking.start("builtins:print", "from", "a", "child", name="child").join()
"""

NO_REQUEST = """
import socket, sys
from multiprocessing import forkserver
from archlab.lab import forking

forking.warm([])
server = forkserver._forkserver._forkserver_pid
for _ in range(3):
    client = socket.socket(socket.AF_UNIX)
    client.connect(forkserver._forkserver._forkserver_address)
    client.close()
forking.start("builtins:print", "from", "a", "child", name="child").join()
sys.exit(server != forkserver._forkserver._forkserver_pid)
"""


@pytest.mark.parametrize("asks", [HALF_A_REQUEST, NO_REQUEST], ids=["half a request", "no request"])
def test_whoever_dies_while_asking_for_a_process_harms_and_tells_nobody(tmp_path: Path, asks: str) -> None:
    """Such as a supervisor that is killed while it replaces a worker: the server goes on, and prints no traceback."""
    program = tmp_path / "program.py"
    program.write_text(asks)
    done = subprocess.run([sys.executable, program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "from a child\n")
