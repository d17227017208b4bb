"""Starts processes: forked from a warm server where fork exists, spawned elsewhere.

Every child holds a pipe from its parent and exits when that pipe ends, however the parent went: a kill -9 of archlab
leaves nothing running. Ctrl-C is the parent's alone: it ends its children itself.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import multiprocessing
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from multiprocessing.connection import wait
from types import ModuleType
from typing import TYPE_CHECKING, Any

from archlab.lab import containment, hogging
from archlab.lab.hogging import HOG, UNHOG
from archlab.signals import held_back

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

PRELOADED = ["archlab.lab.fork_server", "sqlite3", "archlab.lab.lab", "archlab.lab.spawned_process"]
"""Imported once in the server that children are forked from."""

SAFE_PATH = "PYTHONSAFEPATH"

FORKS = "forkserver" in multiprocessing.get_all_start_methods()

LONGEST = 56
"""Characters of the temporary folder's path that leave room for a longer name: a socket's path has 104 on macOS."""


def warm(modules: Sequence[str]) -> None:
    """Starts the server that children are forked from; it imports ``modules`` once, while its caller goes on."""
    if not FORKS:
        return
    from multiprocessing import forkserver, resource_tracker

    multiprocessing.get_context("forkserver").set_forkserver_preload([*PRELOADED, *modules])
    _name_folder()
    with _nothing_from_here(), _marked():
        resource_tracker.ensure_running()  # here, because starting it ends with SIGINT and SIGTERM unblocked
        # The server's descendants inherit what is blocked: a Ctrl-C on the terminal reaches archlab alone.
        # What begins a CPU hog waits until a child can take it.
        with held_back("SIGINT", *(name for name in (HOG, UNHOG) if hasattr(signal, name))):
            forkserver.ensure_running()
    atexit.register(_end_server)


def _name_folder() -> None:
    """Puts the server's socket into a folder that tells whose it is: after a kill -9 the next run removes it.

    multiprocessing would call it "pymp-…", and remove it only where it ends in good order."""
    process: Any = multiprocessing.current_process()
    if not process._config.get("tempdir") and len(tempfile.gettempdir()) <= LONGEST:
        folder = process._config["tempdir"] = tempfile.mkdtemp(prefix=f"archlab-server-{os.getpid()}-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


def _end_server() -> None:
    """Ends the server with archlab: left to itself it takes a tenth of a second to notice that it is alone."""
    from multiprocessing import forkserver

    server: Any = forkserver._forkserver
    pid = getattr(server, "_forkserver_pid", None)
    if pid is not None:
        server._forkserver_pid = None
        with contextlib.suppress(OSError):  # it has ended already
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def start(main: str, *arguments: Any, name: str) -> BaseProcess:
    """Starts ``main(*arguments)`` in a process of its own; the arguments must be picklable.

    ``main`` is a function of archlab as ``module:function``: whoever starts it need not import what the child runs.
    """
    context: Any = multiprocessing.get_context("forkserver" if FORKS else "spawn")
    process: BaseProcess = context.Process(target=_child, args=(main, arguments, _servers_key()), name=name)
    # What ends archlab waits until the process is started as a whole: half a request would confuse the server.
    try:
        with _without_main(), _nothing_from_here(), held_back():
            process.start()
    except BaseException:
        if process.pid is not None:  # what has waited is raised here, where nobody else knows the process yet
            process.kill()
            process.join()
        raise
    return process


@contextlib.contextmanager
def _marked() -> Iterator[None]:
    """What is started meanwhile carries archlab's mark, and so does everything that descends from it."""
    os.environ[containment.MARK] = f"{os.getpid()}-{secrets.token_hex(8)}"
    try:
        yield
    finally:
        del os.environ[containment.MARK]


@contextlib.contextmanager
def _nothing_from_here() -> Iterator[None]:
    """Keeps the current folder off the module path of the interpreters that are started meanwhile.

    ``python -c``, which multiprocessing uses, puts it first; what lies there would be imported for the real thing.
    """
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH]
        else:
            os.environ[SAFE_PATH] = before


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Hides ``__main__``: multiprocessing would run it again in the child, which is slow or wrong there."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _child(main: str, arguments: tuple[Any, ...], key: bytes | None) -> None:
    sys.excepthook = sys.__excepthook__  # the server's own is about what has not begun yet
    containment.lead_group()
    hogging.listen()
    os.dup2(2, 1)  # what a design prints is talk: stdout is archlab's alone
    if FORKS:
        _reuse_server(key)
    else:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # there is no mask to inherit there
    watcher = threading.Thread(target=_end_with_parent, daemon=True)
    watcher.start()
    module, _, function = main.partition(":")
    try:
        getattr(importlib.import_module(module), function)(*arguments)
    finally:
        if _alone():
            watcher.join()  # it ends what was started here, and then this process


def _servers_key() -> bytes | None:
    """What a child must know to be let in by the server that it came from (from Python 3.14 on)."""
    if not FORKS:
        return None
    from multiprocessing import forkserver

    return getattr(forkserver._forkserver, "_forkserver_authkey", None)


def _reuse_server(key: bytes | None) -> None:
    """Lets this child fork its own children from the server that it came from itself.

    multiprocessing documents that it does, and yet starts another server in every child (70 ms): it does not see that
    one is running. Where its inside should look different one day, that is what happens again.
    """
    from multiprocessing import forkserver

    server: Any = forkserver._forkserver
    if getattr(server, "_forkserver_address", None):
        server._forkserver_authkey = key
        server.ensure_running = lambda: None


def _alone() -> bool:
    """Whether this process's parent has gone."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    return bool(wait([parent.sentinel], 0))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    mark = os.environ.get(containment.MARK, "")  # there is none where nobody has warmed the server
    if FORKS and mark.partition("-")[0] == str(parent.pid):
        containment.end_marked(mark)  # archlab was killed: nobody else ends what it started
    containment.end_own_group()
