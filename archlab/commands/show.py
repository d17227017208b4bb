"""``archlab show`` and ``archlab explain``: lesson, code, change request, and the terms that archlab uses."""

from __future__ import annotations

from archlab import catalog
from archlab.commands.terminal import console, print_long
from archlab.scenario import UsageError


def show(name: str, code: bool, change: bool, everything: bool, designs: list[str]) -> None:
    from archlab.catalog import cost
    from archlab.learn import lesson
    from archlab.view import bill
    from archlab.view import lesson as view

    scenario = catalog.find(name)
    narrowed = scenario.only(designs, ())
    shown: list[object] = []
    if code:
        source = lesson.code(narrowed)
        shown.append(view.code([(d.name, d.title, source[d.name]) for d in narrowed.designs], everything))
    if change:
        diffs = lesson.changes(narrowed)
        facts = {f.name: f for f in cost.facts(scenario)}
        takes = [(d.name, bill.takes(facts[d.name]), diffs[d.name]) for d in narrowed.designs if d.name in diffs]
        shown.append(view.change(scenario.change_request, takes))
    if not code and not change:
        shown += [view.lesson(lesson.text(scenario)), view.knobs(scenario.knobs, scenario.workloads)]
    print_long(console(), *shown)


def explain(word: str | None) -> None:
    from archlab.view import glossary

    loaded = [entry.scenario for entry in catalog.entries() if entry.scenario]
    topics = {scenario.name: scenario.words for scenario in loaded}
    ids = [glossary.of_scenario(scenario) for scenario in loaded]
    known = {**glossary.OWN, **{label: words for of in ids for label, words in of.items()}}
    if word is not None and not glossary.find(word, known):
        close = ", ".join(glossary.nearest(word, known))
        hint = f"Did you mean: {close}?" if close else "`archlab explain` lists every term."
        raise UsageError(f"{word!r} is not explained here. {hint}")
    if word is None:
        print_long(console(), glossary.words({**glossary.OWN, **topics}, ids))
    else:
        console().print(glossary.explain(word, known))
