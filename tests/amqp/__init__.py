"""A small scenario for the tests of the bench: an effect is written in the request, or by a consumer behind a queue."""

from __future__ import annotations

from typing import Any

from archlab.run import Run
from archlab.scenario import (
    Claim,
    Design,
    Experiment,
    Finding,
    Knob,
    Load,
    Metric,
    Request,
    Requirement,
    Sample,
    Scenario,
    Workload,
    held,
)

EFFECT = "INSERT INTO effects (number) VALUES (?)"


class Direct:
    """Writes the effect in the request."""

    def __init__(self, lab: Any) -> None:
        self.database = lab.database("effects")

    def order(self, number: int) -> None:
        self.database.execute(EFFECT, (number,))

    def effects(self) -> list[int]:
        return [number for (number,) in self.database.execute("SELECT number FROM effects ORDER BY number")]


class Queued(Direct):
    """Publishes the order; a consumer writes the effect."""

    def __init__(self, lab: Any) -> None:
        super().__init__(lab)
        broker = lab.broker()
        self.queue = broker.name("orders")
        self.channel = broker.connect(carries_context=True).channel()
        self.channel.queue_declare(self.queue, durable=True)
        self.channel.confirm_delivery()
        self.consumer = lab.spawn(consumer, "consumer")
        self.published = 0

    def order(self, number: int) -> None:
        self.channel.basic_publish("", self.queue, str(number).encode())
        self.published += 1

    def effects(self) -> list[int]:
        self.consumer.wait_until(self.published)
        return super().effects()


def consumer(lab: Any, inbox: Any) -> None:
    broker, database = lab.broker(), lab.database("effects")
    channel = broker.connect().channel()
    written = 0

    def write(channel: Any, method: Any, properties: Any, body: bytes) -> None:
        nonlocal written
        database.execute(EFFECT, (int(body),))
        channel.basic_ack(method.delivery_tag)
        written += 1
        inbox.reached(written)

    channel.basic_consume(broker.name("orders"), write)
    broker.consume_until_stopped(channel, inbox)


def requests(lab: Any, n: int) -> list[Request]:
    return [Request(i / lab.knobs.rate, "order", (i,)) for i in range(n)]


def data(lab: Any) -> None:
    lab.database("effects").execute("CREATE TABLE effects (number INTEGER)")


def asked(lab: Any, design: Any) -> list[Sample]:
    design.order(7)
    return [Sample("effects", len(design.effects()))]


def always(run: Run) -> Finding:
    return held("of course")


SCENARIO = Scenario(
    name="amqp",
    topic="0 · AMQP",
    question="Does an order need a queue?",
    problem="One.\nTwo.\nThree.\nFour.\nFive.",
    say_it="A queue decouples in time.",
    knobs=(Knob("rate", 300.0, 1, 5000, "a second", "orders", "the access log"),),
    metrics=(
        Metric("order_p95", "95 of 100 orders", "s", 0.001, operation="order"),
        Metric("effects", "effects of one order", "", 0.5, counted=True),
        Metric("orphaned", "traces that belong to no request", "", 0.01, of="orphans", counted=True),
    ),
    requirements=(Requirement("in-time", "order_p95", 0.5, "s", "order, 95 %", "people wait for it"),),
    workloads=(
        Workload("calm", "back to back", closed=True),
        Workload("pressure", "on a schedule", {"rate": 300}),
    ),
    designs=(
        Design("direct", "in the request", "baseline", "one process", Direct),
        Design("queued", "behind a queue", "pattern", "everybody does it", Queued),
    ),
    load=Load(requests),
    answers=lambda lab, design: design.effects(),
    data=data,
    experiments=(Experiment("asked", asked, ("calm",), rounds=1),),
    claims=(Claim("always", "A queue is a queue.", always),),
    shown=("order",),
    needs=("broker",),
)
