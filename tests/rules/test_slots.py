"""The life of a slot: each pair of states is allowed or refused as the page says."""

from itertools import pairwise, product

import pytest

from rules.errors import LANGUAGE
from rules.slots import NAMES, STATES, TRANSITIONS, TransitionRefused, check_transition

LIFE = ["draft", "published", "acknowledged", "on_duty", "handed_over"]


@pytest.mark.parametrize(("before", "after"), list(pairwise(LIFE)))
def test_a_slot_goes_through_its_life_in_order(before: str, after: str) -> None:
    check_transition(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("missed", "on_duty", id="a check-in proved late"),
        pytest.param("gap", "published", id="a gap is filled"),
        pytest.param("published", "gap", id="nobody left"),
        pytest.param("acknowledged", "gap", id="nobody left, though acknowledged"),
        pytest.param("published", "on_duty", id="came without acknowledging"),
        pytest.param("acknowledged", "published", id="re-assigned to someone else"),
        pytest.param("published", "missed", id="did not come"),
        pytest.param("acknowledged", "missed", id="did not come, though acknowledged"),
    ],
)
def test_a_slot_may_leave_its_usual_path(before: str, after: str) -> None:
    check_transition(before, after)


@pytest.mark.parametrize(("before", "after"), sorted(set(product(STATES, STATES)) - TRANSITIONS))
def test_any_other_step_is_refused(before: str, after: str) -> None:
    with pytest.raises(TransitionRefused):
        check_transition(before, after)


def test_nothing_follows_handing_over() -> None:
    assert not [pair for pair in TRANSITIONS if pair[0] == "handed_over"]


def test_every_state_can_be_reached_and_has_a_name() -> None:
    assert {after for _, after in TRANSITIONS} == set(STATES) == NAMES.keys()


def test_the_refusal_says_what_is_allowed_in_both_languages() -> None:
    refused = TransitionRefused("on_duty", "draft")
    assert str(refused) == "值班状态不能从“在岗”变为“草稿”；可变为：已交接。请刷新后重试。"
    token = LANGUAGE.set("en")
    assert str(refused).startswith("a slot cannot go from on_duty to draft; it may become: handed_over.")
    assert "nothing" in str(TransitionRefused("handed_over", "unknown"))
    LANGUAGE.reset(token)
