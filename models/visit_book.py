"""The rule book of visits as it applies to a district on a day: policies and the calendar it needs -> Book."""

from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlmodel import Session, col

from models.calendar import calendar
from models.elder import Elder, ElderStatus
from policies.visits import clocks, visits
from rules.visits_owed import Book
from rules.workdays import Workdays

_AHEAD = timedelta(days=400)  # an interval of a rule book is shorter than a year


def visit_book(session: Session, district: int, day: date, overlay: Path | None) -> Book:
    """Return what decides visits on a day, with the calendar from the first registration to past the last deadline."""
    first = select(func.min(col(Elder.registered_on))).where(col(Elder.district_id) == district)
    offers = (
        select(func.max(col(ElderStatus.reoffer_on)))
        .join(Elder, col(Elder.id) == col(ElderStatus.elder_id))
        .where(col(Elder.district_id) == district)
    )
    since, last_offer = session.execute(first).scalar_one(), session.execute(offers).scalar_one()
    until = max(day, last_offer or day) + _AHEAD
    known = calendar(session, min(since or day, day) - timedelta(days=31), until)
    return Book(clocks(day, overlay), Workdays(known), visits(day, overlay).unreachable)
