"""Commands: arguments in, exit code out; no logic. Whatever is heavy is imported by the command that needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

COMPLETION = ("--install-completion", "--show-completion")


class _Commands(TyperGroup):
    """Says what was typed wrong as archlab says everything: in one sentence, with what to type next."""

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
    """What Typer found wrong, as a sentence."""
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
    """The end of a command's help."""
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
    list[str] | None, typer.Option("--set", metavar="KNOB=VALUE", help="Turn a knob to another value (repeatable).")
]
Workloads = Annotated[
    list[str] | None, typer.Option("--workload", metavar="NAME", help="Only this workload (repeatable).")
]
Designs = Annotated[list[str] | None, typer.Option("--design", metavar="NAME", help="Only this design (repeatable).")]
Seed = Annotated[int, typer.Option(help="Seed of the data and the requests.")]
RunId = Annotated[int, typer.Argument(metavar="RUN", help="A run's number.", show_default=False, max=2**63 - 1)]
Quick = Annotated[bool, typer.Option("--quick", help="Fewer rounds, a few seconds; the verdict may be inconclusive.")]
For = Annotated[str | None, typer.Option("--for", metavar="TIME", help="Keep measuring for this long: 60s, 5m.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]
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
    bool, typer.Option("--keep", help="Leave the system up after the run, with a prompt to look around, until Enter.")
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
            help="Let the Tab key complete what you type: in bash, zsh or fish, if you name none in the shell you use.",
            show_default=False,
        ),
    ] = None,
    show_completion: Annotated[
        str | None,
        typer.Option(
            metavar="[SHELL]",
            callback=_show_completion,
            is_eager=True,
            help="Print the script that does so, to install it yourself.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """The course: its topics, what you have done, what is next."""
    if context.invoked_subcommand is None:
        from archlab.commands import course

        course.home()


@app.command("list", epilog=_examples("archlab list", "archlab list --json"))
def list_scenarios(as_json: AsJson = False) -> None:
    """Scenarios, one line each."""
    from archlab.commands import course

    course.list_scenarios(as_json)


@app.command(epilog=_examples("archlab show cqrs", "archlab show cqrs --code --design crud --design queries"))
def show(
    name: Name,
    code: Annotated[
        bool, typer.Option("--code", help="The designs' source, side by side: the functions that differ.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="With --code: every line.")] = False,
    change: Annotated[bool, typer.Option("--change", help="The change request, as a diff of every design.")] = False,
    design: Designs = None,
) -> None:
    """The lesson of a scenario with its workloads and knobs; or the code of its designs."""
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
    full: Annotated[bool, typer.Option("--full", help="Then show the whole report, in a pager on a terminal.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Of a ./folder: a short look at every save, one line each.")
    ] = False,
) -> None:
    """Predict, run, compare: traces side by side, figures, the verdict, what to try next."""
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


@app.command(epilog=_examples("archlab compare", "archlab compare cqrs"))
def compare(name: MaybeName = None, as_json: AsJson = False, no_input: NoInput = False) -> None:
    """The course on one screen, or one scenario in full, from recorded runs. Runs what is missing."""
    from archlab.commands import compare

    compare.compare(name, as_json)


@app.command(epilog=_examples("archlab quiz", "archlab quiz middleware"))
def quiz(
    name: MaybeName = None,
    no_input: NoInput = False,
    as_json: AsJson = False,
) -> None:
    """Questions, what you answered wrong first; feedback on every option after each answer."""
    from archlab.commands import quiz

    quiz.quiz(name, no_input, as_json)


@app.command(epilog=_examples("archlab new mine --from cqrs", "archlab new cheaper --from middleware"))
def new(
    folder: Annotated[str, typer.Argument(metavar="NAME", help="The new folder's name.", show_default=False)],
    original: Annotated[str, typer.Option("--from", help="The scenario to copy.")],
) -> None:
    """Copy a scenario to edit it; `archlab run ./NAME` judges the copy beside the original."""
    from archlab.commands import copies

    copies.new(Path(folder), original)


@app.command(epilog=_examples("archlab lint cqrs", "archlab lint ./mine"))
def lint(name: Name) -> None:
    """Say what is wrong with a scenario: first what it declares, then what one quick look at it shows."""
    from archlab.commands import lint as linting

    raise typer.Exit(linting.lint(name))


@app.command(epilog=_examples("archlab history", "archlab history -n 5 --json"))
def history(
    number: Annotated[int, typer.Option("-n", "--number", help="How many runs.", min=1, max=1_000_000)] = 20,
    as_json: AsJson = False,
) -> None:
    """Recorded runs, the newest first."""
    from archlab.commands import records

    records.history(number, as_json)


@app.command(epilog=_examples("archlab trace 12", "archlab trace 12 crud --slowest"))
def trace(
    run_id: RunId,
    design: Annotated[str | None, typer.Argument(help="Only this design.", show_default=False)] = None,
    slowest: Slowest = False,
    as_json: AsJson = False,
) -> None:
    """The traces of a recorded run, in full."""
    from archlab.commands import records

    records.trace(run_id, design, slowest, as_json)


@app.command(epilog=_examples("archlab report 12", "archlab report 3"))
def report(run_id: RunId) -> None:
    """All that a recorded run holds: figures, intervals, cost, comparisons, claims, how far to trust them."""
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
    """Every sentence that is taught, with the evidence of your latest run, its formula or its source."""
    from archlab.commands import claims

    claims.claims(asked, as_json)


@app.command(epilog=_examples("archlab explain p95", "archlab explain noise floor"))
def explain(
    word: Annotated[
        list[str] | None,
        typer.Argument(help="p95, noise floor, a claim, a requirement, a metric …", show_default=False),
    ] = None,
) -> None:
    """The words used here, one at a time; claims, requirements and metrics too."""
    from archlab.commands import show

    show.explain(" ".join(word) if word else None)


@app.command(epilog=_examples("archlab broker", "archlab broker --port 5673 --data ./queues"))
def broker(
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes any free one.", min=0, max=65535)] = 0,
    data: Annotated[
        Path | None, typer.Option(help="Folder for durable queues; without one they end with the broker.")
    ] = None,
) -> None:
    """The embedded AMQP 0-9-1 broker in the foreground, on loopback, for a client of your own."""
    from archlab.broker.process import serve

    serve(port, data)


@app.command(epilog=_examples("archlab reset", "archlab reset --everything"))
def reset(
    everything: Annotated[
        bool, typer.Option("--everything", help="Also the recorded runs, predictions and answers.")
    ] = False,
    no_input: NoInput = False,
) -> None:
    """Remove cached data sets; with --everything also what was recorded."""
    from archlab.commands import records

    records.reset(everything, no_input)


@app.command(epilog=_examples("archlab export 12", "archlab export 12 --svg run.svg"))
def export(
    run_id: RunId,
    svg: Annotated[Path | None, typer.Option(help="Write the screen as a picture instead.", show_default=False)] = None,
) -> None:
    """A recorded run as JSON on stdout, or its screen as an SVG picture."""
    from archlab.commands import records

    records.export(run_id, svg)
