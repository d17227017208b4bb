"""Says in words what a run found: verdict, prediction, claims, how far to trust it, what to try next."""

from __future__ import annotations

from rich.text import Text

from archlab.run import ClaimOutcome, Comparison, DesignFacts, Run, Verdict
from archlab.scenario import Scenario
from archlab.view import differences, edits, facts, panes, units
from archlab.view.next_steps import LONGER, again, called
from archlab.view.page import BAD, DIM, GOOD, HEAD, UNSURE, Page, Part

LABEL = 9
"""Cells for ``VERDICT`` and its like; the sentences stand to the right of them."""

FEW = 3
"""Kinds of faults that are named one by one; of more, the names would hide that all of them struck."""

TRAPS = {
    "self-inflicted": "faster means needed",
    "misses": "simple is always enough",
    "misuse": "the pattern's name is enough",
}
"""The trap behind a wrong prediction, by how the predicted design really stands."""


def said(page: Page, label: str, body: Part, style: str = HEAD) -> list[Text]:
    return page.wrap(body, (label, style), LABEL)


UNSTEADY = 0.25
"""A baseline that differs from itself by more than this makes its verdict doubtful."""


def verdict(page: Page, run: Run, scenario: Scenario | None = None) -> list[Text]:
    """A line for the workloads of each outcome, with the reason; before them a doubt about all of them."""
    if not run.verdicts:
        return []
    lines = _unsteady(page, run, scenario)
    for sentence in verdict_sentences(run, scenario):
        lines += said(page, "" if lines else "VERDICT", sentence)
    return lines


def _unsteady(page: Page, run: Run, scenario: Scenario | None) -> list[Text]:
    """That the baseline differs too much from itself, and what to do about it."""
    baseline = facts.simplest(run)
    if baseline is None or run.noise is None or run.noise <= UNSTEADY:
        return []
    differs = f"{baseline.name} differs from itself by {units.percent(run.noise)}"
    told = page.text((f"Doubtful: {differs}. Close other programs and measure longer.", UNSURE))
    lines = said(page, "VERDICT", told)
    return [*lines, *page.command(again(run, scenario, LONGER), indent=LABEL)] if scenario else lines


def borders(page: Page, run: Run, scenario: Scenario | None = None) -> list[Text]:
    return [line for border in facts.borders(run, scenario) for line in said(page, "BORDER", border)]


def verdict_sentences(run: Run, scenario: Scenario | None = None) -> list[str]:
    """One clause for the workloads of each outcome, how edited designs stand beside their originals, then what the
    self-inflicted pattern would cost."""
    grouped: dict[str, list[str]] = {}
    for v in run.verdicts:
        why = _missed(run, v.workload, scenario)
        clause = f"{_clause(run, v, scenario)}{'. ' * bool(why)}{why}".rstrip(".")
        grouped.setdefault(clause, []).append(v.workload)
    sentences = [f"{units.listed(workloads)}: {clause}." for clause, workloads in grouped.items()]
    sentences += edits.sentences(run, scenario)
    cost = _cost_sentence(run, scenario)
    return [*sentences, cost] if cost else sentences


def _clause(run: Run, v: Verdict, scenario: Scenario | None) -> str:
    if run.flips(v.workload):
        return _flipping(run, v.workload, scenario)
    if v.status == "none":
        return "no design meets every requirement"
    if v.status == "uncertain":
        if len(v.candidates) > 1:
            return f"this run cannot tell whether {units.listed(v.candidates, 'or')} is enough"
        return f"this run cannot tell, perhaps {''.join(v.candidates)}"
    busy = facts.busy(run, v.workload, v.design or "") if v.workload == facts.shown_workload(run, scenario) else None
    if busy is None or busy < 0.01:
        return f"{v.design} is enough"
    whose = f"{scenario.load.busy} " if scenario and scenario.load.busy else ""
    return f"{v.design} is enough ({whose}{units.percent(busy)} busy)"


def _missed(run: Run, workload: str, scenario: Scenario | None) -> str:
    """``crud misses "page, 95 %": 410 ms, at most 100 ms``, of the simplest design that is not enough."""
    v, simplest = run.verdict(workload), facts.simplest(run)
    if v is None or v.status != "sufficient" or simplest is None or run.flips(workload):
        return ""
    for r in run.requirements:
        if (r.workload, r.design, r.outcome) == (workload, simplest.name, "missed"):
            m, reason, asked = facts.behind(run, r), facts.missed_because(run, r), facts.says(scenario, r.id)
            if served := facts.serves(reason):
                return f"{simplest.name} serves {served[0]} of {served[1]}/s"
            figure = units.figure(m.value, m.unit) if m and m.value is not None else reason
            return f"{simplest.name} misses “{asked}”: {figure}, bound {units.bound(r.at_most, r.unit, r.at_least)}"
    return ""


def _flipping(run: Run, workload: str, scenario: Scenario | None) -> str:
    """``it depends on rtt: monolith at 0 and 0.5 ms, extract-one at 2 ms, none at 10 ms``."""
    along = [v for v in run.verdicts_along if v.workload == workload]
    knob = next(iter(along[0].at))
    unit = next((k.unit for k in scenario.knobs if k.name == knob), "") if scenario else ""
    needed: dict[str, list[str]] = {}
    for v in along:
        which = {"sufficient": f"{v.design}", "none": "none"}.get(
            v.status, f"perhaps {units.listed(v.candidates, 'or')}"
        )
        needed.setdefault(which, []).append(f"{v.at[knob]:g}")
    told = [f"{which} at {units.listed(values)} {unit}".rstrip() for which, values in needed.items()]
    return f"it depends on {knob}: {', '.join(told)}"


def _cost_sentence(run: Run, scenario: Scenario | None) -> str:
    """What the full pattern costs where something simpler does, at the shown workload if it is so there."""
    pattern = facts.full_pattern(run)
    shown = facts.shown_workload(run, scenario)
    for workload in sorted((v.workload for v in run.verdicts), key=lambda name: name != shown):
        v = run.verdict(workload)
        if pattern is None or v is None or v.design is None:
            continue
        if facts.standing(run, workload, pattern.name) == "self-inflicted":
            return _cost(run, scenario, workload, run.design(v.design), pattern)
    return ""


def _cost(run: Run, scenario: Scenario | None, workload: str, simple: DesignFacts, pattern: DesignFacts) -> str:
    sooner = _times_sooner(run, workload, simple.name, pattern.name)
    where = _under(workload).capitalize() if workload == "pressure" else f"In {workload}"
    than = f"faster than {simple.name}"
    slight = f"{_not_sooner(run, workload, simple.name, pattern.name)} {than}"
    gain = f"{units.ratio(sooner)} {than}, which nobody needs, at" if sooner else f"{slight}, for"
    price = []
    few, many = (facts.lines(run, scenario, design, workload) for design in (simple, pattern))
    if few and many > few:
        price.append(f"{units.ratio(many / few)} the code")
    for more, one in (
        (pattern.processes - simple.processes, "process"),
        (pattern.queues - simple.queues, "queue"),
    ):
        if more > 0:
            price.append(f"{units.word(more)} more {one}" + ("es" if one == "process" else "s") * (more > 1))
    price += _later(run, scenario, workload, simple.name, pattern.name)
    if not price:
        gain, _, _ = gain.rpartition(",")
    return f"{where}, {pattern.name} is {' '.join([gain, units.listed(price)]).rstrip()}."


def _times_sooner(run: Run, workload: str, simple: str, pattern: str) -> float | None:
    """By what factor the pattern's first required time is shorter, where that is beyond noise and margin."""
    c = _in_time(run, workload, simple, pattern)
    if c is None or c.outcome not in ("better", "worse"):
        return None
    sooner = c.ratio if c.a == simple else 1 / c.ratio if c.ratio else 0.0
    return sooner if sooner > 1 else None


def _not_sooner(run: Run, workload: str, simple: str, pattern: str) -> str:
    """What is known of a pattern that is not sooner: nobody notices, it is slower, or this run does not tell."""
    c = _in_time(run, workload, simple, pattern)
    outcome = c.outcome if c is not None else "cannot tell"
    return {"equivalent": "not noticeably", "cannot tell": "not measurably"}.get(outcome, "not")


def _in_time(run: Run, workload: str, simple: str, pattern: str) -> Comparison | None:
    """The two compared by their first required time."""
    for r in facts.demands(run, workload):
        found = facts.compared(run, r.metric, workload, simple, pattern)
        if r.unit == "s" and found is not None:
            return found
    return None


def _later(run: Run, scenario: Scenario | None, workload: str, simple: str, pattern: str) -> list[str]:
    """The required times that the pattern makes longer, noticeably: ``58 ms instead of at once (own order seen)``."""
    found = []
    for r in facts.demands(run, workload):
        a, b = (facts.alone(run, r.metric, design, workload) for design in (simple, pattern))
        if r.unit != "s" or a is None or b is None or a.value is None or b.value is None:
            continue
        noticeable = scenario.metric(r.metric).noticeable if scenario else r.bound / 100
        if b.value - a.value > noticeable:
            was = units.measured(a.value, "s")
            found.append(f"{units.duration(b.value)} instead of {was} ({facts.says(scenario, r.id)})")
    return found


def you_said(page: Page, run: Run, design: str, confidence: int, scenario: Scenario | None = None) -> list[Text]:
    return said(page, "YOU SAID", prediction_sentence(run, design, confidence, scenario))


def prediction_sentence(run: Run, design: str, confidence: int, scenario: Scenario | None = None) -> str:
    """The prediction beside the outcome at the shown workload, with the trap that a wrong one fell into."""
    workload = facts.shown_workload(run, scenario)
    v = run.verdict(workload)
    told = f"{design} {_under(workload)}, {confidence} % sure"
    open_still = v is not None and v.status == "uncertain" and (design in v.candidates or not v.candidates)
    if v is None or open_still:
        return f"{told}. Not counted: this run cannot tell."
    if v.status == "uncertain":
        return f"{told}; the answer is {units.listed(v.candidates, 'or')}. You will be asked again."
    if v.design == design:
        return f"{told}. Right: {workload} needs {design}."
    truth = f"the answer was {v.design}" if v.design else f"no design is enough in {workload}"
    trap = _trap(run, workload, design, v.design)
    return f"{told}; {truth}. {trap}You will be asked again."


def _under(workload: str) -> str:
    return "under pressure" if workload == "pressure" else f"in {workload}"


def _trap(run: Run, workload: str, predicted: str, needed: str | None) -> str:
    orders = {d.name: d.order for d in run.designs}
    if predicted not in orders or needed is None:
        return ""
    stands = facts.standing(run, workload, predicted)
    if stands == "misses" and run.design(predicted).role == "misuse":
        stands = "misuse"
    elif stands == "misses" and orders[predicted] > orders[needed]:
        return ""
    return f'Trap: "{TRAPS[stands]}". ' if stands in TRAPS else ""


def say_it(page: Page, scenario: Scenario | None) -> list[Text]:
    return said(page, "SAY IT", f"“{scenario.say_it}”") if scenario and scenario.say_it else []


def claims(page: Page, run: Run, scenario: Scenario | None = None, brief: bool = False) -> list[Text]:
    """How many claims held; one that did not hold stands in full, with its evidence. ``brief`` leaves out the names.

    A quick or narrowed run leaves claims open by its nature: no evidence is owed, and only a whole run tells more.
    """
    asked = [c for c in run.claims if c.outcome is not None]
    others = [c for c in run.claims if c.outcome is None]
    if not run.claims:
        return []
    held = [c for c in asked if c.outcome == "held"]
    style = GOOD if len(held) == len(asked) else ""
    parts: list[Part] = [(f"{len(held)} of {len(asked)} held", style)]
    if held and not brief:
        parts.append(": " + " · ".join(c.id for c in held))
    elif run.run_id is not None:
        parts.append(f": archlab claims {run.run_id}")
    lines = said(page, "CLAIMS", page.text(*parts)) if asked else []
    open_ones = [c for c in asked if c.outcome == "inconclusive"]
    by_nature = _leaves_open(run, scenario)
    if by_nature and open_ones:
        why, more = by_nature
        named = " · ".join(c.id for c in open_ones)
        told = page.text(("? open", UNSURE), f" {why}: {named}.")
        lines += page.with_command(told, f"Try {more}", indent=LABEL)
    for c in asked:
        if c.outcome != "held" and not (by_nature and c.outcome == "inconclusive"):
            lines += page.wrap(_not_held(page, c), indent=LABEL)
    if others and not brief:
        named = " · ".join(f"{c.id} ({c.kind})" for c in others)
        lines += said(page, "" if lines else "CLAIMS", page.text((f"not judged here: {named}", DIM)))
    return lines


def _leaves_open(run: Run, scenario: Scenario | None) -> tuple[str, str] | None:
    """Why a run leaves claims open whatever it measures, and what to try; None for a whole run."""
    left_out = facts.left_out(run, scenario)
    if not left_out:
        longer = again(run, scenario, LONGER) if scenario else LONGER
        return ("in a quick look", longer) if run.quick else None
    how = "this quick look" if run.quick else "this run"
    turned = " or turned knobs" if run.turned else ""
    return f"because {how} left out {left_out}{turned}", f"the whole: archlab run {called(run, scenario)}"


def _not_held(page: Page, c: ClaimOutcome) -> Text:
    mark, style = ("✗", BAD) if c.outcome == "refuted" else ("?", UNSURE)
    more = "" if c.outcome == "refuted" else f" Try {LONGER}."
    evidence = f" Evidence: {c.evidence.rstrip('.')}." if c.evidence else ""
    return page.text((f"{mark} {c.outcome}", style), f" {c.id}: {c.text.rstrip('.')}.{evidence}{more}")


def checked(page: Page, run: Run, scenario: Scenario | None = None) -> list[Text]:
    """``archlab check``: what was asked and how it ended."""
    lines = page.wrap(page.text((run.scenario, HEAD), f" · {run.question}"))
    if not run.valid:
        return [*lines, *invalid(page, run, scenario)]
    return [*lines, *verdict(page, run, scenario), *claims(page, run, scenario), *trust(page, run, scenario)]


def trust(page: Page, run: Run, scenario: Scenario | None = None, brief: bool = False) -> list[Text]:
    """Noise, repetitions, faults that really struck, what was assumed, what the tracing cost, and what the run noticed
    about itself; ``brief`` shows the first of several findings."""
    told = [*trust_facts(run, brief), *facts.assumed(run, scenario)]
    lines = said(page, "TRUST", " · ".join(told) or "nothing was repeated")
    findings = (*panes.traced_otherwise(run), *run.findings)
    shown = findings[:1] if brief else findings
    hidden = len(findings) - len(shown)
    for i, finding in enumerate(shown):
        others = f" ({hidden} more in the report)" if hidden and i == len(shown) - 1 else ""
        lines += page.wrap(page.text(("! ", UNSURE), finding + others), indent=LABEL)
    return lines


def trust_facts(run: Run, brief: bool = False) -> list[str]:
    told = []
    simplest = facts.simplest(run)
    if run.noise is not None and simplest is not None:
        told.append(f"{simplest.name} differs from itself by {units.percent(run.noise)}")
    repeated = [m for m in run.measurements if m.per_round > 0]
    if repeated and not brief:
        # An overloaded design is served in fewer rounds: more would tell nothing more.
        at_ease = [m for m in repeated if (m.utilisation or 0) < 1] or repeated
        rounds, fewest = min(m.rounds for m in at_ease), min(m.per_round for m in repeated)
        told.append(f"{units.count(rounds, 'round')}, n ≥ {fewest:,}")
    if run.quick:
        told.append("--quick: fewer rounds")
    injected: dict[str, list[int]] = {}
    for f in run.faults:
        counted = injected.setdefault(facts.words(f.name), [0, 0])
        counted[0] += f.injected
        counted[1] += f.planned
    struck = [f"{name} {struck_of(times, planned)}" for name, (times, planned) in injected.items()]
    if len(injected) > FEW and all(times == planned for times, planned in injected.values()):
        struck = [f"all {sum(planned for _, planned in injected.values())}, of {len(injected)} kinds"]
    told += [f"faults injected: {', '.join(struck)}"] if struck else []
    if run.environment.get("broker"):
        told.append(f"broker: {run.environment['broker']}")
    if run.tracing_cost is not None and not brief:
        told.append(f"tracing adds {units.percent(max(0.0, run.tracing_cost))}")
    return told


def struck_of(injected: int, planned: int) -> str:
    """``3 of 3``; a fault that strikes again where it is met again is more than was planned."""
    return f"{injected} of {planned}" if injected <= planned else f"{injected} times, {planned} planned"


def invalid(page: Page, run: Run, scenario: Scenario | None = None) -> list[Text]:
    """Why nothing is judged, and what to do about it: the last thing that an invalid run says."""
    lines: list[Text] = []
    for i, reason in enumerate(run.invalid_reasons):
        lines += said(page, "" if i else "INVALID", page.text((reason, BAD)), f"{HEAD} {BAD}")
        for one in run.differences:
            lines += differences.details(page, run, one, LABEL) if one.sentence == reason else []
    told = "This run is invalid, so it gives no verdict."
    if scenario is None:
        return [*lines, *page.wrap(told, indent=LABEL)]
    if run.differences and scenario.typed:  # a copy: what was edited is edited again
        return [*lines, *page.with_command(told, f"Correct it: archlab run {scenario.typed} --watch", indent=LABEL)]
    quick = ["--quick"] if run.quick else []
    return [*lines, *page.with_command(told, f"Try again: {again(run, scenario, *quick)}", indent=LABEL)]
