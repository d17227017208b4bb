"""IS IT ENOUGH? Every requirement of every workload, design by design, simplest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from archlab.run import DesignFacts, RequirementOutcome, Run, WorkloadFacts
from archlab.scenario import Scenario
from archlab.view import facts, units
from archlab.view.page import DIM, HEAD, UNSURE, Page, pad

WELL_INSIDE = 3.0
"""A workload is meant to lie this far inside its region: 3 × beyond the bound, or within a third of it."""

NARROWEST = 11
"""Cells for a design's column; where that does not fit, every design gets lines of its own."""


def draw(page: Page, run: Run, scenario: Scenario | None = None, every: bool = False) -> Iterable[Text]:
    """``every`` shows each requirement with its figures, also where all are met."""
    designs = facts.in_order(run)
    judged = [w for w in run.workloads if facts.demands(run, w.name)]
    if not judged or not designs:
        return
    label = _label_width(page, run, scenario, judged)
    column = (page.width - label) // len(designs)
    if column < NARROWEST or page.width < 60:
        yield from _as_list(page, run, designs, judged, scenario, every)
        return
    yield _row(page, "IS IT ENOUGH?", "simplest first →", [(d.name, HEAD) for d in designs], label, column, HEAD)
    for workload in judged:
        stands = [page.first_fit(column - 1, *facts.stands_as(run, workload.name, d.name)) for d in designs]
        yield from _workload(page, workload, stands, label, column)
        if not every and _all_met(run, workload.name, designs):
            word = units.word(len(facts.demands(run, workload.name)))
            said = "the bound" if word == "one" else "both bounds" if word == "two" else f"all {word} bounds"
            yield _row(page, f"  {said}", "", [_met_by(page, run, workload.name, d, column) for d in designs], label, column)
            continue
        for r in facts.demands(run, workload.name):
            cells = [_cell(page, run, r, d.name, column - 1) for d in designs]
            name = page.first_fit(label - 12, *_shorter(f"  {facts.says(scenario, r.id)}"))
            yield _row(page, name, units.bound(r.at_most, r.unit), cells, label, column)
        yield from _clear(page, run, workload.name, designs, label, column)


def _label_width(page: Page, run: Run, scenario: Scenario | None, judged: Sequence[WorkloadFacts]) -> int:
    """For the workloads' and requirements' names: as wide as they are, at most three eighths of the page."""
    names = [f"  {facts.says(scenario, r.id)}  {units.bound(r.at_most, r.unit)}  " for w in judged
             for r in facts.demands(run, w.name)]  # fmt: skip
    names += [f"{w.name:<10} {w.says}  " for w in judged]
    return min(max(map(len, names)), page.width * 3 // 8, max(24, page.width - 16 * len(run.designs)))


def _row(
    page: Page, name: str | Text, aside: str, cells: Sequence[Text | tuple[str, str]], label: int, column: int,
    style: str = "",
) -> Text:  # fmt: skip
    left, right = page.text((name, style) if isinstance(name, str) else name), page.text((aside, DIM))
    room = label - 1 - left.cell_len - 1
    line = pad(left, max(left.cell_len + 1, label - 1 - right.cell_len))
    if right.cell_len <= room:
        line.append_text(right)
    line = pad(line, label)
    for cell in cells:
        line.append_text(pad(page.text(cell), column))
    return line


def _workload(page: Page, w: WorkloadFacts, stands: Sequence[Text], label: int, column: int) -> list[Text]:
    """The workload and what it is; where that does not fit beside the marks it goes on a line of its own."""
    title = page.text((w.name, HEAD), "  ", (w.says, DIM))
    if title.cell_len < label:
        return [_row(page, page.text((f"{w.name:<10}", HEAD), " ", (w.says, DIM))
                     if len(w.name) <= 10 and 11 + len(w.says) < label else title, "", stands, label, column)]  # fmt: skip
    return [_row(page, page.text((w.name, HEAD)), "", stands, label, column), *page.wrap((w.says, DIM), indent=2)]


def _cell(page: Page, run: Run, demanded: RequirementOutcome, design: str, width: int) -> Text:
    """A figure with its interval if it fits, marked where it misses the bound or nobody can tell."""
    r = facts.outcome(run, demanded.id, design, demanded.workload)
    if r is None:
        return page.text(("–", DIM))
    mark, style = {"met": ("", ""), "missed": facts.MARKS["misses"], "uncertain": facts.MARKS["uncertain"]}[r.outcome]
    before = f"{mark} " if mark else ""
    m = facts.behind(run, r)
    if m is not None and m.value is not None:
        whole = units.interval(m.value, m.low, m.high, m.unit)
        choices = [whole, whole.replace("  ", " "), units.measured(m.value, m.unit)]
    else:
        choices = _reasons(run, r)
    return page.first_fit(width, *((before + choice, style) for choice in choices))


def _reasons(run: Run, r: RequirementOutcome) -> list[str]:
    """``29 of 100/s``, the second time ``falls behind``: why a design has no figure, as short as it must be."""
    reason = facts.missed_because(run, r)
    short, _, rate = reason.partition(": ")
    rate = rate.replace(" a second", "/s")
    same = [o for o in run.requirements if (o.design, o.workload) == (r.design, r.workload)]
    first = next(o for o in same if facts.missed_because(run, o) == reason)
    if not rate:
        return [*_shorter(short)]
    return [rate, short] if first is r else [short, rate]


def _shorter(text: str) -> list[str]:
    """The text, then ever fewer of its words."""
    lead = text[: len(text) - len(text.lstrip())]
    words = text.split()
    return [text, *(f"{lead}{' '.join(words[:n])} …" for n in range(len(words) - 1, 0, -1))]


def _all_met(run: Run, workload: str, designs: Sequence[DesignFacts]) -> bool:
    names = {d.name for d in designs if d.role != "misuse"}
    return all(r.outcome == "met" for r in run.requirements if r.workload == workload and r.design in names)


def _met_by(page: Page, run: Run, workload: str, design: DesignFacts, column: int) -> Text:
    inside = facts.clear_by(run, workload, design.name)
    if inside is None or not inside[0]:
        judged = [r.outcome for r in run.requirements if r.workload == workload and r.design == design.name]
        return page.text(("–", DIM) if not judged else "met" if set(judged) == {"met"} else facts.MARKS["misses"])
    style = UNSURE if inside[1] < WELL_INSIDE else DIM
    return page.text("met").append_text(page.first_fit(column - 4, (f" by {units.ratio(inside[1])}", style), ("", "")))


def _clear(page: Page, run: Run, workload: str, designs: Sequence[DesignFacts], label: int, column: int) -> list[Text]:
    """How far inside its region each design lies there: by how much it keeps or breaks the bound that decides."""
    inside = [facts.clear_by(run, workload, d.name) for d in designs]
    if not any(inside):
        return []
    cells = [(units.ratio(i[1]) if i else "–", DIM if not i or i[1] >= WELL_INSIDE else UNSURE) for i in inside]
    name = page.first_fit(label - 2, *(("  " + t, DIM) for t in ("clear of the bound by", "clear of it by", "clear by")))
    return [_row(page, name, "", cells, label, column)]


def _as_list(
    page: Page, run: Run, designs: Sequence[DesignFacts], judged: Sequence[WorkloadFacts], scenario: Scenario | None,
    every: bool,
) -> Iterable[Text]:  # fmt: skip
    """Narrow: a line for every design, and below it a line for every requirement that is not simply met."""
    yield page.text(("IS IT ENOUGH?", HEAD))
    names = max(len(d.name) for d in designs) + 4
    for workload in judged:
        yield from page.wrap(page.text((workload.name, HEAD), "  ", (workload.says, DIM)), indent=0)
        short = not every and _all_met(run, workload.name, designs)
        for design in designs:
            name = pad(page.text(f"  {design.name}"), names)
            stands = page.first_fit(page.width - name.cell_len, *facts.stands_as(run, workload.name, design.name))
            yield name.append_text(stands)
            for r in [] if short else facts.demands(run, workload.name):
                cell = _cell(page, run, r, design.name, min(24, page.width // 2))
                asked = page.text(f"    {facts.says(scenario, r.id)} ", (units.bound(r.at_most, r.unit), DIM))
                if asked.cell_len + cell.cell_len + 1 > page.width:
                    asked = page.first_fit(page.width - cell.cell_len - 1, *_shorter(f"    {facts.says(scenario, r.id)}"))
                yield pad(asked, max(asked.cell_len + 1, page.width - cell.cell_len)).append_text(cell)
