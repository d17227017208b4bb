"""Commands: arguments in, exit code out; no logic. Whatever is heavy is imported by the command that needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from archlab.neutral import printable


class _Commands(TyperGroup):
    """Typer says what was typed wrong with the text as it was typed: here that text is made harmless."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        with _printable_errors():
            return super().make_context(*arguments, **options)

    def invoke(self, *arguments: Any, **options: Any) -> Any:
        with _printable_errors():
            return super().invoke(*arguments, **options)


@contextmanager
def _printable_errors() -> Iterator[None]:
    try:
        yield
    except typer.TyperException as error:
        if isinstance(message := getattr(error, "message", None), str):
            vars(error)["message"] = printable(message)
        raise


app = typer.Typer(
    name="archlab",
    cls=_Commands,
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Run an architecture pattern beside the designs it competes with, and see from measurements when it pays.",
)

Name = Annotated[str, typer.Argument(help="A scenario's name, or ./folder of a copy.", show_default=False)]
MaybeName = Annotated[str | None, typer.Argument(help="A scenario's name, or ./folder of a copy.", show_default=False)]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KNOB=VALUE", help="Turn a knob (repeatable).")]
Workloads = Annotated[list[str] | None, typer.Option("--workload", help="Only this workload (repeatable).")]
Designs = Annotated[list[str] | None, typer.Option("--design", help="Only this design (repeatable).")]
Seed = Annotated[int, typer.Option(help="Seed of data and operations.")]
RunId = Annotated[int, typer.Argument(metavar="RUN", help="A run's number.", show_default=False, max=2**63 - 1)]
Quick = Annotated[bool, typer.Option("--quick", help="A look within seconds; it may say uncertain.")]
For = Annotated[str | None, typer.Option("--for", metavar="TIME", help="Measure further rounds for so long: 60s, 5m.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]
Broker = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Use this AMQP broker, amqp://user:password@host:port/vhost, not archlab's own. ARCHLAB_BROKER does the "
        "same and keeps the password out of the process list.",
        show_default=False,
    ),
]
NoInput = Annotated[bool, typer.Option("--no-input", help="Ask nothing.")]
Slowest = Annotated[bool, typer.Option("--slowest", help="Show the slowest traced request, not the median one.")]


def _version(asked: bool) -> None:
    if asked:
        from archlab import __version__

        print(f"archlab {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def home(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """The course: its topics, what you have done, what is next."""
    if context.invoked_subcommand is None:
        from archlab.commands import course

        course.home()


@app.command("list")
def list_scenarios(as_json: AsJson = False) -> None:
    """Scenarios, one line each."""
    from archlab.commands import course

    course.list_scenarios(as_json)


@app.command()
def show(
    name: Name,
    code: Annotated[bool, typer.Option("--code", help="The designs' source, side by side.")] = False,
    change: Annotated[bool, typer.Option("--change", help="The change request, as one diff a design.")] = False,
    design: Designs = None,
) -> None:
    """The lesson of a scenario."""
    from archlab.commands import show

    show.show(name, code, change, design or [])


@app.command()
def run(
    name: MaybeName = None,
    turned: Set = None,
    workload: Workloads = None,
    design: Designs = None,
    seed: Seed = 1,
    quick: Quick = False,
    time: For = None,
    as_json: AsJson = False,
    no_input: NoInput = False,
    slowest: Slowest = False,
    broker: Broker = None,
) -> None:
    """Predict, run, compare: traces side by side, figures, the verdict, what to try next."""
    from archlab.commands import course
    from archlab.commands import run as running

    if name is None:
        course.list_durations()
        return
    asked = running.Asked(
        name,
        tuple(turned or ()),
        tuple(workload or ()),
        tuple(design or ()),
        seed,
        quick,
        running.seconds(time),
        as_json,
        no_input,
        slowest,
        broker,
    )
    raise typer.Exit(running.run(asked))


@app.command()
def check(
    name: Name,
    turned: Set = None,
    seed: Seed = 1,
    quick: Quick = False,
    time: For = None,
    as_json: AsJson = False,
    no_input: NoInput = False,
    broker: Broker = None,
) -> None:
    """Run a scenario and answer by exit code: 3 a claim is refuted, 4 the run is invalid or inconclusive."""
    from archlab.commands import run as running

    asked = running.Asked(
        name,
        tuple(turned or ()),
        seed=seed,
        quick=quick,
        seconds=running.seconds(time),
        as_json=as_json,
        broker=broker,
    )
    raise typer.Exit(running.check(asked))


@app.command()
def compare(name: MaybeName = None, as_json: AsJson = False, no_input: NoInput = False) -> None:
    """The course on one screen, or one scenario in full, from recorded runs. Runs what is missing."""
    from archlab.commands import compare

    compare.compare(name, as_json)


@app.command()
def quiz(
    name: MaybeName = None,
    no_input: NoInput = False,
    as_json: AsJson = False,
) -> None:
    """Questions, those you have not answered and your errors first; feedback on every answer."""
    from archlab.commands import quiz

    quiz.quiz(name, no_input, as_json)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The new folder's name.", show_default=False)],
    original: Annotated[str, typer.Option("--from", help="The scenario to copy.")],
) -> None:
    """Copy a scenario to edit it; `archlab run ./NAME` judges the copy beside the original."""
    from archlab.commands import copies

    copies.new(Path(name), original)


@app.command()
def lint(name: Name) -> None:
    """Say what is wrong with a scenario: first what it declares, then what one quick look at it shows."""
    from archlab.commands import lint as linting

    raise typer.Exit(linting.lint(name))


@app.command()
def history(
    number: Annotated[int, typer.Option("-n", "--number", help="How many runs.", min=1, max=1_000_000)] = 20,
    as_json: AsJson = False,
) -> None:
    """Recorded runs, the newest first."""
    from archlab.commands import records

    records.history(number, as_json)


@app.command()
def trace(
    run_id: RunId,
    design: Annotated[str | None, typer.Argument(help="Only this design.", show_default=False)] = None,
    slowest: Slowest = False,
    as_json: AsJson = False,
) -> None:
    """The traces of a recorded run, in full."""
    from archlab.commands import records

    records.trace(run_id, design, slowest, as_json)


@app.command()
def explain(
    word: Annotated[str | None, typer.Argument(help="p95, verdict, span …", show_default=False)] = None,
) -> None:
    """The words used here, one at a time."""
    from archlab.commands import show

    show.explain(word)


@app.command()
def broker(
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes any free one.", min=0, max=65535)] = 0,
    data: Annotated[
        Path | None, typer.Option(help="Folder for durable queues; without one they end with the broker.")
    ] = None,
) -> None:
    """The embedded AMQP 0-9-1 broker in the foreground, on loopback, for a client of your own."""
    from archlab.broker.process import serve

    serve(port, data)


@app.command()
def reset(
    everything: Annotated[
        bool, typer.Option("--everything", help="Also the recorded runs, predictions and answers.")
    ] = False,
    no_input: NoInput = False,
) -> None:
    """Remove cached data sets; with --everything also what was recorded."""
    from archlab.commands import records

    records.reset(everything, no_input)


@app.command()
def export(
    run_id: RunId,
    svg: Annotated[Path | None, typer.Option(help="Write the screen as a picture instead.", show_default=False)] = None,
) -> None:
    """A recorded run as JSON on stdout, or its screen as an SVG picture."""
    from archlab.commands import records

    records.export(run_id, svg)
