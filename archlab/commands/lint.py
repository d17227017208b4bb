"""``archlab lint``: what is wrong with a scenario, first without measuring, then after one quick look at everything."""

from __future__ import annotations

from archlab import catalog
from archlab.commands.terminal import progress
from archlab.exit_codes import DONE, FAILED
from archlab.failure import say
from archlab.scenario import ScenarioError
from archlab.signals import ended_cleanly


def lint(name: str) -> int:
    """Prints every finding, a sentence each; the exit code says whether there is one."""
    try:
        scenario = catalog.find(name)
    except catalog.Inconsistent as error:
        return _told(error.wrong)
    from archlab.bench.plan import Plan
    from archlab.bench.progress import Traced
    from archlab.bench.runner import execute

    say("nothing is wrong with what it declares; now one quick look at every design and experiment.")
    with ended_cleanly(), progress() as moved:
        try:
            plan = Plan(scenario, {}, quick=True)
            run = execute(plan, None, lambda event: None if isinstance(event, Traced) else moved(event))
        except ScenarioError as error:
            return _told([str(error)])
    return _told([*run.invalid_reasons, *run.findings])


def _told(wrong: list[str]) -> int:
    for sentence in wrong:
        print(f"{sentence.rstrip('.')}.")
    if not wrong:
        print("Nothing found.")
    return FAILED if wrong else DONE
