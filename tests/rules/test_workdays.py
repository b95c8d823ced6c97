"""Workdays of the real block of National Day 2026: rest 1 to 7 October, make-up Saturday 10 October."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.calendar import Day, dates_between, provisional_year
from rules.duty_facts import DayNotInCalendar
from rules.workdays import Workdays

FIRST, LAST = date(2026, 9, 1), date(2026, 10, 31)
REST = set(dates_between(date(2026, 10, 1), date(2026, 10, 7)))
CALENDAR = {
    day: Day(day, "work" if day == date(2026, 10, 10) or (day.weekday() < 5 and day not in REST) else "rest")
    for day in dates_between(FIRST, LAST)
}
WORKDAYS = Workdays(CALENDAR)
days = st.dates(date(2026, 9, 5), date(2026, 10, 15))


@pytest.mark.parametrize(
    ("day", "before", "after"),
    [
        pytest.param(date(2026, 9, 30), date(2026, 9, 30), date(2026, 9, 30), id="a workday is itself"),
        pytest.param(date(2026, 10, 3), date(2026, 9, 30), date(2026, 10, 8), id="within the block"),
        pytest.param(date(2026, 10, 10), date(2026, 10, 10), date(2026, 10, 10), id="the make-up Saturday is worked"),
        pytest.param(date(2026, 10, 11), date(2026, 10, 10), date(2026, 10, 12), id="the Sunday after it"),
    ],
)
def test_the_workday_on_or_before_and_on_or_after(day: date, before: date, after: date) -> None:
    assert (WORKDAYS.on_or_before(day), WORKDAYS.on_or_after(day)) == (before, after)


@pytest.mark.parametrize(
    ("day", "number", "expected"),
    [
        pytest.param(date(2026, 9, 30), 0, date(2026, 9, 30), id="none"),
        pytest.param(date(2026, 9, 30), 1, date(2026, 10, 8), id="over the block"),
        pytest.param(date(2026, 10, 3), 3, date(2026, 10, 10), id="from a day of rest"),
        pytest.param(date(2026, 10, 9), 2, date(2026, 10, 12), id="over the make-up Saturday"),
    ],
)
def test_the_nth_workday_after(day: date, number: int, expected: date) -> None:
    assert WORKDAYS.after(day, number) == expected


@given(days, days)
def test_workdays_between_are_those_counted_one_by_one(first: date, last: date) -> None:
    assert WORKDAYS.between(first, last) == [
        day for day in CALENDAR if first <= day <= last and CALENDAR[day].kind == "work"
    ]
    assert all(WORKDAYS.is_workday(day) for day in WORKDAYS.between(first, last))


@given(days, st.integers(1, 10))
def test_the_nth_workday_after_is_found_by_stepping(day: date, number: int) -> None:
    step = day
    for _ in range(number):
        step += timedelta(days=1)
        while CALENDAR[step].kind != "work":
            step += timedelta(days=1)
    assert WORKDAYS.after(day, number) == step


def test_a_provisional_year_counts() -> None:
    year = Workdays({day.date: day for day in provisional_year(2027, {date(2027, 1, 1): "元旦"})})
    assert year.on_or_after(date(2027, 1, 1)) == date(2027, 1, 4)


def test_where_the_calendar_is_silent_nothing_is_guessed() -> None:
    with pytest.raises(DayNotInCalendar, match="2026-11-01"):
        WORKDAYS.on_or_before(date(2026, 11, 1))
    with pytest.raises(DayNotInCalendar, match="2026-11-01"):
        WORKDAYS.after(date(2026, 10, 30), 1)
    with pytest.raises(DayNotInCalendar, match="2026-02-28"):
        Workdays({date(2026, 3, 1): Day(date(2026, 3, 1), "rest")}).on_or_before(date(2026, 3, 1))


def test_a_calendar_with_a_hole_is_refused() -> None:
    with pytest.raises(DayNotInCalendar, match="2026-10-05"):
        Workdays({day: kind for day, kind in CALENDAR.items() if day != date(2026, 10, 5)})
