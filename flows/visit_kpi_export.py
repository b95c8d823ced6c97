"""Visits as files for programs: the stored figures of months, and with a month named the restated ones -> rows."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session

from flows.settings import Settings
from flows.visit_month_count import review_month
from models.visit import VisitMonth
from models.visit_month import Home, homes, month_rows, stored_rows
from rules.calendar import month_dates

KPI = (
    "month",
    "scope",
    "code",
    "denominator",
    "numerator",
    "rate",
    "on_time",
    "refused",
    "overdue",
    "median_resolution",
    "as_known",
)
"""Columns of visit-kpi; rate and on_time are shares of 1, median_resolution is in workdays, all unrounded."""


def kpi_rows(
    session: Session, settings: Settings, district: int, span: tuple[date, date], *, restated: bool
) -> Iterator[list[Any]]:
    """Yield the figures of months, of the district, its sub-districts and communities, by month, day, scope and code.

    Args:
        session: reading.
        settings: the clock, and the code of the district.
        district: district id.
        span: the months from the one of its first day to the one of its last.
        restated: add the last month as known now, under tomorrow's date: all that was recorded before it.
    """
    places = homes(session, district)
    first, last = (f"{day:%Y-%m}" for day in span)
    yield from _told(stored_rows(session, district, (first, last)), places)
    if restated and month_dates(last)[1] < settings.today():
        review = review_month(session, settings, district, month_dates(last))
        tomorrow = settings.today() + timedelta(days=1)
        rows = month_rows(district, last, tomorrow, review.now, review.version)
        yield from _told((VisitMonth(**row) for row in rows), places)


def _told(rows: Iterable[VisitMonth], places: dict[int, Home]) -> Iterator[list[Any]]:
    codes = {("community", str(number)): f"{home.office}/{home.community}" for number, home in places.items()}
    codes |= {("subdistrict", str(home.office_id)): home.office for home in places.values()}
    for row in sorted(rows, key=lambda row: (row.month, row.as_known)):
        yield [
            row.month,
            row.scope,
            codes.get((row.scope, row.code), row.code),
            row.denominator,
            row.numerator,
            row.numerator / row.denominator if row.denominator else None,
            row.on_time / row.due if row.due else None,
            row.refused,
            row.overdue,
            row.median_resolution,
            row.as_known,
        ]
