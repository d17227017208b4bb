"""The sentences of the lesson, each judged by a pure function of a run.

Held only where the measurements support it, refuted only where they contradict it, else inconclusive. Most are counts:
the same in every run on every machine, as long as the knobs are the workload's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from archlab.scenario import Claim, Finding, about_the_workloads, held, inconclusive, refuted

if TYPE_CHECKING:
    from archlab.scenario import Measurement, Run

CLONES = "https://arxiv.org/abs/1611.08005"
RFC = "https://www.rfc-editor.org/rfc/rfc9457"
CANDIDATES = ("per-endpoint", "decorators", "middleware")
RIGHT = "the right order"
LAPSE = 0.01
"""The probability that a concern is forgotten at an endpoint: assumed."""
NOTICEABLE = 0.001
"""Seconds a request that nobody notices."""
STANDS = {"met": "meets every bound", "missed": "misses a bound", "uncertain": "may miss a bound"}


def count(run: Run, metric: str, design: str, workload: str = "pressure") -> float | None:
    """The worst that any round counted."""
    found = run.measured(metric, design, workload)
    return max(found.by_round) if found is not None and found.by_round else None


def counts(run: Run, metric: str, designs: tuple[str, ...], workload: str = "pressure") -> dict[str, float] | None:
    """By design; None where one of them was not counted."""
    found = {design: count(run, metric, design, workload) for design in designs}
    known = {design: value for design, value in found.items() if value is not None}
    return known if len(known) == len(found) else None


def places(run: Run, metric: str, design: str) -> list[Measurement]:
    return list(run.all_measured(metric, design, "pressure"))


def holes(run: Run, design: str) -> set[tuple[str, str]]:
    """Endpoint and concern of every hole in a design's grid."""
    found = [m for m in places(run, "hole", design) if m.by_round and max(m.by_round) == 1]
    return {(str(m.at["endpoint"]), str(m.at["concern"])) for m in found}


def verdict_of(true: bool, evidence: str) -> Finding:
    return held(evidence) if true else refuted(evidence)


@about_the_workloads
def forgotten(run: Run) -> Finding:
    new, released = (counts(run, metric, CANDIDATES) for metric in ("holes_new", "holes_released"))
    if new is None or released is None:
        return inconclusive("not every design was given the new endpoint")
    bare, caught, covered = CANDIDATES
    evidence = (
        f"holes at the new endpoint: {bare} {new[bare]:g}, {caught} {new[caught]:g} "
        f"({'stopped' if released[caught] == 0 else 'not stopped'} by its own test), {covered} {new[covered]:g}"
    )
    concerns = next(w.settings["concerns"] for w in run.workloads if w.name == "pressure")
    none_of_them = new[bare] == released[bare] == concerns
    return verdict_of(none_of_them and new[caught] > 0 == released[caught] and new[covered] == 0, evidence)


@about_the_workloads
def unknown_path(run: Run) -> Finding:
    unknown = counts(run, "holes_unknown", CANDIDATES)
    if unknown is None:
        return inconclusive("nobody asked for an unknown path")
    evidence = "holes at a path that does not exist: " + ", ".join(f"{d} {n:g}" for d, n in unknown.items())
    return verdict_of(unknown["per-endpoint"] > 0 and unknown["decorators"] > 0 == unknown["middleware"], evidence)


@about_the_workloads
def hunted(run: Run) -> Finding:
    found = {d: [min(m.by_round) for m in places(run, "lines_found", d) if m.by_round] for d in CANDIDATES}
    if not all(found.values()):
        return inconclusive("no failing request was hunted for")
    evidence = "lines of a failing request found by its id, at worst: " + ", ".join(
        f"{design} {100 * min(shares):.0f} %" for design, shares in found.items()
    )
    carried = all(share == 1 for design in ("decorators", "middleware") for share in found[design])
    return verdict_of(min(found["per-endpoint"]) < 1 and carried, evidence)


@about_the_workloads
def one_place(run: Run) -> Finding:
    edits = counts(run, "places", CANDIDATES)
    endpoints = next((w.settings["endpoints"] for w in run.workloads if w.name == "pressure"), None)
    if edits is None or endpoints is None:
        return inconclusive("no edits were counted")
    evidence = "places to edit: " + ", ".join(f"{design} {n:g}" for design, n in edits.items())
    grows = edits["per-endpoint"] >= endpoints
    return verdict_of(
        grows and edits["decorators"] < endpoints > edits["middleware"], f"{evidence}; {endpoints:g} endpoints"
    )


@about_the_workloads
def misordered(run: Run) -> Finding:
    found = holes(run, "misordered")
    if not places(run, "hole", "misordered"):
        return inconclusive("misordered was not probed")
    by_concern = {concern: sum(c == concern for _, c in found) for concern in ("CORS", "rate limit", "log line")}
    evidence = "with authentication first, holes by concern: " + ", ".join(f"{c} {n}" for c, n in by_concern.items())
    return verdict_of(all(by_concern.values()) and not holes(run, "middleware"), evidence)


@about_the_workloads
def exempted(run: Run) -> Finding:
    found = holes(run, "exempted")
    if not places(run, "hole", "exempted"):
        return inconclusive("exempted was not probed")
    opened = sorted(endpoint for endpoint, concern in found if concern == "authentication")
    unlimited = sorted(endpoint for endpoint, concern in found if concern == "rate limit")
    evidence = f"open to strangers: {', '.join(opened) or 'none'}; unlimited: {', '.join(unlimited) or 'none'}"
    inherited = any(endpoint.startswith("new: ") for endpoint in opened)
    return verdict_of(inherited and len(opened) > 1 and bool(unlimited), evidence)


def every_order(run: Run) -> Finding:
    seen = places(run, "symptom", "misordered")
    if not seen:
        return inconclusive("no wrong order was tried")
    wrong = {str(m.at["symptom"]): min(m.by_round) for m in seen if m.at["order"] != RIGHT}
    right = {str(m.at["symptom"]): max(m.by_round) for m in seen if m.at["order"] == RIGHT}
    shown = sorted(symptom for symptom, value in wrong.items() if value == 1)
    elsewhere = sorted(symptom for symptom, value in right.items() if value > 0)
    evidence = f"{len(shown)} of {len(wrong)} wrong orders show their symptom ({', '.join(shown)})"
    evidence += f"; the right order shows {', '.join(elsewhere) or 'none of them'}"
    return verdict_of(len(shown) == len(wrong) and not elsewhere, evidence)


def facts(*names: str) -> Callable[[Run], Finding]:
    """A claim about facts that were looked at, each true or not."""

    def judged(run: Run) -> Finding:
        seen = {str(m.at["fact"]): min(m.by_round) for m in places(run, "fact", "middleware")}
        asked = [name for name in names if name in seen]
        if len(asked) < len(names):
            return inconclusive("it was not looked at")
        false = [name for name in asked if seen[name] < 1]
        return refuted(f"not so: {'; '.join(false)}") if false else held(f"seen from outside: {'; '.join(asked)}")

    return judged


def cheap_layers(run: Run) -> Finding:
    times = {str(m.at["layers"]): m for m in places(run, "layers_time", "middleware")}
    if set(times) != {"bare", "pure", "based"}:
        return inconclusive("layers were not timed")
    if min(len(m.by_round) for m in times.values()) < 2:
        return inconclusive("layers were timed in one round, which tells nothing of the spread")
    bare, pure, based = (times[name].by_round for name in ("bare", "pure", "based"))
    each = [sum(b - a for a, b in zip(bare, other, strict=True)) / len(bare) / 5 * 1e6 for other in (pure, based)]
    ratios = sorted(b / p for b, p in zip(based, pure, strict=True))
    evidence = (
        f"a layer costs {max(0.0, each[0]):.0f} µs as pure ASGI and {each[1]:.0f} µs on BaseHTTPMiddleware; a request "
        f"through five of them takes {ratios[0]:.1f} to {ratios[-1]:.1f} × as long"
    )
    stack = [b - a for a, b in zip(bare, pure, strict=True)]
    if ratios[0] > 1.2 and max(stack) < NOTICEABLE:
        return held(evidence)
    return refuted(evidence) if ratios[-1] < 1.05 or min(stack) >= NOTICEABLE else inconclusive(evidence)


@about_the_workloads
def calm(run: Run) -> Finding:
    met = {r.outcome for r in run.requirements if (r.design, r.workload) == ("per-endpoint", "calm")}
    lines = counts(run, "lines_one_concern", CANDIDATES, "calm")
    compared = run.compared("read_p50", "calm", "per-endpoint", "middleware")
    if lines is None or compared is None or not met:
        return inconclusive("calm was not measured")
    stands = "missed" if "missed" in met else "met" if met == {"met"} else "uncertain"
    evidence = (
        f"per-endpoint {STANDS[stands]}; authentication at two endpoints "
        + ", ".join(f"{design} {n:g}" for design, n in lines.items())
        + f" lines; a request's time: {compared.outcome}"
    )
    if stands == "missed" or lines["middleware"] < lines["per-endpoint"]:
        return refuted(evidence)
    unnoticed = compared.outcome == "equivalent"
    return held(evidence) if stands == "met" and unnoticed else inconclusive(evidence)


def border(run: Run) -> Finding:
    fixed, each = (counts(run, metric, CANDIDATES) for metric in ("lines_fixed", "lines_each"))
    if fixed is None or each is None:
        return inconclusive("no lines were counted")
    stack = CANDIDATES[2]
    lines = ", ".join(f"{d} {fixed[d]:.0f} lines + {each[d]:.1f} an endpoint" for d in CANDIDATES)

    def shorter(other: str) -> str:
        if each[other] <= each[stack]:
            return f"never shorter code than {other}"
        crossing = (fixed[stack] - fixed[other]) / (each[other] - each[stack])
        return f"shorter code than {other} from {max(1, math.ceil(crossing))} endpoints on"

    evidence = f"{stack} is {shorter(CANDIDATES[0])}, and {shorter(CANDIDATES[1])}: {lines}"
    simplest_costs_more_each = each[CANDIDATES[0]] > each[stack]
    return held(evidence) if simplest_costs_more_each and fixed[CANDIDATES[0]] < fixed[stack] else refuted(evidence)


def lapses(run: Run) -> str:
    """The formula with the endpoints and concerns of the run."""
    knobs = next((w.settings for w in run.workloads if w.name == "pressure"), None)
    if knobs is None:
        return "not computed: pressure was left out"
    endpoints, concerns = knobs["endpoints"], knobs["concerns"]
    share = 1 - (1 - LAPSE) ** (endpoints * concerns)
    return f"{100 * share:.0f} % with {endpoints:g} endpoints, {concerns:g} concerns and p = 1 % (assumed)"


CLAIMS = (
    Claim(
        "forgotten",
        "An endpoint added by somebody who knows nothing of the concerns has none of them where each endpoint does "
        "its own; decorators are told by a test before it is released; behind a stack there is nothing to forget.",
        forgotten,
    ),
    Claim(
        "unknown-path",
        "What answers without an endpoint is reached by layers alone: not by what endpoints do or wear.",
        unknown_path,
    ),
    Claim(
        "hunted",
        "An id that travels in the context finds every line of a failing request, also from a thread and behind the "
        "answer; one that is handed on by hand does not.",
        hunted,
    ),
    Claim(
        "one-place",
        "A changed policy is edited once where it is written once, and at least once for every endpoint where each "
        "does its own.",
        one_place,
    ),
    Claim(
        "authentication-first",
        "Authentication as the outermost layer breaks CORS, leaves guessing unlimited and unlogged; the same layers in "
        "the right order have no hole.",
        misordered,
    ),
    Claim(
        "exemptions",
        "A prefix on a list of exemptions opens endpoints that nobody meant, a new one among them.",
        exempted,
    ),
    Claim("orders", "Every wrong order shows a symptom from outside that the right order does not.", every_order),
    Claim(
        "cors-lost",
        "An unhandled error loses its CORS headers whatever the order of a plain stack; a catcher inside keeps them.",
        facts(
            "an unhandled error loses its CORS headers, whatever the order",
            "a catcher inside CORS keeps them",
        ),
    ),
    Claim(
        "context-lost",
        "What an endpoint sets in a context variable is not seen by BaseHTTPMiddleware, and from a sync endpoint by "
        "nobody; run_in_executor loses the context, to_thread keeps it.",
        facts(
            "BaseHTTPMiddleware does not see what the endpoint set",
            "a pure ASGI layer does",
            "nobody sees what a sync endpoint set",
            "run_in_executor loses the context",
            "to_thread keeps it",
        ),
    ),
    Claim(
        "timer",
        "A timer round the application reports the time of its background tasks.",
        facts("a timer round a background task reports the task's time"),
    ),
    Claim(
        "cheap-layers",
        "Five layers in pure ASGI add less than 1 ms; on BaseHTTPMiddleware a request takes clearly longer.",
        cheap_layers,
    ),
    Claim(
        "calm",
        "With two endpoints and one concern, doing it in each is enough, the stack is not less code, and nobody "
        "notices its time.",
        calm,
    ),
    Claim(
        "border",
        "The stack's lines are there once; it is the shorter code from some number of endpoints on.",
        border,
        border="counted",
    ),
    Claim(
        "forgetting",
        "If a concern is forgotten at an endpoint with probability p, n endpoints and c concerns have at least one "
        "hole with probability 1 − (1 − p)^(n × c): with p = 1 %, 20 endpoints and 6 concerns 70 %.",
        kind="modelled",
        formula="1 − (1 − p)^(n × c)",
        here=lapses,
        source="independent lapses; p is assumed, so this says how it grows and not how large it is",
    ),
    Claim(
        "clones",
        "Copies that were changed differently hold faults: in three Java systems, 17 % of the inconsistent clones.",
        kind="reported",
        source=CLONES,
    ),
)
