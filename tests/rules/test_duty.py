"""Planning: its properties, and the rule read word by word."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.calendar import Day, DayKind
from rules.duty import Assignment, Centre, Leave, Membership, Policy, Slot, Why, blocked, plan, served
from rules.duty_facts import DayNotInCalendar, Roster, by_number
from rules.ledger import U, replay

START = date(2026, 2, 20)
DAYS = [START + timedelta(days=n) for n in range(22)]
PAST, HORIZON = DAYS[:6], DAYS[6:14]
CADRES = ["C1", "C2", "C3", "C4", "C9", "C10"]
CENTRES = [Centre("K1"), Centre("K2"), Centre("K3", opens_on_rest_days=False)]
MOVES: dict[DayKind, list[str]] = {"work": ["all"], "rest": ["rest", "all"], "statutory": ["statutory", "rest", "all"]}


@dataclass
class World:
    centres: list[Centre]
    memberships: list[Membership]
    leaves: list[Leave]
    slots: list[Slot]
    calendar: dict[date, Day]
    policy: Policy

    def plan(self, days: Iterable[date] = HORIZON) -> list[Assignment]:
        facts = (self.centres, self.memberships, self.leaves, self.slots)
        return plan(*facts, days, self.calendar, self.policy)


def calendars() -> st.SearchStrategy[dict[date, Day]]:
    kinds: st.SearchStrategy[DayKind] = st.sampled_from(["work", "work", "rest", "statutory"])
    return st.lists(kinds, min_size=len(DAYS), max_size=len(DAYS)).map(
        lambda row: {day: Day(day, kind) for day, kind in zip(DAYS, row, strict=True)}
    )


def worlds(centres: list[Centre], cadres: list[str] = CADRES) -> st.SearchStrategy[World]:
    codes = st.sampled_from([centre.code for centre in centres])
    who, days = st.sampled_from(cadres), st.sampled_from(DAYS)
    ends = st.one_of(st.none(), days)
    exempt = st.sampled_from([False, False, False, True])
    joining = st.one_of(st.just(START), st.just(START), days)
    membership = st.builds(Membership, who, codes, joining, ends, st.just(value=False), exempt)
    leave = st.builds(Leave, who, days, ends, st.sampled_from(["annual", "official"]))
    past = st.builds(
        Slot, codes, st.sampled_from(PAST), who, st.sampled_from(["handed_over", "handed_over", "missed"]),
        published=st.just(value=True),
    )  # fmt: skip
    ahead = st.builds(
        Slot, codes, st.sampled_from(DAYS[6:]), st.one_of(who, st.none()),
        st.sampled_from(["draft", "draft", "published", "acknowledged"]), pinned=exempt,
    )  # fmt: skip
    slots = st.tuples(st.lists(past, max_size=8), st.lists(ahead, max_size=4)).map(
        lambda pair: list({(s.centre, s.date): s for s in pair[0] + pair[1]}.values())
    )
    policies = st.builds(Policy, st.integers(0, 4), st.just(frozenset({"official"})))
    people = st.lists(membership, min_size=2, max_size=9)
    return st.builds(World, st.just(centres), people, st.lists(leave, max_size=4), slots, calendars(), policies)


def decided_by_hand(world: World) -> dict[tuple[date, str], tuple[str | None, bool]]:
    """Plan the horizon as the page says it, looking everything up again for every question."""
    roster, found = Roster(world.memberships, world.leaves), dict[tuple[date, str], tuple[str | None, bool]]()
    slots = {(s.date, s.centre): s for s in world.slots}
    for key, slot in list(slots.items()):
        stands = slot.state != "draft" or (
            slot.pinned and (slot.cadre is None or not blocked(slot, world.memberships, world.leaves, world.calendar))
        )
        if slot.date in HORIZON and not stands:
            del slots[key]
    for day in HORIZON:
        kind = world.calendar[day].kind
        open_now = [c.code for c in world.centres if (day, c.code) not in slots]
        open_now = [c.code for c in world.centres if c.code in open_now and (kind == "work" or c.opens_on_rest_days)]
        fixed = list(slots.values())
        sizes = {code: len(choices(world, roster, fixed, code, day)[1]) for code in open_now}
        for code in sorted(open_now, key=lambda c: (sizes[c], c)):
            found[day, code] = choose(world, roster, fixed, list(slots.values()), code, day)
            slots[day, code] = Slot(code, day, found[day, code][0], "draft")
    return found


def choices(world: World, roster: Roster, slots: list[Slot], code: str, day: date) -> tuple[list[str], list[str]]:
    duties = [(served(s), s.date) for s in slots]
    members = roster.members(code, day, world.calendar[day].kind)
    present = [cadre for cadre, bar in members.items() if bar is None and (cadre, day) not in duties]
    near = {who for who, other in duties if abs((other - day).days) < world.policy.gap}
    return present, [cadre for cadre in present if cadre not in near]


def choose(
    world: World, roster: Roster, fixed: list[Slot], slots: list[Slot], code: str, day: date
) -> tuple[str | None, bool]:
    present, eligible = choices(world, roster, slots, code, day)
    ledger = replay(world.memberships, world.leaves, slots, world.calendar, day, world.policy.accruing_leave)
    last = {c: max((s.date for s in fixed if served(s) == c and s.date < day), default=date.min) for c in present}
    pool = eligible or [c for c in present if last[c] == min(last.values())]

    def rank(cadre: str) -> tuple[object, ...]:
        balance = ledger.balance(code, cadre)
        return [-getattr(balance, a) for a in MOVES[world.calendar[day].kind]], last[cadre], by_number(cadre)

    return (min(pool, key=rank), not eligible) if pool else (None, False)


@given(worlds(CENTRES))
@settings(max_examples=150, deadline=None)
def test_a_plan_is_the_rule_read_word_by_word(world: World) -> None:
    assert {(new.date, new.centre): (new.cadre, new.rest_relaxed) for new in world.plan()} == decided_by_hand(world)


@given(worlds(CENTRES), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_facts_in_any_order_give_the_same_plan(world: World, luck: Random) -> None:
    before = world.plan()
    days = list(HORIZON)
    for facts in (world.memberships, world.leaves, world.slots, world.centres, days):
        luck.shuffle(facts)
    assert world.plan(days) == before


@given(worlds(CENTRES))
@settings(max_examples=60, deadline=None)
def test_planning_again_over_its_own_drafts_changes_nothing(world: World) -> None:
    first = world.plan()
    taken = {(new.centre, new.date) for new in first}
    world.slots = [slot for slot in world.slots if (slot.centre, slot.date) not in taken] + drafts(first)
    assert world.plan() == first


@given(worlds(CENTRES))
@settings(max_examples=60, deadline=None)
def test_two_months_in_a_row_are_planned_as_both_at_once(world: World) -> None:
    world.slots = [slot for slot in world.slots if slot.date < HORIZON[0]]
    at_once = world.plan()
    first = world.plan(HORIZON[:4])
    world.slots += drafts(first)
    assert first + world.plan(HORIZON[4:]) == at_once


@given(worlds([Centre("K1")]))
@settings(max_examples=80, deadline=None)
def test_a_day_is_a_gap_only_if_nobody_is_present(world: World) -> None:
    roster = Roster(world.memberships, world.leaves)
    for new in world.plan():
        members = roster.members("K1", new.date, world.calendar[new.date].kind)
        assert (new.cadre is None) == (None not in members.values())


@given(worlds(CENTRES))
@settings(max_examples=80, deadline=None)
def test_the_gap_is_kept_in_any_centre_unless_relaxed(world: World) -> None:
    decided = world.plan()
    taken = {(new.centre, new.date) for new in decided}
    kept = [slot for slot in world.slots if (slot.centre, slot.date) not in taken and not stale(world, slot)]
    duties = [(served(slot), slot.date, slot.centre) for slot in kept + drafts(decided)]
    for new in decided:
        others = [day for cadre, day, code in duties if cadre == new.cadre and (day, code) != (new.date, new.centre)]
        if new.cadre is not None:
            assert new.date not in others
            relaxed_later = {o.date for o in decided if o.rest_relaxed and o.cadre == new.cadre and o.date > new.date}
            close = [day for day in others if abs((day - new.date).days) < world.policy.gap]
            assert new.rest_relaxed == bool(set(close) - relaxed_later)


@given(worlds(CENTRES))
@settings(max_examples=60, deadline=None)
def test_the_numbers_of_a_reason_add_up_and_survive_storage(world: World) -> None:
    for new in world.plan():
        why = new.why
        assert why.members == why.present + why.on_leave + why.exempt + why.elsewhere
        assert why.present == why.eligible + why.resting
        assert min(why.members, why.eligible, why.resting, why.elsewhere, why.exempt) >= 0
        assert Why.from_json(why.to_json()) == why


def stale(world: World, slot: Slot) -> bool:
    """A draft of a centre that is closed that day: planning drops it."""
    closed = slot.centre == "K3" and world.calendar[slot.date].kind != "work"
    pinned = slot.pinned and not blocked(slot, world.memberships, world.leaves, world.calendar)
    return closed and slot.state == "draft" and slot.date in HORIZON and not pinned


def drafts(decided: Iterable[Assignment]) -> list[Slot]:
    return [Slot(new.centre, new.date, new.cadre, "draft" if new.cadre else "gap") for new in decided]


def crew(*cadres: str, centre: str = "K1") -> list[Membership]:
    return [Membership(cadre, centre, START, None) for cadre in cadres]


WORK = {day: Day(day, "work") for day in DAYS}


def test_a_kept_duty_after_the_horizon_holds_its_cadre_back() -> None:
    later = [Slot("K1", DAYS[8], "C1", "published", published=True)]
    (new,) = plan([Centre("K1")], crew("C1", "C2"), [], later, [DAYS[6]], WORK, Policy())
    assert (new.cadre, new.why.resting) == ("C2", 1)


def test_a_kept_duty_in_a_centre_that_is_not_planned_holds_its_cadre_back() -> None:
    other = [Slot("K2", DAYS[5], "C1", "handed_over", published=True)]
    members = [*crew("C1", "C2"), *crew("C1", centre="K2")]
    (new,) = plan([Centre("K1")], members, [], other, [DAYS[6]], WORK, Policy())
    assert (new.cadre, new.why.resting) == ("C2", 1)


def test_the_reason_counts_each_member_once() -> None:
    members = [*crew("C1", "C2", "C3", "C4"), Membership("C5", "K1", START, None, rest_day_exempt=True)]
    leaves = [Leave("C1", START, None, "sick"), Leave("C5", START, DAYS[3], "annual")]
    slots = [Slot("K1", DAYS[5], "C2", "handed_over"), Slot("K2", DAYS[6], "C3", "published", published=True)]
    rest = {day: Day(day, "rest") for day in DAYS}
    (new,) = plan([Centre("K1")], members, leaves, slots, [DAYS[6]], rest, Policy())
    assert new == Assignment("K1", DAYS[6], "C4", False, Why("rest", 5, 2, 1, 1, 1, 1, 1, U // 3, None))


@pytest.mark.parametrize(
    ("state", "published", "kept"),
    [
        pytest.param("draft", False, False, id="a draft is planned anew"),
        pytest.param("gap", False, False, id="an unpublished gap is planned anew"),
        pytest.param("gap", True, True, id="a published gap is repair's business"),
        pytest.param("draft", True, True, id="whatever is published stays"),
        pytest.param("acknowledged", True, True, id="acknowledged stays"),
        pytest.param("missed", True, True, id="missed stays"),
    ],
)
def test_what_is_kept_depends_on_state_and_publication(state: str, published: bool, kept: bool) -> None:
    slot = Slot("K1", DAYS[6], None, state, published=published)
    assert (plan([Centre("K1")], crew("C1"), [], [slot], [DAYS[6]], WORK, Policy()) == []) == kept


def test_nothing_wanted_is_nothing_decided() -> None:
    assert plan([Centre("K1")], crew("C1"), [], [], [], WORK, Policy()) == []


def test_a_wanted_day_the_calendar_does_not_know_is_an_error() -> None:
    with pytest.raises(DayNotInCalendar):
        plan([Centre("K1")], crew("C1"), [], [], [date(2027, 1, 1)], WORK, Policy())
