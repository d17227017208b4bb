"""Finds sockets of archlab's processes that other machines can reach (on Linux; elsewhere it finds none)."""

from __future__ import annotations

import contextlib
import ipaddress
import os
from pathlib import Path

from archlab.lab.containment import MARK

LISTENING = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}
"""By kind of socket the state in /proc/net/<kind> of one that waits for whoever comes."""

Sockets = dict[str, str]
"""Inode → ``address:port``."""


def beyond_loopback() -> Sockets:
    """Every socket of this machine that waits on another address than loopback."""
    found: Sockets = {}
    for kind, state in LISTENING.items():
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]:
                fields = line.split()
                address, port = _address(fields[1])
                if fields[3] == state and port and not address.is_loopback:
                    shown = f"[{address}]" if address.version == 6 else str(address)
                    found[fields[9]] = f"{shown}:{port}"
    return found


def ours(sockets: Sockets) -> list[str]:
    """The addresses of those that a process of archlab holds."""
    mark = f"{MARK}={os.environ.get(MARK, '')}".encode()
    wanted = {f"socket:[{inode}]": address for inode, address in sockets.items()}
    found: set[str] = set()
    for process in Path("/proc").iterdir() if wanted else ():
        with contextlib.suppress(OSError):  # it has ended, or is somebody else's
            if not process.name.isdigit() or mark not in (process / "environ").read_bytes().split(b"\0"):
                continue
            for descriptor in list((process / "fd").iterdir()):
                with contextlib.suppress(OSError):  # it is closed: our own look at the folder is one of them
                    found.update(wanted[name] for name in [os.readlink(descriptor)] if name in wanted)  # noqa: PTH115
    return sorted(found)


def _address(text: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
    """``0100007F:1F90`` → 127.0.0.1 and 8080: words in the machine's byte order, the port in hexadecimal."""
    address, _, port = text.partition(":")
    words = b"".join(bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, len(address), 8))
    found = ipaddress.ip_address(words)
    return getattr(found, "ipv4_mapped", None) or found, int(port, 16)
