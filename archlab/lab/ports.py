"""Reserves ports on loopback for a round, and keeps other processes from taking them."""

from __future__ import annotations

import errno
import socket
import sys

from archlab.failure import NO_PORTS, SHORT_OF
from archlab.lab.client import HOST
from archlab.lab.errors import ServiceFailed


def bound(name: str, port: int) -> socket.socket:
    """A socket on a loopback port. While the parent holds one that is bound and does not listen, the port is taken for
    everybody else, connections to it are refused, and a listening one can be bound beside it."""
    bound = None
    try:
        # asyncio sets TCP_NODELAY only where the protocol is named; without it each answer waits 40 ms for an ACK.
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if sys.platform == "darwin":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        elif sys.platform != "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((HOST, port))
    except OSError as error:
        if bound is not None:
            bound.close()
        raise ServiceFailed(f"{name} cannot have a port on {HOST}: {_why(error)}") from None
    return bound


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return NO_PORTS  # no fixed port is ever asked for
    return SHORT_OF.get(error.errno or 0) or (error.strerror or str(error)).lower()
