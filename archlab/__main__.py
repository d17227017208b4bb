"""The program: turns what goes wrong into one sentence and an exit code."""

from __future__ import annotations

import os
import sys

from archlab import __version__, leftovers
from archlab.exit_codes import DONE, ENDED, FAILED, INTERRUPTED, WRONG_USAGE
from archlab.failure import SHORT_OF, fault, say


def main() -> int:
    """Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 a claim refuted, 4 invalid or inconclusive, 130 interrupted."""
    code = DONE
    if "_ARCHLAB_COMPLETE" in os.environ:  # a shell asks what can be typed here
        from typer.main import get_command

        from archlab.cli import app
        from archlab.commands import completion

        completion.answer(get_command(app))
        return DONE
    _open_what_is_closed()
    leftovers.remove()
    try:
        if sys.argv[1:] == ["--version"]:  # scripts ask for it, and need not wait for the command line to be built
            print(f"archlab {__version__}")
            return DONE
        from archlab.cli import app

        app()
    except SystemExit as end:  # Typer ends every command so
        code = end.code if isinstance(end.code, int) else FAILED
        if isinstance(end.__context__, BrokenPipeError):
            code = DONE  # who read the output had enough of it: Typer and Rich call that a failure
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        pass
    except Exception as error:
        code = _failed(error)
    if code in ENDED:
        say("interrupted: every process that archlab started has ended, and no half of a run was recorded.")
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would complain once more while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _open_what_is_closed() -> None:
    """Without stdin, stdout or stderr (``>&-``) the next file that is opened, a database, would take its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(number, True)  # for the processes that are started
            setattr(sys, name, os.fdopen(number, mode))


def _failed(error: Exception) -> int:
    from archlab.broker.errors import BrokerError
    from archlab.scenario import ScenarioError, UsageError
    from archlab.store.errors import StoreError

    if isinstance(error, UsageError):
        say(str(error))
        return WRONG_USAGE
    if isinstance(error, (ScenarioError, StoreError, BrokerError)):
        say(str(error))
    elif isinstance(error, OSError):
        said = SHORT_OF.get(error.errno or 0) or error.strerror or error
        say(f"{said}{f': {error.filename}' if error.filename else ''}.")
    else:
        say(f"this is a bug in archlab: {fault(error)}. Please report it with what you typed.")
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
