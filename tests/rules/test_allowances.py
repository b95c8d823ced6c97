"""One person in one cycle: one reason in a fixed order, exactly one band, and nobody lost among the counted."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rules.allowances import (
    Band,
    Entitled,
    Excluded,
    Person,
    Tariff,
    WrongPeriod,
    age_on,
    check_period,
    decide,
    is_certified,
    overpaid,
    owed_after_death,
    shared_cards,
)
from rules.allowances_facts import REASONS, Decision
from rules.calendar import month_dates
from rules.periods import month_end, month_of

BANDS = (
    Band("age-80", "", "", 6000, 80, 89),
    Band("destitute", "", "", 7000, category="destitute"),
    Band("age-90", "", "", 12000, 90),
)
OLD = Tariff(
    "longevity", "", "", date(2022, 7, 1), "1", "", "month", BANDS, 10,
    from_application=True, certification_months=12, death="stop_next_month", not_with=("condolence",),
)  # fmt: skip
NEW = replace(OLD, since=date(2026, 1, 1), bands=tuple(replace(band, fen=band.fen + 2000) for band in BANDS))
FESTIVAL = replace(OLD, programme="condolence", cycle="festival", festivals=("double-ninth",), death="alive_on_as_of")
DAY = date(2026, 10, 31)
FINE = Person(1, date(1940, 5, 5), "district", frozenset(), date(2020, 1, 1), certified_on=DAY)

days = st.dates(date(2022, 7, 1), date(2028, 12, 31))
births = st.dates(date(1915, 1, 1), date(1965, 12, 31)) | st.builds(
    lambda year: date(4 * year, 2, 29), st.integers(479, 491)
)
months = days.map(month_of)
persons = st.builds(
    Person,
    elder_id=st.integers(1),
    birth_date=births,
    hukou=st.sampled_from(["district", "district", "district", "other", None]),
    categories=st.sets(st.sampled_from(["destitute", "alone"])).map(frozenset),
    registered_on=days,
    died_on=st.none() | days,
    moved_out_on=st.none() | days,
    certified_on=st.none() | days,
    account=st.sampled_from(["ok", "ok", "none", "proxy_expired"]),
    elsewhere=st.sets(st.sampled_from(["condolence", "other"])).map(frozenset),
)


def tariff_on(day: date) -> Tariff:
    return NEW if day >= NEW.since else OLD


def decided(person: Person, period: str) -> Decision:
    day = month_end(period)
    return decide(person, tariff_on(day), period, day)


@pytest.mark.parametrize(
    ("known", "paid", "fen"),
    [
        pytest.param({}, 14000, 0, id="lives"),
        pytest.param({"died_on": date(2026, 10, 25)}, 14000, 0, id="died on the 90th birthday"),
        pytest.param({"died_on": date(2026, 10, 24)}, 14000, 6000, id="died a day before it: 80 of 140 are owed"),
        pytest.param({"died_on": date(2026, 10, 24)}, 8000, 0, id="paid no more than that"),
        pytest.param({"died_on": date(2026, 10, 1)}, 14000, 6000, id="died on the first of the month"),
        pytest.param({"died_on": date(2026, 9, 30)}, 14000, 14000, id="died the month before"),
        pytest.param({"moved_out_on": date(2026, 10, 31)}, 14000, 14000, id="moved out on the last day"),
        pytest.param({"moved_out_on": date(2026, 11, 1)}, 14000, 0, id="moved out the day after"),
        pytest.param(
            {"died_on": date(2026, 10, 24), "moved_out_on": date(2026, 10, 26)},
            14000,
            6000,
            id="struck off later",
        ),
    ],
)
def test_what_was_paid_too_much_is_what_the_register_does_not_bear_out(
    known: dict[str, Any], paid: int, fen: int
) -> None:
    """Born on 25 October 1936; October 2026 pays 80 yuan up to 89 and 140 from 90."""
    person = replace(FINE, birth_date=date(1936, 10, 25), **known)
    assert overpaid(person, NEW, "2026-10", DAY, paid) == fen


def test_of_several_reasons_the_one_that_stands_for_good_is_named_first() -> None:
    """Take away one obstacle after the other, gravest first; the next one is named."""
    obstacles: dict[str, dict[str, Any]] = {
        "dead": {"died_on": None},
        "moved_out": {"moved_out_on": None},
        "hukou_other": {"hukou": None},
        "not_applied": {"registered_on": date(2026, 10, 31)},
        "other_programme": {"elsewhere": frozenset[str]()},
        "hukou_unknown": {"hukou": "district"},
        "not_certified": {"certified_on": date(2025, 10, 1)},
        "no_account": {"account": "proxy_expired"},
        "proxy_expired": {"account": "ok"},
    }
    person = replace(
        FINE, died_on=date(2026, 9, 30), moved_out_on=date(2026, 9, 1), hukou="other", registered_on=date(2026, 11, 1),
        certified_on=None, account="none", elsewhere=frozenset({"condolence"}),
    )  # fmt: skip
    named = []
    for cleared in obstacles.values():
        decision = decided(person, "2026-10")
        assert isinstance(decision, Excluded)
        named.append(decision.reason)
        person = replace(person, **cleared)
    assert named == list(obstacles) == [reason for reason in REASONS if reason != "duplicate"]
    assert decided(person, "2026-10") == Entitled(NEW.bands[0], 8000)


@given(st.lists(persons, max_size=30), months)
@settings(max_examples=40)
def test_everybody_on_the_register_is_entitled_excluded_or_not_of_age(register: list[Person], period: str) -> None:
    decisions = [decided(person, period) for person in register]
    counted = Counter(type(decision).__name__ for decision in decisions)
    assert counted["Entitled"] + counted["Excluded"] + counted["NoneType"] == len(register)
    for decision in decisions:
        if isinstance(decision, Entitled):
            assert decision.fen == decision.band.fen > 0
        if isinstance(decision, Excluded):
            assert decision.reason in REASONS


@given(persons, months)
def test_the_band_is_the_first_that_fits_and_none_before_it_does(person: Person, period: str) -> None:
    day = min(filter(None, (month_end(period), person.died_on)))
    age = age_on(person.birth_date, day)
    fitting = [
        code
        for code, fits in (
            ("age-80", 80 <= age <= 89),
            ("destitute", "destitute" in person.categories),
            ("age-90", age >= 90),
        )
        if fits
    ]
    decision = decided(person, period)
    assert (decision.band.code if decision else None) == (fitting[0] if fitting else None)


@given(births, st.dates(date(2022, 8, 1), date(2028, 11, 30)))
def test_an_amount_changes_only_with_a_notice_or_a_birthday(born: date, day: date) -> None:
    person = replace(FINE, birth_date=born, certified_on=date(2028, 12, 31))
    before, after = decided(person, month_of(day.replace(day=1) - timedelta(days=1))), decided(person, month_of(day))
    first, last = month_dates(month_of(day))
    birthday = age_on(born, last) > age_on(born, first - timedelta(days=1))
    assert before == after or birthday or first == NEW.since


@given(persons, months)
def test_a_later_certification_never_takes_anything_away(person: Person, period: str) -> None:
    assume(person.died_on is None)
    seen = person.certified_on or date(2022, 7, 1)
    later = replace(person, certified_on=seen + timedelta(days=40))
    if isinstance(decided(person, period), Entitled):
        assert decided(later, period) == decided(person, period)


@given(persons.filter(lambda person: person.certified_on), months, st.integers(1, 24))
def test_a_certification_holds_for_so_many_months_after_its_own(person: Person, period: str, n: int) -> None:
    assert person.certified_on
    alive, year, month = replace(person, died_on=None), *map(int, period.split("-"))
    holds = is_certified(alive, replace(OLD, certification_months=n), month_end(period))
    seen = person.certified_on
    assert holds == ((year - seen.year) * 12 + month - seen.month <= n)


def test_a_certification_dated_after_the_death_proves_nothing() -> None:
    dead = replace(FINE, died_on=date(2026, 10, 10), certified_on=date(2026, 10, 11))
    decision = decided(dead, "2026-10")
    assert isinstance(decision, Excluded)
    assert decision.reason == "not_certified"
    assert decided(replace(dead, certified_on=date(2026, 10, 10)), "2026-10") == Entitled(NEW.bands[0], 8000)


@given(persons, months, days)
def test_what_is_owed_after_death_is_what_would_be_decided_now(person: Person, period: str, died: date) -> None:
    dead, day = replace(person, died_on=died, certified_on=None), month_end(period)
    tariff = replace(tariff_on(day), certification_months=None)
    owed, decision = owed_after_death(dead, tariff, period, day), decide(dead, tariff, period, day)
    if isinstance(decision, Entitled):
        assert owed == decision.band
    if decision is None or (isinstance(decision, Excluded) and decision.reason == "dead"):
        assert owed is None


@given(births, days, months)
def test_a_death_ends_every_later_month_and_no_earlier_one(born: date, died: date, period: str) -> None:
    dead = replace(FINE, birth_date=born, died_on=died)
    day = month_end(period)
    owed = owed_after_death(dead, tariff_on(day), period, day)
    if period > month_of(died):
        assert owed is None
    if period < month_of(died):
        assert owed == owed_after_death(replace(dead, died_on=None), tariff_on(day), period, day)


@given(births, days, st.dates(date(2026, 10, 1), date(2026, 10, 31)))
def test_a_festival_is_owed_only_to_who_lives_through_it(born: date, died: date, day: date) -> None:
    dead = replace(FINE, birth_date=born, died_on=died)
    decision = decide(dead, FESTIVAL, "2026-double-ninth", day)
    assert isinstance(decision, Entitled) <= (died > day)


def test_a_festival_pays_no_month_of_death_even_if_a_notice_said_so() -> None:
    odd, dead = replace(FESTIVAL, death="stop_next_month"), replace(FINE, died_on=date(2026, 10, 2))
    assert owed_after_death(dead, odd, "2026-double-ninth", date(2026, 10, 18)) is None


@pytest.mark.parametrize(
    ("tariff", "period", "day"),
    [
        pytest.param(OLD, "2026-double-ninth", date(2026, 10, 18), id="a festival for a monthly programme"),
        pytest.param(OLD, "2026-10", date(2026, 9, 30), id="judged in another month"),
        pytest.param(FESTIVAL, "2026-10", DAY, id="a month for a festival programme"),
        pytest.param(FESTIVAL, "2026-dragon-boat", date(2026, 6, 19), id="a festival that the notice does not name"),
        pytest.param(FESTIVAL, "2026-double-ninth", date(2027, 10, 8), id="judged in another year"),
    ],
)
def test_a_period_in_which_the_programme_does_not_pay_is_refused(tariff: Tariff, period: str, day: date) -> None:
    with pytest.raises(WrongPeriod, match=f"{tariff.programme}.*{period}"):
        check_period(tariff, period, day)


def test_two_people_on_one_card_are_shown_and_one_person_twice_is_not() -> None:
    cards = [
        ("E-2", "a"),
        ("E-1", "a"),
        ("E-3", "b"),
        ("E-3", "b"),
        ("E-4", ""),
        ("E-5", ""),
        ("E-7", "c"),
        ("E-6", "c"),
    ]
    assert shared_cards(cards) == [("E-1", "E-2"), ("E-6", "E-7")]
