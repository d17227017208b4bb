"""The sentences of a run: the verdict, its price, and the prediction beside it."""

from dataclasses import replace

import pytest

from archlab.run import FaultRecord
from archlab.scenario import Knob
from archlab.view import run_screen, verdict


def test_the_verdict_names_every_workload_and_what_self_inflicted_costs(samples):
    sentences = verdict.verdict_sentences(samples.run(), samples.scenario())
    assert sentences[:3] == [
        "calm: crud is enough.",
        "pressure: queries is enough (28 % busy). crud serves 29 of 100/s.",
        "far_views: projection is enough. crud misses “page, 95 %”: 410 ms, bound ≤ 100 ms.",
    ]
    assert sentences[3] == (
        "Under pressure, projection is 620 × faster than queries, which nobody needs, "
        "at 1.8 × the code, one more process and 58 ms instead of at once (own order seen)."
    )


def test_a_scenario_says_what_is_busy_where_it_is_not_the_design(samples):
    """Whatever parts of the lab its designs use."""
    known = replace(samples.scenario(), needs=("services",))
    assert verdict.verdict_sentences(samples.run(), known)[1].startswith("pressure: queries is enough (28 % busy). ")
    over = replace(known, needs=(), load=replace(known.load, busy="its connection"))
    assert verdict.verdict_sentences(samples.run(), over)[1].startswith(
        "pressure: queries is enough (its connection 28 % busy). "
    )


def test_workloads_with_one_outcome_share_a_clause(samples):
    run = samples.run()
    calm = run.verdict("calm")
    alike = replace(run, verdicts=tuple(replace(calm, workload=v.workload) for v in run.verdicts), requirements=())
    assert verdict.verdict_sentences(alike)[0] in (
        "calm, pressure and far_views: crud is enough.",
        "calm and far_views: crud is enough.",
    )


def test_a_gain_that_is_not_beyond_noise_is_no_gain(samples):
    run = replace(samples.run(), comparisons=())
    assert "not measurably faster than " in verdict.verdict_sentences(run)[-1]


@pytest.mark.parametrize(
    ("outcome", "ratio", "says"),
    [
        ("equivalent", 1.1, "projection is not noticeably faster than queries"),
        ("cannot tell", 3.0, "projection is not measurably faster than queries"),
        ("better", 0.5, "projection is not faster than queries"),
    ],
)
def test_what_nobody_could_tell_is_not_called_unnoticeable(samples, outcome, ratio, says):
    run = samples.run()
    changed = tuple(replace(c, outcome=outcome, ratio=ratio) for c in run.comparisons)
    assert says in verdict.verdict_sentences(replace(run, comparisons=changed))[-1]


def test_a_pattern_that_pays_everywhere_has_no_price_to_tell(samples):
    run = samples.third_party()
    only = replace(run, verdicts=tuple(v for v in run.verdicts if v.workload == "pressure"))
    assert verdict.verdict_sentences(only) == [
        "pressure: events is enough. http-chain misses “checkout p95”: 2.1 s, bound ≤ 300 ms."
    ]


@pytest.mark.parametrize(
    ("design", "says"),
    [
        ("queries", "queries under pressure, 70 % sure. Right: pressure needs queries."),
        ("projection", 'the answer was queries. Trap: "faster means needed". You will be asked again.'),
        ("summary", 'the answer was queries. Trap: "faster means needed". You will be asked again.'),
        ("crud", 'the answer was queries. Trap: "simple is always enough". You will be asked again.'),
    ],
)
def test_the_prediction_stands_beside_the_outcome_with_its_trap(samples, design, says):
    assert says in verdict.prediction_sentence(samples.run(), design, 70, samples.scenario())


def test_a_predicted_misuse_is_a_trap_of_its_own(samples):
    said = verdict.prediction_sentence(samples.with_misuse(), "misordered", 90, samples.scenario())
    assert "the pattern's name is enough" in said


def test_an_uncertain_run_decides_no_prediction_that_it_leaves_open(samples):
    run = samples.uncertain()
    assert "cannot tell" in verdict.prediction_sentence(run, "queries", 70, samples.scenario())
    assert "the answer is queries or summary" in verdict.prediction_sentence(run, "crud", 70, samples.scenario())


def test_where_none_is_sufficient_every_prediction_is_wrong_without_a_trap(samples):
    said = verdict.prediction_sentence(samples.none_sufficient(), "projection", 70, samples.scenario())
    assert said == "projection under pressure, 70 % sure; no design is enough in pressure. You will be asked again."


def test_trust_tells_noise_rounds_faults_and_the_observer_effect(samples):
    assert verdict.trust_facts(samples.run()) == [
        "crud differs from itself by 4 %",
        "5 rounds, n ≥ 80",
        "faults injected: projector-killed 3 of 3",
        "tracing adds 1 %",
    ]
    more = replace(samples.run(), faults=(FaultRecord("poison", "projection", 3, 6),), noise=None, quick=True)
    struck = "faults injected: poison 6 times, 3 planned"
    assert verdict.trust_facts(more)[:3] == ["5 rounds, n ≥ 80", "--quick: fewer rounds", struck]


def test_a_baseline_that_differs_from_itself_makes_the_verdict_doubtful_and_says_what_to_type(samples):
    """Above 25 %, before any outcome; below that the verdict stands without a doubt."""

    def told(noise):
        picture = run_screen.figures(replace(samples.run(), noise=noise), samples.scenario())
        return samples.flowing(samples.render(picture, 100))

    doubt = "VERDICT Doubtful: crud differs from itself by 30 %. Close other programs and measure longer."
    assert f"{doubt} archlab run cqrs --for 60s calm: crud is enough." in told(0.30)
    assert "Doubtful" not in told(0.25) and "VERDICT calm: crud is enough." in told(0.25)


def test_of_many_kinds_of_faults_is_said_that_all_struck_or_which_did_not(samples):
    struck = tuple(FaultRecord(f"kind-{n}", "crud", 2, 2) for n in range(4))
    assert "faults injected: all 8, of 4 kinds" in verdict.trust_facts(replace(samples.run(), faults=struck))
    missed = (*struck[:3], FaultRecord("kind-3", "crud", 2, 1))
    (told,) = [t for t in verdict.trust_facts(replace(samples.run(), faults=missed)) if "injected" in t]
    assert told.endswith("kind-3 1 of 2")


def test_claims_of_other_kinds_are_listed_and_not_counted(samples):
    run = samples.run()
    modelled = replace(run.claims[0], id="queueing", kind="modelled", outcome=None)
    text = samples.render(verdict_picture(verdict.claims, replace(run, claims=(*run.claims, modelled))))
    assert "7 of 7 held" in text and "not judged here: queueing (modelled)" in text


def test_check_tells_the_verdict_and_the_claims_without_a_scenario(samples, sample):
    text = samples.render(verdict_picture(verdict.checked, sample))
    assert sample.scenario in text
    assert ("INVALID" in text) == (not sample.valid)
    assert ("VERDICT" in text) == sample.valid


def verdict_picture(draw, run):
    from archlab.view.page import Picture

    return Picture(lambda page: draw(page, run))


def test_what_was_assumed_is_said_where_it_was_turned_up(samples):
    """An assumed knob at 0 assumes nothing; where it is not, whoever trusts the figures must know."""
    far = Knob("distance", 0.0, 0.0, 100.0, "ms", "a round trip", "ping", assumed=True)
    run = samples.run()
    first, *others = run.workloads
    run = replace(
        run,
        workloads=(
            replace(first, settings={"distance": 5.0}),
            *(replace(w, settings={"distance": 0.0}) for w in others),
        ),
    )
    text = samples.render(run_screen.whole(run, replace(samples.scenario(), knobs=(far,))))
    assert f"assumed: distance 5 ms ({first.name})" in " ".join(text.split())
    assert text.count("assumed:") == 1


def opened(run):
    """The run with two claims left open."""
    shaky = [replace(c, outcome="inconclusive", evidence="it was not looked at") for c in run.claims[:2]]
    return replace(run, claims=(*shaky, *run.claims[2:]))


def test_a_narrowed_run_says_why_its_claims_are_open(samples):
    """To measure longer never measures what was left out."""
    run, scenario = opened(samples.run()), replace(samples.scenario(), narrowed="--design crud")
    text = samples.flowing(samples.render(run_screen.figures(run, scenario)))
    told = "? open because this run left out designs: faster · start-simple. Try the whole: archlab run cqrs"
    assert told in text
    assert "inconclusive" not in text and "--for 60s" not in text and "5 of 7 held" in text
    quick = samples.flowing(samples.render(run_screen.figures(replace(run, quick=True), scenario)))
    assert "? open because this quick look left out designs: faster" in quick
    turned = samples.flowing(samples.render(run_screen.figures(replace(run, turned={"page_rows": 9}), scenario)))
    assert "? open because this run left out designs or turned knobs: faster" in turned
    mine = samples.flowing(samples.render(run_screen.figures(run, replace(scenario, typed="./mine"))))
    assert "Try the whole: archlab run ./mine" in mine


def test_a_narrowed_run_that_is_unsure_is_repeated_as_it_was(samples):
    run, scenario = samples.uncertain(), replace(samples.scenario(), narrowed="--workload pressure")
    text = samples.flowing(samples.render(run_screen.figures(replace(run, turned={"page_rows": 9}), scenario)))
    assert "archlab run cqrs --set page_rows=9 --workload pressure --for 60s" in text


def test_a_recorded_narrowed_run_is_known_by_what_it_lacks(samples):
    run = opened(samples.run())
    only = replace(run, workloads=run.workloads[:2])
    text = samples.flowing(samples.render(run_screen.figures(only, samples.scenario())))
    assert "? open because this run left out workloads: faster · start-simple." in text
    text = samples.flowing(samples.render(run_screen.figures(run, samples.scenario())))
    assert "? inconclusive faster" in text and "Try --for 60s." in text


def test_a_refuted_claim_of_a_narrowed_run_stands_in_full(samples):
    run = samples.none_sufficient()
    text = samples.flowing(
        samples.render(run_screen.figures(run, replace(samples.scenario(), narrowed="--design crud")))
    )
    assert "✗ refuted start-simple" in text and "? open" not in text
