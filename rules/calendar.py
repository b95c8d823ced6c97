"""The work calendar 工作日历: what kind of day each date is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

DayKind = Literal["work", "rest", "statutory"]


@dataclass(frozen=True, slots=True)
class Day:
    """One date of the calendar.

    `rest` covers weekends and the days off around a holiday; `statutory` 法定节假日 is one of the (since 2025: 13)
    days on which the law itself gives a holiday. `confirmed` is False until the State Council has published the year.
    """

    date: date
    kind: DayKind
    name: str = ""
    confirmed: bool = True


def dates_between(first: date, last: date) -> Iterator[date]:
    """Yield every date from `first` to `last`, both included."""
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)


def month_dates(month: str) -> tuple[date, date]:
    """Return the first and the last date of a month given as `2026-03`."""
    first = date.fromisoformat(f"{month}-01")
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def month_after(day: date) -> str:
    """Return the month following that of `day`, as `2026-03`."""
    return f"{(day.replace(day=1) + timedelta(days=31)):%Y-%m}"


def ordinary_day(day: date, statutory: Mapping[date, str], *, confirmed: bool) -> Day:
    """Return what a date is by the week and the law alone: statutory, weekend, or a work day."""
    if day in statutory:
        return Day(day, "statutory", statutory[day], confirmed)
    return Day(day, "rest" if day.weekday() >= 5 else "work", "", confirmed)


def provisional_year(year: int, statutory: Mapping[date, str]) -> list[Day]:
    """Guess a year that is not published yet: weekends rest, the statutory days are known, nothing is confirmed."""
    days = dates_between(date(year, 1, 1), date(year, 12, 31))
    return [ordinary_day(day, statutory, confirmed=False) for day in days]
