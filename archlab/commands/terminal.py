"""Writes to the terminal, asks questions there, and opens the record."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from archlab.failure import say
from archlab.neutral import printable, printable_document
from archlab.signals import held_back
from archlab.store import Store, StoreError

if TYPE_CHECKING:
    from rich.console import Console

    from archlab.bench.progress import Notice, Progress

EVERY = 10.0
"""Seconds between two lines of progress."""


def console() -> Console:
    """Where pictures go. A pipe has no width of its own: 100 columns, unless COLUMNS says otherwise."""
    from rich.console import Console

    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(width=100 if piped else None, highlight=False, markup=False, emoji=False)


def interactive() -> bool:
    """Whether a person can be asked: a terminal on both sides, and not a dumb one."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def answer_to(screen: Console, prompt: str) -> str:
    """The line that somebody types at a prompt. Raises EOFError at the end of input."""
    from archlab.view.page import spelled

    screen.print(spelled(screen, prompt), end="")
    sys.stdout.flush()
    if sys.platform != "win32" and sys.stdin.isatty():
        # A Ctrl-C that comes the moment before input() begins to wait would itself wait for the next key.
        while not select.select([sys.stdin], [], [], 0.1)[0]:
            pass
    typed = input().strip()
    if not sys.stdin.isatty():  # a terminal shows what is typed; elsewhere an answer would stand on the prompt's line
        screen.print(spelled(screen, typed), markup=False)
    return typed


def ask(screen: Console, what: str, hint: str, allowed: range, names: Sequence[str] = ()) -> int | None:
    """A number in ``allowed``; None for an empty answer or the end of input.

    ``names`` can be typed as well: the first stands for the first number, and so on.
    """
    from archlab.view.page import spelled

    span, listed = f"{allowed.start}–{allowed.stop - 1}", f" or a name ({', '.join(names)})" if names else ""
    known = [name.lower() for name in names]
    while True:
        try:
            answer = answer_to(screen, f"{what} ({span}{' or a name' if names else ''}; {hint}): ")
        except EOFError:
            return None
        if not answer:
            return None
        if answer.lower() in known:
            return allowed[known.index(answer.lower())]
        number = answer.rstrip("%").rstrip()
        if number.isdecimal() and int(number) in allowed:
            return int(number)
        again = f"Type a number from {allowed.start} to {allowed.stop - 1}{listed}, or press enter."
        screen.print(spelled(screen, again), style="dim", markup=False)


def print_long(screen: Console, *pictures: object) -> None:
    """Prints what may be longer than the screen: through a pager (PAGER, else less) on a terminal, else as it is."""
    import shlex
    import shutil
    import signal
    import subprocess

    pager = shlex.split(os.environ.get("PAGER", "less")) if interactive() else []
    if not pager or not shutil.which(pager[0]):
        for picture in pictures:
            screen.print(picture)
        return
    with screen.capture() as drawn:
        for picture in pictures:
            screen.print(picture)
    environment = {"LESS": "FRX", **os.environ}  # it ends where all fits the screen, shows colours and leaves the text
    process = subprocess.Popen(pager, stdin=subprocess.PIPE, env=environment)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the pager, as long as it is there
    try:
        process.communicate(drawn.get().encode(sys.stdout.encoding or "utf-8", "replace"))
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def progress() -> Iterator[Callable[[Progress | Notice], None]]:
    """A bar with the time left on stderr, where that is a terminal; gone when the measuring is over. Elsewhere a line
    now and then."""
    if not sys.stderr.isatty():
        yield _line_now_and_then()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    from archlab.bench.progress import Notice

    told = TextColumn("{task.fields[left]}  {task.description}", markup=False)
    columns = (TextColumn("measuring"), BarColumn(30), told)
    bar = Bar(*columns, console=Console(stderr=True), transient=True, refresh_per_second=5)
    task = bar.add_task("", total=1.0, left="")

    def moved(event: Progress | Notice) -> None:
        if isinstance(event, Notice):
            bar.console.print(f"archlab: {printable(event.sentence)}", markup=False, highlight=False)
            return
        with held_back():  # else it may be left half drawn, which nothing can stop any more
            bar.start()  # only now: what is printed before must not meet it on the screen
        left = f"{event.seconds_left:3.0f} s left" if event.seconds_left else ""
        bar.update(task, completed=event.done / event.planned, description=printable(event.doing), left=left)

    try:
        yield moved
    finally:
        with held_back():
            bar.stop()


def _line_now_and_then() -> Callable[[Progress | Notice], None]:
    """Says what is being measured, at most once in ``EVERY`` seconds: a run that takes long is not silent in a log."""
    from archlab.bench.progress import Notice

    last = time.monotonic()

    def moved(event: Progress | Notice) -> None:
        nonlocal last
        if isinstance(event, Notice):
            say(event.sentence)
        elif event.doing and time.monotonic() - last > EVERY:
            last = time.monotonic()
            left = f", about {event.seconds_left:.0f} s left" if event.seconds_left else ""
            say(f"measuring {event.doing}{left}")

    return moved


@contextmanager
def recording() -> Iterator[Store | None]:
    """The open record; None, with a sentence, where nothing can be recorded: archlab goes on without."""

    def without(error: StoreError) -> None:
        said = str(error)
        say(said if "recorded" in said else f"{said} This is not recorded.")

    try:
        store = Store.open(say=say)
    except StoreError as error:
        without(error)
        yield None
        return
    with store:
        try:
            yield store
        except StoreError as error:
            without(error)


def print_json(document: dict[str, Any]) -> None:
    """One document on stdout."""
    import json

    print(json.dumps(printable_document(document), indent=2, allow_nan=False))


def tell(line: str) -> None:
    """One plain line on stdout."""
    print(printable(line))
