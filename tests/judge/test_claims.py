"""A claim asks only for what its scenario declares; a modelled one shows its formula and its value here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from archlab.judge import broken_claims
from archlab.run import Run
from archlab.scenario import Claim, Finding, held, inconclusive, refuted
from tests.judge.test_judging import claiming


def asking(ask: Callable[[Run], object], **changed: Any) -> Run:
    """A run with a claim that asks for something and then says that it saw nothing."""

    def judged(run: Run) -> Finding:
        ask(run)
        return inconclusive("nothing was measured")

    return claiming(Claim("curious", "", judged), **changed)


ASKED: list[tuple[Callable[[Run], object], str]] = [
    (lambda run: run.measured("page_p59", "plain", "calm"), "the metric 'page_p59', which the scenario does not"),
    (lambda run: list(run.all_measured("lots", "plain", "calm")), "the metric 'lots'"),
    (lambda run: run.required("page_p95", "plane", "calm"), "the design 'plane'"),
    (lambda run: run.compared("page_p95", "clam", "plain", "query"), "the workload 'clam'"),
    (lambda run: run.compared("page_p95", "calm", "plain", "querry"), "the design 'querry'"),
    (lambda run: list(run.all_compared("nope", "calm", "plain", "query")), "the metric 'nope'"),
    (lambda run: run.verdict("presure"), "the workload 'presure'"),
    (lambda run: run.flips("presure"), "the workload 'presure'"),
    (lambda run: run.trace("page", "crudd", "calm"), "the design 'crudd'"),
    (lambda run: run.design("crudd"), "the design 'crudd'"),
]


@pytest.mark.parametrize(("ask", "what"), ASKED)
def test_a_claim_that_asks_for_an_unknown_name_is_a_fault_and_not_inconclusive(
    ask: Callable[[Run], object], what: str
) -> None:
    (broken,) = broken_claims(asking(ask))
    assert what in broken.evidence
    assert "(test_claims.py, line" in broken.evidence


def test_a_near_name_is_suggested_and_far_ones_are_listed() -> None:
    near, far = (asking(lambda run, name=name: run.verdict(name)).claims[0].evidence for name in ("presure", "x"))  # type: ignore[misc]  # the default binds the name
    assert "did you mean 'pressure'?" in near
    assert "choose from: calm, pressure" in far


def test_what_was_declared_and_not_measured_is_no_fault() -> None:
    judged = asking(lambda run: run.measured("lost", "model", "pressure"))
    assert broken_claims(judged) == ()
    assert judged.claims[0].evidence == "nothing was measured"


def test_in_a_narrowed_run_only_metrics_are_known_in_full() -> None:
    """The designs and workloads that were left out are declared all the same."""
    assert broken_claims(asking(lambda run: run.verdict("far"), narrowed="--workload calm")) == ()
    assert len(broken_claims(asking(lambda run: run.measured("x", "y", "z"), narrowed="--workload calm"))) == 1


def test_a_modelled_claim_tells_its_value_here_and_is_not_judged() -> None:
    claim = Claim("m", "", kind="modelled", formula="1 / x", here=lambda run: f"1 with seed {run.seed}", source="s")
    (told,) = claiming(claim).claims
    assert (told.outcome, told.evidence, told.formula, told.source) == (None, "1 with seed 1", "1 / x", "s")


def test_a_formula_that_cannot_be_computed_is_a_fault_of_the_scenario() -> None:
    (told,) = broken_claims(claiming(Claim("m", "", kind="modelled", formula="1 / 0", here=lambda run: str(1 / 0))))
    assert "ZeroDivisionError" in told.evidence


@pytest.mark.parametrize("finding", [held, refuted, inconclusive])
def test_a_finding_carries_a_few_cases(finding: Callable[..., Finding]) -> None:
    (told,) = claiming(Claim("m", "", lambda run: finding("9", [f"case\n{n}" for n in (1, 1, *range(9))]))).claims
    assert told.cases == ("case 1", "case 0", "case 2", "case 3", "case 4")
