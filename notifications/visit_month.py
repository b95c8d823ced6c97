"""The monthly letter to each sub-district: the stored figures of its own communities -> one e-mail with its workbook.

The figures in the letter are read from what was stored for the day after the month, so letter and snapshot agree.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from models.district import Contact, Subdistrict
from models.drafts import Enclosure
from models.visit_month import Home, homes, stored_month
from notifications.duty import Telling, fitted
from notifications.outbox import Draft, address_of, enqueue
from notifications.parcels import Parcel
from rules.calendar import month_dates
from rules.visits_kpi import Rate
from rules.visits_month import Figures, Scope

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NAME = 60
"""The template takes so many characters of a community's name."""
LINES = 60
"""So many communities stand in the letter, those with the lowest rates first; the workbook has them all."""


def tell_offices(
    session: Session, telling: Telling, month: str, offices: Sequence[Contact], books: Mapping[str, Enclosure]
) -> tuple[int, list[str]]:
    """Write to the offices; return how many letters are new, and the references of offices without a usable address.

    Args:
        session: writing; the month's figures are stored in the same transaction.
        telling: the frame.
        month: such as 2026-03.
        offices: of the sub-districts.
        books: each office's own workbook, by its reference.
    """
    drafts, silent = [], []
    for office in offices:
        address = address_of("email", office.email)
        if address is None:
            silent.append(office.ref)
            continue
        variables = {"name": office.name, "subdistrict": office.name, "month": month}
        drafts.append(
            Draft(
                key=f"visit-month:{month}:{office.ref}:r0",
                template="visit-month",
                channel="email",
                recipient=office.ref,
                address=address,
                variables=fitted("visit-month", variables),
                district=telling.district,
                language="en" if telling.lang == "en" else "zh-CN",
                priority=7,
                enclosed=(books[office.ref],),
            )
        )
    return enqueue(session, drafts, telling.now), silent


def month_late(session: Session, parcels: Sequence[Parcel]) -> Mapping[str, Mapping[str, Any]]:
    """Return the figures that the letters tell, by key; an office or month without any has nothing to tell."""
    asked = col(Subdistrict.ref).in_(sorted({parcel.recipient for parcel in parcels}))
    query = select(col(Subdistrict.ref), col(Subdistrict.id), col(Subdistrict.district_id)).where(asked)
    places = {ref: (number, district) for ref, number, district in session.execute(query)}
    told: dict[str, Mapping[str, Any]] = {}
    for parcel in parcels:
        if parcel.recipient in places:
            number, district = places[parcel.recipient]
            month = str(parcel.variables["month"])
            stored = stored_month(session, district, month, day_known(month))
            if Scope("subdistrict", str(number)) in stored:
                told[parcel.key] = _figures(stored, str(number), homes(session, district))
    return told


def _figures(stored: Mapping[Scope, Figures], office: str, places: Mapping[int, Home]) -> dict[str, Any]:
    own = stored[Scope("subdistrict", office)]
    lines = [
        {"community": places[int(scope.code)].community[:NAME], **_rate(figures.visits)}
        for scope, figures in stored.items()
        if scope.place == "community" and not scope.category and str(places[int(scope.code)].office_id) == office
    ]
    lines.sort(key=lambda line: (line["rate_permille"] is None, line["rate_permille"] or 0, line["community"]))
    return {
        **_rate(own.visits),
        "on_time_permille": permille(own.on_time.value),
        "communities": len(lines),
        "rows": lines[:LINES],
    }


def _rate(visits: Rate) -> dict[str, Any]:
    return {
        "denominator": visits.counted,
        "numerator": visits.visited,
        "rate_permille": permille(visits.value),
    }


def permille(rate: Fraction | None) -> int | None:
    """Return a rate in thousandths, rounded down: 2,999 of 3,000 elders are not all of them."""
    return None if rate is None else int(rate * 1000)


def day_known(month: str) -> date:
    """Return the day D of "as known on D" of a month: the one after it."""
    return month_dates(month)[1] + timedelta(days=1)
