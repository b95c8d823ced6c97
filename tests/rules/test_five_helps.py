"""Care teams by hand: what is missing, who has too many, who could help."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.five_helps import CaredFor, Carer, CareRule, Overload, Proposal, coverage
from rules.visits_list import ROLES, Pairing

RULE = CareRule(elders_per_daily_visit=2)
E1 = CaredFor("E1", "东", "1栋")
FULL = [Pairing("E1", f"H-{role}", role) for role in ROLES]
CARERS = [Carer(f"H-{role}", "东", role, 1) for role in ROLES]


def test_a_team_of_five_roles_is_full() -> None:
    assert coverage([E1], CARERS, FULL, RULE) == (1, [], [])


def test_a_role_held_by_two_still_leaves_the_others_missing() -> None:
    pairings = [Pairing("E1", "H-party", "party"), Pairing("E1", "H2", "party")]
    found = coverage([E1], [*CARERS, Carer("H2", "东", "party", 1)], pairings, RULE)
    assert [proposal.role for proposal in found.missing] == ["building", "women", "police", "gate"]


def test_a_helper_who_left_fills_no_role() -> None:
    found = coverage([E1], CARERS[:-1], FULL, RULE)
    assert (found.full, found.missing) == (0, [Proposal("E1", "gate", None)])


@pytest.mark.parametrize(
    ("carers", "expected"),
    [
        pytest.param([], Proposal("E1", "gate", None), id="nobody"),
        pytest.param([Carer("H1", "西", "gate", 9)], Proposal("E1", "gate", None), id="only in another community"),
        pytest.param([Carer("H1", "东", "women", 9)], Proposal("E1", "gate", None), id="only of another role"),
        pytest.param([Carer("H1", "东", "gate", 0)], Proposal("E1", "gate", None), id="capacity 0"),
        pytest.param(
            [Carer("H10", "东", "gate", 1), Carer("H9", "东", "gate", 1)],
            Proposal("E1", "gate", "H9", same_building=False),
            id="of two with as many elders the lower number",
        ),
        pytest.param(
            [Carer("H1", "东", "gate", 1), Carer("H2", "东", "gate", 1)],
            Proposal("E1", "gate", "H2", same_building=True),
            id="one who cares for a neighbour, though with more elders",
        ),
    ],
)
def test_a_missing_role_is_proposed_from_the_building_then_the_community(
    carers: list[Carer], expected: Proposal
) -> None:
    neighbour = CaredFor("E2", "东", "1栋")
    others = [Pairing("E2", f"H-{role}", role) for role in ROLES if role != "gate"] + [Pairing("E2", "H2", "gate")]
    found = coverage([E1, neighbour], [*CARERS[:-1], *carers], [*FULL[:-1], *others], RULE)
    assert found.missing[0] == expected


def test_proposals_stop_at_the_limit() -> None:
    """H1 makes one visit a day, so cares for 2 elders: the third is left without."""
    people = [CaredFor(f"E{n}", "东", "") for n in (1, 2, 3)]
    pairings = [Pairing(one.elder, f"H-{role}", role) for one in people for role in ROLES[:-1]]
    carers = [*(Carer(f"H-{role}", "东", role, 9) for role in ROLES[:-1]), Carer("H1", "东", "gate", 1)]
    assert [proposal.helper for proposal in coverage(people, carers, pairings, RULE).missing] == ["H1", "H1", None]


def test_the_elder_with_most_roles_missing_is_served_first() -> None:
    people = [CaredFor("E1", "东", ""), CaredFor("E2", "东", "")]
    carers = [Carer("H1", "东", "gate", 1), *CARERS[:-1]]
    pairings = [Pairing("E0", "H1", "gate"), *(Pairing("E1", f"H-{role}", role) for role in ROLES[:-1])]
    found = coverage(people, carers, pairings, RULE)
    assert [(p.elder, p.helper) for p in found.missing if p.role == "gate"] == [("E1", None), ("E2", "H1")]


def test_a_helper_with_more_elders_than_the_limit_is_overloaded() -> None:
    pairings = [Pairing(f"E{n}", "H-gate", "gate") for n in (1, 2, 3)] + [Pairing("E1", "H-gate", "gate")]
    found = coverage([], CARERS, pairings, RULE)
    assert found.overloaded == [Overload("H-gate", 3, 2)]


people_drawn = st.lists(
    st.builds(
        CaredFor, st.sampled_from(["E1", "E2", "E3", "E4"]), st.sampled_from("东西"), st.sampled_from(["", "1栋"])
    ),
    max_size=4,
    unique_by=lambda one: one.elder,
)
carers_drawn = st.lists(
    st.builds(
        Carer,
        st.integers(1, 12).map(lambda n: f"H{n}"),
        st.sampled_from("东西"),
        st.sampled_from(ROLES),
        st.integers(0, 2),
    ),
    max_size=9,
    unique_by=lambda carer: carer.number,
)
pairings_drawn = st.lists(
    st.builds(
        Pairing,
        st.sampled_from(["E1", "E2", "E3", "E9"]),
        st.integers(1, 13).map(lambda n: f"H{n}"),
        st.sampled_from(ROLES),
    ),
    max_size=15,
)


@given(people_drawn, carers_drawn, pairings_drawn, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_proposals_keep_the_rules_in_any_order_of_input(
    people: list[CaredFor], carers: list[Carer], pairings: list[Pairing], luck: Random
) -> None:
    found = coverage(people, carers, pairings, RULE)
    known, where = {carer.number: carer for carer in carers}, {one.elder: one for one in people}
    load = {h: len({p.elder for p in pairings if p.helper == h}) for h in known}
    for proposal in found.missing:
        if proposal.helper is not None:
            carer = known[proposal.helper]
            assert (carer.role, carer.community) == (proposal.role, where[proposal.elder].community)
            load[proposal.helper] += 1
            assert load[proposal.helper] <= 2 * carer.capacity
    held = {(p.elder, p.role) for p in pairings if p.helper in known}
    asked = {(proposal.elder, proposal.role) for proposal in found.missing}
    assert asked == {(one.elder, role) for one in people for role in ROLES} - held
    for rows in (people, carers, pairings):
        luck.shuffle(rows)
    assert coverage(people, carers, pairings, RULE) == found
