"""Hand-overs 交接: the evening checklist of a duty that was checked in; once stored it does not change.

Each line with a problem opens a ticket 报修, whose number follows from centre, date and line.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import Session, col

from models.db import keys_of
from models.district import centre_ids
from models.duty import Handover
from models.duty_record import Held, Step
from models.intake import Refused, Scope, Taken
from models.intake_desk import CHUNK, Entry, Report, decided, reports_of, write
from models.intake_tickets import Ticket, open_tickets
from models.issue import ITEMS, ticket_number
from rules.registers import Row


def store_handovers(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Record the evening checklists; the same one again changes nothing, another one is refused."""
    taken = Taken()
    reports = reports_of(session, scope, rows, taken)
    known = _known(session, reports)
    entries = decided(taken, reports, lambda report: _handed_over(session, scope, report, known))
    if entries and not taken.errors:
        session.execute(insert(Handover), [_checklist(session, scope, entry.report) for entry in entries])
        centres = centre_ids(session, scope.district)
        open_tickets(session, scope, [ticket for entry in entries for ticket in _tickets(entry.report, centres)])
    write(session, scope, taken, entries)
    return taken


def _known(session: Session, reports: Sequence[Report]) -> dict[int, Handover]:
    ids = [report.slot.id for report in reports if report.slot.state == "handed_over"]
    known: dict[int, Handover] = {}
    for start in range(0, len(ids), CHUNK):
        query = select(Handover).where(col(Handover.slot_id).in_(ids[start : start + CHUNK]))
        known |= {each.slot_id: each for each in session.execute(query).scalars()}
    return known


def _handed_over(session: Session, scope: Scope, report: Report, known: Mapping[int, Handover]) -> Entry:
    row, slot = report.row, report.slot
    if "problem" in {row.values[item] for item in ITEMS} and not _note(row):
        problem = ("有问题的项目必须说明", "a problem needs a note")
        raise Refused(scope.wrong(row, "note", problem, ("请写明问题", "describe the problem")))
    if slot.state == "handed_over":
        _same(session, scope, report, known.get(slot.id))
        return Entry(report)
    if slot.state != "on_duty":
        problem = ("这一班还没有签到", "this duty is not checked in")
        raise Refused(scope.wrong(row, "date", problem, ("请先补签到", "record the check-in first")))
    return Entry(report, [Step(slot, "handed_over", slot.cadre_id)])


def _same(session: Session, scope: Scope, report: Report, stored: Handover | None) -> None:
    if stored is None:  # history that came by the slot register
        return
    row = report.row
    same = all(getattr(stored, item) == row.values[item] for item in ITEMS)
    if not same or keys_of(session).open("duty_handover.note", _ref(report.slot), stored.note) != _note(row):
        problem = ("这一班已交接，内容不同", "this duty was handed over with other contents")
        remedy = ("交接后不能修改；请在次日交接中说明", "it cannot be changed; note it in the next hand-over")
        raise Refused(scope.wrong(row, "date", problem, remedy))


def _checklist(session: Session, scope: Scope, report: Report) -> dict[str, Any]:
    return {
        "slot_id": report.slot.id,
        "cadre_id": report.cadre_id,
        "at": report.at,
        "note": keys_of(session).seal("duty_handover.note", _ref(report.slot), _note(report.row)),
        "reporter": scope.actor,
        **{item: report.row.values[item] for item in ITEMS},
    }


def _tickets(report: Report, centres: Mapping[str, int]) -> Iterator[Ticket]:
    slot = report.slot
    for item in ITEMS:
        if report.row.values[item] == "problem":
            number = ticket_number(slot.centre, slot.day, item)
            yield Ticket(number, centres[slot.centre], slot.id, item, report.at, _note(report.row))


def _note(row: Row) -> str:
    return str(row.values.get("note") or "")


def _ref(slot: Held) -> str:
    return f"{slot.centre}/{slot.day}"
