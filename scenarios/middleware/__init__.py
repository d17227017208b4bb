"""Topic 20, middleware: where do the concerns of every request live?"""

from __future__ import annotations

from archlab.scenario import (
    Design,
    Experiment,
    Grid,
    Knob,
    Later,
    Load,
    Mark,
    Metric,
    Requirement,
    Scenario,
    Word,
    Workload,
)

from .claims import CLAIMS
from .endpoints import BAD_ROW, CONCERNS, ENDPOINTS, FAILED, STOPPED

DONE, WORKLOAD = f"{__name__}.experiments", f"{__name__}.workload"
"""Modules that are imported when they are needed: `archlab list` waits for none of them."""

KNOBS = (
    Knob(
        name="endpoints",
        default=len(ENDPOINTS),
        low=1,
        high=len(ENDPOINTS),
        unit="endpoints",
        says="endpoints that the API has",
        read_from="the route table: print(len(app.routes)); or git grep -c Route\\( in the API's modules",
    ),
    Knob(
        name="concerns",
        default=len(CONCERNS),
        low=1,
        high=len(CONCERNS),
        unit="concerns",
        says=f"how many of these hold for every request: {', '.join(CONCERNS)}",
        read_from="your API's guidelines: count what is promised of every endpoint",
    ),
    Knob(
        name="rate",
        default=400,
        low=20,
        high=2000,
        unit="requests a second",
        says="requests that arrive",
        read_from="the access log: requests in the busiest minute of a week ÷ 60, ÷ the number of workers",
    ),
    Knob(
        name="one_in",
        default=100,
        low=10,
        high=10_000,
        unit="requests",
        says="requests around two that fail, whose log lines are then hunted for",
        read_from="the access log: all requests ÷ those with status 500 and above",
    ),
)

METRICS = (
    Metric(
        "read_p50",
        "read an order: the median, without any wait before it",
        "s",
        noticeable=0.005,
        operation="read_order",
        quantile=0.5,
        of="service",
    ),
    Metric("read_p95", "read an order, 95 %", "s", noticeable=0.005, operation="read_order"),
    Metric(
        "hole",
        "a concern does not hold at an endpoint",
        "holes",
        0.5,
        counted=True,
        view=Grid(
            "endpoint",
            "concern",
            title="endpoints × concerns, found by probing",
            marks={
                0: Mark("·", "holds", good=True),
                1: Mark("✗", "does not", good=False),
                STOPPED: Mark("t", "stopped by its own test"),
            },
            total="holes",
        ),
    ),
    Metric("holes", "holes at the endpoints that there are", "holes", 0.5, counted=True),
    Metric("holes_new", "holes at an endpoint added in ignorance", "holes", 0.5, counted=True),
    Metric("holes_released", "of those, what no test of the design's own stops", "holes", 0.5, counted=True),
    Metric("caught", "the design's own test finds the new endpoint", "", 0.5, better="higher", counted=True),
    Metric("holes_unknown", "holes at a path that does not exist", "holes", 0.5, counted=True),
    Metric("lines_lost", "log lines of a failing request that its id does not find", "share", 0.05, counted=True),
    Metric("lines_found", "log lines of a failing request that its id finds", "share", 0.05, "higher", counted=True),
    Metric("crowd", "requests answered around a failing one", "requests", 0.5, better="higher", counted=True),
    Metric("lines", "log lines that a failing request left", "lines", 0.5, counted=True),
    Metric("places", "places that the change of a policy touches", "", 0.5, counted=True),
    Metric("lines_fixed", "lines that are there with no endpoint at all", "lines", 0.5, counted=True),
    Metric("lines_each", "lines that every endpoint costs", "lines", 0.5, counted=True),
    Metric("lines_here", "lines at so many endpoints", "lines", 0.5, counted=True),
    Metric("lines_one_concern", "lines for authentication alone, at two endpoints", "lines", 0.5, counted=True),
    Metric("symptom", "the symptom is seen", "", 0.5, counted=True),
    Metric("fact", "seen to be so", "", 0.5, better="higher", counted=True),
    Metric("layers_time", "one request through layers that do nothing", "s", noticeable=0.001),
)

REQUIREMENTS = (
    Requirement("consistent", "holes", 0, "holes", "holes at known endpoints", "one open endpoint is an open system"),
    Requirement(
        "new-endpoint",
        "holes_released",
        0,
        "holes",
        "holes at a new endpoint",
        "whoever adds one thinks of the feature, not of six concerns",
        ("pressure",),
    ),
    Requirement(
        "unknown-path",
        "holes_unknown",
        0,
        "holes",
        "holes at a wrong path",
        "scanners ask for paths that do not exist; unlogged and unlimited, they are not seen",
        ("pressure",),
    ),
    Requirement(
        "found-by-id",
        "lines_lost",
        0,
        "share",
        "log lines without its id",
        "a customer has the id from the answer; what it does not find is looked for by guessing times",
        ("pressure",),
    ),
    Requirement(
        "one-place",
        "places",
        1,
        "",
        "edits to change a policy",
        "what must be edited at every endpoint will be forgotten at one",
        ("pressure",),
    ),
    Requirement(
        "overhead",
        "read_p50",
        0.005,
        "s",
        "a request, 50 %",
        "all of it, concerns included, is a tenth of a request of 50 ms: nobody looks for time here",
    ),
)

WORKLOADS = (
    Workload("calm", "two endpoints, one concern: who is it?", {"endpoints": 2, "concerns": 1}, closed=True),
    Workload(
        "pressure",
        f"{len(ENDPOINTS)} endpoints, six concerns; somebody adds one, somebody asks for a wrong path",
        {"endpoints": len(ENDPOINTS), "concerns": len(CONCERNS)},
    ),
)

STEPS = {
    "per-endpoint": {
        "request_id": "correlation id",
        "finished": "access log",
        "admitted": "rate limit",
        "user": "authentication",
    },
    "decorators": {
        "traced": "correlation id",
        "logged": "access log",
        "caught": "errors",
        "limited": "rate limit",
        "authenticated": "authentication",
    },
}
"""What the trace shows by the names that the layers of a stack have, too."""
PROMISES = "An answered order is committed; limits are forgotten when the process ends."

DESIGNS = (
    Design(
        "per-endpoint",
        "every endpoint does its own",
        "baseline",
        "All that happens to a request stands in one function; with two endpoints nothing is simpler.",
        Later(f"{__name__}.per_endpoint", "start"),
        promises=PROMISES,
        steps=STEPS["per-endpoint"],
    ),
    Design(
        "decorators",
        "decorators on every endpoint, and a test that finds a bare one",
        "alternative",
        "Written once, visible where it holds, and a test guards what people forget.",
        Later(f"{__name__}.decorators", "start"),
        promises=PROMISES,
        steps=STEPS["decorators"],
    ),
    Design(
        "middleware",
        "a stack of layers around the whole API",
        "pattern",
        "What holds for every request is written where every request passes.",
        Later(f"{__name__}.middleware", "start"),
        promises=PROMISES,
        modules=("layers", "handlers"),
    ),
    Design(
        "misordered",
        "the same layers, authentication first",
        "misuse",
        "Reject as early as possible: what is refused at the door costs nothing.",
        Later(f"{__name__}.misordered", "start"),
        promises=PROMISES,
        modules=("layers", "handlers"),
        workloads=("pressure",),
    ),
    Design(
        "exempted",
        "the same layers, with lists of paths that skip some",
        "misuse",
        "Each exemption is one line, and mended a real complaint on the day.",
        Later(f"{__name__}.exempted", "start"),
        promises=PROMISES,
        modules=("layers", "handlers"),
        workloads=("pressure",),
    ),
)

EXPERIMENTS = (
    Experiment("consistency", Later(DONE, "consistency"), rounds=1, faults={FAILED: 1}),
    Experiment("hunt", Later(DONE, "hunt"), ("pressure",), rounds=1, faults={BAD_ROW: 2}),
    Experiment("wrong_orders", Later(DONE, "wrong_orders"), ("pressure",), ("misordered",), rounds=1, quick=False),
    Experiment("surprises", Later(DONE, "surprises"), ("pressure",), ("middleware",), rounds=1, quick=False),
    Experiment("layers_cost", Later(DONE, "layers_cost"), ("pressure",), ("middleware",), rounds=3, quick=False),
)

WORDS = (
    Word(
        "hole",
        "A concern that does not hold at an endpoint (✗ in the grid): a stranger gets in, a request leaves no line. "
        "Found from outside, by requests to every endpoint. One marked t is stopped by the design's own test before "
        "it is released.",
        also=("holes", "the grid", "grid"),
        see=("requirement",),
    ),
)

SCENARIO = Scenario(
    name="middleware",
    topic="20 · Middleware",
    question="Where do the concerns of every request live?",
    seconds=15,
    problem="""\
A shop's API: every request needs to be authenticated, limited, logged, given
an id, and answered properly when it fails; and browsers want CORS.
Two endpoints and one concern in calm. Under pressure six concerns hold at every
endpoint, at one that a colleague adds tomorrow, and at a path that is wrong;
a failure is found by its id; a policy is one edit. What is enough?""",
    say_it="What holds for every request lives where every request passes: in layers, in an order that you can defend.",
    knobs=KNOBS,
    metrics=METRICS,
    requirements=REQUIREMENTS,
    workloads=WORKLOADS,
    designs=DESIGNS,
    load=Load(Later(WORKLOAD, "requests"), busy="its connection"),
    answers=Later(WORKLOAD, "answers"),
    data=Later(WORKLOAD, "seed"),
    experiments=EXPERIMENTS,
    claims=CLAIMS,
    shown=("read_order",),
    shown_workload="pressure",
    lines="lines_here",
    change_request="Answer errors as problem+json: RFC 9457, with the correlation id.",
    try_next=(
        ("archlab show middleware --code", "read the three side by side: where is a concern written?"),
        ("archlab run middleware --set endpoints=3", "does a small API need the stack?"),
        (
            "archlab new mine --from middleware",
            "give decorators a catch-all endpoint: is the stack needed then?",
        ),
    ),
    needs=("services",),
    words=WORDS,
)
