"""Check-ins 签到: who really came, whoever was planned -> the slot on duty, a gap filled, one duty a person a date."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from sqlalchemy import and_, or_, select
from sqlmodel import Session, col

from models.district import Centre
from models.duty import DutySlot
from models.duty_record import Step
from models.intake import Refused, Scope, Taken
from models.intake_desk import CHUNK, Entry, Report, decided, reports_of, write
from rules.errors import say
from rules.registers import Row

_PersonDay = tuple[int, date]


@dataclass(slots=True)
class Whereabouts:
    """Where the reported cadres are planned and checked in on these dates, by centre code; who came to each slot."""

    planned: dict[_PersonDay, str] = field(default_factory=dict)
    came: dict[_PersonDay, str] = field(default_factory=dict)
    by_slot: dict[int, int] = field(default_factory=dict)


def store_checkins(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Record who really came; that may be somebody else than planned, and may be reported late."""
    taken = Taken()
    reports = reports_of(session, scope, rows, taken)
    there = _whereabouts(session, reports)
    write(session, scope, taken, decided(taken, reports, lambda report: _checked_in(scope, report, there)))
    return taken


def _whereabouts(session: Session, reports: Sequence[Report]) -> Whereabouts:
    there = Whereabouts()
    columns = (DutySlot.id, Centre.code, DutySlot.day, DutySlot.cadre_id, DutySlot.checkin_cadre_id)
    query = select(*map(col, columns)).join(Centre, col(Centre.id) == col(DutySlot.centre_id))
    for start in range(0, len(reports), CHUNK):
        some = reports[start : start + CHUNK]
        people, days = {each.cadre_id for each in some}, {each.slot.day for each in some}
        theirs = or_(col(DutySlot.cadre_id).in_(people), col(DutySlot.checkin_cadre_id).in_(people))
        ours = col(DutySlot.id).in_({each.slot.id for each in some})
        for slot, centre, day, planned, came in session.execute(
            query.where(or_(ours, and_(col(DutySlot.day).in_(days), theirs)))
        ):
            if planned is not None:
                there.planned[planned, day] = centre
            if came is not None:
                there.came[came, day] = centre
                there.by_slot[slot] = came
    return there


def _checked_in(scope: Scope, report: Report, there: Whereabouts) -> Entry:
    slot, key = report.slot, (report.cadre_id, report.slot.day)
    if scope.local_date(report.at) != slot.day:
        problem = ("签到时间不在值班当天", "the time is not on the date of the duty")
        raise Refused(scope.wrong(report.row, "at", problem, ("请填当天的时间", "give a time of that day")))
    if slot.state in {"on_duty", "handed_over"}:
        _same_person(scope, report, there)
        return Entry(report)
    _nowhere_else(scope, report, there)
    there.came[key] = slot.centre
    if slot.state == "gap":
        there.planned[key] = slot.centre
    return Entry(report, list(_steps(report)), {"checkin_cadre_id": report.cadre_id, "checkin_at": report.at})


def _same_person(scope: Scope, report: Report, there: Whereabouts) -> None:
    if there.by_slot.get(report.slot.id, report.slot.cadre_id) != report.cadre_id:
        problem = ("这一天已由他人签到", "somebody else is checked in for this duty")
        remedy = ("一班只记一人；请核对", "one person a duty; check who came")
        raise Refused(scope.wrong(report.row, "cadre", problem, remedy))


def _nowhere_else(scope: Scope, report: Report, there: Whereabouts) -> None:
    """Refuse who checked in elsewhere that day, and for a gap, which becomes theirs, who is planned elsewhere."""
    slot, key = report.slot, (report.cadre_id, report.slot.day)
    if key in there.came:
        centre = there.came[key]
        problem = (f"此人当天已在 {centre} 签到", f"this person checked in at {centre} that day")
        remedy = ("一人一天只能值一班；请核对", "one duty a person and date; check who came")
        raise Refused(scope.wrong(report.row, "cadre", problem, remedy))
    if slot.state == "gap" and key in there.planned:
        centre = there.planned[key]
        problem = (f"此人当天排在 {centre} 值班", f"this person is planned at {centre} that day")
        remedy = (
            f"请先用值班安排表（slot）把 {centre} 当天改派他人，再在这里签到",
            f"give that duty of {centre} to somebody else with the slot register first, then check in here",
        )
        raise Refused(scope.wrong(report.row, "cadre", problem, remedy))


def _steps(report: Report) -> Iterator[Step]:
    slot, cadre_id = report.slot, report.cadre_id
    if slot.state == "gap":
        yield Step(slot, "published", cadre_id, say("空缺由到岗人补上", "gap filled by who came"))
        slot = replace(slot, state="published", cadre_id=cadre_id, revision=slot.revision + 1)
    reason = "" if cadre_id == slot.cadre_id else say("由他人到岗", "somebody else came")
    yield Step(slot, "on_duty", slot.cadre_id, reason)
