"""Services: how soon five are ready and gone, and what a hop costs, as ratios within the same run.

    python tests/benchmarks/service.py

Five ready ≤ 0.4 × the time of five ``uvicorn`` command lines; stopped within 0.25 s; a pooled hop ≤ 2.5 × the exchange
over a raw socket; no median over 5 ms.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from figures import Report, interleaved, ratio, value

from archlab import catalog
from archlab.lab import forking
from archlab.lab.client import HOST, Client
from archlab.lab.lab import Lab
from archlab.lab.service import PRELOADED
from archlab.lab.setting import Setting
from archlab.statistics import median

ROUNDS = 8
COUNT = 5
EXCHANGES = 60
WEB = Path(__file__).parents[1] / "web"
APPLICATION = """
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

async def hello(request):
    return JSONResponse({"hello": request.path_params["name"]})

app = Starlette(routes=[Route("/hello/{name}", hello)])
"""


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listening:
        return int(listening.getsockname()[1])


def command_lines(folder: Path) -> float:
    """Seconds until five uvicorn command lines, started at once, have all answered."""
    ports = [free_port() for _ in range(COUNT)]
    began = time.perf_counter()
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port), "--log-level", "critical"], cwd=folder
        )
        for port in ports
    ]
    try:
        for port in ports:
            while not _answers(port):
                time.sleep(0.002)  # there is nothing to wait for: a command line does not say when it is ready
        return time.perf_counter() - began
    finally:
        for process in started:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    client = Client(port)
    try:
        return client.get("/hello/you").ok
    except OSError:
        return False
    finally:
        client.close()


class Ours:
    """Five services of a lab, and how long they took to be ready and to be gone."""

    def __init__(self, folder: Path) -> None:
        self.apps = import_module(f"{catalog.find(str(WEB)).load.requests.__module__}.apps")
        self.folder = folder
        self.stopped: list[float] = []

    def ready(self) -> float:
        lab = Lab(Setting(catalog.source(str(WEB)), "calm", {"rate": 1}, "1", self.folder))
        began = time.perf_counter()
        started = [lab.service(self.apps.greeter, f"greeter-{i}") for i in range(COUNT)]
        for service in started:
            assert service.client.get("/hello/you").ok
        took = time.perf_counter() - began
        began = time.perf_counter()
        lab.close(finish=True)
        self.stopped.append(time.perf_counter() - began)
        return took


def hops(folder: Path) -> tuple[list[float], list[float]]:
    """Medians of a round each: a pooled hop, and the same exchange over a raw socket, with the same service."""
    apps = import_module(f"{catalog.find(str(WEB)).load.requests.__module__}.apps")
    lab = Lab(Setting(catalog.source(str(WEB)), "calm", {"rate": 1}, "1", folder))
    service = lab.service(apps.greeter, "greeter").ready()
    pooled = service.client
    raw = socket.create_connection((HOST, service.port))
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    end = pooled.get("/hello/you").body

    def hop() -> None:
        pooled.get("/hello/you")

    def exchange() -> None:
        raw.sendall(b"GET /hello/you HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b""
        while not received.endswith(end):
            received += raw.recv(65536)

    def timed(call: object) -> float:
        times = []
        for _ in range(EXCHANGES):
            began = time.perf_counter()
            call()  # type: ignore[operator]
            times.append(time.perf_counter() - began)
        return median(times)

    try:
        found = interleaved((lambda: timed(hop), lambda: timed(exchange)), ROUNDS, repeat=1)
    finally:
        raw.close()
        lab.close(finish=False)
    return found[0], found[1]


def main() -> None:
    report = Report()
    forking.warm(PRELOADED)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "app.py").write_text(APPLICATION)
        ours = Ours(folder)
        ours.ready()  # the server that they are forked from is there from now on, as it is in a run
        ours.stopped.clear()
        lines, five = interleaved((lambda: command_lines(folder), ours.ready), ROUNDS, repeat=1)
        report.show("five services ready, of five command lines", ratio(five, lines), "×", at_most=0.4)
        report.show("five services ready", value(five), "ms")
        report.show("five command lines ready", value(lines), "ms")
        report.show("five services stopped in good order", value(ours.stopped), "ms", at_most=0.25)
        pooled, raw = hops(folder)
        report.show("a pooled hop, of a raw exchange", ratio(pooled, raw), "×", at_most=2.5)
        report.show("a pooled hop", value(pooled), "µs", at_most=0.005)
    report.exit()


if __name__ == "__main__":
    main()
