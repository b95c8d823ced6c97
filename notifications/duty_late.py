"""What a duty message tells as it stands when it is sent: the days of a month, and the code of the answer page."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from models.cadre import Cadre
from models.calendar import calendar
from models.db import keys_of
from models.duty import DutySlot
from notifications.duty import kind_of_day, weekday
from notifications.duty_truth import slot_and_revision
from notifications.links import Ticket, make
from notifications.parcels import Parcel
from notifications.round import Late
from rules.calendar import month_dates

HANDOVER_UNTIL = time(12)
"""A link still hands the duty over on the next morning."""

Told = Mapping[str, Mapping[str, Any]]


def duty_late(zone: tzinfo, *, answers: bool) -> Mapping[str, Late]:
    """Return the readers of late variables, by template.

    Args:
        zone: of the district's wall clock, by which links end with the day of the duty.
        answers: whether there is an answer page; without it codes stay empty.
    """

    def codes(session: Session, parcels: Sequence[Parcel]) -> Told:
        return _codes(session, parcels, zone) if answers else {parcel.key: {"code": ""} for parcel in parcels}

    return {
        "duty-published": _months,
        **dict.fromkeys(("duty-notice", "duty-reminder", "duty-assigned"), codes),
    }


def _months(session: Session, parcels: Sequence[Parcel]) -> Told:
    """The person's own published days of the month at the centre; a parcel without any has nothing to tell."""
    firsts = {parcel.key: slot_and_revision(parcel.key)[0] for parcel in parcels}
    centres = _centres(session, set(firsts.values()))
    told: dict[str, dict[str, Any]] = {}
    for month in sorted({str(parcel.variables["month"]) for parcel in parcels}):
        asked = [parcel for parcel in parcels if parcel.variables["month"] == month and firsts[parcel.key] in centres]
        span = month_dates(month)
        days, kinds = _days(session, {parcel.recipient for parcel in asked}, span), calendar(session, *span)
        for parcel in asked:
            mine = days.get((parcel.recipient, centres[firsts[parcel.key]]), [])
            rows = [{"date": day, "weekday": weekday(day), "kind": kind_of_day(kinds[day])} for day in sorted(mine)]
            if rows:
                told[parcel.key] = {"days": rows}
    return told


def _centres(session: Session, slots: set[int]) -> dict[int, int]:
    query = select(col(DutySlot.id), col(DutySlot.centre_id)).where(col(DutySlot.id).in_(sorted(slots)))
    return dict(session.execute(query).tuples().all())


def _days(session: Session, people: set[str], span: tuple[date, date]) -> dict[tuple[str, int], list[date]]:
    """Published days by (reference, centre id)."""
    query = (
        select(col(Cadre.ref), col(DutySlot.centre_id), col(DutySlot.day))
        .join(Cadre, col(Cadre.id) == col(DutySlot.cadre_id))
        .where(col(Cadre.ref).in_(sorted(people)), col(DutySlot.day).between(*span))
        .where(col(DutySlot.published_at).is_not(None))
    )
    found: dict[tuple[str, int], list[date]] = defaultdict(list)
    for ref, centre, day in session.execute(query):
        found[ref, centre].append(day)
    return found


def _codes(session: Session, parcels: Sequence[Parcel], zone: tzinfo) -> Told:
    """A signed code for each duty of the person; whose duty it no longer is has none, and is told no longer true."""
    keys = keys_of(session)
    slots = _slots(session, {slot_and_revision(parcel.key)[0] for parcel in parcels})
    told: dict[str, dict[str, Any]] = {}
    for parcel in parcels:
        slot, revision = slot_and_revision(parcel.key)
        cadre, ref, day = slots.get(slot, (None, None, date.min))
        code = ""
        if cadre is not None and ref == parcel.recipient:
            ends = datetime.combine(day + timedelta(days=1), HANDOVER_UNTIL, zone)
            code = make(keys, Ticket("duty", slot, cadre, revision, ends))
        told[parcel.key] = {"code": code}
    return told


def _slots(session: Session, ids: set[int]) -> dict[int, tuple[int | None, str | None, date]]:
    """Whose each slot is, by id and reference, and when."""
    query = select(col(DutySlot.id), col(DutySlot.cadre_id), col(Cadre.ref), col(DutySlot.day))
    query = query.outerjoin(Cadre, col(Cadre.id) == col(DutySlot.cadre_id)).where(col(DutySlot.id).in_(sorted(ids)))
    return {slot: (cadre, ref, day) for slot, cadre, ref, day in session.execute(query)}
