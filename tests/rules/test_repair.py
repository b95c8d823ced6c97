"""Repair against brute force."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import combinations, product
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.calendar import Day, DayKind
from rules.duty import Centre, Facts, Leave, Membership, Policy, Slot, blocked, plan
from rules.duty_facts import Roster, by_number
from rules.ledger import replay
from rules.repair import Change, repair

START = date(2026, 4, 27)
DAYS = [START + timedelta(days=n) for n in range(12)]
PAST, TODAY = DAYS[:2], DAYS[2]
KINDS: dict[date, DayKind] = {DAYS[4]: "statutory", DAYS[5]: "rest"}
CALENDAR = {day: Day(day, KINDS.get(day, "work")) for day in DAYS}
FROZEN = {"acknowledged", "on_duty", "handed_over", "missed"}
Key = tuple[date, str]
Roll = dict[Key, Slot]


@dataclass
class World:
    memberships: list[Membership]
    leaves: list[Leave]
    slots: list[Slot]
    policy: Policy

    def facts(self) -> Facts:
        return Facts([], self.memberships, self.leaves, self.slots, CALENDAR)

    def repair(self) -> list[Change]:
        return repair(self.facts(), TODAY, self.policy)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A published roster of one or two centres, planned before the leave that breaks it was known."""
    cadres = [f"C{n}" for n in range(1, draw(st.integers(3, 5)) + 1)]
    seats = [Membership(cadre, "K1", START, None) for cadre in cadres]
    length = draw(st.integers(5, 7))
    if draw(st.booleans()):
        length = 4
        seats += [Membership(cadre, "K2", START, None) for cadre in draw(st.sets(st.sampled_from(cadres), min_size=1))]
    policy = Policy(gap=draw(st.integers(2, 3)))
    centres = [Centre(code) for code in sorted({seat.centre for seat in seats})]
    days = DAYS[: 2 + length]
    leave = st.builds(Leave, st.sampled_from(cadres), st.sampled_from(days[2:]), st.none(), st.just("sick"))
    known = [brief(one, draw(st.integers(0, 2))) for one in draw(st.lists(leave, max_size=1))]
    sudden = [brief(one, draw(st.integers(0, 1))) for one in draw(st.lists(leave, min_size=1, max_size=3))]
    states = st.sampled_from(["published", "published", "published", "acknowledged", "draft"])
    slots = []
    for new in plan(centres, seats, known, [], days, CALENDAR, policy):
        state = "handed_over" if new.date < TODAY else draw(states)
        pinned = new.date >= TODAY and draw(st.integers(0, 9)) == 0
        state = state if new.cadre else "gap"
        slots.append(Slot(new.centre, new.date, new.cadre, state, pinned, published=state != "draft"))
    return World(seats, draw(st.sampled_from([known, []])) + sudden, slots, policy)


def brief(leave: Leave, days: int) -> Leave:
    return replace(leave, until=leave.since + timedelta(days=days))


def frozen(slot: Slot) -> bool:
    return slot.date < TODAY or slot.pinned or slot.state in FROZEN


def broken_keys(world: World) -> list[Key]:
    keys = []
    for slot in world.slots:
        away = blocked(slot, world.memberships, world.leaves, CALENDAR)
        if slot.published and slot.date >= TODAY and (away or (slot.cadre is None and not slot.pinned)):
            keys.append((slot.date, slot.centre))
    return sorted(keys)


def able(world: World, key: Key) -> list[str]:
    members = Roster(world.memberships, world.leaves).members(key[1], key[0], CALENDAR[key[0]].kind)
    return [cadre for cadre, bar in members.items() if bar is None]


def order(world: World, roll: Roll, key: Key) -> list[str]:
    ledger = replay(world.memberships, world.leaves, roll.values(), CALENDAR, key[0], world.policy.accruing_leave)
    return ledger.order(key[1], able(world, key), CALENDAR[key[0]].kind)


def given_to(roll: Roll, moves: dict[Key, str | None]) -> Roll:
    states = {key: "draft" if roll[key].state == "draft" else "published" for key in moves}
    return roll | {key: replace(roll[key], cadre=cadre, state=states[key]) for key, cadre in moves.items()}


def valid(roll: Roll, moves: dict[Key, str], gap: int) -> bool:
    after = {key: slot.cadre for key, slot in roll.items()} | moves
    return not any(
        other != key and holder == cadre and (abs((other[0] - key[0]).days) < gap or other[0] == key[0])
        for key, cadre in moves.items()
        for other, holder in after.items()
    )


def all_moves(world: World, roll: Roll, broken: Key, size: int) -> Iterator[dict[Key, str]]:
    """Yield every valid way to fill the broken slot by changing exactly `size` slots."""
    movable = [key for key, slot in roll.items() if key != broken and slot.cadre and not frozen(slot)]
    for more in combinations(movable, size - 1):
        keys = sorted((broken, *more))
        choices = [[cadre for cadre in able(world, key) if cadre != roll[key].cadre] for key in keys]
        for cadres in product(*choices):
            moves = dict(zip(keys, cadres, strict=True))
            if valid(roll, moves, world.policy.gap):
                yield moves


def mend_by_force(world: World, roll: Roll, broken: Key) -> tuple[dict[Key, str], bool]:
    for size in range(1, 5):
        if found := list(all_moves(world, roll, broken, size)):
            orders = {key: order(world, roll, key) for key in {key for moves in found for key in moves}}
            return min(found, key=lambda moves: rank(moves, orders)), False
    free = [c for c in able(world, broken) if not any(k[0] == broken[0] and s.cadre == c for k, s in roll.items())]
    last = {
        c: max((k[0] for k, s in roll.items() if s.cadre == c and k[0] < broken[0]), default=date.min) for c in free
    }
    oldest = [cadre for cadre in order(world, roll, broken) if cadre in free and last[cadre] == min(last.values())]
    return ({broken: oldest[0]}, True) if oldest else ({}, False)


def rank(moves: dict[Key, str], orders: dict[Key, list[str]]) -> tuple[object, ...]:
    slots = sorted(moves.items())
    places = [(key[0], orders[key].index(cadre)) for key, cadre in slots]
    return places, [(key[1], by_number(cadre)) for key, cadre in slots]


def repair_by_force(world: World) -> tuple[dict[Key, str | None], dict[Key, bool], set[int]]:
    before: Roll = {(slot.date, slot.centre): slot for slot in world.slots}
    broken = broken_keys(world)
    roll = given_to(before, dict.fromkeys(broken))
    relaxed: dict[Key, bool] = {}
    sizes = set()
    for key in broken:
        moves, flag = mend_by_force(world, roll, key)
        sizes.add(-1 if flag else len(moves))
        roll = given_to(roll, {**moves})
        relaxed |= dict.fromkeys(moves, flag)
    after = {key: slot.cadre for key, slot in roll.items() if slot.cadre != before[key].cadre}
    return after, {key: relaxed.get(key, False) for key in after}, sizes


@given(worlds())
@settings(max_examples=120, deadline=None)
def test_a_repair_is_what_brute_force_finds_with_the_fewest_changes(world: World) -> None:
    after, relaxed, _ = repair_by_force(world)
    changes = {(change.date, change.centre): change for change in world.repair()}
    assert {key: change.after for key, change in changes.items()} == after
    assert {key: change.rest_relaxed for key, change in changes.items()} == relaxed


@given(worlds(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_facts_in_any_order_give_the_same_repair(world: World, luck: Random) -> None:
    before = world.repair()
    for facts in (world.memberships, world.leaves, world.slots):
        luck.shuffle(facts)
    assert world.repair() == before


@given(worlds())
@settings(max_examples=40, deadline=None)
def test_a_repaired_roster_needs_no_further_repair(world: World) -> None:
    changes = {(change.date, change.centre): change.after for change in world.repair()}
    for n, slot in enumerate(world.slots):
        if (slot.date, slot.centre) in changes:
            after = changes[slot.date, slot.centre]
            state = "draft" if slot.state == "draft" else "published" if after else "gap"
            world.slots[n] = replace(slot, cadre=after, state=state)
    assert not [change for change in world.repair() if change.reason not in {"gap", "chain"}]
