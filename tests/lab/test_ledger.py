"""The ledger of crash points: what was lost, what happened twice, what came late."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab.lab.ledger import compare, crash_points, samples

EFFECTS = list(range(8))


def test_once_and_in_order_is_exact() -> None:
    assert compare("abc", "abc").exact
    assert str(compare("abc", "abc")) == "exact"


def test_what_never_happened_is_lost() -> None:
    assert compare("abc", "ac").lost == ("b",)


def test_what_happened_again_is_duplicated_as_often_as_it_was_too_much() -> None:
    assert compare("abc", "abbbc").duplicated == ("b", "b")


def test_one_latecomer_counts_one_however_many_overtook_it() -> None:
    ledger = compare("abcdef", "bcdefa")
    assert ledger.reordered == ("a",)
    assert not ledger.lost and not ledger.duplicated


def test_a_replay_of_everything_is_duplicated_and_not_reordered() -> None:
    ledger = compare("abc", "abcabc")
    assert ledger.duplicated == ("a", "b", "c")
    assert ledger.reordered == ()


def test_what_was_not_to_happen_is_told_apart() -> None:
    assert compare("a", "ax").unexpected == ("x",)
    assert not compare("a", "ax").exact


def test_effects_need_names_of_their_own() -> None:
    with pytest.raises(ValueError, match="name of its own"):
        compare("aa", "aa")


@given(st.permutations(EFFECTS))
def test_an_order_is_mended_by_moving_the_latecomers_alone(happened: list[int]) -> None:
    """What is not reordered is in order, and nothing smaller would do: it is a longest such sequence."""
    ledger = compare(EFFECTS, happened)
    kept = [effect for effect in happened if effect not in ledger.reordered]
    assert kept == sorted(kept)
    assert not ledger.lost and not ledger.duplicated and not ledger.unexpected
    assert (happened == EFFECTS) == ledger.exact


@given(st.lists(st.sampled_from(EFFECTS)))
def test_every_effect_is_accounted_for(happened: list[int]) -> None:
    ledger = compare(EFFECTS, happened)
    assert len(happened) == len(EFFECTS) - len(ledger.lost) + len(ledger.duplicated)


def test_what_a_crash_did_is_told_by_the_name_of_its_point() -> None:
    happened = {"before effect": "ac", "between effect and ack": "abbc"}
    told = [sample for point, effects in happened.items() for sample in samples(point, compare("abc", effects))]
    found = {(s.at["crash_point"], s.metric): s.value for s in told}
    assert found["before effect", "lost"] == 1
    assert found["between effect and ack", "duplicated"] == 1
    assert sum(found.values()) == 2


def test_points_are_found_in_the_source(tmp_path: Path) -> None:
    code = 'def work(lab):\n    lab.crash_point("before")\n    if lab:\n        lab.crash_point("after")\n'
    (tmp_path / "worker.py").write_text(code)
    assert crash_points([tmp_path / "worker.py"]) == ("before", "after")
