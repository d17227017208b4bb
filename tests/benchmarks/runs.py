"""Consecutive default runs of a scenario, in a table: python tests/benchmarks/runs.py cqrs

No claim may be refuted and no verdict wrong; each claim is to be held in nine of ten. A default run takes 15 s at most,
a quick one 5 or 6 s, and the first line is there within half a second.

    python tests/benchmarks/runs.py cqrs --take 4 --keep runs.json   in several takes
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from figures import Report, share, value

RIGHT = {
    "cqrs": {"calm": "crud", "pressure": "queries", "far_views": "projection"},
    "middleware": {"calm": "per-endpoint", "pressure": "middleware"},
    "events": {"calm": "http-chain", "pressure": "jobs-table", "teams": "events"},
}
"""The design that each workload was made to need, by scenario."""
QUICK = {"cqrs": 5.0, "middleware": 6.0, "events": 8.0}
"""Seconds that a quick run may take."""


def archlab(home: Path, *arguments: str) -> tuple[float, float, str, int]:
    """Seconds until the first line and until the end, what it printed, and its exit code."""
    begin = time.perf_counter()
    environment = {**os.environ, "ARCHLAB_HOME": str(home)}
    command = [sys.executable, "-m", "archlab", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        line = time.perf_counter() - begin
        rest = process.stdout.read()
    return line, time.perf_counter() - begin, first + rest, process.returncode


def one_run(home: Path, scenario: str) -> dict[str, Any]:
    _, took, printed, code = archlab(home, "run", scenario, "--no-input", "--json")
    run = json.loads(printed)
    return {
        "seconds": took,
        "code": code,
        "valid": run["valid"],
        "why": run["invalid_reasons"],
        "verdicts": {
            name: verdict["design"] or f"{verdict['status']}: {' or '.join(verdict['candidates'])}"
            for name, verdict in run["verdicts"].items()
        },
        "claims": {claim["id"]: claim["outcome"] for claim in run["claims"] if claim["kind"] == "measured"},
        "evidence": {
            claim["id"]: claim["evidence"]
            for claim in run["claims"]
            if claim["kind"] == "measured" and claim["outcome"] != "held"
        },
        "noise": run["noise"],
    }


def table(runs: list[dict[str, Any]]) -> None:
    for number, run in enumerate(runs, 1):
        counted = Counter(run["claims"].values())
        verdicts = "  ".join(f"{name}: {verdict}" for name, verdict in run["verdicts"].items())
        invalid = "" if run["valid"] else f"  INVALID: {'; '.join(run['why'])}"
        print(
            f"{number:>3}  {run['seconds']:5.1f} s  ±{(run['noise'] or 0):.1%}  {verdicts}  "
            f"held {counted['held']}, refuted {counted['refuted']}, inconclusive {counted['inconclusive']}{invalid}"
        )
        for claim, evidence in run["evidence"].items():
            print(f"       {claim}: {run['claims'][claim]}: {evidence}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("scenario", choices=RIGHT)
    arguments.add_argument("--runs", type=int, default=20)
    arguments.add_argument("--take", type=int, help="no more than so many runs now")
    arguments.add_argument("--keep", type=Path, help="where to keep runs between takes")
    asked = arguments.parse_args()
    right = RIGHT[asked.scenario]
    runs: list[dict[str, Any]] = []
    if asked.keep and asked.keep.exists():
        runs = json.loads(asked.keep.read_text())
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for _ in range(min(asked.runs - len(runs), asked.take or asked.runs)):
            runs.append(one_run(home, asked.scenario))
            if asked.keep:
                asked.keep.write_text(json.dumps(runs))
        quick = [archlab(home, "run", asked.scenario, "--quick", "--no-input") for _ in range(3)]
    table(runs)
    report = Report()
    claims = [claim for run in runs for claim in run["claims"].items()]
    refuted = [claim for claim, outcome in claims if outcome == "refuted"]
    wrong = [v for run in runs for name, v in run["verdicts"].items() if ":" not in v and v != right.get(name, v)]
    report.show("claims refuted, of all", share(len(refuted), len(claims)), "%", at_most=0)
    report.show("verdicts wrong, of all", share(len(wrong), len(runs) * len(right)), "%", at_most=0)
    sure = sum(v == right[name] for run in runs for name, v in run["verdicts"].items() if name in right)
    report.show("verdicts right, of all", share(sure, len(runs) * len(right)), "%")
    for claim in runs[0]["claims"]:
        held = sum(run["claims"].get(claim) == "held" for run in runs)
        report.show(f"{claim}: held in {held} of {len(runs)}", share(held, len(runs)), "%", at_least=0.9)
    report.show("runs valid", share(sum(run["valid"] for run in runs), len(runs)), "%")
    report.show("a default run", value([run["seconds"] for run in runs]), "s", at_most=15)
    report.show("a quick run", value([took for _, took, _, _ in quick]), "s", at_most=QUICK[asked.scenario])
    report.show("until its first line", value([line for line, _, _, _ in quick]), "s", at_most=0.5)
    report.exit()


if __name__ == "__main__":
    main()
