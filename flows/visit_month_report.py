"""The month in review: count -> a workbook for the district and one for each sub-district -> stored once, letters once.

Every run counts anew and writes the workbooks again; the snapshot and its letters belong to the first run alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flows.jobs import Result, at_work, lease_end
from flows.settings import NotYet, Settings
from flows.visit_month_columns import CATEGORY, ISSUES, LEFT_OUT, VISITS, Column, Face, Line, Pages, pages_of
from flows.visit_month_count import Review, review_month
from flows.visit_month_workbook import face_name, write_month_report
from models.db import Database
from models.district import Contact, district_id
from models.drafts import Enclosure
from models.jobs import Claim, last_done, renew
from models.visit_month import office_contacts, store_month
from notifications.duty import Telling
from notifications.visit_month import XLSX, permille, tell_offices
from rules.calendar import month_dates
from rules.errors import say
from rules.visits_month import Scope, months_to

JOB = "visits-month"
CATCH_UP = 12
"""At most so many months are made up after an outage: the trend looks back no further."""


@dataclass(frozen=True, slots=True)
class _Written:
    """What the read left behind: the month, the district's pages, the offices and the workbook of each."""

    review: Review
    pages: Pages
    offices: list[Contact]
    books: dict[str, Enclosure]


def owed(database: Database, settings: Settings, day: date) -> list[str]:
    """Return the month before `day`, and before it those that were missed since the last report."""
    before = month_dates(f"{day.replace(day=1) - timedelta(days=1):%Y-%m}")
    with database.read() as session:
        last = last_done(session, JOB, settings.district)
    names = [f"{first:%Y-%m}" for first, _ in months_to(before, CATCH_UP)]
    missed = [name for name in names if last is not None and name > last]
    return missed or names[-1:]


def report_month(database: Database, settings: Settings, month: str) -> Result:
    """Report one month; return counts and the tables of the page.

    Raises:
        NotYet: the month is not over.
    """
    last = month_dates(month)[1]
    if last >= settings.today():
        raise NotYet(last + timedelta(days=1))
    return at_work(database, JOB, month, settings.district, lambda held: _report(database, settings, month, held))


def _report(database: Database, settings: Settings, month: str, held: Claim) -> Result:
    written = _write(database, settings, month, lambda: _renew(database, held))
    review = written.review
    with database.write() as session:
        renew(session, held, lease_end())
        district = district_id(session, settings.district)
        new = store_month(session, district, month, review.as_known, review.known, review.version)
        telling = Telling(settings.district, settings.now(), settings.tz, settings.lang, {})
        letters, silent = tell_offices(session, telling, month, written.offices, written.books) if new else (0, [])
    own = {
        name: figures.visits
        for name, figures in (("known", written.pages.own.known), ("now", written.pages.own.now))
        if figures
    }
    return {
        "month": month,
        "as_known": str(review.as_known),
        "snapshot": "new" if new else "stored",
        **{f"{name}_{what}": getattr(rate, what) for name, rate in own.items() for what in ("visited", "counted")},
        **{f"{name}_permille": permille(rate.value) for name, rate in own.items()},
        "workbooks": 1 + len(written.books),
        "letters": letters,
        "no_email": silent,
        "file": f"reports/visits-{month}.xlsx",
        "tables": tables_of(review, written.pages),
    }


def _renew(database: Database, held: Claim) -> None:
    """Counting writes nothing, so the lease has transactions of its own."""
    with database.write() as session:
        renew(session, held, lease_end())


def _write(database: Database, settings: Settings, month: str, renewed: Callable[[], None]) -> _Written:
    with database.read() as session:
        district = district_id(session, settings.district)
        review = review_month(session, settings, district, month_dates(month), renewed)
        contacts = office_contacts(session, district)
    folder = settings.own_folder("reports")
    pages = pages_of(review, Scope("district", settings.district), settings.district_name)
    write_month_report(folder / f"visits-{month}.xlsx", review, pages)
    served = {home.office_id for home in review.places.values()}
    offices, books = [], {}
    for number, office in contacts.items():
        if number in served:
            renewed()
            path = folder / f"visits-{month}-{office.ref}.xlsx"
            write_month_report(path, review, pages_of(review, Scope("subdistrict", str(number)), office.name))
            name = say(f"探访月报-{month}.xlsx", f"visits-{month}.xlsx")
            books[office.ref] = Enclosure(name, XLSX, path.read_bytes())
            offices.append(office)
    return _Written(review, pages, offices, books)


def tables_of(review: Review, pages: Pages) -> dict[str, list[dict[str, Any]]]:
    """Return the tables of the page: the same lines and columns as the workbook; restated only where it differs."""
    return {
        "visits": _rows(review, VISITS, pages.places),
        "left-out": _rows(review, LEFT_OUT, pages.places),
        "issues": _rows(review, ISSUES, pages.places),
        "categories": _rows(review, CATEGORY, pages.categories),
    }


def _rows(review: Review, columns: Sequence[Column], lines: Sequence[Line]) -> list[dict[str, Any]]:
    faces: list[Face] = ["known", "now"]
    rows = []
    for line in lines:
        seen = None
        for face in faces:
            figures = line.face(face)
            told = {
                column.header: "—" if figures is None else _told(column, column.value(figures)) for column in columns
            }
            if told != seen:
                rows.append({say("单位", "place"): line.label, say("口径", "face"): face_name(review, face), **told})
            seen = told
    return rows


def _told(column: Column, value: float | None) -> str | float:
    if value is None:
        return "—"
    return f"{value * 100:.1f}%" if column.shape == "rate" else value
