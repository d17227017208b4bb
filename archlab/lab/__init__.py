"""What the author of a scenario can use beside its vocabulary: the lab, its parts, helpers for experiments.

A scenario imports from here and from ``archlab.scenario``, and from nowhere else in archlab. What is named here is
imported when it is first used: `archlab list` imports every scenario, and none of this.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archlab.lab.broker import Broker
    from archlab.lab.client import HOST, Answer, Client
    from archlab.lab.errors import BrokerFailed, ProcessDied, ServiceFailed
    from archlab.lab.lab import Lab
    from archlab.lab.ledger import compare, crash_points, samples
    from archlab.lab.logs import correlation_id
    from archlab.lab.process import Process
    from archlab.lab.proxy import Proxy
    from archlab.lab.service import Service
    from archlab.lab.spawned_process import Inbox
    from archlab.lab.toxic import Toxic
    from archlab.lab.versions import patch
    from archlab.source import code_lines, sources

_HOMES = {
    "HOST": "archlab.lab.client",
    "Answer": "archlab.lab.client",
    "Broker": "archlab.lab.broker",
    "BrokerFailed": "archlab.lab.errors",
    "Client": "archlab.lab.client",
    "Inbox": "archlab.lab.spawned_process",
    "Lab": "archlab.lab.lab",
    "Process": "archlab.lab.process",
    "ProcessDied": "archlab.lab.errors",
    "Proxy": "archlab.lab.proxy",
    "Service": "archlab.lab.service",
    "ServiceFailed": "archlab.lab.errors",
    "Toxic": "archlab.lab.toxic",
    "code_lines": "archlab.source",
    "compare": "archlab.lab.ledger",
    "correlation_id": "archlab.lab.logs",
    "crash_points": "archlab.lab.ledger",
    "patch": "archlab.lab.versions",
    "samples": "archlab.lab.ledger",
    "sources": "archlab.source",
}
"""Where each of them is defined."""

__all__ = [
    "HOST",
    "Answer",
    "Broker",
    "BrokerFailed",
    "Client",
    "Inbox",
    "Lab",
    "Process",
    "ProcessDied",
    "Proxy",
    "Service",
    "ServiceFailed",
    "Toxic",
    "code_lines",
    "compare",
    "correlation_id",
    "crash_points",
    "patch",
    "samples",
    "sources",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"archlab.lab has no {name!r}. It has: {', '.join(__all__)}")
    return getattr(importlib.import_module(_HOMES[name]), name)
