"""The command line: parses arguments and returns exit codes. Each command imports the heavy modules that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

COMPLETION = ("--install-completion", "--show-completion")


class _Commands(TyperGroup):
    """Turns a usage error of Typer into one sentence that says what was wrong and what to type next."""

    def make_context(self, info_name: str | None, args: list[str], *others: Any, **options: Any) -> Any:
        if args and args[-1] in COMPLETION:
            args = [*args, ""]  # the name of the shell may be left out
        with _plain_errors("archlab"):
            return super().make_context(info_name, args, *others, **options)

    def invoke(self, context: Any) -> Any:
        typed = context._protected_args[:1]
        with _plain_errors(" ".join(["archlab", *(name for name in typed if name in self.commands)])):
            return super().invoke(context)


@contextmanager
def _plain_errors(command: str) -> Iterator[None]:
    try:
        yield
    except typer.TyperException as error:
        from archlab.scenario import UsageError

        raise UsageError(f"{_wrong(command, error)} Type `{command} --help` to see what it takes.") from error


def _wrong(command: str, error: Any) -> str:
    """The error of Typer as a sentence."""
    said = error.format_message().strip().rstrip(".")
    parameter = getattr(error, "param", None)
    if said.startswith("Missing") and parameter:
        name = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.metavar
        return f"{name} is missing ({parameter.help.rstrip('.')})."
    if said.startswith("No such option"):
        possible = " or ".join(getattr(error, "possibilities", None) or ())
        return f"{command} has no option {error.option_name}." + (f" Did you mean {possible}?" if possible else "")
    plain = said.replace("a valid int range", "a whole number").replace("a valid int", "a whole number")
    return f"{plain[:1].lower()}{plain[1:]}{'' if plain.endswith('?') else '.'}"


def _examples(*lines: str) -> str:
    """The examples at the end of a command's help."""
    return "\n".join(("Examples:", *(f"  {line}" for line in lines)))


app = typer.Typer(
    name="archlab",
    cls=_Commands,
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Try architecture patterns against simpler designs, and see on your own machine when they are worth it.",
    epilog=_examples("archlab run cqrs", "archlab show middleware --code"),
)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A scenario's name, or ./folder of a copy.", show_default=False)
]
MaybeName = Annotated[
    str | None, typer.Argument(metavar="NAME", help="A scenario's name, or ./folder of a copy.", show_default=False)
]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KNOB=VALUE", help="Change the value of a knob (repeatable).")
]
Workloads = Annotated[
    list[str] | None, typer.Option("--workload", metavar="NAME", help="Run only this workload (repeatable).")
]
Designs = Annotated[
    list[str] | None, typer.Option("--design", metavar="NAME", help="Use only this design (repeatable).")
]
Seed = Annotated[int, typer.Option(help="The seed of the data and the requests.")]
RunId = Annotated[int, typer.Argument(metavar="RUN", help="A run's number.", show_default=False, max=2**63 - 1)]
Quick = Annotated[bool, typer.Option("--quick", help="Fewer rounds, a few seconds; the verdict may be inconclusive.")]
For = Annotated[str | None, typer.Option("--for", metavar="TIME", help="Keep measuring for this long: 60s, 5m.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else.")]
Broker = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Use this AMQP broker, amqp://user:password@host:port/vhost, not archlab's own; 'rabbitmq' starts a "
        "RabbitMQ node for this run. ARCHLAB_BROKER does the same and keeps the password out of the process list.",
        show_default=False,
    ),
]
Keep = Annotated[
    bool,
    typer.Option("--keep", help="Keep the system running after the run, with a prompt to try things, until Enter."),
]
NoInput = Annotated[bool, typer.Option("--no-input", help="Ask nothing.")]
Slowest = Annotated[bool, typer.Option("--slowest", help="Show the slowest traced request, not the median one.")]


def _version(asked: bool) -> None:
    if asked:
        from archlab import __version__

        print(f"archlab {__version__}")
        raise typer.Exit


def _install_completion(shell: str | None) -> None:
    if shell is not None:
        from archlab.commands import completion

        completion.install(shell)
        raise typer.Exit


def _show_completion(shell: str | None) -> None:
    if shell is not None:
        from archlab.commands import completion

        completion.show(shell)
        raise typer.Exit


@app.callback(invoke_without_command=True)
def home(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    install_completion: Annotated[
        str | None,
        typer.Option(
            metavar="[SHELL]",
            callback=_install_completion,
            is_eager=True,
            help="Set up completion with the Tab key, for bash, zsh or fish. Without a name: for the shell you use.",
            show_default=False,
        ),
    ] = None,
    show_completion: Annotated[
        str | None,
        typer.Option(
            metavar="[SHELL]",
            callback=_show_completion,
            is_eager=True,
            help="Print the completion script, so that you can install it yourself.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """The course: its topics, what you have done, what comes next."""
    if context.invoked_subcommand is None:
        from archlab.commands import course

        course.home()


@app.command("list", epilog=_examples("archlab list", "archlab list --json"))
def list_scenarios(as_json: AsJson = False) -> None:
    """List the scenarios, one line each."""
    from archlab.commands import course

    course.list_scenarios(as_json)


@app.command(epilog=_examples("archlab show cqrs", "archlab show cqrs --code --design crud --design queries"))
def show(
    name: Name,
    code: Annotated[
        bool, typer.Option("--code", help="Show the code of the designs: the functions that differ.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="With --code: show every line.")] = False,
    change: Annotated[
        bool, typer.Option("--change", help="Show the change request as a diff of every design.")
    ] = False,
    design: Designs = None,
) -> None:
    """Show the lesson of a scenario with its workloads and knobs, or the code of its designs."""
    from archlab.commands import show

    show.show(name, code, change, everything, design or [])


@app.command(epilog=_examples("archlab run cqrs", "archlab run cqrs --workload pressure --set page_rows=20000"))
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
    keep: Keep = False,
    full: Annotated[bool, typer.Option("--full", help="Show the whole report after the run.")] = False,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="For a ./folder: measure briefly at every save, and say in one line what changed."
        ),
    ] = False,
) -> None:
    """Predict, run and compare the designs; then see the verdict and what to try next."""
    from archlab.commands import course
    from archlab.commands import run as running

    asked = running.Asked(
        name or course.choose("run", ask=not (no_input or as_json)),
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
        keep,
        full,
    )
    if watch:
        from archlab.commands import watch as watching

        raise typer.Exit(watching.watch(asked))
    raise typer.Exit(running.run(asked))


@app.command(epilog=_examples("archlab check cqrs", "archlab check middleware --for 60s --json"))
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
    """Run a scenario for CI. Exit code 3: a claim is refuted. 4: the run is invalid or inconclusive."""
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


@app.command(epilog=_examples("archlab compare", "archlab compare cqrs"))
def compare(name: MaybeName = None, as_json: AsJson = False, no_input: NoInput = False) -> None:
    """Show the course on one screen, or one scenario in full. Runs what has no recorded run."""
    from archlab.commands import compare

    compare.compare(name, as_json)


@app.command(epilog=_examples("archlab quiz", "archlab quiz middleware"))
def quiz(
    name: MaybeName = None,
    no_input: NoInput = False,
    as_json: AsJson = False,
) -> None:
    """Ask questions, beginning with those you got wrong. Each answer explains every option."""
    from archlab.commands import quiz

    quiz.quiz(name, no_input, as_json)


@app.command(epilog=_examples("archlab new mine --from cqrs", "archlab new cheaper --from middleware"))
def new(
    folder: Annotated[str, typer.Argument(metavar="NAME", help="The new folder's name.", show_default=False)],
    original: Annotated[str, typer.Option("--from", help="The scenario to copy.")],
) -> None:
    """Copy a scenario to edit it. `archlab run ./NAME` judges the copy beside the original."""
    from archlab.commands import copies

    copies.new(Path(folder), original)


@app.command(epilog=_examples("archlab lint cqrs", "archlab lint ./mine"))
def lint(name: Name) -> None:
    """List the mistakes in a scenario: in what it declares, then in what one quick run shows."""
    from archlab.commands import lint as linting

    raise typer.Exit(linting.lint(name))


@app.command(epilog=_examples("archlab history", "archlab history -n 5 --json"))
def history(
    number: Annotated[int, typer.Option("-n", "--number", help="How many runs.", min=1, max=1_000_000)] = 20,
    as_json: AsJson = False,
) -> None:
    """List the recorded runs, the newest first."""
    from archlab.commands import records

    records.history(number, as_json)


@app.command(epilog=_examples("archlab trace 12", "archlab trace 12 crud --slowest"))
def trace(
    run_id: RunId,
    design: Annotated[str | None, typer.Argument(help="Show only this design.", show_default=False)] = None,
    slowest: Slowest = False,
    as_json: AsJson = False,
) -> None:
    """Show the traces of a recorded run in full."""
    from archlab.commands import records

    records.trace(run_id, design, slowest, as_json)


@app.command(epilog=_examples("archlab report 12", "archlab report 3"))
def report(run_id: RunId) -> None:
    """Show everything about a recorded run: figures, cost, comparisons, claims, and how far to trust them."""
    from archlab.commands import records

    records.report(run_id)


@app.command(epilog=_examples("archlab claims cqrs", "archlab claims 12 --json"))
def claims(
    asked: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|RUN", help="A scenario, ./folder of a copy, or a run's number.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what the lessons claim, with the evidence from your latest run, the formula or the source."""
    from archlab.commands import claims

    claims.claims(asked, as_json)


@app.command(epilog=_examples("archlab explain p95", "archlab explain noise floor"))
def explain(
    word: Annotated[
        list[str] | None,
        typer.Argument(
            help="A term such as p95 or noise floor; or the id of a claim, a requirement or a metric.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Explain a term, a claim, a requirement or a metric."""
    from archlab.commands import show

    show.explain(" ".join(word) if word else None)


@app.command(epilog=_examples("archlab broker", "archlab broker --port 5673 --data ./queues"))
def broker(
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes any free port.", min=0, max=65535)] = 0,
    data: Annotated[
        Path | None,
        typer.Option(help="The folder for durable queues. Without a folder they are lost when the broker ends."),
    ] = None,
) -> None:
    """Run the embedded AMQP 0-9-1 broker in the foreground, on loopback, for your own client."""
    from archlab.broker.process import serve

    serve(port, data)


@app.command(epilog=_examples("archlab reset", "archlab reset --everything"))
def reset(
    everything: Annotated[
        bool, typer.Option("--everything", help="Also remove the recorded runs, predictions and answers.")
    ] = False,
    no_input: NoInput = False,
) -> None:
    """Remove the cached data sets; with --everything also what was recorded."""
    from archlab.commands import records

    records.reset(everything, no_input)


@app.command(epilog=_examples("archlab export 12", "archlab export 12 --svg run.svg"))
def export(
    run_id: RunId,
    svg: Annotated[
        Path | None, typer.Option(help="Write the screen of the run to this SVG file instead.", show_default=False)
    ] = None,
) -> None:
    """Print a recorded run as JSON, or write its screen as an SVG picture."""
    from archlab.commands import records

    records.export(run_id, svg)
