"""A small scenario of HTTP services for the tests of the bench: a greeter, and a relay that asks it."""

from __future__ import annotations

from typing import Any

from archlab.run import Run
from archlab.scenario import (
    Claim,
    Design,
    Experiment,
    Finding,
    Knob,
    Later,
    Load,
    Metric,
    Request,
    Requirement,
    Sample,
    Scenario,
    Workload,
    held,
    inconclusive,
)


def requests(lab: Any, n: int) -> list[Request]:
    return [Request(i / lab.knobs.rate, "greet", ("world",)) for i in range(n)]


def killed(lab: Any, design: Any) -> list[Sample]:
    if lab.knobs.rate == WAITS:
        waits(lab, design)
    lab.struck("killed")
    design.greeter.kill()
    return [Sample("back", float(design.greeter.start() or design.greeter.client.get("/hello/x").ok))]


WAITS = 7
"""The rate at which the experiment does not end by itself."""


def waits(lab: Any, design: Any) -> list[Sample]:
    """Tells where it can be asked, and waits to be killed."""
    ports = f"{design.front.port} {design.greeter.port}"
    (lab.folder / "ports.part").write_text(ports)
    (lab.folder / "ports.part").rename(lab.folder / "ports")
    while True:
        lab.random.random()


def answered(run: Run) -> Finding:
    figure = run.measured("greet_p50", "relay", "calm")
    return held(f"{figure.value:.4f} s") if figure and figure.value else inconclusive("no figure")


SCENARIO = Scenario(
    name="web",
    topic="0 · Web",
    question="Does a relay answer?",
    problem="One.\nTwo.\nThree.\nFour.\nFive.",
    say_it="A hop costs a hop.",
    knobs=(Knob("rate", 200.0, 1, 5000, "a second", "greetings", "the access log"),),
    metrics=(
        Metric("greet_p50", "half of the greetings", "s", 0.001, operation="greet", quantile=0.5),
        Metric("back", "back after a kill", "", 0.5),
    ),
    requirements=(Requirement("in-time", "greet_p50", 0.05, "s", "greet, one in two", "people wait for it"),),
    workloads=(
        Workload("calm", "back to back", closed=True),
        Workload("pressure", "on a schedule, four at once", {"rate": 200}),
    ),
    designs=(
        Design("direct", "one service", "baseline", "it is enough", Later(f"{__name__}.apps", "direct")),
        Design("relay", "two services", "pattern", "everybody does it", Later(f"{__name__}.apps", "relay")),
    ),
    load=Load(requests, connections=4),
    answers=lambda lab, design: design.greet("you"),
    data=lambda lab: None,
    experiments=(Experiment("killed", killed, ("calm",), ("relay",), rounds=2, faults={"killed": 1}),),
    claims=(Claim("answers", "The relay answers.", answered),),
    shown=("greet",),
    needs=("services",),
)
