"""Lists recorded runs, one line each, the newest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.text import Text

from archlab.run import Verdict
from archlab.view import units
from archlab.view.page import BAD, DIM, GOOD, HEAD, UNSURE, Page, Part, Picture, table


@dataclass(frozen=True)
class Past:
    """What a line of the history needs; ``verdicts`` is ``calm: crud · pressure: queries``."""

    run_id: int
    scenario: str
    started: str
    """UTC, ISO 8601."""
    seconds: float
    valid: bool
    verdicts: str
    held: int = 0
    claims: int = 0
    quick: bool = False


def told(verdicts: Sequence[Verdict], invalid_reasons: Sequence[str]) -> str:
    """``calm: crud · pressure: queries · far_views: none``; why it is invalid for a run that is."""
    if invalid_reasons:
        return "; ".join(invalid_reasons)
    without = {"uncertain": "uncertain", "none": "none"}
    return " · ".join(f"{v.workload}: {without.get(v.status) or v.design}" for v in verdicts)


def history(runs: Sequence[Past]) -> Picture:
    return Picture(lambda page: _history(page, runs))


def _history(page: Page, runs: Sequence[Past]) -> Iterable[Text]:
    if not runs:
        yield from page.wrap("No run is recorded yet. Type: archlab run cqrs")
        return
    if page.width < 80:
        for r in runs:
            yield from page.wrap(
                page.text((f"run {r.run_id}", HEAD), f" {r.scenario} · ", _claims(r), (f" · {_when(r)}", DIM))
            )
            yield from page.wrap((r.verdicts, "" if r.valid else BAD), indent=2)
        return
    heads: list[Sequence[Part]] = [
        [(head, DIM) for head in ("run", "scenario", "when (UTC)", "took", "claims", "verdicts")]
    ]
    rows = [
        (
            (str(r.run_id), HEAD),
            r.scenario,
            (_when(r), DIM),
            units.duration(r.seconds) + (" quick" if r.quick else ""),
            _claims(r),
            (r.verdicts, "" if r.valid else BAD),
        )
        for r in runs
    ]
    yield from table(page, [*heads, *rows], align=">", gap=2)


def _when(r: Past) -> str:
    return r.started[:16].replace("T", " ")


def _claims(r: Past) -> tuple[str, str]:
    if not r.valid:
        return "INVALID", BAD
    return f"{r.held} of {r.claims} held" if r.claims else "–", GOOD if r.held == r.claims else UNSURE
