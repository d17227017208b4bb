"""What is done to the designs beside serving their load: probing, a new endpoint, a hunt, wrong orders, surprises."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from archlab.scenario import Sample, ScenarioError

from . import counting, probe, symptoms
from .api import Api, ask
from .endpoints import BAD_ROW, ENDPOINTS, NEW, STOPPED, UNKNOWN
from .workload import FIRST, UNMAILABLE, UNRENDERABLE
from .world import ORIGIN, REQUEST_ID

if TYPE_CHECKING:
    from archlab.lab import Lab

CHANGE = "new-endpoint"


def consistency(lab: Lab, api: Api) -> Iterator[Sample]:
    """Every endpoint × every concern. Under pressure somebody adds an endpoint, and somebody asks for a wrong path."""
    grows = lab.knobs.concerns > 1 and lab.workload != "calm"
    swept, caught = (_with_new_endpoint(lab) if grows else None) or (api, None)
    flooded = swept.started("flooded", limit=probe.FEW)
    table = probe.endpoints(int(lab.knobs.endpoints), new=caught is not None, unknown=grows)
    grid = probe.sweep(lab, swept.service, flooded, table, int(lab.knobs.concerns))
    named = {str(NEW): f"new: {NEW}", str(UNKNOWN): f"unknown: {UNKNOWN}"}
    for endpoint, row in grid.items():
        for concern, hole in row.items():
            stopped = endpoint == str(NEW) and caught
            where = {"endpoint": named.get(endpoint, endpoint), "concern": concern}
            yield Sample("hole", hole * (STOPPED if stopped else 1), where)
    found = {
        endpoint: tuple(f"{endpoint}: {concern}" for concern, hole in row.items() if hole)
        for endpoint, row in grid.items()
    }
    new, unknown = found.pop(str(NEW), None), found.pop(str(UNKNOWN), None)
    known = tuple(hole for row in found.values() for hole in row)
    yield Sample("holes", len(known), cases=known)
    if unknown is not None:
        yield Sample("holes_unknown", len(unknown), cases=unknown)
    code = counting.counted(lab.design)
    yield Sample("places", len(code.places), cases=code.places)
    yield Sample("lines_fixed", code.fixed)
    yield Sample("lines_each", code.each)
    yield Sample("lines_one_concern", code.one_concern)
    yield Sample("lines_here", code.fixed + code.each * lab.knobs.endpoints)
    if new is not None:
        yield Sample("caught", float(bool(caught)))
        yield Sample("holes_new", len(new), cases=new)
        yield Sample("holes_released", 0 if caught else len(new), cases=() if caught else new)


def _with_new_endpoint(lab: Lab) -> tuple[Api, bool] | None:
    """The design after the change, and whether its own tests would have stopped it; None where it does not fit."""
    try:
        module = lab.module(lab.design.version(CHANGE))
    except ScenarioError:
        return None  # an edited copy: its new endpoint is simply not measured
    own_test = getattr(module, "bare", None)
    return Api(lab, module.app), bool(own_test and own_test(module.app(lab)))


def hunt(lab: Lab, api: Api) -> Iterator[Sample]:
    """In a crowd two requests fail, one in a thread and one behind its answer. Their ids are known: find their lines.

    What there is to find is told by the number of the order, which is in every line that is about it.
    """
    ids: dict[int, str] = {}
    crowd = int(lab.knobs.one_in)
    # It is the receipt that fails, so this one has all endpoints, however few there are.
    service = api.started("hunted", endpoints=len(ENDPOINTS))
    for order in (UNRENDERABLE, UNMAILABLE):
        read = probe.crowd(service, [f"/orders/{FIRST + i % 400}" for i in range(crowd // 2)], "bob")
        yield Sample("crowd", read)
        answer = ask(service, "POST", f"/orders/{order}/receipt", "ann")
        ids[order] = answer.headers.get(REQUEST_ID) or "none"
    service.stop()
    lines = service.log()
    for order, where, begun, ended in (
        (UNRENDERABLE, "in a thread", "rendering a receipt", "receipt rendered"),
        (UNMAILABLE, "behind the answer", "mailing a receipt", "receipt mailed"),
    ):
        about = [line for line in lines if str(order) in repr(line)]
        messages = {line["message"] for line in about}
        if begun in messages and ended not in messages:
            lab.struck(BAD_ROW)
        # A failure that left no line at all is found by nothing.
        lost = tuple(
            f'fails {where}: the line "{line["message"]}" has the id {line["id"] or "none"}'
            for line in about
            if line["id"] != ids[order]
        )
        found = (len(about) - len(lost)) / max(1, len(about))
        yield Sample("lines_found", found, {"fails": where})
        yield Sample("lines", len(about), {"fails": where})
        yield Sample("lines_lost", 1 - found, cases=lost)


def wrong_orders(lab: Lab, api: Api) -> Iterator[Sample]:
    """Every plausible wrong order, and whether it shows its symptom where the right order does not."""
    from . import orders

    count = len(symptoms.ORDERS)
    wrong = [lab.service(orders.app, f"order-{i}", settings={"order": i + 1, "limit": probe.FEW}) for i in range(count)]
    right = [lab.service(orders.app, f"right-{i}", settings={"order": 0, "limit": probe.FEW}) for i in range(count)]
    for (name, symptom, shows), misplaced, placed in zip(symptoms.ORDERS, wrong, right, strict=True):
        yield Sample("symptom", float(shows(lab, misplaced)), {"order": name, "symptom": symptom})
        yield Sample("symptom", float(shows(lab, placed)), {"order": symptoms.RIGHT, "symptom": symptom})


def surprises(lab: Lab, api: Api) -> Iterator[Sample]:
    """Facts about Starlette and asyncio that cost somebody a night, each looked at from outside."""
    from . import facts

    service = lab.service(facts.surprises, "facts")
    allowed = "access-control-allow-origin"

    def header(path: str, name: str) -> str:
        return str(ask(service, "GET", path).headers.get(name))

    def fact(name: str, true: bool) -> Sample:
        return Sample("fact", float(true), {"fact": name})

    plain = [header(f"/{stack}/fail", allowed) for stack in ("cors-outside", "cors-inside")]
    yield fact("an unhandled error loses its CORS headers, whatever the order", plain == ["None", "None"])
    yield fact("a catcher inside CORS keeps them", header("/cors-around-catcher/fail", allowed) == ORIGIN)
    yield fact("BaseHTTPMiddleware does not see what the endpoint set", header("/based/sets", facts.SEEN) == "nothing")
    yield fact("a pure ASGI layer does", header("/pure/sets", facts.SEEN) == "set")
    unseen = [header(f"/{stack}/sets-in-thread", facts.SEEN) for stack in ("pure", "based")]
    yield fact("nobody sees what a sync endpoint set", unseen == ["nothing", "nothing"])
    yield fact("run_in_executor loses the context", ask(service, "GET", "/executor").json()["seen"] == "nothing")
    yield fact("to_thread keeps it", ask(service, "GET", "/thread").json()["seen"] == "set")
    began = time.perf_counter()
    ask(service, "GET", "/timed/")
    answered = time.perf_counter() - began
    service.stop()
    timed = next(line["ms"] for line in service.log() if line["message"] == "timed") / 1000
    yield fact(
        "a timer round a background task reports the task's time", timed > facts.TASK * 0.9 and timed > 2 * answered
    )


def layers_cost(lab: Lab, api: Api) -> Iterator[Sample]:
    """The same endpoint bare, inside five pure ASGI layers, and inside five BaseHTTPMiddleware, taken in turn."""
    from . import facts

    services = {build.__name__: lab.service(build, build.__name__) for build in (facts.bare, facts.pure, facts.based)}
    times: dict[str, list[float]] = {name: [] for name in services}
    for i in range(48):
        for name, service in services.items():
            began = time.perf_counter()
            service.client.get("/")
            if i >= 8:
                times[name].append(time.perf_counter() - began)
    for name, each in times.items():
        yield Sample("layers_time", sorted(each)[len(each) // 2], {"layers": name})
