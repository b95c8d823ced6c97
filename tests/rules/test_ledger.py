"""The ledger on its accrual clock against the rule read word by word, day by day."""

from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.calendar import Day, DayKind
from rules.duty_facts import DayNotInCalendar, Leave, Membership, Slot, served
from rules.ledger import Balance, Ledger, U, replay, share

START = date(2028, 2, 24)
DAYS = [START + timedelta(days=n) for n in range(14)]
CADRES, CENTRES = ["C1", "C2", "C3", "C9", "C10"], ["K1", "K2"]
ACCRUING = frozenset({"official"})
ACCOUNTS: dict[DayKind, list[str]] = {
    "work": ["all"],
    "rest": ["rest", "all"],
    "statutory": ["statutory", "rest", "all"],
}

days = st.sampled_from(DAYS)
ends = st.one_of(st.none(), days, st.just(date.max))
cadres = st.sampled_from(CADRES)
membership = st.builds(
    Membership,
    cadres,
    st.sampled_from(CENTRES),
    days,
    ends,
    st.just(value=False),
    st.sampled_from([False, False, True]),
)
leave = st.builds(Leave, cadres, days, ends, st.sampled_from(["annual", "official"]))
slot = st.builds(
    Slot,
    st.sampled_from(CENTRES),
    days,
    st.one_of(st.none(), cadres),
    st.sampled_from(["published", "handed_over", "missed", "gap"]),
    checked_in=st.one_of(st.none(), st.none(), cadres),
)
slots = st.lists(slot, max_size=25, unique_by=lambda s: (s.centre, s.date))
kinds = st.lists(st.sampled_from(["work", "rest", "statutory"]), min_size=len(DAYS), max_size=len(DAYS))
facts = st.tuples(st.lists(membership, max_size=9), st.lists(leave, max_size=5), slots, kinds)
Facts = tuple[list[Membership], list[Leave], list[Slot], list[DayKind]]


def covers(span: Membership | Leave, day: date) -> bool:
    return span.since <= day and (span.until is None or day <= span.until)


def present(world: Facts, centre: str, day: date, kind: DayKind) -> set[str]:
    memberships, leaves, all_slots, _ = world
    found = set()
    for cadre in CADRES:
        seats = [m for m in memberships if (m.cadre, m.centre) == (cadre, centre) and covers(m, day)]
        away = any(x.cadre == cadre and covers(x, day) and x.kind not in ACCRUING for x in leaves)
        exempt = kind != "work" and any(m.rest_day_exempt for m in seats)
        elsewhere = any(s.date == day and s.centre != centre and served(s) == cadre for s in all_slots)
        if seats and not away and not exempt and not elsewhere:
            found.add(cadre)
    return found


def word_by_word(world: Facts, until: date) -> dict[tuple[str, str, str], Fraction]:
    balances: dict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
    for day, kind in zip(DAYS, world[3], strict=True):
        for one in world[2]:
            who = served(one)
            if day >= until or one.date != day or who is None:
                continue
            crew = present(world, one.centre, day, kind) | {who}
            for account in ACCOUNTS[kind]:
                for cadre in crew:
                    balances[one.centre, cadre, account] += Fraction(1, len(crew))
                balances[one.centre, who, account] -= 1
    return balances


def calendar(world: Facts) -> dict[date, Day]:
    return {day: Day(day, kind) for day, kind in zip(DAYS, world[3], strict=True)}


@given(facts, days)
@settings(max_examples=250, deadline=None)
def test_the_clock_gives_what_crediting_everyone_every_day_gives(world: Facts, until: date) -> None:
    memberships, leaves, all_slots, _ = world
    ledger = replay(memberships, leaves, all_slots, calendar(world), until, ACCRUING)
    naive = word_by_word(world, until)
    for centre in CENTRES:
        for cadre in CADRES:
            expected = [naive[centre, cadre, account] * U for account in ("statutory", "rest", "all")]
            assert list(ledger.balance(centre, cadre)) == expected


@given(facts, days)
@settings(max_examples=150, deadline=None)
def test_every_account_of_every_centre_sums_to_0_every_day(world: Facts, until: date) -> None:
    memberships, leaves, all_slots, _ = world
    ledger = replay(memberships, leaves, all_slots, calendar(world), until, ACCRUING)
    for centre in CENTRES:
        columns = zip(*ledger.balances(centre).values(), strict=True)
        assert [sum(column) for column in columns] in ([0, 0, 0], [])


@given(facts, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_facts_in_any_order_give_the_same_balances(world: Facts, luck: Random) -> None:
    memberships, leaves, all_slots, _ = world
    before = replay(memberships, leaves, all_slots, calendar(world), DAYS[-1], ACCRUING)
    for facts_of_one_kind in (memberships, leaves, all_slots):
        luck.shuffle(facts_of_one_kind)
    after = replay(memberships, leaves, all_slots, calendar(world), DAYS[-1], ACCRUING)
    assert [before.balances(c) for c in CENTRES] == [after.balances(c) for c in CENTRES]


seat = st.builds(Membership, cadres, st.sampled_from(CENTRES), st.just(START), st.none(), rest_day_exempt=st.booleans())
turns = st.lists(st.tuples(cadres, cadres), min_size=len(DAYS), max_size=len(DAYS))


@given(st.lists(seat, min_size=5, unique_by=lambda s: (s.cadre, s.centre)), st.lists(leave, max_size=2), kinds, turns)
@settings(max_examples=120, deadline=None)
def test_the_queue_of_a_centre_gives_the_first_of_its_ledger_order(
    seats: list[Membership], leaves: list[Leave], row: list[DayKind], served_by: list[tuple[str, str]]
) -> None:
    ledger = Ledger(seats, leaves, ACCRUING)
    for day, kind, pair in zip(DAYS, row, served_by, strict=True):
        ledger.open(day)
        for centre in CENTRES:
            crew = ledger.books[centre].choosable
            for n in range(len(crew)):
                waiting = sorted(crew)[n:]
                first = ledger.books[centre].first(waiting, ledger.last, kind)
                assert first == ledger.order(centre, waiting, kind)[0]
        ledger.settle(day, kind, list(zip(CENTRES, pair, strict=True))[: 1 + (pair[0] != pair[1])])


@pytest.mark.parametrize(
    ("k", "credit"),
    [
        pytest.param(1, U, id="alone: credit and debit cancel"),
        pytest.param(40, U // 40, id="forty: still whole"),
        pytest.param(41, Fraction(U, 41), id="forty-one: a fraction"),
        pytest.param(42, U // 42, id="forty-two: 6 x 7, whole again"),
    ],
)
def test_a_share_is_exact(k: int, credit: int | Fraction) -> None:
    assert share(k) == credit
    assert share(k) * k == U


def test_one_duty_fits_a_bigint() -> None:
    assert U == 5342931457063200 < 2**63


def test_a_centre_of_forty_one_keeps_exact_fractions() -> None:
    crew = [f"C{n}" for n in range(41)]
    memberships = [Membership(cadre, "K1", START, None) for cadre in crew]
    work = {day: Day(day, "work") for day in DAYS}
    ledger = replay(memberships, [], [Slot("K1", START, "C0", "handed_over")], work, DAYS[1])
    assert ledger.balance("K1", "C1") == Balance(0, 0, Fraction(U, 41))
    assert sum(balance.all for balance in ledger.balances("K1").values()) == 0


def test_who_served_from_another_centre_counts_as_present_that_day() -> None:
    memberships = [Membership("C1", "K1", START, None)]
    work = {day: Day(day, "work") for day in DAYS}
    ledger = replay(memberships, [], [Slot("K1", START, "C9", "handed_over")], work, DAYS[1])
    assert ledger.balances("K1") == {"C1": Balance(0, 0, U // 2), "C9": Balance(0, 0, -U // 2)}


def test_a_copy_moves_on_without_the_original() -> None:
    ledger = Ledger([Membership(cadre, "K1", START, None) for cadre in ("C1", "C2")], [])
    twin = ledger.copy()
    for each, cadre in ((ledger, "C1"), (twin, "C2")):
        each.open(START)
        each.settle(START, "rest", [("K1", cadre)])
    assert (ledger.balance("K1", "C1").rest, twin.balance("K1", "C1").rest) == (-U // 2, U // 2)


def test_a_duty_on_a_day_the_calendar_does_not_know_is_an_error() -> None:
    with pytest.raises(DayNotInCalendar, match="2028-02-24"):
        replay([], [], [Slot("K1", START, "C1", "handed_over")], {}, DAYS[1])
