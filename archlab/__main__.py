"""The program: turns what goes wrong into one sentence and an exit code."""

from __future__ import annotations

import os
import sys

from archlab import __version__
from archlab.failure import DONE, FAILED, INTERRUPTED, WRONG_USAGE, describe, say


def main() -> int:
    """Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 a claim refuted, 4 invalid or inconclusive, 130 interrupted."""
    code = DONE
    try:
        if sys.argv[1:] == ["--version"]:  # scripts ask for it, and need not wait for the command line to be built
            print(f"archlab {__version__}")
            return DONE
        from archlab.cli import app

        app()
    except SystemExit as end:  # Typer ends every command so
        code = end.code if isinstance(end.code, int) else FAILED
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        pass  # who read the output had enough of it
    except Exception as error:
        code = _failed(error)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would complain once more while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _failed(error: Exception) -> int:
    from archlab.broker.errors import BrokerError
    from archlab.scenario import ScenarioError, UsageError

    if isinstance(error, UsageError):
        say(str(error))
        return WRONG_USAGE
    if isinstance(error, (ScenarioError, BrokerError)):
        say(str(error))
    elif isinstance(error, OSError):
        say(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}.")
    else:
        say(f"this is a fault in archlab: {describe(error)}. Please report it with what you typed.")
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
