"""Registers on the way out: what is stored -> rows by English column names, ready to be imported again."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from models.cadre import Cadre, Roster, contacts
from models.calendar import WorkCalendar
from models.db import keys_of
from models.district import Centre, Community, Subdistrict
from models.duty import DutySlot, Handover, SlotTransition, Swap
from models.duty_record import held_slots
from models.elder import Elder
from models.exam import student_behind
from models.exam_rows import exam_rows, item_rows, line_rows, paper_rows, school_rows, student_rows
from models.helper import Helper, helper_contacts
from models.intake_leaves import LEAVE_TABLES
from models.intake_slots import leader_of
from models.money_rows import account_rows, bank_return_rows, budget_rows, certification_rows, objection_rows
from models.staff import staff_behind
from models.visit_rows import contact_rows, elder_rows, helper_rows, issue_rows, pairing_rows, status_rows

Rows = Iterator[dict[str, Any]]


def _subdistricts(session: Session, district: int, _first: date, _last: date) -> Rows:
    keys = keys_of(session)
    query = select(Subdistrict).where(col(Subdistrict.district_id) == district).order_by(col(Subdistrict.name))
    for office in session.execute(query).scalars():
        opened = {n: keys.open(f"subdistrict.{n}", office.ref, getattr(office, n)) for n in ("phone", "email")}
        yield {"name": office.name, **opened}


def _centres(session: Session, district: int, _first: date, _last: date) -> Rows:
    query = (
        select(Centre, col(Subdistrict.name), col(Community.name))
        .join(Community, col(Community.id) == col(Centre.community_id))
        .join(Subdistrict, col(Subdistrict.id) == col(Community.subdistrict_id))
        .where(col(Centre.district_id) == district)
        .order_by(col(Centre.code))
    )
    for centre, subdistrict, community in session.execute(query):
        own = {name: getattr(centre, name) for name in ("code", "name", "address", "phone", "opens_on_rest_days")}
        yield {**own, "subdistrict": subdistrict, "community": community}


def _cadres(session: Session, district: int, first: date, last: date) -> Rows:
    columns = (Cadre.number, Centre.code, Roster.since, Roster.until, Roster.head, Roster.rest_day_exempt)
    query = (
        select(*map(col, columns))
        .join(Cadre, col(Cadre.id) == col(Roster.cadre_id))
        .join(Centre, col(Centre.id) == col(Roster.centre_id))
        .where(col(Cadre.district_id) == district, col(Roster.since) <= last)
        .where(col(Roster.until).is_(None) | (col(Roster.until) >= first))
        .order_by(col(Cadre.number), col(Roster.since))
    )
    places = session.execute(query).all()
    people = contacts(session, district, {place[0] for place in places})
    for number, centre, since, until, head, exempt in places:
        person = people[number]
        told = {"number": number, "ref": person.ref, "name": person.name, "phone": person.phone, "email": person.email}
        yield {**told, "centre": centre, "from": since, "until": until, "head": head, "rest_day_exempt": exempt}


def _leaves(session: Session, district: int, first: date, last: date) -> Rows:
    """Leave of cadres and of helpers; of who is both, once."""
    told: set[tuple[Any, ...]] = set()
    for table, person, owner in LEAVE_TABLES:
        columns = (person.number, table.since, table.until, table.kind, table.cancelled)
        query = (
            select(*map(col, columns))
            .join(person, col(person.id) == col(getattr(table, owner)))
            .where(col(person.district_id) == district, col(table.since) <= last)
            .where(col(table.until).is_(None) | (col(table.until) >= first))
            .order_by(col(person.number), col(table.since))
        )
        for row in session.execute(query):
            if row[:2] not in told:
                yield dict(zip(("person", "from", "until", "type", "cancelled"), row, strict=True))
            told.add(tuple(row[:2]))


def _calendar(session: Session, _district: int, first: date, last: date) -> Rows:
    query = select(WorkCalendar).where(col(WorkCalendar.date).between(first, last)).order_by(col(WorkCalendar.date))
    for day in session.execute(query).scalars():
        yield {"date": day.date, "kind": day.kind, "name": day.name}


def _slots(session: Session, district: int, first: date, last: date) -> Rows:
    for slot in held_slots(session, district, first, last):
        leader = leader_of(session, slot.centre, slot.day, slot.leader)
        place = {"date": slot.day, "centre": slot.centre, "cadre": slot.cadre}
        yield {**place, "state": slot.state, "pinned": slot.pinned, "leader": leader}


def _swaps(session: Session, district: int, first: date, last: date) -> Rows:
    people = [aliased(Cadre) for _ in range(4)]
    ids = (Swap.cadre_a_id, Swap.cadre_b_id, Swap.confirmed_a_id, Swap.confirmed_b_id)
    query = select(col(Centre.code), col(Swap.date_a), col(Swap.date_b), *(each.number for each in people)).join(
        Centre, col(Centre.id) == col(Swap.centre_id)
    )
    for person, identity in zip(people, ids, strict=True):
        query = query.outerjoin(person, col(identity) == person.id)
    near = col(Swap.date_a).between(first, last) | col(Swap.date_b).between(first, last)
    names = ("centre", "date_a", "date_b", "cadre_a", "cadre_b", "confirmed_a", "confirmed_b")
    rows = session.execute(query.where(col(Centre.district_id) == district, near).order_by(col(Swap.id)))
    yield from (dict(zip(names, row, strict=True)) for row in rows)


def _acks(session: Session, district: int, first: date, last: date) -> Rows:
    query = (
        select(col(DutySlot.day), col(Centre.code), col(Cadre.number), col(SlotTransition.at))
        .join(DutySlot, col(DutySlot.id) == col(SlotTransition.slot_id))
        .join(Centre, col(Centre.id) == col(DutySlot.centre_id))
        .join(Cadre, col(Cadre.id) == col(SlotTransition.cadre_after_id))
        .where(col(Centre.district_id) == district, col(DutySlot.day).between(first, last))
        .where(col(SlotTransition.after) == "acknowledged", col(SlotTransition.before) == "published")
        .where(col(SlotTransition.revision) == col(DutySlot.revision))
        .order_by(col(DutySlot.day), col(Centre.code))
    )
    yield from (dict(zip(("date", "centre", "cadre", "at"), row, strict=True)) for row in session.execute(query))


def _checkins(session: Session, district: int, first: date, last: date) -> Rows:
    query = (
        select(col(DutySlot.day), col(Centre.code), col(Cadre.number), col(DutySlot.checkin_at))
        .join(Centre, col(Centre.id) == col(DutySlot.centre_id))
        .join(Cadre, col(Cadre.id) == col(DutySlot.checkin_cadre_id))
        .where(col(Centre.district_id) == district, col(DutySlot.day).between(first, last))
        .order_by(col(DutySlot.day), col(Centre.code))
    )
    yield from (dict(zip(("date", "centre", "cadre", "at"), row, strict=True)) for row in session.execute(query))


def _handovers(session: Session, district: int, first: date, last: date) -> Rows:
    keys = keys_of(session)
    query = (
        select(col(DutySlot.day), col(Centre.code), col(Cadre.number), Handover)
        .join(DutySlot, col(DutySlot.id) == col(Handover.slot_id))
        .join(Centre, col(Centre.id) == col(DutySlot.centre_id))
        .join(Cadre, col(Cadre.id) == col(Handover.cadre_id))
        .where(col(Centre.district_id) == district, col(DutySlot.day).between(first, last))
        .order_by(col(DutySlot.day), col(Centre.code))
    )
    for day, centre, cadre, held in session.execute(query):
        checks = {name: getattr(held, name) for name in ("rooms", "meals", "cleaning", "facilities")}
        note = keys.open("duty_handover.note", f"{centre}/{day}", held.note)
        yield {"date": day, "centre": centre, "cadre": cadre, "at": held.at, **checks, "note": note}


ROWS: dict[str, Callable[[Session, int, date, date], Rows]] = {
    "subdistrict": _subdistricts,
    "centre": _centres,
    "cadre": _cadres,
    "leave": _leaves,
    "calendar": _calendar,
    "slot": _slots,
    "swap": _swaps,
    "ack": _acks,
    "checkin": _checkins,
    "handover": _handovers,
    "elder": elder_rows,
    "helper": helper_rows,
    "pairing": pairing_rows,
    "contact": contact_rows,
    "status": status_rows,
    "issue": issue_rows,
    "account": account_rows,
    "certification": certification_rows,
    "budget": budget_rows,
    "objection": objection_rows,
    "bank-return": bank_return_rows,
    "school": school_rows,
    "exam": exam_rows,
    "student": student_rows,
    "paper": paper_rows,
    "item": item_rows,
    "line": line_rows,
}


def who_is(session: Session, district: int, ref: str) -> dict[str, Any] | None:
    """Return the person or office behind a reference; None if there is none in the district."""
    number = session.execute(
        select(col(Cadre.number)).where(col(Cadre.ref) == ref, col(Cadre.district_id) == district)
    ).scalar_one_or_none()
    if number is not None:
        person = contacts(session, district, {number})[number]
        return {"ref": ref, "kind": "cadre", "number": number, "name": person.name, "phone": person.phone}
    if found := _elder_or_helper(session, district, ref) or staff_behind(session, district, ref):
        return found
    if found := student_behind(session, district, ref):
        return found
    query = select(Subdistrict).where(col(Subdistrict.ref) == ref, col(Subdistrict.district_id) == district)
    office = session.execute(query).scalar_one_or_none()
    return None if office is None else {"ref": ref, "kind": "subdistrict", "name": office.name}


def _elder_or_helper(session: Session, district: int, ref: str) -> dict[str, Any] | None:
    elder = session.execute(select(Elder).where(col(Elder.ref) == ref, col(Elder.district_id) == district))
    if person := elder.scalar_one_or_none():
        keys = keys_of(session)
        opened = {name: keys.open(f"elder.{name}", ref, getattr(person, name)) for name in ("name", "phone", "address")}
        return {"ref": ref, "kind": "elder", **opened}
    query = select(col(Helper.number)).where(col(Helper.ref) == ref, col(Helper.district_id) == district)
    number = session.execute(query).scalar_one_or_none()
    if number is None:
        return None
    helper = helper_contacts(session, district, {number})[number]
    return {"ref": ref, "kind": "helper", "number": number, "name": helper.name, "phone": helper.phone}
