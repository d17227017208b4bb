"""``archlab compare``: draws every design of every topic, without its problem and with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from archlab.run import Comparison, Run
from archlab.scenario import Scenario
from archlab.view import bill, columns, facts, grid, ledger, requirements, series, units
from archlab.view.columns import Cell, Row, Section
from archlab.view.page import BAD, DIM, HEAD, Page, Part, Picture, commands, pad
from archlab.view.verdict import struck_of

ABSENT, PRESENT = "calm", "pressure"

LEGEND = (("enough", "enough"), ("misses", "misses a requirement"), ("pays", "pays: nothing simpler is enough"),
          ("self-inflicted", "self-inflicted: something simpler is enough"), ("uncertain", "uncertain"))  # fmt: skip


@dataclass(frozen=True)
class Compared:
    """One topic: its last run, or None where it was never run."""

    name: str
    topic: str
    run: Run | None = None
    scenario: Scenario | None = None


def course(topics: Sequence[Compared], age: str = "") -> Picture:
    """The whole course on one screen. ``age`` says how old the runs are: ``2 h old``."""
    return Picture(lambda page: _course(page, topics, age))


def topic(run: Run, scenario: Scenario | None = None) -> Picture:
    """One scenario in full: every design × every workload, comparisons, faults, the bill."""
    return Picture(lambda page: _topic(page, run, scenario))


# The course.


def _course(page: Page, topics: Sequence[Compared], age: str) -> Iterable[Text]:
    ids = list(dict.fromkeys(t.run.run_id for t in topics if t.run is not None and t.run.run_id is not None))
    runs = f" · {'run' if len(ids) == 1 else 'runs'} {', '.join(map(str, ids))}" if ids else ""
    aside = f"this machine, this code{runs}" + (f", {age}" if age else "")
    yield from page.heading("archlab compare · when does complexity pay?", (aside, DIM))
    yield from page.entries(_legend(page, topics), gap=3)
    yield Text()
    widths = _widths(page, topics)
    if page.width >= 80:
        name, absent, absent_figure, present, present_figure, *counted = widths
        yield _line(page, [name, absent + absent_figure, present + present_figure, *counted],
                    [("simplest first ↓", DIM), ("PROBLEM ABSENT", HEAD), ("PROBLEM PRESENT", HEAD),
                     ("lines", DIM), ("proc", DIM), ("change", DIM)])  # fmt: skip
    for t in topics:
        if t.run is None or not t.run.valid:
            yield from _missing(page, t)
        elif page.width >= 80:
            yield from _rows(page, widths, t, t.run)
        else:
            yield from _narrow(page, t, t.run)
    yield from _in_short(page, [t.run for t in topics if t.run is not None and t.run.valid])
    yield from commands(page, "NEXT", [step for t in topics[:1] for step in _next(t)])


def _next(t: Compared) -> Iterable[tuple[str, str]]:
    """In full, and with a value of one's own: the first knob that stands for the problem shows how to give one."""
    yield f"archlab compare {t.name}", "why?"
    turned = [w.settings for w in t.scenario.workloads if w.name == PRESENT] if t.scenario else []
    for knob, value in list(turned[0].items())[:1] if turned else ():
        yield f"archlab run {t.name} --set {knob}={value:.15g}", "try your own value: does the pattern pay for you?"


def _legend(page: Page, topics: Sequence[Compared]) -> list[Text]:
    """The marks that occur: what is uncertain is explained only where something is."""
    unsure = any(
        v.status == "uncertain" and v.workload in (ABSENT, PRESENT) for t in topics if t.run for v in t.run.verdicts
    )
    entries = []
    for stands, meaning in LEGEND:
        if stands != "uncertain" or unsure:
            entries.append(page.text(facts.MARKS[stands], (f" {meaning}", DIM)))  # type: ignore[index]  # the keys are standings
    return entries


def _widths(page: Page, topics: Sequence[Compared]) -> list[int]:
    """Cells for name, mark and figure without the problem, mark and figure with it, lines, processes, change."""
    names = [len(d.name) + 4 for t in topics if t.run for d in t.run.designs]
    names += [len(_title(t)) + 1 for t in topics]
    name = min(max([18, *names]), page.width // 4)
    mark = 14
    if page.width < 100:
        alone = len("PROBLEM ABSENT") + 1  # without a figure beside it, the mark stands under its heading alone
        return [name, alone, 0, mark, page.width - name - alone - mark - 6, 6, 0, 0]
    figure = 12 if page.width < 110 else 16
    return [name, mark, figure, mark, page.width - name - 2 * mark - figure - 22, 6, 5, 11]


def _line(page: Page, widths: Sequence[int], cells: Sequence[Part | Cell]) -> Text:
    line = Text()
    for cell, width in zip(cells, widths, strict=True):
        if width:
            ways = cell if isinstance(cell, list) else [cell]
            line.append_text(pad(page.first_fit(width - 1, *ways), width))
    return line


def _rows(page: Page, widths: Sequence[int], t: Compared, run: Run) -> Iterable[Text]:
    yield from _situations(page, widths, t, run)
    for d in facts.in_order(run):
        indent = "    " if d.role == "misuse" else "  "
        yield _line(page, widths, [
            _cropped(page, f"{indent}{d.name}", widths[0] - 1),
            facts.stands_as(run, ABSENT, d.name), _figure(run, t.scenario, ABSENT, d.name),
            facts.stands_as(run, PRESENT, d.name), _figure(run, t.scenario, PRESENT, d.name),
            f"{d.lines:,}", bill.processes(d), [bill.change(d, run)[-1]],
        ])  # fmt: skip
    for border in facts.borders(run, t.scenario):
        yield from page.wrap((f"border: {border}", DIM), indent=2)


def _situations(page: Page, widths: Sequence[int], t: Compared, run: Run) -> Iterable[Text]:
    """What calm and pressure are: each over its column, or where that is too narrow for it on a line of its own."""
    says = {w.name: page.text((w.says, DIM)) for w in run.workloads}
    absent, present = says.get(ABSENT, Text()), says.get(PRESENT, Text())
    title, over_absent = page.text((_title(t), HEAD)), widths[1] + widths[2]
    room = page.width - widths[0] - over_absent
    if title.cell_len < widths[0] and absent.cell_len < over_absent and present.cell_len <= room:
        yield pad(title, widths[0]).append_text(pad(absent, over_absent)).append_text(present)
        return
    beside: Part = title
    if title.cell_len >= widths[0]:
        yield from page.wrap(title)
        beside = ""
    for which, situation in (("absent: ", absent), ("present: ", present)):
        if situation.plain:
            yield from page.wrap(page.text((which, DIM), situation), beside, widths[0])
            beside = ""


def _narrow(page: Page, t: Compared, run: Run) -> Iterable[Text]:
    """Both standings of a design on one line, the figures left to ``compare TOPIC``."""
    yield from page.wrap((_title(t), HEAD))
    names = max(len(d.name) for d in run.designs) + 4
    for d in facts.in_order(run):
        indent = "    " if d.role == "misuse" else "  "
        line = pad(page.text(f"{indent}{d.name}"), names + 2)
        room = (page.width - line.cell_len - 3) // 2
        for i, workload in enumerate((ABSENT, PRESENT)):
            stands = page.first_fit(room, *facts.stands_as(run, workload, d.name))
            line.append_text(pad(stands, room) if i == 0 else page.text((" → ", DIM), stands))
        yield line


def _missing(page: Page, t: Compared) -> list[Text]:
    command = f"archlab run {t.name}"
    title = page.text((f"{_title(t)}  ", HEAD))
    if t.run is not None:
        return page.wrap(page.text(("its last run is invalid", BAD), f"; again: {command}"), title, 18)
    return page.wrap(page.text(("not run yet: ", DIM), command), title, 18)


def _in_short(page: Page, runs: Sequence[Run]) -> Iterable[Text]:
    """How often the simple design failed, and how often the full pattern was needed: under pressure, and elsewhere."""
    yield Text()
    if not runs:
        return
    real = answered = 0
    elsewhere = []
    for run in runs:
        simplest, pattern = facts.simplest(run), facts.full_pattern(run)
        real += simplest is not None and facts.standing(run, PRESENT, simplest.name) == "misses"
        pays = [w.name for w in run.workloads if pattern and facts.standing(run, w.name, pattern.name) == "pays"]
        answered += PRESENT in pays
        elsewhere += [f"{run.scenario} at {name}" for name in pays if name != PRESENT]
    said = f"In {real} of {units.count(len(runs), 'topic')} the simple design failed under pressure. "
    said += f"The full pattern was needed there in {answered or 'none'}."
    also = f" It was also needed at: {', '.join(elsewhere)}." if elsewhere else ""
    yield from page.wrap(said + also, ("IN SHORT", HEAD), 9)


def _figure(run: Run, scenario: Scenario | None, workload: str, design: str) -> Cell:
    """The figure that decides: what is missed, else the first requirement's, and what else got worse."""
    judged = [o for r in facts.demands(run, workload) if (o := facts.outcome(run, r.id, design, workload))]
    if not judged:
        return [("", "")]
    missed = [o for o in judged if o.outcome == "missed"]
    decisive = (missed or judged)[0]
    m = facts.behind(run, decisive)
    if m is None or m.value is None:
        rate = facts.missed_because(run, decisive).partition(": ")[2].replace(" a second", "/s")
        return [(rate or facts.missed_because(run, decisive), ""), ("falls behind" if rate else "no figure", "")]
    alone = units.measured(m.value, m.unit)
    if missed and len(judged) > 1 and decisive is not judged[0]:
        return [(f"{alone} ({facts.says(scenario, decisive.id)})", ""), (alone, "")]
    simplest = facts.simplest(run)
    for o in judged[1:]:
        mine, theirs = facts.behind(run, o), facts.alone(run, o.metric, simplest.name if simplest else "", workload)
        if mine and theirs and mine.value and theirs.value == 0 and mine.unit == "s":
            says, late = facts.says(scenario, o.id), units.measured(mine.value, mine.unit)
            return [(f"{alone}, {says} {late}", ""), (f"{alone}, {late} late", ""), (alone, "")]
    return [(alone, "")]


def _cropped(page: Page, name: str, room: int) -> str:
    """A name that must stay within its column: no cell may touch the next."""
    return name if len(name) <= room else name[: room - len(page.spell("…"))] + "…"


def _title(t: Compared) -> str:
    return t.topic.replace(" · ", " ") or t.name


# One topic.


def _topic(page: Page, run: Run, scenario: Scenario | None) -> Iterable[Text]:
    number = f"run {run.run_id}" if run.run_id is not None else "not recorded"
    yield from page.heading(f"{run.scenario} · {run.question}", (f"{number} · seed {run.seed}", DIM))
    yield Text()
    designs = facts.in_order(run)
    names = [d.name for d in designs]
    if not run.valid:
        yield from page.wrap(page.text(("INVALID: ", BAD), "; ".join(run.invalid_reasons)))
        return
    sections = requirements.sections(run, scenario)
    yield from columns.draw(page, "IS IT ENOUGH?", "simplest first →", names, [*sections, bill.section(run, scenario)])
    for picture in (grid, ledger, series):
        drawn = list(picture.draw(page, run, scenario))
        yield from [Text(), *drawn] if drawn else []
    ratios = _comparisons(run, scenario)
    if ratios:
        yield Text()
        yield from columns.draw(page, "COMPARED", "", names, ratios)
    if run.faults:
        yield Text()
        struck: Mapping[str, list[str]] = _struck(run)
        for i, (name, where) in enumerate(struck.items()):
            yield from page.wrap(f"{name}: {', '.join(where)}", ("" if i else "FAULTS", HEAD), 9)


def _struck(run: Run) -> dict[str, list[str]]:
    struck: dict[str, list[str]] = {}
    for f in run.faults:
        struck.setdefault(f.name, []).append(f"{f.design} {struck_of(f.injected, f.planned)}")
    return struck


def _comparisons(run: Run, scenario: Scenario | None) -> list[Section]:
    """Every design's figures against the verdict's, by workload: how many times better or worse."""
    designs = facts.in_order(run)
    sections = []
    for w in run.workloads:
        verdict = run.verdict(w.name)
        against = (verdict.design if verdict else None) or designs[0].name
        rows = []
        here = [c for c in run.comparisons if c.workload == w.name]
        for metric in dict.fromkeys(c.metric for c in here):
            declared = scenario.metric(metric) if scenario else None
            if declared and declared.view:  # its places are shown together in a picture of their own
                continue
            places: list[Mapping[str, Any]] = []
            places += [c.at for c in here if c.metric == metric and c.at not in places]
            for at in places:
                cells = [_ratio(here, metric, at, against, d.name) for d in designs]
                says = declared.says if declared else metric.replace("_", " ")
                if any(cell != [("–", DIM)] for cell in cells):
                    rows.append(Row(f"{says}, {facts.place(at, scenario)}" if at else says, cells))
        if rows:
            sections.append(Section(w.name, f"against {against}", [[("", "")] for _ in designs], rows))
    return sections


def _ratio(here: Sequence[Comparison], metric: str, at: Mapping[str, Any], against: str, design: str) -> Cell:
    pairs = ((against, design), (design, against))
    c = next((c for c in here if c.metric == metric and c.at == at and (c.a, c.b) in pairs), None)
    if c is None:
        return [("–", DIM)]
    if c.outcome in ("equivalent", "cannot tell") or min(c.ratio, c.low, c.high) <= 0:
        return [(c.outcome, DIM)]
    # The outcome is told of a; here it is told of the design.
    word = c.outcome if c.a == design else "worse" if c.outcome == "better" else "better"
    ratio, low, high = (c.ratio, c.low, c.high) if c.ratio >= 1 else (1 / c.ratio, 1 / c.high, 1 / c.low)
    times = units.ratio(ratio)
    span = f"{units.ratio(low)[:-2]}–{units.ratio(high)[:-2]}"
    return [(f"{times} {word}  {span}", ""), (f"{times} {word}", ""), (times, "")]
