"""Start-up from an installed wheel, beside a bare Python of the same environment: python tests/benchmarks/startup.py

The wheel is built from this checkout and installed in a fresh virtual environment in a temporary folder: an editable
install imports several times slower.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from figures import Report, interleaved, ratio, seconds, value

ROOT = Path(__file__).parents[2]
COMPLETING = ("_ARCHLAB_COMPLETE=bash", "_ARCHLAB_LINE=archlab run cqrs --set page_rows=")
"""How a shell asks for the dearest of all completions: it needs the scenario."""


def installed(home: Path) -> Path:
    """The folder with the programs of a fresh environment, archlab's wheel among them."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(home), str(ROOT)], check=True)
    (wheel,) = home.glob("archlab-*.whl")
    venv.create(home / "venv", with_pip=True)
    programs = home / "venv" / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run([str(programs / "python"), *pip[1:], "install", str(wheel)], check=True)
    return programs


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=15)
    asked = arguments.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        programs = installed(home)
        environment = {**os.environ, "ARCHLAB_HOME": str(home / "data")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        commands = (
            [str(programs / "python"), "-c", "pass"],
            [str(programs / "archlab"), "--version"],
            [str(programs / "archlab"), "list"],
            [str(programs / "archlab"), "claims", "cqrs"],
            ["env", *COMPLETING, str(programs / "archlab")],
        )
        recorded = [str(programs / "archlab"), "run", "cqrs", "--quick", "--no-input"]
        subprocess.run(recorded, cwd=home, env=environment, stdout=subprocess.DEVNULL, check=True)

        def timed(command: list[str]) -> float:
            done = subprocess.run
            return seconds(lambda: done(command, cwd=home, env=environment, stdout=subprocess.DEVNULL, check=True))

        for command in commands:
            timed(command)  # writes the bytecode
        measures = [lambda c=c: timed(c) for c in commands]  # type: ignore[misc]  # the default binds it
        bare, version, listed, claims, completed = interleaved(measures, asked.rounds)
    report.show("python -c pass", value(bare), "ms")
    report.show("archlab --version ÷ python -c pass", ratio(version, bare), "×", at_most=2.5)
    report.show("archlab list ÷ python -c pass", ratio(listed, bare), "×", at_most=9)
    more = [a - b for a, b in zip(claims, listed, strict=True)]
    report.show("archlab claims cqrs, beyond archlab list", value(more), "ms", at_most=0.4)
    report.show("completing --set page_rows=", value(completed), "ms", at_most=0.15)
    report.exit()


if __name__ == "__main__":
    main()
