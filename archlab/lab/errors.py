"""The errors that the parts of a round raise."""

from __future__ import annotations

from archlab.scenario import ScenarioError


class ProcessDied(Exception):
    """A process ended that should still be there: its name and exit code in a sentence."""


class ServiceFailed(ScenarioError):
    """A service cannot be started: its name, the reason, and its own last log lines."""


class BrokerFailed(ScenarioError):
    """The broker cannot be reached, or is asked for what it does not do: one sentence with what to type next."""
