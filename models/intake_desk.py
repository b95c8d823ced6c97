"""The duty desk: acknowledgements, check-ins, hand-overs and swaps, recorded for a cadre by register, CLI or form.

Each row is checked against the locked slot; whoever reported it is the actor of the transition.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import Session, col

from models.cadre import cadre_ids
from models.db import keys_of
from models.duty import DutySlot, Handover
from models.duty_record import Held, Step, check_in, move, slots_at
from models.intake import Scope, Taken
from rules.errors import say
from rules.registers import CellError, Row

Place = tuple[str, date]
Text = tuple[str, str]
_LOOK: Text = ("请核对日期、中心和编号", "check date, centre and number")
_ITEMS = ("rooms", "meals", "cleaning", "facilities")


class Refused(Exception):
    """One row cannot be recorded."""

    def __init__(self, column: str, problem: Text, remedy: Text = _LOOK) -> None:
        super().__init__(problem)
        self.column, self.problem, self.remedy = column, problem, remedy

    def cell(self, scope: Scope, row: Row) -> CellError:
        """The refusal as the importer reports it."""
        return scope.wrong(row, self.column, self.problem, self.remedy)


def store_acks(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Record that cadres know of their duties; once known, it stays."""
    return _each(session, scope, rows, _acknowledge)


def store_checkins(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Record who really came; that may be somebody else than planned, and may be reported late."""
    return _each(session, scope, rows, _check_in)


def store_handovers(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Record the evening checklist of a duty that was checked in."""
    return _each(session, scope, rows, _hand_over)


def _each(session: Session, scope: Scope, rows: Sequence[Row], record: Any) -> Taken:
    taken, cadres = Taken(), cadre_ids(session, scope.district)
    held = slots_at(session, scope.district, {_place(row) for row in rows})
    for row in rows:
        try:
            slot = _slot(row, held)
            changed = record(session, scope, row, slot, _cadre(row, slot, cadres))
        except Refused as refusal:
            taken.errors.append(refusal.cell(scope, row))
            continue
        taken.compare(row, f"{slot.centre} {slot.day}", [changed] if changed else [])
    return taken


def _place(row: Row) -> Place:
    day = row.values["date"]
    assert isinstance(day, date)
    return str(row.values["centre"]), day


def _slot(row: Row, held: dict[Place, Held]) -> Held:
    slot = held.get(_place(row))
    if slot is None:
        raise Refused("date", ("该中心这一天没有值班安排", "this centre has no duty on that date"))
    if not slot.published:
        problem = ("这一天的值班还没有发布", "this duty is not published yet")
        raise Refused("date", problem, ("发布后再登记", "publish it first"))
    return slot


def _cadre(row: Row, slot: Held, cadres: dict[str, int]) -> int:
    number = row.values.get("cadre")
    if number is None:
        if slot.cadre_id is None:
            raise Refused("cadre", ("这一天空缺，请填实际到岗的人", "the slot is a gap; say who came"))
        return slot.cadre_id
    if str(number) not in cadres:
        raise Refused("cadre", ("没有这个编号的干部", "no cadre has this number"))
    return cadres[str(number)]


def _at(scope: Scope, row: Row) -> datetime:
    at = row.values.get("at") or scope.now
    assert isinstance(at, datetime)
    if at > scope.now:
        raise Refused("at", ("时间在将来", "the time is in the future"), ("请填实际时间", "give the real time"))
    return at.astimezone(UTC)


def _acknowledge(session: Session, scope: Scope, row: Row, slot: Held, cadre_id: int) -> str | None:
    if cadre_id != slot.cadre_id:
        raise Refused("cadre", ("当天不是由此人值班", "this person is not on duty that day"))
    at = _at(scope, row)
    if slot.state == "published":
        move(session, [Step(slot, "acknowledged", slot.cadre_id)], at, scope.actor)
        return "state"
    if slot.state == "missed":
        raise Refused(
            "date",
            ("这一天已记为缺岗", "this duty was missed"),
            ("若确实到岗，请补签到", "if somebody came, record the check-in"),
        )
    return None


def _check_in(session: Session, scope: Scope, row: Row, slot: Held, cadre_id: int) -> str | None:
    at = _at(scope, row)
    if scope.local_date(at) != slot.day:
        problem = ("签到时间不在值班当天", "the time is not on the date of the duty")
        raise Refused("at", problem, ("请填当天的时间", "give a time of that day"))
    if slot.state in {"on_duty", "handed_over"}:
        _same_person(session, slot, cadre_id)
        return None
    if _serves_elsewhere(session, slot, cadre_id):
        problem = ("此人当天已在别处签到", "this person checked in elsewhere that day")
        raise Refused("cadre", problem, ("一人一天只能值一班；请核对", "one duty a person and date; check who came"))
    if slot.state == "gap":
        move(
            session,
            [Step(slot, "published", cadre_id, say("空缺由到岗人补上", "gap filled by who came"))],
            at,
            scope.actor,
        )
        slot = slots_at(session, scope.district, {(slot.centre, slot.day)})[slot.centre, slot.day]
    check_in_step = Step(
        slot, "on_duty", slot.cadre_id, "" if cadre_id == slot.cadre_id else say("由他人到岗", "somebody else came")
    )
    move(session, [check_in_step], at, scope.actor)
    check_in(session, slot, cadre_id, at)
    return "state"


def _same_person(session: Session, slot: Held, cadre_id: int) -> None:
    query = select(col(DutySlot.checkin_cadre_id)).where(col(DutySlot.id) == slot.id)
    came = session.execute(query).scalar_one() or slot.cadre_id
    if came != cadre_id:
        problem = ("这一天已由他人签到", "somebody else is checked in for this duty")
        raise Refused("cadre", problem, ("一班只记一人；请核对", "one person a duty; check who came"))


def _serves_elsewhere(session: Session, slot: Held, cadre_id: int) -> bool:
    query = select(col(DutySlot.id)).where(
        col(DutySlot.day) == slot.day, col(DutySlot.checkin_cadre_id) == cadre_id, col(DutySlot.id) != slot.id
    )
    return session.execute(query.limit(1)).first() is not None


def _hand_over(session: Session, scope: Scope, row: Row, slot: Held, cadre_id: int) -> str | None:
    at = _at(scope, row)
    note = str(row.values.get("note") or "")
    values = {item: str(row.values[item]) for item in _ITEMS}
    if "problem" in values.values() and not note:
        remedy = ("请写明问题", "describe the problem")
        raise Refused("note", ("有问题的项目必须说明", "a problem needs a note"), remedy)
    if slot.state == "handed_over":
        _same_handover(session, slot, values, note)
        return None
    if slot.state != "on_duty":
        raise Refused(
            "date", ("这一班还没有签到", "this duty is not checked in"), ("请先补签到", "record the check-in first")
        )
    ref = f"{slot.centre}/{slot.day}"
    sealed = keys_of(session).seal("duty_handover.note", ref, note)
    facts = {"slot_id": slot.id, "cadre_id": cadre_id, "at": at, "note": sealed, "reporter": scope.actor, **values}
    session.execute(insert(Handover), [facts])
    move(session, [Step(slot, "handed_over", slot.cadre_id)], at, scope.actor)
    return "state"


def _same_handover(session: Session, slot: Held, values: dict[str, str], note: str) -> None:
    stored = session.get(Handover, slot.id)
    if stored is None:
        return
    same = all(getattr(stored, item) == value for item, value in values.items())
    if not same or keys_of(session).open("duty_handover.note", f"{slot.centre}/{slot.day}", stored.note) != note:
        problem = ("这一班已交接，内容不同", "this duty was handed over with other contents")
        raise Refused(
            "date",
            problem,
            ("交接后不能修改；请在次日交接中说明", "it cannot be changed; note it in the next hand-over"),
        )
