"""``archlab`` and ``archlab list``: the course with what was done so far, and the list of scenarios."""

from __future__ import annotations

import sys
from collections.abc import Callable

from archlab import catalog
from archlab.view.course import Topic, durations, listing


def home() -> None:
    from archlab.commands.terminal import console
    from archlab.view import home as view

    console().print(view.home(_topics()))


def list_scenarios(as_json: bool) -> None:
    listed = catalog.listed()
    if as_json:
        from dataclasses import asdict

        from archlab.commands.terminal import print_json

        print_json({"schema": 1, "scenarios": [asdict(entry) for entry in listed]})
        return
    _print_lines(listing, [_topic(entry) for entry in listed])


def choose(command: str, ask: bool = True) -> str:
    """The scenario that a person chooses, for a command that was typed without a name.

    Raises UsageError where nobody can be asked, or nothing is chosen.
    """
    from archlab.commands import terminal
    from archlab.scenario import UsageError

    topics = [_topic(entry) for entry in catalog.listed()]
    names = [topic.name for topic in topics if not topic.problem]
    if ask and names and terminal.interactive():
        _print_lines(durations, topics)
        number = terminal.ask(terminal.console(), "Which one", "press enter for none", range(1, len(names) + 1), names)
        if number is not None:
            return names[number - 1]
    listed = ", ".join(names) or "none can be loaded, `archlab list` says why"
    raise UsageError(
        f"archlab {command} needs a scenario: {listed}. Type `archlab {command} {(names or ['NAME'])[0]}`."
    )


def _print_lines(draw: Callable[..., list[str]], topics: list[Topic]) -> None:
    """Plain lines: Rich takes longer to import than all the rest of ``archlab list``."""
    from shutil import get_terminal_size

    ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
    for line in draw(topics, get_terminal_size((100, 24)).columns, ascii_only):
        print(line)


def _topic(entry: catalog.Listed) -> Topic:
    return Topic(entry.name, entry.topic, entry.question, entry.seconds or 0.0, entry.problem, entry.origin)


def _topics() -> list[Topic]:
    """The catalogue with what was done so far."""
    from dataclasses import replace

    from archlab.commands.compare import whole
    from archlab.commands.terminal import recording
    from archlab.learn import quiz
    from archlab.view.history import told

    topics = []
    listed = [_topic(entry) for entry in catalog.listed()]
    with recording() as store:
        for topic, entry in zip(listed, catalog.entries(), strict=True):
            if entry.scenario is None:
                topic = replace(topic, problem=entry.problem)
            elif store is not None:
                last = store.latest(entry.name, whole(entry.scenario)) or store.latest(entry.name)
                asked = quiz.questions(entry.scenario)
                known = quiz.standing(entry.name, asked, store.answers(entry.name))
                topic = replace(
                    topic,
                    last_run=last.run_id if last else None,
                    outcome=told(last.verdicts, last.invalid_reasons) if last else "",
                    right=known.right,
                    answered=known.answered,
                    questions=known.questions,
                )
            topics.append(topic)
    return topics or listed
