"""The judge, judged: how often does it tell a design from its own copy, and find a slow-down of 30 %?

    python tests/benchmarks/judge_aa.py                          all at once, a few minutes
    python tests/benchmarks/judge_aa.py --take 50 --keep aa.json   in several takes

Every comparison is a default run of its own, in fresh processes, with seeds of its own, judged by what judges every
run.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections import Counter
from pathlib import Path

from figures import Report, share

from archlab import catalog
from archlab.bench.plan import Plan
from archlab.bench.runner import execute
from archlab.judge import judge
from archlab.run import Run

TWINS = Path(__file__).with_name("twins")
TOLD_APART = ("better", "worse")
METRICS = ("count_time", "count_p95")
"""The service time, which is what is 30 % longer, and a latency, to see."""

Outcomes = dict[str, list[str]]


def compared(other: str, seed: int, cache: Path) -> Run:
    scenario = catalog.find(str(TWINS)).only(["one", other], ["calm"])
    return judge(scenario, execute(Plan(scenario, {}, seed=seed), cache, lambda event: None))


def take(outcomes: Outcomes, other: str, count: int, cache: Path) -> None:
    """Adds the outcomes of ``count`` further comparisons, one for each metric."""
    for _ in range(count):
        seed = 1 + len(outcomes[f"{other} {METRICS[0]}"])
        run = compared(other, seed, cache)
        while not run.valid:
            print(f"seed {seed}: invalid, once more: {'; '.join(run.invalid_reasons)}", file=sys.stderr)
            run = compared(other, seed, cache)
        for metric in METRICS:
            found = run.compared(metric, "calm", "one", other)
            outcomes[f"{other} {metric}"].append(found.outcome if found else "none")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--comparisons", type=int, default=200, help="of the design with its copy, in all")
    arguments.add_argument("--slower", type=int, default=20, help="of the design with one that is 30 %% slower")
    arguments.add_argument("--take", type=int, help="no more than so many comparisons now")
    arguments.add_argument("--keep", type=Path, help="where to keep outcomes between takes")
    asked = arguments.parse_args()
    series = (("copy", asked.comparisons), ("slower", asked.slower))
    outcomes: Outcomes = json.loads(asked.keep.read_text()) if asked.keep and asked.keep.exists() else {}
    for other, _ in series:
        for metric in METRICS:
            outcomes.setdefault(f"{other} {metric}", [])
    left = asked.take or asked.comparisons + asked.slower
    with tempfile.TemporaryDirectory() as folder:
        for other, wanted in series:
            count = max(0, min(left, wanted - len(outcomes[f"{other} {METRICS[0]}"])))
            take(outcomes, other, count, Path(folder))
            left -= count
    if asked.keep:
        asked.keep.write_text(json.dumps(outcomes))
    report = Report()
    for key, found in outcomes.items():
        other, metric = key.split()
        if not found:
            continue
        counted = ", ".join(f"{outcome} {count}" for outcome, count in sorted(Counter(found).items()))
        print(f"{metric}, {len(found)} runs: {counted}")
        if other == "copy":
            alarms = share(sum(outcome in TOLD_APART for outcome in found), len(found))
            # Its interval must include 5 % or lie below it.
            report.show("  a copy told apart", alarms, "%")
            report.show("  the lower end of that share", (alarms[1], alarms[1], alarms[1]), "%", at_most=0.05)
        else:
            right, wrong = found.count("better"), found.count("worse") + found.count("equivalent")
            at_least = 0.9 if metric == METRICS[0] else -math.inf
            report.show("  30 % slower, and found", share(right, len(found)), "%", at_least=at_least)
            report.show("  30 % slower, and told otherwise", share(wrong, len(found)), "%", at_most=0.0)
    report.exit()


if __name__ == "__main__":
    main()
