"""A small scenario for the tests of loads with a timeline: a checkout that sends an e-mail, while e-mail is down."""

from __future__ import annotations

import time
from collections import deque
from http.client import HTTPException
from typing import Any

from archlab.lab import Client
from archlab.scenario import (
    Design,
    Experiment,
    Failed,
    Knob,
    Load,
    Metric,
    Request,
    Requirement,
    Scenario,
    Step,
    Workload,
)

PATIENCE = 0.2
"""Seconds within which the mail service must answer."""
NO_ANSWER = OSError, HTTPException
"""What a call raises when the service is down, or is killed in the middle of its answer."""


class Direct:
    """Sends the e-mail within the request."""

    pause = 0.0

    def __init__(self, lab: Any) -> None:
        from .mail import mail

        self.mail = lab.service(mail, "mail").ready()
        self.client = Client(self.mail.port, "mail", PATIENCE)

    def checkout(self, order: int) -> int:
        time.sleep(self.pause)
        try:
            self.client.post(f"/send/{order}")
        except NO_ANSWER:
            raise Failed("e-mail is down") from None
        return order


class Slow(Direct):
    """Takes four times as long as there is between two requests."""

    pause = 0.04


class Queued:
    """Leaves the e-mail to a courier, who delivers it as soon as it can be delivered."""

    def __init__(self, lab: Any) -> None:
        from .mail import mail

        self.mail = lab.service(mail, "mail").ready()
        self.courier = lab.spawn(courier, "courier")
        self.courier.send(self.mail.port)

    def checkout(self, order: int) -> int:
        self.courier.send(order)
        return order


def courier(lab: Any, inbox: Any) -> None:
    client = Client(inbox.receive(), "mail", PATIENCE)
    waiting: deque[int] = deque()
    late = False
    while True:
        order = inbox.receive(timeout=0 if waiting else None)
        if order is not None:
            waiting.append(order)
            continue
        try:
            client.post(f"/send/{waiting[0]}")
        except NO_ANSWER:
            late = True
            time.sleep(0.01)
            continue
        waiting.popleft()
        if late and not waiting:
            lab.seen("the queue is empty")
            late = False


def requests(lab: Any, n: int) -> list[Request]:
    return [Request(i / lab.knobs.rate, "checkout", (i,)) for i in range(n)]


def stop(lab: Any, design: Any) -> None:
    design.mail.kill()


def start(lab: Any, design: Any) -> None:
    design.mail.start()
    design.mail.ready()


PRESSURE = ("pressure",)

SCENARIO = Scenario(
    name="checkout",
    topic="0 · Checkout",
    question="Does a checkout need e-mail?",
    problem="One.\nTwo.\nThree.\nFour.\nFive.",
    say_it="What can be done later need not work now.",
    knobs=(Knob("rate", 100.0, 1, 5000, "a second", "checkouts", "the access log"),),
    metrics=(
        Metric("checkout_p95", "95 of 100 checkouts", "s", 0.001, operation="checkout"),
        Metric("checkout_time", "a checkout", "s", 0.001, operation="checkout", quantile=0.5, of="service"),
        Metric("down_p95", "95 of 100, e-mail down", "s", 0.001, operation="checkout", experiment="mail-down"),
        Metric(
            "down_failed", "failed, e-mail down", "share", 0.01,
            operation="checkout", of="failures", experiment="mail-down",
        ),
    ),
    requirements=(
        Requirement("in-time", "checkout_p95", 0.3, "s", "checkout, 95 %", "people wait for it"),
        Requirement("down-in-time", "down_p95", 0.3, "s", "checkout, e-mail down", "they wait then, too", PRESSURE),
        Requirement("down-works", "down_failed", 0.0, "share", "failed, e-mail down", "orders are money", PRESSURE),
    ),
    workloads=(
        Workload("calm", "back to back", closed=True),
        Workload("pressure", "on a schedule"),
    ),
    designs=(
        Design("direct", "within the request", "baseline", "nothing to run beside it", Direct),
        Design("slow", "within a slow request", "alternative", "it does more", Slow, workloads=PRESSURE),
        Design("queued", "by a courier", "pattern", "checkout does not wait for e-mail", Queued),
    ),
    load=Load(requests),
    answers=lambda lab, design: design.checkout(1),
    data=lambda lab: None,
    experiments=(
        Experiment(
            "mail-down",
            workloads=PRESSURE,
            timeline=(
                Step(0.2, "e-mail stops", stop, fault="e-mail down"),
                Step(0.6, "e-mail is back", start),
            ),
        ),
    ),
    shown=("checkout",),
    needs=("services",),
)  # fmt: skip
