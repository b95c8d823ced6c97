"""Duty as files: rows for csv and xlsx, the month calendar of each centre, the holiday table, calendars for phones."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sqlmodel import Session

from flows.duty_day import explained
from flows.duty_holiday_workbook import write_holidays
from flows.duty_ics import cadre_calendar, events_by_cadre, events_of
from flows.duty_workbook import Cell, CentreMonth, write_month
from flows.failures import writing
from flows.forms_rows import whole_file
from flows.settings import Settings
from models.cadre import cadre_refs, contacts
from models.calendar import calendar
from models.district import centre_names
from models.duty import ever_on_duty
from models.duty_record import Held, held_slots
from models.intake_slots import leader_of
from rules.calendar import month_dates

Span = tuple[date, date]


def duty_rows(
    session: Session, settings: Settings, district: int, span: Span, centre: str | None
) -> Iterator[list[Any]]:
    """Yield date, centre, cadre, state, rest_relaxed, why, by date and centre."""
    for slot in sorted(held_slots(session, district, *span), key=lambda slot: (slot.day, slot.centre)):
        if centre in (None, slot.centre):
            why = explained(slot, settings.lang)
            yield [slot.day, slot.centre, slot.cadre or "", slot.state, slot.rest_relaxed, why]


def write_duty_calendar(
    session: Session, settings: Settings, district: int, span: Span, centre: str | None, to: Path, *, reveal: bool
) -> int:
    """Write one calendar sheet per centre for a month; with names if revealed, else with staff numbers."""
    sheets = _centre_months(session, district, month_dates(f"{span[0]:%Y-%m}"), centre, reveal=reveal)
    write_month(to, f"{span[0]:%Y-%m}", sheets, settings.lang)
    return len(sheets)


def write_holiday_table(
    session: Session, settings: Settings, district: int, span: Span, to: Path, *, reveal: bool
) -> int:
    """Write who is on duty, and who leads, on the holidays of a span."""
    sheets = _centre_months(session, district, span, None, reveal=reveal)
    write_holidays(to, sheets, settings.lang)
    return len(sheets)


def _centre_months(
    session: Session, district: int, span: Span, centre: str | None, *, reveal: bool
) -> list[CentreMonth]:
    held = [slot for slot in held_slots(session, district, *span) if centre in (None, slot.centre)]
    shown = _names(session, district, held) if reveal else {}
    days, names = calendar(session, *span), centre_names(session, district)
    by_centre: dict[str, dict[date, Cell]] = {code: {} for code in names if centre in (None, code)}
    for slot in held:
        by_centre[slot.centre][slot.day] = _cell(session, slot, shown, reveal=reveal)
    return [CentreMonth(code, names[code], days, cells) for code, cells in by_centre.items()]


def _names(session: Session, district: int, held: Iterable[Held]) -> dict[str, str]:
    """Name every cadre; people of the same name are told apart by their numbers."""
    people = contacts(session, district, {slot.cadre for slot in held if slot.cadre})
    twins = {name for name, count in Counter(contact.name for contact in people.values()).items() if count > 1}
    return {no: f"{each.name} {no}" if each.name in twins else each.name for no, each in people.items()}


def _cell(session: Session, slot: Held, shown: Mapping[str, str], *, reveal: bool) -> Cell:
    who = shown.get(slot.cadre or "", slot.cadre or "")
    leader = leader_of(session, slot.centre, slot.day, slot.leader) if reveal else ""
    return Cell(slot.day, who, slot.state, slot.rest_relaxed, leader)


def write_ics(session: Session, settings: Settings, district: int, span: Span, cadre: str | None, to: Path) -> int:
    """Write a cadre's calendar, or with no cadre given one file per cadre into a folder; return how many.

    The files in a folder are named after references: a number may hold any character, and a reference tells a
    passer-by nothing.

    Raises:
        UnknownCadre: nobody has this number.
        CannotWrite: the file or folder cannot be made.
    """
    if cadre:
        files = {to: (cadre, events_of(session, district, cadre, *span))}
    else:
        known, refs = events_by_cadre(session, district, *span), cadre_refs(session, district)
        numbers = ever_on_duty(session, district, *span)
        files = {to / f"{refs[number]}.ics": (number, known.get(number, [])) for number in numbers}
        with writing(to):
            to.mkdir(parents=True, exist_ok=True)
    for path, (number, events) in files.items():
        with whole_file(path) as part:
            part.write_bytes(cadre_calendar(events, number, settings.now()))
    return len(files)
