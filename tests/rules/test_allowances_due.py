"""When cycles open, missed days included, and how long a list is shown."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.calendar import festival_day, year_days
from rules.allowances_due import CalendarUnpublished, Window, due_cycles, notice_window
from rules.allowances_facts import Band, Tariff
from rules.calendar import Day

MONTHLY = Tariff(
    "longevity", "", "", date(2022, 7, 1), "1", "", "month", (Band("a", "", "", 1, 80),), opens=10
)  # fmt: skip
RAISED = replace(MONTHLY, since=date(2026, 1, 1), opens=5)
FESTIVE = replace(
    MONTHLY,
    programme="condolence",
    cycle="festival",
    festivals=("spring-festival", "new-year", "double-ninth"),
    opens=20,
)
CALENDAR = {day.date: day for year in (2025, 2026, 2027) for day in year_days(year)}


def opened(today: date, look_back: int = 31, *tariffs: Tariff) -> list[tuple[str, date]]:
    found = due_cycles(tariffs or (FESTIVE, RAISED, MONTHLY), today, festival_day, look_back)
    return [(due.period, due.as_of) for due in found]


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        pytest.param(date(2026, 3, 4), [], id="the day before the list of March"),
        pytest.param(date(2026, 3, 5), [("2026-03", date(2026, 3, 31))], id="the day of it, judged on the last"),
        pytest.param(date(2024, 2, 10), [("2024-02", date(2024, 2, 29))], id="February of a leap year"),
        pytest.param(date(2026, 9, 27), [], id="21 days before the Double Ninth"),
        pytest.param(date(2026, 9, 28), [("2026-double-ninth", date(2026, 10, 18))], id="20 days before it"),
        pytest.param(
            date(2026, 12, 12), [("2027-new-year", date(2027, 1, 1))], id="New Year is planned the year before"
        ),
        pytest.param(
            date(2026, 1, 28), [("2026-spring-festival", date(2026, 2, 17))], id="Spring Festival in February"
        ),
        pytest.param(date(2025, 1, 9), [("2025-spring-festival", date(2025, 1, 29))], id="Spring Festival in January"),
    ],
)
def test_a_cycle_opens_on_the_day_that_its_notice_says(today: date, expected: list[tuple[str, date]]) -> None:
    assert opened(today, 0) == expected


def test_missed_days_are_made_up_in_their_order_and_only_so_far_back() -> None:
    assert [period for period, _ in opened(date(2026, 10, 8), 31)] == ["2026-double-ninth", "2026-10"]
    assert [period for period, _ in opened(date(2026, 10, 8), 33)] == ["2026-09", "2026-double-ninth", "2026-10"]
    assert [period for period, _ in opened(date(2026, 10, 8), 3)] == ["2026-10"]


def test_the_notice_in_force_on_as_of_says_when_and_how() -> None:
    """December 2025 is the old notice's, opened on the 10th; January 2026 the new one's, on the 5th."""
    found = due_cycles([RAISED, MONTHLY], date(2026, 1, 10), festival_day, 40)
    assert [(due.period, due.opens_on, due.tariff.since) for due in found] == [
        ("2025-12", date(2025, 12, 10), date(2022, 7, 1)),
        ("2026-01", date(2026, 1, 5), date(2026, 1, 1)),
    ]


def test_a_notice_that_begins_within_a_month_has_that_month() -> None:
    late = replace(MONTHLY, since=date(2026, 10, 31))
    assert opened(date(2026, 10, 10), 60, late) == [("2026-10", date(2026, 10, 31))]


def test_before_the_first_notice_nothing_is_due() -> None:
    assert opened(date(2022, 6, 15), 400) == []
    assert [period for period, _ in opened(date(2022, 7, 10), 400)] == ["2022-07"]


@given(st.dates(date(2023, 1, 1), date(2028, 12, 31)), st.integers(0, 90))
@settings(max_examples=30)
def test_a_job_that_runs_daily_or_catches_up_opens_the_same_cycles(today: date, look_back: int) -> None:
    daily = [one for ago in range(look_back, -1, -1) for one in opened(today - timedelta(days=ago), 0)]
    assert opened(today, look_back) == daily


@pytest.mark.parametrize(
    ("published_on", "workdays", "window"),
    [
        pytest.param(date(2026, 3, 2), 5, (date(2026, 3, 3), date(2026, 3, 9)), id="from a Monday, over a weekend"),
        pytest.param(date(2026, 3, 6), 1, (date(2026, 3, 9), date(2026, 3, 9)), id="on a Friday, one day"),
        pytest.param(date(2026, 3, 7), 2, (date(2026, 3, 9), date(2026, 3, 10)), id="on a Saturday"),
        pytest.param(
            date(2026, 9, 30), 3, (date(2026, 10, 8), date(2026, 10, 10)), id="National Day, make-up Saturday"
        ),
        pytest.param(
            date(2026, 2, 13), 5, (date(2026, 2, 14), date(2026, 2, 27)), id="Spring Festival, worked Saturday"
        ),
        pytest.param(date(2025, 12, 31), 1, (date(2026, 1, 4), date(2026, 1, 4)), id="New Year, worked Sunday"),
    ],
)
def test_a_list_is_shown_for_workdays_from_the_one_after(
    published_on: date, workdays: int, window: tuple[date, date]
) -> None:
    assert notice_window(published_on, workdays, CALENDAR) == Window(*window)


@given(st.dates(date(2026, 1, 1), date(2026, 11, 30)), st.integers(1, 12))
@settings(max_examples=40)
def test_a_window_holds_just_so_many_workdays(published_on: date, workdays: int) -> None:
    window = notice_window(published_on, workdays, CALENDAR)
    inside = [day for day, known in CALENDAR.items() if published_on < day <= window.last and known.kind == "work"]
    assert (inside[0], inside[-1], len(inside)) == (*window, workdays)


def test_a_year_that_is_not_published_is_no_base_for_a_legal_limit() -> None:
    guessed = {day: Day(day, known.kind, confirmed=day.year < 2027) for day, known in CALENDAR.items()}
    assert notice_window(date(2026, 12, 24), 5, guessed).last == date(2026, 12, 31)
    with pytest.raises(CalendarUnpublished, match="2027-01-01"):
        notice_window(date(2026, 12, 25), 5, guessed)


def test_a_day_that_the_calendar_lacks_is_named() -> None:
    with pytest.raises(CalendarUnpublished, match="2026-03-04"):
        notice_window(date(2026, 3, 2), 5, {date(2026, 3, 3): Day(date(2026, 3, 3), "work")})
