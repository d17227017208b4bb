"""The load generator against a real server process over loopback: python tests/benchmarks/load_generator.py

At 200 to 5,000 requests a second: does it send what is due, when it is due? Against a server that is deaf for 300 ms in
every 2 s: does it see the latencies that are known from the schedule, and what does a closed loop see there?
"""

from __future__ import annotations

import argparse
import gc
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from figures import Report, value

from archlab.bench.load import Bounds, Done, closed_loop, open_loop_by
from archlab.scenario import Request
from archlab.statistics import quantile

RATES = (200, 500, 1000, 2000, 5000)
EVERY, STALL = 2.0, 0.3
WORKERS = 16


def serve(stalling: bool) -> None:
    """Answers every byte with a byte; says its port on stdout; ends with its standard input."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    ready = selectors.DefaultSelector()
    ready.register(listener, selectors.EVENT_READ)
    ready.register(sys.stdin, selectors.EVENT_READ)
    print(listener.getsockname()[1], flush=True)
    while True:
        for key, _ in ready.select():
            if key.fileobj is sys.stdin:
                return
            if key.fileobj is listener:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                ready.register(connection, selectors.EVENT_READ)
                continue
            assert isinstance(key.fileobj, socket.socket)
            into = time.perf_counter() % EVERY
            if stalling and into < STALL:
                time.sleep(STALL - into)
            asked = key.fileobj.recv(64)
            if asked:
                key.fileobj.sendall(asked)
            else:
                ready.unregister(key.fileobj)
                key.fileobj.close()


@contextmanager
def server(*options: str) -> Iterator[int]:
    command = [sys.executable, __file__, "--serve", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


class Client:
    """One connection; a request is a byte there and a byte back."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self) -> bytes:
        self.socket.sendall(b"x")
        return self.socket.recv(1)

    def __call__(self, request: Request) -> bytes:
        return self.ask()


def load(port: int, rate: float, duration: float, workers: int) -> Done:
    requests = [Request(i / rate, "ask") for i in range(round(rate * duration))]
    with ExitStack() as opened:
        clients = [Client(port) for _ in range(workers)]
        for client in clients:
            opened.enter_context(client.socket)
        gc.collect()
        gc.freeze()
        return open_loop_by(clients, requests)


def keeps_the_schedule(report: Report, rounds: int) -> None:
    with server() as port:
        for rate in RATES:
            sent, lag, exact = [], [], []
            for _ in range(rounds):
                done = load(port, rate, 2.0, WORKERS)
                span = max(done.started) - min(done.started)
                sent.append((len(done.started) - 1) / span / rate)
                exact.append(sum(answer == b"x" for answer in done.answers) / len(done.requests))
                lags = [started - due for due, started in zip(done.due, done.started, strict=True)]
                lag.append(quantile(lags, 0.99))
            report.show(f"{rate:>5} a second: sent ÷ schedule", value(sent), "×", at_most=1.01, at_least=0.99)
            report.show(f"{rate:>5} a second: answered ÷ schedule", value(exact), "×", at_least=1.0)
            report.show(f"{rate:>5} a second: send lag, p99", value(lag), "ms", at_most=0.0025)


def sees_the_stalls(report: Report, rounds: int) -> None:
    """Of the requests a share of 15 % meets a stall, evenly spread over it: p99 is 280 ms, 12.5 % take over 50 ms."""
    true_p99 = STALL - 0.01 * EVERY
    true_share = (STALL - 0.050) / EVERY
    p99, over, closed_p99, closed_over = [], [], [], []
    with server("--stalling") as port:
        for _ in range(rounds):
            done = load(port, 200, 4 * EVERY, 80)
            latencies = [finished - due for due, finished in zip(done.due, done.finished, strict=True)]
            p99.append(quantile(latencies, 0.99))
            over.append(sum(latency > 0.050 for latency in latencies) / len(latencies))
            done = back_to_back(port, 2 * EVERY)
            latencies = [finished - due for due, finished in zip(done.due, done.finished, strict=True)]
            closed_p99.append(quantile(latencies, 0.99))
            closed_over.append(sum(latency > 0.050 for latency in latencies) / len(latencies))
    near = {"at_most": 1.03, "at_least": 0.97}
    report.show("stalls: p99, open loop", value(p99), "ms")
    report.show(
        f"stalls: p99 ÷ the true {true_p99 * 1e3:.0f} ms, open loop", value([p / true_p99 for p in p99]), "×", **near
    )
    report.show(
        f"stalls: share over 50 ms, open loop (true: {true_share:.1%})",
        value(over),
        "%",
        at_most=true_share + 0.02,
        at_least=true_share - 0.02,
    )
    report.show("stalls: p99, closed loop with one connection", value(closed_p99), "ms")
    report.show("stalls: share over 50 ms, closed loop with one connection", value(closed_over), "%")


def back_to_back(port: int, duration: float) -> Done:
    """A closed loop for so long; how many requests that makes depends on the server alone."""
    client = Client(port)
    done = Done([])
    begin = time.perf_counter()
    with client.socket:
        while time.perf_counter() - begin < duration:
            some = closed_loop([Request(0, "ask")] * 1000, client, Bounds({}, {}))
            done.due += some.due
            done.finished += some.finished
    return done


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--only", choices=["schedule", "stalls"])
    arguments.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments.add_argument("--stalling", action="store_true", help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.serve:
        serve(asked.stalling)
        return
    report = Report()
    if asked.only != "stalls":
        keeps_the_schedule(report, asked.rounds)
    if asked.only != "schedule":
        sees_the_stalls(report, max(2, asked.rounds - 2))
    report.exit()


if __name__ == "__main__":
    main()
