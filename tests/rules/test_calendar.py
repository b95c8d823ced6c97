"""The calendar's own arithmetic: months, spans and a year guessed from the week and the law."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.calendar import Day, dates_between, month_after, month_dates, ordinary_day, provisional_year


@pytest.mark.parametrize(
    ("month", "last"),
    [
        pytest.param("2026-02", 28, id="a common February"),
        pytest.param("2028-02", 29, id="a leap February"),
        pytest.param("2100-02", 28, id="no leap year in 2100"),
        pytest.param("2026-12", 31, id="December"),
        pytest.param("2026-04", 30, id="thirty days"),
    ],
)
def test_a_month_ends_on_its_last_day(month: str, last: int) -> None:
    year, number = map(int, month.split("-"))
    assert month_dates(month) == (date(year, number, 1), date(year, number, last))


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "202603", "", "2026-00"])
def test_what_is_no_month_is_refused(month: str) -> None:
    with pytest.raises(ValueError, match=r"month|format|isoformat"):
        month_dates(month)


@pytest.mark.parametrize(
    ("day", "month"),
    [
        pytest.param(date(2026, 1, 31), "2026-02", id="from the 31st"),
        pytest.param(date(2026, 12, 1), "2027-01", id="over the year"),
        pytest.param(date(2028, 2, 29), "2028-03", id="from 29 February"),
    ],
)
def test_the_month_after_is_the_next_one(day: date, month: str) -> None:
    assert month_after(day) == month


@given(st.dates(date(1950, 1, 1), date(2099, 12, 1)))
def test_months_follow_each_other_without_a_gap(day: date) -> None:
    assert month_dates(month_after(day))[0] == month_dates(f"{day:%Y-%m}")[1] + timedelta(days=1)


@given(st.dates(date(1950, 1, 1), date(2099, 1, 1)), st.integers(-3, 400))
def test_a_span_has_both_its_ends_or_nothing(first: date, length: int) -> None:
    days = list(dates_between(first, first + timedelta(days=length)))
    assert len(days) == max(0, length + 1)
    assert days == sorted(set(days))


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        pytest.param(date(2026, 3, 6), "work", id="Friday"),
        pytest.param(date(2026, 3, 7), "rest", id="Saturday"),
        pytest.param(date(2026, 3, 8), "rest", id="Sunday"),
        pytest.param(date(2026, 1, 1), "statutory", id="statutory Thursday"),
        pytest.param(date(2026, 10, 3), "statutory", id="statutory Saturday"),
    ],
)
def test_the_law_comes_before_the_week(day: date, kind: str) -> None:
    law = {date(2026, 1, 1): "元旦", date(2026, 10, 3): "国庆节"}
    assert ordinary_day(day, law, confirmed=True) == Day(day, kind, law.get(day, ""))  # type: ignore[arg-type]


@pytest.mark.parametrize(("year", "days"), [(2027, 365), (2028, 366)])
def test_a_provisional_year_is_whole_and_unconfirmed(year: int, days: int) -> None:
    guessed = provisional_year(year, {date(year, 1, 1): "元旦"})
    assert len(guessed) == days
    assert not any(day.confirmed for day in guessed)
    assert guessed[0] == Day(date(year, 1, 1), "statutory", "元旦", confirmed=False)
