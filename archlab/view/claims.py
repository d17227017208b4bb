"""``archlab claims``: draws each claim with its outcome, evidence, formula or source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from rich.text import Text

from archlab.run import ClaimOutcome, Run
from archlab.scenario import Claim, Scenario
from archlab.view import cases, differences, facts, units
from archlab.view.next_steps import called
from archlab.view.page import BAD, DIM, GOOD, HEAD, UNSURE, Page, Picture, pad

STYLES = {"held": GOOD, "refuted": BAD, "inconclusive": UNSURE}
NOT_JUDGED = "not judged"
NAME = 15
"""Cells for the claim's id, where there are columns."""
SHOWN = cases.SHOWN
NARROW = 72
"""Cells below which nothing stands in columns."""


@dataclass(frozen=True)
class Line:
    """One sentence with what is known about it."""

    id: str
    text: str
    kind: str
    outcome: str | None = None
    evidence: str = ""
    formula: str = ""
    source: str = ""
    cases: Sequence[str] = ()
    edited: str = ""
    note: str = ""
    """Why there is no outcome, where there could be one."""


@dataclass(frozen=True)
class Listed:
    """The claims of one scenario beside one run of it."""

    scenario: str
    lines: Sequence[Line]
    run: Run | None = None
    notes: Sequence[str] = ()
    """What a reader must know of the run, a sentence each."""
    ago: str = ""
    """How long ago the run was: ``5 min ago``."""
    commands: Sequence[str] = ()
    """What to type next, each behind what it is for."""
    declared: Scenario | None = field(default=None, repr=False)


def of_scenario(scenario: Scenario, run: Run | None, whole: int | None = None, ago: str = "") -> Listed:
    """The sentences that the scenario teaches now, with the outcomes of its latest run; ``whole`` is the number of its
    latest run that left nothing out."""
    recorded = {claim.id: claim for claim in run.claims if not claim.edited} if run else {}
    lines = [_line(claim, recorded.get(claim.id), run) for claim in scenario.claims]
    again = f"To judge them now: archlab run {scenario.typed or scenario.name}"
    if run is None:
        return Listed(scenario.name, lines, commands=[again], declared=scenario)
    lines += [_recorded(claim) for claim in run.claims if claim.edited]
    notes, changed, commands = _about(run, scenario), changes(scenario, run), []
    if notes and whole not in (None, run.run_id):
        commands.append(f"The latest run of everything: archlab claims {whole}")
    if changed:
        notes.append(f"Run {run.run_id}{made_by(run)} judged other claims than {scenario.name} has now. {changed}.")
        commands.append(again)
    return Listed(scenario.name, lines, run, notes, ago, commands, scenario)


def of_run(run: Run, scenario: Scenario | None, ago: str = "") -> Listed:
    """The sentences that a run judged, as they were then. ``scenario`` is None where it is not at hand any more."""
    lines, notes = [_recorded(claim) for claim in run.claims], _about(run, scenario)
    if scenario is None:
        notes.append(f"`archlab list` does not know {run.scenario}: this is what was recorded.")
        return Listed(run.scenario, lines, run, notes, ago)
    changed, commands = changes(scenario, run), []
    if changed:
        notes.append(f"The claims of {run.scenario} have changed since run {run.run_id}{made_by(run)}. {changed}.")
        commands.append(f"To judge the claims of now: archlab run {called(run, scenario)}")
    return Listed(run.scenario, lines, run, notes, ago, commands, scenario)


def made_by(run: Run) -> str:
    """Which archlab recorded it."""
    version = run.environment.get("archlab")
    return f" (archlab {version})" if version else ""


def changes(scenario: Scenario, run: Run) -> str:
    """How the claims of a scenario differ from those that a run recorded; empty where they are the same."""
    then = {claim.id: claim.text for claim in run.claims if not claim.edited}
    now = {claim.id: claim.text for claim in scenario.claims}
    parts = {
        "New": [name for name in now if name not in then],
        "Reworded": [name for name in now if name in then and now[name] != then[name]],
        "No longer taught": [name for name in then if name not in now],
    }
    return ". ".join(f"{what}: {', '.join(names)}" for what, names in parts.items() if names)


def to_json(listed: Listed) -> dict[str, object]:
    """The same as a document."""
    keys = ("id", "text", "kind", "outcome", "evidence", "formula", "source", "edited", "note")
    run, known = listed.run, cases.counted(listed.run, listed.declared) if listed.run else ()
    return {
        "scenario": listed.scenario,
        "run_id": run.run_id if run else None,
        "started": run.started if run else None,
        "valid": run.valid if run else None,
        "notes": list(listed.notes),
        "claims": [{**{key: getattr(line, key) for key in keys}, "cases": list(line.cases)} for line in listed.lines],
        "counts": [cases.to_json(one) for one in known],
    }


def picture(listed: Sequence[Listed]) -> Picture:
    """One scenario below the other."""

    def draw(page: Page) -> Iterator[Text]:
        for number, each in enumerate(listed):
            yield from [Text()] if number else []
            yield from _draw(page, each)

    return Picture(draw)


def _line(claim: Claim, then: ClaimOutcome | None, run: Run | None) -> Line:
    """A claim as it is taught now, with the outcome of the run where that judged the same sentence."""
    line = Line(claim.id, claim.text, claim.kind, formula=claim.formula, source=claim.source)
    same = then is not None and (then.text, then.kind) == (claim.text, claim.kind)
    if then is None or not same:
        if claim.kind == "reported":
            return line
        what = f"not {'judged' if claim.kind == 'measured' else 'computed'} yet"
        why = "does not know it" if then is None else "judged other words"
        return replace(line, note=f"{what}: run {run.run_id} {why}" if run else "")
    if claim.kind == "measured":
        return replace(line, outcome=then.outcome, evidence=then.evidence, cases=then.cases)
    # Until formulas were recorded, the evidence of what was not measured was its source.
    known = then.formula == claim.formula and then.evidence != claim.source
    return replace(line, evidence=then.evidence if known else "")


def _recorded(claim: ClaimOutcome) -> Line:
    evidence = "" if claim.outcome is None and claim.evidence == claim.source else claim.evidence
    return Line(
        claim.id,
        claim.text,
        claim.kind,
        claim.outcome,
        evidence,
        claim.formula,
        claim.source,
        claim.cases,
        claim.edited,
    )


def _about(run: Run, scenario: Scenario | None) -> list[str]:
    """What keeps a run from telling all that a whole run tells."""
    if not run.valid:
        return [f"Run {run.run_id} is invalid, so nothing in it is judged: {'; '.join(run.invalid_reasons)}."]
    left_out = facts.left_out(run, scenario)
    turned = ", ".join(f"{knob} = {value:g}" for knob, value in run.turned.items())
    parts = ["it is a quick look"] if run.quick else []
    parts += [f"it left out {left_out}"] if left_out else []
    parts += [f"you set {turned}"] if turned else []
    return [f"Run {run.run_id} may leave claims open: {units.listed(parts)}."] if parts else []


def _draw(page: Page, listed: Listed) -> Iterator[Text]:
    yield from page.wrap(page.text((listed.scenario, HEAD), f" · {_head(listed)}"))
    for note in listed.notes:
        yield from page.wrap(page.text(("! ", UNSURE), note))
    for command in listed.commands:
        yield from page.command(command)
    states = 2 + max((len(_state(line)[0]) for line in listed.lines), default=0)
    for line in listed.lines:
        yield from _claim(page, line, states)
    if listed.run:
        for drawn in (cases.draw(page, listed.run, listed.declared), differences.draw(page, listed.run, cases=SHOWN)):
            lines = list(drawn)
            yield from [Text(), *lines] if lines else []


def _head(listed: Listed) -> str:
    """``14 of 14 held on this machine, run 12, 5 min ago``."""
    run, measured = listed.run, [line for line in listed.lines if line.kind == "measured" and not line.edited]
    if run is None:
        return f"{units.count(len(listed.lines), 'claim')}, and no run yet that judges them"
    judged = [line for line in measured if line.outcome]
    held = sum(line.outcome == "held" for line in judged)
    said = f"{held} of {len(judged)} held on this machine" if judged else "none judged"
    left = f", {len(measured) - len(judged)} not judged" if 0 < len(judged) < len(measured) else ""
    return f"{said}{left}, run {run.run_id}, {listed.ago}".rstrip(", ")


def _state(line: Line) -> tuple[str, str]:
    if line.kind != "measured":
        return line.kind, DIM
    return (line.outcome, STYLES.get(line.outcome, "")) if line.outcome else (NOT_JUDGED, DIM)


def _claim(page: Page, line: Line, states: int) -> Iterator[Text]:
    """``held      faster    Under pressure …`` and below it what it rests on."""
    state, name = page.text(_state(line)), page.text((line.id, HEAD))
    wide = page.width >= NARROW
    indent = states + NAME if wide else 2
    label = pad(state, states).append_text(name) if wide else page.text(state, " ", name)
    if wide and label.cell_len < indent:
        yield from page.wrap(line.text, label, indent)
    else:  # the name needs the line for itself
        yield from page.wrap(label)
        yield from page.wrap(line.text, indent=indent)
    for what in _rests_on(line):
        yield from page.wrap((what, DIM), indent=indent)
    for case in line.cases[:SHOWN]:
        yield from page.wrap((f"• {case}", DIM), indent=indent)


def _rests_on(line: Line) -> Iterable[str]:
    if line.formula:
        yield f"formula: {line.formula}"
    if line.kind == "modelled" and line.evidence:
        yield f"here: {line.evidence}"
    elif line.evidence:
        yield line.evidence
    if line.source:
        yield f"source: {line.source}" if line.kind == "reported" else line.source
    if line.note:
        yield line.note
