"""The work calendar in the database: seeded from the published years, guessed for the rest, overridden by import."""

from collections.abc import Iterable
from datetime import date, timedelta

import chinese_calendar
from borax.calendars.festivals2 import TermFestival
from borax.calendars.lunardate import LunarDate
from chinese_calendar.constants import holidays, workdays
from sqlalchemy import CheckConstraint, select
from sqlmodel import Field, Session, SQLModel, col

from models.db import insert_for
from rules.calendar import Day, dates_between, provisional_year

Date = date  # the column is called date too


class WorkCalendar(SQLModel, table=True):
    """One date: what kind of day it is and who says so."""

    __tablename__ = "work_calendar"
    __table_args__ = (
        CheckConstraint("kind IN ('work', 'rest', 'statutory')", name="kind"),
        CheckConstraint("source IN ('rule', 'library', 'import')", name="source"),
    )
    date: Date = Field(primary_key=True)
    kind: str
    name: str = ""
    confirmed: bool
    source: str = Field(description="rule (weekends and known holidays), library (published years) or import")


def published_years() -> range:
    """The years that the calendar library knows as published by the State Council."""
    return range(min(holidays).year, max(*holidays, *workdays).year + 1)


def statutory_days(year: int) -> dict[date, str]:
    """Return the statutory holidays of a year with their names; 13 days since 2025, 11 before.

    Source: 全国年节及纪念日放假办法, the decree of 2024-11-10 in force since 2025-01-01. When Mid-Autumn falls on
    1-3 October, two holidays share a date and the year has 12 distinct ones.
    """
    spring = festival_day(year, "spring-festival")
    days = {date(year, 1, 1): "元旦"}
    if year >= 2025:
        days[spring - timedelta(days=1)] = "除夕"
    days |= {spring + timedelta(days=n): "春节" for n in range(3)}
    days[_term(year, "清明")] = "清明节"
    days |= {date(year, 5, n): "劳动节" for n in ((1, 2) if year >= 2025 else (1,))}
    days[festival_day(year, "dragon-boat")] = "端午节"
    days[festival_day(year, "mid-autumn")] = "中秋节"
    for n in (1, 2, 3):
        day = date(year, 10, n)
        days[day] = "国庆节、中秋节" if day in days else "国庆节"
    return days


_SOLAR = {"new-year": (1, 1), "labour-day": (5, 1), "national-day": (10, 1)}
_LUNAR = {
    "spring-festival": (1, 1), "lantern": (1, 15), "dragon-boat": (5, 5), "mid-autumn": (8, 15), "double-ninth": (9, 9),
}  # fmt: skip
_TERMS = {"winter-solstice": "冬至"}


def festival_day(year: int, festival: str) -> date:
    """Return the day of a festival in a year; `festival` is one of rules.periods.FESTIVALS.

    A leap month repeats no festival: it is kept in the month that is not leap.
    """
    if festival in _SOLAR:
        return date(year, *_SOLAR[festival])
    if festival in _TERMS:
        return _term(year, _TERMS[festival])
    day: date = LunarDate(year, *_LUNAR[festival]).to_solar_date()
    return day


def _term(year: int, name: str) -> date:
    day = TermFestival(name).at(year)
    assert isinstance(day, date)
    return day


def year_days(year: int) -> list[Day]:
    """Return a year as published if the library knows it, else provisional."""
    statutory = statutory_days(year)
    if year not in published_years():
        return provisional_year(year, statutory)
    return [_published(day, statutory) for day in dates_between(date(year, 1, 1), date(year, 12, 31))]


def _is_workday(day: date) -> bool:
    return bool(chinese_calendar.is_workday(day))  # type: ignore[no-untyped-call]


def _published(day: date, statutory: dict[date, str]) -> Day:
    if day in statutory:
        return Day(day, "statutory", statutory[day])
    return Day(day, "work" if _is_workday(day) else "rest", _NAMES.get(holidays.get(day, ""), ""))


_NAMES = {
    "New Year's Day": "元旦假期",
    "Spring Festival": "春节假期",
    "Tomb-sweeping Day": "清明假期",
    "Labour Day": "劳动节假期",
    "Dragon Boat Festival": "端午假期",
    "National Day": "国庆假期",
    "Mid-autumn Festival": "中秋假期",
    "Anti-Fascist 70th Day": "抗战胜利纪念日假期",
}


def seed_calendar(session: Session, years: Iterable[int]) -> None:
    """Write these years; a published year replaces a guessed one, an import is never touched."""
    rows = [
        {**_row(day), "source": "library" if day.confirmed else "rule"} for year in years for day in year_days(year)
    ]
    insert = insert_for(session, WorkCalendar)
    better = insert.on_conflict_do_update(
        index_elements=["date"],
        set_={name: insert.excluded[name] for name in ("kind", "name", "confirmed", "source")},
        where=(col(WorkCalendar.source) == "rule") & (insert.excluded.source == "library"),
    )
    for start in range(0, len(rows), 1000):
        session.execute(better, rows[start : start + 1000])


def _row(day: Day) -> dict[str, object]:
    return {"date": day.date, "kind": day.kind, "name": day.name, "confirmed": day.confirmed}


def calendar(session: Session, first: date, last: date) -> dict[date, Day]:
    """Read the calendar from `first` to `last`; years that are not stored yet are made up as seeding would."""
    columns = (WorkCalendar.date, WorkCalendar.kind, WorkCalendar.name, WorkCalendar.confirmed)
    query = select(*map(col, columns)).where(col(WorkCalendar.date).between(first, last))
    days = {row[0]: Day(*row) for row in session.execute(query)}
    for year in range(first.year, last.year + 1):
        for day in year_days(year) if len(days) <= (last - first).days else ():
            if first <= day.date <= last:
                days.setdefault(day.date, day)
    return days
