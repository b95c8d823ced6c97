"""A cadre's duties for the phone's calendar: slots and their history -> events -> one .ics for each cadre."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from icalendar import Alarm, Calendar, Event, Timezone, TimezoneStandard
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col

from models.cadre import Cadre
from models.calendar import calendar
from models.district import Centre
from models.duty import DutySlot, SlotTransition
from models.duty_record import held_slots
from notifications.duty import kind_of_day
from rules.calendar import Day
from rules.errors import TuoqiError, say
from rules.registers.days import SHANGHAI

OPENS, CLOSES = time(8, 45), time(18, 0)
"""A duty is a timed event, from the mark by which the cadre has checked in: an all-day event rings at midnight, if at
all, and lets other appointments lie over it."""
REMINDERS = (timedelta(hours=12, minutes=45), timedelta(hours=1))  # before 08:45: at 20:00 the evening before, at 07:45
SUMMER_TIMES_OVER = datetime(1992, 1, 1)  # noqa: DTZ001 - wall time; China has kept UTC+8 since
_CONTROL = re.compile("[\x00-\x1f\x7f\u0085\u2028\u2029]")
CST = timedelta(hours=8)
_TASKS = "Open the function rooms, tell elders about meals, keep the yard clean, look after the facilities."


@dataclass(eq=False)
class UnknownCadre(TuoqiError):
    """A cadre number nobody has."""

    number: str
    zh = "没有编号为 {number} 的干部；请核对花名册中的编号。"
    en = "there is no cadre {number}; check the number in the cadre register."


@dataclass(frozen=True, slots=True)
class DutyEvent:
    """One duty in one cadre's calendar; `sequence` is the slot's revision that gave or took it.

    `ref` is the cadre's reference; `kind` says what day it is (春节, 休息日), "" on a plain workday. A cancelled event
    stays in the file so that calendars that know it let go of it.
    """

    centre: str
    date: date
    ref: str
    sequence: int
    cancelled: bool
    name: str
    address: str = ""
    kind: str = ""
    alarm: bool = True

    @property
    def uid(self) -> str:
        """Centre, date and person: the same duty keeps its UID however often it changes hands."""
        return f"{self.centre}-{self.date:%Y%m%d}-{self.ref}@duty.tuoqi"


def cadre_calendar(events: Iterable[DutyEvent], cadre_name: str, now: datetime) -> bytes:
    """Return an .ics (RFC 5545, METHOD:PUBLISH, UTF-8, lines folded at 75 octets) with one cadre's duties.

    Args:
        events: in any order; none gives a valid, empty calendar.
        cadre_name: shown as the calendar's name.
        now: aware; the stamp of this edition.
    """
    book = Calendar()
    book.add("prodid", "-//Tuoqi//Daily duty//ZH")
    book.add("version", "2.0")
    book.add("calscale", "GREGORIAN")
    book.add("method", "PUBLISH")
    book.add("x-wr-calname", _plain(say(f"值班 {cadre_name}", f"Duty {cadre_name}")))
    book.add("x-wr-timezone", SHANGHAI.key)
    book.add_component(_shanghai())
    for event in sorted(events, key=lambda event: (event.date, event.centre, event.ref)):
        book.add_component(_event(event, now.astimezone(UTC)))
    return bytes(book.to_ical())


def _shanghai() -> Timezone:
    standard = TimezoneStandard()
    standard.add("dtstart", SUMMER_TIMES_OVER)
    standard.add("tzoffsetfrom", CST)
    standard.add("tzoffsetto", CST)
    standard.add("tzname", "CST")
    zone = Timezone()
    zone.add("tzid", SHANGHAI.key)
    zone.add_component(standard)
    return zone


def _event(duty: DutyEvent, stamp: datetime) -> Event:
    event = Event()
    event.add("uid", _plain(duty.uid))
    event.add("sequence", duty.sequence)
    event.add("dtstamp", stamp)
    event.add("dtstart", datetime.combine(duty.date, OPENS, SHANGHAI))
    event.add("dtend", datetime.combine(duty.date, CLOSES, SHANGHAI))
    event.add("status", "CANCELLED" if duty.cancelled else "CONFIRMED")
    event.add("summary", _plain(_summary(duty)))
    event.add("description", say("开放活动室，告知用餐，保持清洁，照看设施。", _TASKS))
    event.add("categories", [say("值班", "Duty")])
    if duty.address:
        event.add("location", _plain(duty.address))
    event.add("transp", "TRANSPARENT" if duty.cancelled else "OPAQUE")
    for ahead in REMINDERS if duty.alarm and not duty.cancelled else ():
        event.add_component(_alarm(ahead, _plain(_summary(duty))))
    return event


def _summary(duty: DutyEvent) -> str:
    kind = say(f"（{duty.kind}）", f" ({duty.kind})") if duty.kind else ""
    if duty.cancelled:
        return say(f"已取消：{duty.name}值班{kind}", f"Cancelled: duty at {duty.name}{kind}")
    return say(f"{duty.name}值班{kind}", f"Duty at {duty.name}{kind}")


def _alarm(ahead: timedelta, text: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", -ahead)
    alarm.add("description", text)
    return alarm


def _plain(text: str) -> str:
    """Without line ends and other control characters, which could open a property of their own."""
    return _CONTROL.sub(" ", text)


def events_of(session: Session, district: int, number: str, first: date, last: date) -> list[DutyEvent]:
    """Read a cadre's published duties, and as cancelled those that were published to them and taken away since.

    Args:
        session: reading.
        district: district id.
        number: of the cadre.
        first: the first date.
        last: the last date, included.

    Raises:
        UnknownCadre: the district has no such number.
    """
    query = select(col(Cadre.id)).where(col(Cadre.district_id) == district, col(Cadre.number) == number)
    cadre = session.execute(query).scalar_one_or_none()
    if cadre is None:
        raise UnknownCadre(number)
    return events_by_cadre(session, district, first, last, cadre).get(number, [])


def events_by_cadre(
    session: Session, district: int, first: date, last: date, only: int | None = None
) -> dict[str, list[DutyEvent]]:
    """The same for every cadre, or `only` the one with this id, in as many statements; by number."""
    mine = (col(DutySlot.published_at).is_not(None), _whose(col(DutySlot.cadre_id), only))
    held = held_slots(session, district, first, last, where=mine)
    now: list[tuple[Any, ...]] = [(each.day, each.centre, each.revision, False, each.cadre, each.ref) for each in held]
    slots = sorted([*now, *_taken_away(session, district, first, last, only)])
    places = select(col(Centre.code), col(Centre.name), col(Centre.address)).where(col(Centre.district_id) == district)
    where = {code: (name, address) for code, name, address in session.execute(places)}
    days = calendar(session, slots[0][0], slots[-1][0]) if slots else {}  # the span asked for may be decades
    found: dict[str, list[DutyEvent]] = {}
    for day, centre, sequence, cancelled, number, ref in slots:
        event = DutyEvent(centre, day, ref, sequence, cancelled, *where[centre], _kind(days[day]))
        found.setdefault(number, []).append(event)
    return found


def _whose(cadre: Mapped[int | None], only: int | None) -> ColumnElement[bool]:
    return cadre.is_not(None) if only is None else cadre == only


def _taken_away(session: Session, district: int, first: date, last: date, only: int | None) -> list[tuple[Any, ...]]:
    """Return slots once told to a cadre and now not theirs.

    Each is date, centre, the revision that took it away, True, and the cadre's number and reference.
    """
    revision, before = func.max(col(SlotTransition.revision)), col(SlotTransition.cadre_before_id)
    of = (col(Centre.code), col(DutySlot.day), col(Cadre.number), col(Cadre.ref))
    query = (
        select(*of, revision)
        .join(DutySlot, col(DutySlot.centre_id) == col(Centre.id))
        .join(SlotTransition, col(SlotTransition.slot_id) == col(DutySlot.id))
        .join(Cadre, col(Cadre.id) == before)
        .where(
            col(Centre.district_id) == district,
            col(DutySlot.day).between(first, last),
            _whose(before, only),
            col(DutySlot.cadre_id).is_distinct_from(before),
            col(SlotTransition.cadre_after_id).is_distinct_from(before),
            col(SlotTransition.before).not_in(("draft", "gap")),
        )
        .group_by(*of)
    )
    return [(day, code, last_told, True, *who) for code, day, *who, last_told in session.execute(query)]


def _kind(day: Day) -> str:
    return day.name if day.kind == "work" else kind_of_day(day)
