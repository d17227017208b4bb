"""The exit codes of archlab, one for each way in which a command can end."""

from __future__ import annotations

DONE, FAILED, WRONG_USAGE, REFUTED, UNCERTAIN, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit codes: it failed, wrong usage, a claim is refuted, a run is invalid or inconclusive, Ctrl-C."""
ENDED = (INTERRUPTED, 128 + 1, 128 + 15)
"""By Ctrl-C, a closed terminal, SIGTERM."""
