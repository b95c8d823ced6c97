"""The work calendar: the published years as published, the rest by the law, an import above both."""

from collections import Counter
from datetime import date, timedelta

import pytest
from sqlmodel import col, select

from models.calendar import (
    WorkCalendar,
    calendar,
    festival_day,
    published_years,
    seed_calendar,
    statutory_days,
    year_days,
)
from models.db import Database, insert_for
from rules.calendar import Day, dates_between
from rules.periods import FESTIVALS

MAKE_UP = [(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)]


def _stored(database: Database, day: date) -> WorkCalendar:
    with database.read() as session:
        return session.exec(select(WorkCalendar).where(col(WorkCalendar.date) == day)).one()


def _put(database: Database, *days: date, source: str, kind: str = "work") -> None:
    with database.write() as session:
        insert = insert_for(session, WorkCalendar)
        changed = {"kind": kind, "source": source, "confirmed": source != "rule", "name": "x"}
        rows = [{"date": day, **changed} for day in days]
        session.execute(insert.on_conflict_do_update(index_elements=["date"], set_=changed), rows)


def test_2026_has_248_work_days_and_117_rest_days_of_which_13_are_statutory() -> None:
    kinds = Counter(day.kind for day in year_days(2026))
    assert kinds == {"work": 248, "rest": 117 - 13, "statutory": 13}
    assert all(day.confirmed for day in year_days(2026))


def test_2026_makes_six_weekend_days_work_days() -> None:
    weekends = [day.date for day in year_days(2026) if day.kind == "work" and day.date.weekday() >= 5]
    assert weekends == [date(2026, month, number) for month, number in MAKE_UP]


def test_2026_has_the_statutory_days_of_the_decree() -> None:
    assert sorted(statutory_days(2026)) == [
        date(2026, *day)
        for day in [
            (1, 1), (2, 16), (2, 17), (2, 18), (2, 19), (4, 5), (5, 1), (5, 2), (6, 19), (9, 25),
            (10, 1), (10, 2), (10, 3),
        ]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("year", "number"),
    [
        pytest.param(2024, 11, id="before the decree of 2024"),
        pytest.param(2025, 13, id="the first year of the decree"),
        pytest.param(2027, 13, id="not published yet"),
        pytest.param(2031, 12, id="Mid-Autumn on National Day"),
        pytest.param(2020, 10, id="Mid-Autumn on National Day, before the decree"),
    ],
)
def test_a_year_has_so_many_distinct_statutory_days(year: int, number: int) -> None:
    assert len(statutory_days(year)) == number


def test_mid_autumn_on_national_day_bears_both_names() -> None:
    assert statutory_days(2031)[date(2031, 10, 1)] == "国庆节、中秋节"


@pytest.mark.parametrize("year", range(2025, 2060))
def test_every_year_has_13_statutory_days_unless_mid_autumn_meets_national_day(year: int) -> None:
    met = any("中秋节" in name and "国庆节" in name for name in statutory_days(year).values())
    assert len(statutory_days(year)) == (12 if met else 13)


def test_a_year_that_is_not_published_is_provisional() -> None:
    year = published_years()[-1] + 1
    days = year_days(year)
    assert len(days) in {365, 366}
    assert not any(day.confirmed for day in days)
    assert Counter(day.kind for day in days)["statutory"] == len(statutory_days(year))
    assert all((day.kind == "work") == (day.date.weekday() < 5) for day in days if day.kind != "statutory")


@pytest.mark.parametrize("year", range(published_years()[0] + 10, published_years()[-1] + 1))
def test_every_statutory_day_of_a_published_year_is_a_day_off_there(year: int) -> None:
    days = {day.date: day for day in year_days(year)}
    assert list(days) == list(dates_between(date(year, 1, 1), date(year, 12, 31)))
    assert {day for day in days if days[day].kind == "statutory"} == set(statutory_days(year))


def test_a_published_year_replaces_a_guessed_one_and_is_not_guessed_again(database: Database) -> None:
    day = date(2026, 2, 14)
    _put(database, day, source="rule", kind="rest")
    with database.write() as session:
        seed_calendar(session, [2026])
    assert (_stored(database, day).kind, _stored(database, day).source) == ("work", "library")


def test_seeding_again_never_touches_an_import(database: Database) -> None:
    published, guessed = date(2026, 3, 2), date(2027, 3, 2)
    _put(database, published, guessed, source="import", kind="rest")
    with database.write() as session:
        seed_calendar(session, [2026, 2027])
    for day in (published, guessed):
        found = _stored(database, day)
        assert (found.kind, found.source, found.confirmed, found.name) == ("rest", "import", True, "x")


def test_seeding_twice_changes_nothing(database: Database) -> None:
    def rows() -> list[tuple[date, str, str, str]]:
        with database.read() as session:
            columns = (WorkCalendar.date, WorkCalendar.kind, WorkCalendar.name, WorkCalendar.source)
            return [tuple(row) for row in session.execute(select(*map(col, columns)).order_by(col(WorkCalendar.date)))]

    before = rows()
    with database.write() as session:
        seed_calendar(session, range(2025, 2028))
    assert rows() == before
    assert [row[0] for row in before] == list(dates_between(before[0][0], before[-1][0]))


def test_reading_fills_years_that_are_not_stored_and_prefers_what_is(database: Database) -> None:
    _put(database, date(2027, 12, 31), source="import", kind="rest")
    first, last = date(2027, 12, 25), date(2041, 1, 5)
    with database.read() as session:
        days = calendar(session, first, last)
    assert sorted(days) == list(dates_between(first, last))
    assert days[date(2027, 12, 31)] == Day(date(2027, 12, 31), "rest", "x", confirmed=True)
    assert days[date(2041, 1, 1)] == Day(date(2041, 1, 1), "statutory", "元旦", confirmed=False)
    assert not days[last].confirmed


def test_one_day_can_be_read(database: Database) -> None:
    day = date(2026, 10, 10)
    with database.read() as session:
        assert calendar(session, day, day) == {day: Day(day, "work")}
        assert calendar(session, day, day - timedelta(days=1)) == {}


@pytest.mark.parametrize(
    ("festival", "day"),
    [
        pytest.param("double-ninth", date(2023, 10, 23), id="a leap second month"),
        pytest.param("double-ninth", date(2024, 10, 11), id="Double Ninth 2024"),
        pytest.param("double-ninth", date(2025, 10, 29), id="a leap sixth month"),
        pytest.param("mid-autumn", date(2025, 10, 6), id="a leap sixth month, Mid-Autumn"),
        pytest.param("dragon-boat", date(2025, 5, 31), id="before the leap sixth month"),
        pytest.param("double-ninth", date(2026, 10, 18), id="Double Ninth 2026"),
        pytest.param("spring-festival", date(2026, 2, 17), id="Spring Festival 2026"),
        pytest.param("lantern", date(2026, 3, 3), id="Lantern Festival 2026"),
        pytest.param("double-ninth", date(2033, 10, 1), id="2033, whose leap month is the eleventh"),
        pytest.param("spring-festival", date(2033, 1, 31), id="Spring Festival 2033"),
        pytest.param("spring-festival", date(2034, 2, 19), id="after the leap eleventh month"),
        pytest.param("double-ninth", date(2014, 10, 2), id="a leap ninth month: the month that is not leap"),
        pytest.param("dragon-boat", date(2028, 5, 28), id="a leap fifth month: the month that is not leap"),
        pytest.param("winter-solstice", date(2026, 12, 22), id="a solar term"),
        pytest.param("winter-solstice", date(2028, 12, 21), id="a solar term in a leap year"),
        pytest.param("new-year", date(2027, 1, 1), id="New Year"),
        pytest.param("labour-day", date(2026, 5, 1), id="Labour Day"),
        pytest.param("national-day", date(2026, 10, 1), id="National Day"),
    ],
)
def test_a_festival_falls_on_its_day(festival: str, day: date) -> None:
    assert festival_day(day.year, festival) == day


@pytest.mark.parametrize("festival", FESTIVALS)
def test_every_festival_has_a_day_in_every_year(festival: str) -> None:
    assert all(festival_day(year, festival).year == year for year in range(2000, 2100))
