"""The embedded broker beside RabbitMQ, through the same pika client in the same run.

    python tests/benchmarks/broker_speed.py [--rounds 7] [--only publish,confirm,…]

Every figure is measured in rounds, the two brokers taking turns (A B B A …); printed is the ratio of
each pair of rounds as median with a 95 % bootstrap interval, above 1 where the embedded broker is
better. Needs a RabbitMQ on 127.0.0.1:5672, and for `start` rabbitmq-server to start private nodes with.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pika

from archlab.broker import running_broker

RABBITMQ_PORT = 5672
BODY = b"x" * 100


def connect(port: int) -> pika.BlockingConnection:
    return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port, heartbeat=0))


@contextlib.contextmanager
def queue(port: int, durable: bool = False):
    connection = connect(port)
    channel = connection.channel()
    name = f"archlab-speed-{os.getpid()}"
    channel.queue_declare(name, durable=durable)
    try:
        yield connection, channel, name
    finally:
        channel.queue_delete(name)
        connection.close()


def publish(port: int) -> float:
    """Messages a second, transient, without confirms, until the broker has them all."""
    with queue(port) as (_, channel, name):
        count = 4000
        began = time.perf_counter()
        for _ in range(count):
            channel.basic_publish("", name, BODY)
        while channel.queue_declare(name, passive=True).method.message_count < count:
            pass
        return count / (time.perf_counter() - began)


def confirmed(port: int, durable: bool, count: int) -> list[float]:
    """Seconds of each publish with its confirm."""
    with queue(port, durable) as (_, channel, name):
        channel.confirm_delivery()
        properties = pika.BasicProperties(delivery_mode=2 if durable else 1)
        times = []
        for _ in range(count):
            began = time.perf_counter()
            channel.basic_publish("", name, BODY, properties)
            times.append(time.perf_counter() - began)
        return times


def confirm(port: int) -> float:
    """Messages a second, each confirmed before the next."""
    times = confirmed(port, durable=False, count=1200)
    return len(times) / sum(times)


def durable(port: int) -> float:
    """As `confirm`, persistent messages to a durable queue (both brokers sync to the disk before they confirm)."""
    times = confirmed(port, durable=True, count=500)
    return len(times) / sum(times)


def confirm_p50(port: int) -> float:
    """Seconds from publish to confirm, median."""
    return statistics.median(confirmed(port, durable=False, count=1200))


def consume(port: int) -> float:
    """Messages a second, each acknowledged, prefetch 50."""
    with queue(port) as (connection, channel, name):
        count = 4000
        for _ in range(count):
            channel.basic_publish("", name, BODY)
        while channel.queue_declare(name, passive=True).method.message_count < count:
            pass
        seen = 0

        def got(channel, method, properties, body):
            nonlocal seen
            seen += 1
            channel.basic_ack(method.delivery_tag)

        channel.basic_qos(prefetch_count=50)
        channel.basic_consume(name, got)
        began = time.perf_counter()
        while seen < count:
            connection.process_data_events(1)
        return count / (time.perf_counter() - began)


def deliver_p50(port: int) -> float:
    """Seconds from publishing on one connection to delivery on another, median."""
    with queue(port) as (connection, channel, name):
        publisher = connect(port)
        out = publisher.channel()
        arrived: list[float] = []
        channel.basic_consume(name, lambda *_: arrived.append(time.perf_counter()), auto_ack=True)
        times = []
        for number in range(600):
            began = time.perf_counter()
            out.basic_publish("", name, BODY)
            while len(arrived) <= number:
                connection.process_data_events(1)
            times.append(arrived[number] - began)
        publisher.close()
        return statistics.median(times)


def memory(pid: int) -> float:
    """Resident memory in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise LookupError(pid)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def usable(port: int) -> bool:
    """Whether a whole handshake succeeds."""
    try:
        connect(port).close()
    except (pika.exceptions.AMQPError, OSError):
        return False
    return True


def start_embedded() -> tuple[float, float]:
    """(seconds until a client is connected, MiB then)"""
    began = time.perf_counter()
    with running_broker() as broker:
        connect(broker.port).close()
        return time.perf_counter() - began, memory(broker.pid)


def start_rabbitmq() -> tuple[float, float]:
    """The same for a private node, on loopback only."""
    port, dist = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "rabbitmq.conf").write_text(f"listeners.tcp.local = 127.0.0.1:{port}\n")
        Path(folder, "advanced.config").write_text("[{kernel, [{inet_dist_use_interface, {127,0,0,1}}]}].\n")
        Path(folder, "plugins").write_text("[].\n")
        environment = {
            **os.environ,
            "HOME": folder,
            "RABBITMQ_NODENAME": f"speed{os.getpid()}@localhost",
            "RABBITMQ_DIST_PORT": str(dist),
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        server = shutil.which("rabbitmq-server") or "/usr/lib/rabbitmq/bin/rabbitmq-server"
        # Debian's wrapper changes the user; the script below it runs as whoever calls it.
        script = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(script) if script.exists() else server],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            while not usable(port):
                if process.poll() is not None or time.perf_counter() - began > 60:
                    raise RuntimeError("the private RabbitMQ node did not start")
                time.sleep(0.02)
            seconds = time.perf_counter() - began
            pid = int(Path(folder, "pid").read_text())
            return seconds, memory(pid)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def interval(ratios: list[float]) -> tuple[float, float, float]:
    """(median, low, high): 95 % by bootstrap over rounds."""
    dice = random.Random(1)
    medians = sorted(statistics.median(dice.choices(ratios, k=len(ratios))) for _ in range(2000))
    return statistics.median(ratios), medians[49], medians[1949]


def show(what: str, ours: list[float], theirs: list[float], ratios: list[float], bound: str, met: bool) -> None:
    median, low, high = interval(ratios)
    print(
        f"{what:12} embedded {statistics.median(ours):10.5g}  rabbitmq {statistics.median(theirs):10.5g}"
        f"  ratio {median:.3f} [{low:.3f}, {high:.3f}]  {bound}: {'met' if met else 'NOT MET'}",
        flush=True,
    )


RATES: dict[str, tuple[Callable[[int], float], float, bool]] = {
    # name: (measure, the bound that issue 4 sets, higher is better)
    "publish": (publish, 0.9, True),
    "confirm": (confirm, 1.2, True),
    "consume": (consume, 1.4, True),
    "durable": (durable, 1.0, True),
    "confirm_p50": (confirm_p50, 0.8, False),
    "deliver_p50": (deliver_p50, 0.8, False),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default=",".join([*RATES, "start"]))
    options = parser.parse_args()
    wanted = options.only.split(",")
    with running_broker() as broker:
        for name, (measure, bound, higher) in RATES.items():
            if name not in wanted:
                continue
            ports = {"embedded": broker.port, "rabbitmq": RABBITMQ_PORT}
            for port in ports.values():
                measure(port)  # warm-up
            found: dict[str, list[float]] = {side: [] for side in ports}
            for number in range(options.rounds):
                for side in ports if number % 2 else reversed(ports):
                    found[side].append(measure(ports[side]))
            ratios = [a / b for a, b in zip(found["embedded"], found["rabbitmq"], strict=True)]
            _, low, high = interval(ratios)
            met = low >= bound if higher else high <= bound
            show(name, found["embedded"], found["rabbitmq"], ratios, f"{'>=' if higher else '<='} {bound}", met)
        print(f"memory after all that, embedded: {memory(broker.pid):.1f} MiB", flush=True)
    if "start" in wanted:
        rounds = max(2, options.rounds // 2)
        ours = [start_embedded() for _ in range(rounds)]
        theirs = [start_rabbitmq() for _ in range(rounds)]
        for place, what, bound in ((0, "start", 1 / 30), (1, "memory", 1 / 3)):
            ratios = [a[place] / b[place] for a, b in zip(ours, theirs, strict=True)]
            met = interval(ratios)[2] <= bound
            show(what, [pair[place] for pair in ours], [pair[place] for pair in theirs], ratios, f"<= {bound:.3f}", met)


if __name__ == "__main__":
    main()
