"""``archlab lint``: what is wrong with a scenario, first without measuring, then after one quick look at everything."""

from __future__ import annotations

from dataclasses import replace

from archlab import catalog
from archlab.commands.terminal import progress, tell
from archlab.exit_codes import DONE, FAILED
from archlab.failure import say
from archlab.scenario import ScenarioError
from archlab.signals import ended_cleanly

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

    say("what it declares is consistent. Now every design and every experiment is run once.")
    with ended_cleanly(), progress() as moved:
        try:
            # Everything is looked at once, however long it takes.
            experiments = tuple(replace(experiment, quick=True) for experiment in scenario.experiments)
            plan = Plan(replace(scenario, experiments=experiments), {}, quick=True, seconds=LONGEST)
            run = execute(plan, None, lambda event: None if isinstance(event, Traced) else moved(event))
        except ScenarioError as error:
            return _told([str(error), *advice])
    broken = [f"claim {claim.id} cannot be judged: {claim.evidence}" for claim in broken_claims(judge(scenario, run))]
    return _told([*run.invalid_reasons, *broken, *run.findings, *advice])


def _told(wrong: list[str]) -> int:
    for sentence in wrong:
        tell(f"{sentence.rstrip('.')}.")
    if not wrong:
        tell("Nothing found.")
    return FAILED if wrong else DONE
