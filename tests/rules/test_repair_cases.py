"""Repair by hand: four cadres in turn, one falls out."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from rules.calendar import Day
from rules.duty import Facts, Leave, Membership, Policy, Slot
from rules.repair import Change, repair, substitutes

# day   1  2  3  4  5  6  7  8
# duty  A  B  C  D  A  B  C  D     A falls out on day 5
DAYS = [date(2026, 2, 22) + timedelta(days=n) for n in range(14)]
CALENDAR = {day: Day(day, "work") for day in DAYS}
SEATS = [Membership(cadre, "K1", DAYS[0], None) for cadre in "ABCD"]
ROSTER = [Slot("K1", DAYS[n], "DABCDABCD"[n], "published", published=True) for n in range(1, 9)]
OUT = Leave("A", DAYS[5], DAYS[5], "sick")


def facts(slots: list[Slot], leaves: list[Leave], seats: list[Membership] | None = None) -> Facts:
    return Facts([], seats or SEATS, leaves, slots, CALENDAR)


def changed(slots: list[Slot], n: int, **fields: object) -> list[Slot]:
    return [replace(slot, **fields) if slot.date == DAYS[n] else slot for slot in slots]  # type: ignore[arg-type]


def mended(slots: list[Slot], leaves: list[Leave], today: int, policy: Policy | None = None) -> dict[int, str | None]:
    changes = repair(facts(slots, leaves), DAYS[today], policy or Policy())
    return {DAYS.index(c.date): (c.after or "GAP") + "!" * c.rest_relaxed for c in changes}


def test_nobody_falling_out_changes_nothing() -> None:
    assert mended(ROSTER, [], 1) == {}


def test_a_direct_substitute_is_the_only_change() -> None:
    """E never served and is eligible: highest balance, one slot changed."""
    seats = [*SEATS, Membership("E", "K1", DAYS[0], None)]
    (change,) = repair(facts(ROSTER, [OUT], seats), DAYS[1], Policy())
    assert (change.before, change.after, change.rest_relaxed, change.reason) == ("A", "E", False, "on_leave")
    assert (change.why.members, change.why.on_leave, change.why.eligible, change.why.last_duty) == (5, 1, 1, None)


@pytest.mark.parametrize(
    ("today", "change", "frozen", "expected"),
    [
        pytest.param(5, 0, {}, {5: "B", 6: "A"}, id="past days stay: B takes day 5, A takes B's day 6"),
        pytest.param(4, 0, {}, {4: "A", 5: "D"}, id="of equal chains the earlier day leads: D and A exchange"),
        pytest.param(4, 4, {"state": "acknowledged"}, {5: "B", 6: "A"}, id="an acknowledged day stays"),
        pytest.param(4, 4, {"state": "on_duty"}, {5: "B", 6: "A"}, id="a day on duty stays"),
        pytest.param(4, 4, {"checked_in": "D"}, {5: "B", 6: "A"}, id="a day checked in stays"),
        pytest.param(4, 6, {"pinned": True}, {4: "A", 5: "D"}, id="a pinned day stays"),
        pytest.param(5, 6, {"state": "acknowledged"}, {5: "B!"}, id="no chain left: the longest rested, relaxed"),
        pytest.param(5, 6, {"state": "draft", "published": False}, {5: "B", 6: "A"}, id="a draft may move"),
        pytest.param(5, 5, {"pinned": True}, {5: "B", 6: "A"}, id="pinned, but its own cadre cannot serve"),
        pytest.param(5, 5, {"state": "acknowledged"}, {5: "B", 6: "A"}, id="acknowledged, but cannot serve"),
        pytest.param(5, 5, {"state": "on_duty"}, {}, id="already on duty"),
        pytest.param(5, 5, {"state": "missed"}, {}, id="missed"),
        pytest.param(6, 0, {}, {}, id="the leave is past"),
        pytest.param(5, 5, {"state": "draft", "published": False}, {}, id="a draft is planned, not repaired"),
    ],
)
def test_the_shortest_chain_leaves_frozen_days_alone(
    today: int, change: int, frozen: dict[str, object], expected: dict[int, str]
) -> None:
    assert mended(changed(ROSTER, change, **frozen), [OUT], today) == expected


def test_a_chain_deeper_than_the_policy_allows_is_not_looked_for() -> None:
    assert mended(ROSTER, [OUT], 5, Policy(chain_depth=1)) == {5: "B!"}


def test_a_slot_moved_for_another_says_so() -> None:
    changes = repair(facts(ROSTER, [OUT]), DAYS[5], Policy())
    assert [(c.before, c.after, c.reason) for c in changes] == [("A", "B", "on_leave"), ("B", "A", "chain")]


def test_a_day_with_everyone_on_leave_becomes_a_gap() -> None:
    leaves = [Leave(cadre, DAYS[5], DAYS[5], "annual") for cadre in "ABCD"]
    (change,) = repair(facts(ROSTER, leaves), DAYS[1], Policy())
    assert (change.before, change.after, change.why.on_leave, change.why.present) == ("A", None, 4, 0)


def test_a_cadre_may_appear_twice_in_a_chain() -> None:
    """A left after day 4. B, C, D each step one day forward, and B, 3 days after day 5, also takes day 8."""
    seats = [Membership("A", "K1", DAYS[0], DAYS[4]), *SEATS[1:]]
    changes = repair(facts(ROSTER, [], seats), DAYS[5], Policy())
    assert [(DAYS.index(c.date), c.after) for c in changes] == [(5, "B"), (6, "C"), (7, "D"), (8, "B")]
    assert [c.reason for c in changes] == ["off_roster", "chain", "chain", "chain"]
    assert not any(c.rest_relaxed for c in changes)


@pytest.mark.parametrize(
    ("pinned", "expected"),
    [
        pytest.param(False, {5: "A"}, id="filled when someone is back"),
        pytest.param(True, {}, id="a pinned gap is meant to stay"),
    ],
)
def test_a_published_gap_is_filled_when_it_can_be(pinned: bool, expected: dict[int, str]) -> None:
    gap = changed(ROSTER, 5, cadre=None, state="gap", pinned=pinned)
    assert mended(gap, [], 1) == expected


def test_a_published_gap_that_cannot_be_filled_is_no_change() -> None:
    gap = changed(ROSTER, 5, cadre=None, state="gap")
    assert mended(gap, [Leave(cadre, DAYS[5], DAYS[5], "annual") for cadre in "ABCD"], 1) == {}


def test_a_make_up_workday_needs_no_one_else_and_a_rest_day_frees_the_exempt() -> None:
    seats = [replace(seat, rest_day_exempt=seat.cadre == "A") for seat in SEATS]
    rest = Facts([], seats, [], ROSTER, CALENDAR | {DAYS[5]: Day(DAYS[5], "rest")})
    assert repair(facts(ROSTER, [], seats), DAYS[5], Policy()) == []
    assert [(c.after, c.reason) for c in repair(rest, DAYS[5], Policy())] == [("B", "exempt"), ("A", "chain")]


def test_a_duty_in_another_centre_counts_in_the_chain() -> None:
    """B takes day 5 only if A can take B's duty of day 6, which lies in K2 where A is not on the roster."""
    slots = [replace(slot, centre="K2") if slot.date == DAYS[6] else slot for slot in ROSTER]
    seats = [*SEATS, Membership("B", "K2", DAYS[0], None)]
    (change,) = repair(facts(slots, [OUT], seats), DAYS[5], Policy())
    assert (change.after, change.rest_relaxed) == ("B", True)


def test_a_longer_leave_takes_a_longer_chain() -> None:
    """A is out on days 5 and 6, so A cannot take B's day 6: C does, and A takes C's day 7."""
    assert mended(ROSTER, [replace(OUT, until=DAYS[6])], 5) == {5: "B", 6: "C", 7: "A"}


def test_repairs_see_the_roster_the_earlier_ones_left() -> None:
    """E, who never served, steps in on day 5 and then rests; so A, free again, steps in for C on day 7."""
    seats = [*SEATS, Membership("E", "K1", DAYS[0], None)]
    changes: list[Change] = repair(facts(ROSTER, [OUT, Leave("C", DAYS[7], DAYS[7], "sick")], seats), DAYS[1], Policy())
    assert [(DAYS.index(c.date), c.after) for c in changes] == [(5, "E"), (7, "A")]


def test_a_filled_gap_counts_as_a_duty_for_the_next_repair() -> None:
    """E fills the gap of day 5 and must rest on day 7, when C is out; A steps in there."""
    seats = [*SEATS, Membership("E", "K1", DAYS[0], None)]
    gap = changed(ROSTER, 5, cadre=None, state="gap")
    changes = repair(facts(gap, [Leave("C", DAYS[7], DAYS[7], "sick")], seats), DAYS[1], Policy())
    assert [(DAYS.index(c.date), c.after, c.reason) for c in changes] == [(5, "E", "gap"), (7, "A", "on_leave")]


def test_substitutes_are_those_eligible_in_ledger_order() -> None:
    """On day 9 A (day 5) and B (day 6) have rested; E never served and leads; D is today's no-show."""
    seats = [*SEATS, Membership("E", "K1", DAYS[0], None)]
    slots = [*ROSTER, Slot("K1", DAYS[9], "D", "published", published=True)]
    assert substitutes(facts(slots, [], seats), "K1", DAYS[9], {"D"}, Policy()) == ["E", "A", "B"]
    assert substitutes(facts(slots, [], seats), "K1", DAYS[9], {"D", "E"}, Policy(), first=1) == ["A"]


def test_substitutes_leave_out_who_is_away_or_serves_elsewhere() -> None:
    slots = [*ROSTER, Slot("K1", DAYS[9], "D", "published"), Slot("K2", DAYS[9], "A", "published")]
    assert substitutes(facts(slots, [Leave("B", DAYS[9], None, "sick")]), "K1", DAYS[9], {"D"}, Policy()) == []
