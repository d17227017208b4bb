"""``archlab explain``: the words used here, one at a time. Every scenario adds words of its topic, and its claims,
requirements and metrics can be asked for by their ids."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from rich.text import Text

from archlab.scenario import Claim, Metric, Requirement, Scenario, Word
from archlab.view import units
from archlab.view.page import DIM, HEAD, Page, Picture
from archlab.view.vocabulary import WORDS

Glossary = Mapping[str, Sequence[Word]]
"""Words by what they belong to: a scenario, a scenario's claims …; archlab's own under the empty name."""

OWN: Glossary = {"": WORDS}


OF = {"claim": "claims", "requirement": "requirements", "metric": "metrics"}
"""What a scenario has beside its words, and in which field."""


def of_scenario(scenario: Scenario) -> Glossary:
    """What a scenario can explain: its words, and what it claims, requires and measures."""
    found: dict[str, Sequence[Word]] = {scenario.name: scenario.words}
    found[f"{scenario.name}, a claim"] = [_claim(claim, scenario) for claim in scenario.claims]
    found[f"{scenario.name}, a requirement"] = [_requirement(r, scenario) for r in scenario.requirements]
    found[f"{scenario.name}, a metric"] = [_metric(metric, scenario) for metric in scenario.metrics]
    return found


def _claim(claim: Claim, scenario: Scenario) -> Word:
    rests = {
        "measured": "It is checked in every run.",
        "modelled": f"It is modelled: {claim.formula or claim.source}.",
        "reported": f"It is reported by others: {claim.source}",
    }
    command = f"The evidence: archlab claims {scenario.typed or scenario.name}"
    return Word(claim.id, f"{claim.text} {rests[claim.kind]}\n{command}", (claim.id.replace("-", " "),), ("claim",))


def _requirement(r: Requirement, scenario: Scenario) -> Word:
    where = f" at {units.listed(r.workloads)}" if r.workloads else ""
    sometimes = ", if the knobs require it" if r.when else ""
    bound = units.bound(r.at_most, r.unit, r.at_least)
    told = f"Required{where}{sometimes}: {r.says} {bound}, because {r.why}. It bounds the metric {r.metric}."
    return Word(r.id, told, (r.id.replace("-", " "), r.says), ("requirement", r.metric))


def _metric(metric: Metric, scenario: Scenario) -> Word:
    unit = {"s": "in seconds", "share": "as a share of 1"}.get(metric.unit, f"in {metric.unit}" if metric.unit else "")
    told = f"{metric.says[:1].upper()}{metric.says[1:]}{', ' if unit else ''}{unit}. {MEASURED[_measured(metric)]}"
    told += f" {metric.better.capitalize()} is better."
    if not metric.counted:
        told += f" A difference of less than {units.figure(metric.noticeable, metric.unit)} is not noticeable."
    bounds = tuple(r.id for r in scenario.requirements if r.metric == metric.name)
    also = (metric.name.replace("_", " "), metric.says)
    return Word(metric.name, told, also, ("metric", *bounds))


MEASURED = {
    "latency": "Measured from when a request was due until it was answered.",
    "service": "Measured from when a worker took a request up until it was answered, without the wait.",
    "failures": "It is the share of requests that failed.",
    "utilisation": "It is the share of the workers' time that the load takes.",
    "orphans": "It is the share of traces that belong to no request.",
    "": "It is observed by an experiment, or at the end of a load.",
}
"""What a metric is taken of; empty for samples."""


def _measured(metric: Metric) -> str:
    return "" if metric.of == "latency" and metric.operation is None else metric.of


def find(asked: str, glossary: Glossary = OWN) -> list[tuple[str, Word]]:
    """(scenario, word) of every word that has this name, archlab's own first; capitals do not matter."""
    wanted = " ".join(asked.lower().split())
    return [(of, word) for of, words in glossary.items() for word in words if wanted in _names(word)]


def nearest(asked: str, glossary: Glossary = OWN) -> list[str]:
    """Up to three words that look like the one asked for."""
    named = {name: word.name for words in glossary.values() for word in words for name in _names(word)}
    close = difflib.get_close_matches(" ".join(asked.lower().split()), named, n=5, cutoff=0.6)
    return list(dict.fromkeys(named[name] for name in close))[:3]


def explain(asked: str, glossary: Glossary = OWN) -> Picture:
    """What a word means, in every topic that has it."""
    return Picture(lambda page: _explain(page, find(asked, glossary)))


def words(glossary: Glossary = OWN, more: Iterable[Glossary] = ()) -> Picture:
    """All words, to choose from; and the ids that are known beside them, of a scenario each."""
    return Picture(lambda page: [*_words(page, glossary), *(line for of in more for line in _ids(page, of))])


def _names(word: Word) -> list[str]:
    return [name.lower() for name in (word.name, *word.also)]


def _explain(page: Page, found: Iterable[tuple[str, Word]]) -> Iterable[Text]:
    for of, word in found:
        yield page.text((word.name, HEAD), (f"  {of}" if of else "", DIM))
        yield from page.wrap(word.means, indent=2)
        if word.see:
            yield from page.wrap(page.text(("see also: ", DIM), (", ".join(word.see), DIM)), indent=2)


def _words(page: Page, glossary: Glossary) -> Iterable[Text]:
    yield from page.wrap("To explain one of these terms, type for example: archlab explain p95")
    for of, some in glossary.items():
        label = page.text((f"  of {of}: ", DIM)) if of else ""
        if some:
            yield from page.wrap(" · ".join(sorted(word.name for word in some)), label, indent=2)


def _ids(page: Page, of: Glossary) -> Iterable[Text]:
    """``claims of cqrs: faster · start-simple``."""
    for label, some in of.items():
        scenario, _, kind = label.partition(", a ")
        if kind and some:
            named = " · ".join(word.name for word in some)
            yield from page.wrap(named, page.text((f"  {OF[kind]} of {scenario}: ", DIM)), indent=2)
