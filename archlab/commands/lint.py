"""``archlab lint``: lists the mistakes in a scenario, before and after one quick run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archlab import catalog
from archlab.commands.terminal import progress, tell
from archlab.exit_codes import DONE, FAILED
from archlab.failure import say
from archlab.scenario import ScenarioError
from archlab.signals import ended_cleanly

if TYPE_CHECKING:
    from archlab.run import Run

CASES = "yield Sample(…, cases=('order 17: no invoice', …)) with some of them"
LONGEST = 3600.0
"""Seconds for which one look at everything may go on."""


def lint(name: str) -> int:
    """Prints every finding, a sentence each; the exit code says whether there is one."""
    try:
        scenario = catalog.find(name)
    except catalog.Inconsistent as error:
        return _told(error.wrong)
    advice = catalog.advice(scenario)
    from archlab.bench.plan import Plan
    from archlab.bench.progress import Traced
    from archlab.bench.runner import execute
    from archlab.judge import broken_claims, judge

    say("the declarations are consistent. Now every design and every experiment runs once.")
    with ended_cleanly(), progress() as moved:
        try:
            # Everything is looked at once, however long it takes.
            experiments = tuple(replace(experiment, quick=True) for experiment in scenario.experiments)
            plan = Plan(replace(scenario, experiments=experiments), {}, quick=True, seconds=LONGEST)
            run = execute(plan, None, lambda event: None if isinstance(event, Traced) else moved(event))
        except ScenarioError as error:
            return _told([str(error), *advice])
    judged = judge(scenario, run)
    advice += _counts_without_cases(judged)
    broken = [f"claim {claim.id} cannot be judged: {claim.evidence}" for claim in broken_claims(judged)]
    return _told([*run.invalid_reasons, *broken, *run.findings, *advice])


def _counts_without_cases(run: Run) -> list[str]:
    """A reader wants to see what was counted, not only how much."""
    told: dict[str, None] = {}
    for r in run.requirements:
        m = next((m for m in run.all_measured(r.metric, r.design, r.workload) if m.at == r.at), None)
        if r.outcome != "met" and m is not None and m.value and m.unit not in ("s", "share") and not m.cases:
            told[f"requirement {r.id} counts {r.metric}, and its samples name no cases: {CASES}."] = None
    return list(told)


def _told(wrong: list[str]) -> int:
    for sentence in wrong:
        tell(f"{sentence.rstrip('.')}.")
    if not wrong:
        tell("Nothing found.")
    return FAILED if wrong else DONE
