"""What a proxy's latency adds to a round trip, beside what was asked for: python tests/benchmarks/proxy_latency.py"""

from __future__ import annotations

import argparse
import socket
import sys
import tempfile
import threading
from pathlib import Path
from time import perf_counter

from figures import Report, value

from archlab import catalog
from archlab.lab import forking
from archlab.lab.lab import Lab
from archlab.lab.setting import Setting
from archlab.lab.toxic import Toxic
from archlab.statistics import median

ONE_WAY = (0.0001, 0.00025, 0.0005, 0.001, 0.002)
"""Seconds."""
OFF_BY = 0.00035
"""Seconds that a round trip may take longer or shorter than was asked for."""


def echoing(listener: socket.socket) -> None:
    """Sends back whatever its one client sends."""
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        while data := connection.recv(4096):
            connection.sendall(data)


def exchange(connection: socket.socket) -> float:
    began = perf_counter()
    connection.sendall(b"hello")
    connection.recv(100)
    return perf_counter() - began


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=15)
    asked = arguments.parse_args()
    report = Report()
    forking.warm([])
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        lab = Lab(Setting(catalog.source("none"), "calm", {}, "1", Path(folder)))
        threading.Thread(target=echoing, args=(listener,), daemon=True).start()
        target = type("Target", (), {"port": listener.getsockname()[1]})
        proxy = lab.proxy(target)
        with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def typical(*toxics: Toxic) -> float:
                proxy.poison(*toxics)
                exchange(connection)
                return median([exchange(connection) for _ in range(50)])

            added: dict[float, list[float]] = {latency: [] for latency in ONE_WAY}
            for _ in range(asked.rounds):
                bare = typical()
                for latency, found in added.items():
                    found.append(typical(Toxic(latency=latency)) - bare)
        lab.close(finish=False)
    for latency, found in added.items():
        name = f"{latency * 1e3:g} ms each way: added to a round trip"
        report.show(name, value(found), "ms", at_most=2 * latency + OFF_BY, at_least=2 * latency - OFF_BY)
    report.exit()


if __name__ == "__main__":
    sys.exit(main())
