"""The duty desk: what cadres report of their duties, recorded for them by register, CLI or form.

All slots are locked and read at once -> each row is decided against its slot -> everything is written in bulk, each
transition with the time it happened; whoever reported it is the actor. Acknowledgements are here, check-ins and
hand-overs have files of their own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import Session

from models.cadre import cadre_ids
from models.duty import DutySlot, SlotTransition
from models.duty_record import Held, Step, slots_at, transition
from models.intake import Place, Refused, Scope, Taken, place_of
from rules.registers import Row
from rules.slots import check_transition

LOOK = ("请核对日期、中心和编号", "check date, centre and number")
CHUNK = 300  # rows a query names at once


@dataclass(frozen=True, slots=True)
class Report:
    """One row, understood: which published slot, who, and when (aware UTC)."""

    row: Row
    slot: Held
    cadre_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """What a report changes: steps of its slot, in order, and other columns of it; no steps, nothing."""

    report: Report
    steps: Sequence[Step] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)


def store_acks(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Record that cadres know of their duties; once known, it stays."""
    taken = Taken()
    reports = reports_of(session, scope, rows, taken)
    write(session, scope, taken, decided(taken, reports, lambda report: _acknowledged(scope, report)))
    return taken


def _acknowledged(scope: Scope, report: Report) -> Entry:
    slot = report.slot
    if report.cadre_id != slot.cadre_id:
        problem = ("当天不是由此人值班", "this person is not on duty that day")
        raise Refused(scope.wrong(report.row, "cadre", problem, LOOK))
    if slot.state == "missed":
        problem = ("这一天已记为缺岗", "this duty was missed")
        remedy = ("若确实到岗，请补签到", "if somebody came, record the check-in")
        raise Refused(scope.wrong(report.row, "date", problem, remedy))
    if slot.state != "published":
        return Entry(report)
    return Entry(report, [Step(slot, "acknowledged", slot.cadre_id)])


def reports_of(session: Session, scope: Scope, rows: Sequence[Row], taken: Taken) -> list[Report]:
    """Lock the slots and match the rows with them; a row that fits none becomes an error."""
    cadres = cadre_ids(session, scope.district)
    held = slots_at(session, scope.district, {place_of(row) for row in rows})
    reports = []
    for row in rows:
        try:
            slot = _slot(scope, row, held)
            reports.append(Report(row, slot, _cadre(scope, row, slot, cadres), _at(scope, row)))
        except Refused as refusal:
            taken.errors.append(refusal.error)
    return reports


def _slot(scope: Scope, row: Row, held: Mapping[Place, Held]) -> Held:
    slot = held.get(place_of(row))
    if slot is None:
        problem = ("该中心这一天没有值班安排", "this centre has no duty on that date")
        raise Refused(scope.wrong(row, "date", problem, LOOK))
    if not slot.published:
        problem = ("这一天的值班还没有发布", "this duty is not published yet")
        raise Refused(scope.wrong(row, "date", problem, ("发布后再登记", "publish it first")))
    return slot


def _cadre(scope: Scope, row: Row, slot: Held, cadres: Mapping[str, int]) -> int:
    number = row.values.get("cadre")
    if number is not None:
        if str(number) not in cadres:
            raise Refused(scope.unknown(row, "cadre"))
        return cadres[str(number)]
    if slot.cadre_id is None:
        problem = ("这一天空缺，请填实际到岗的人", "the slot is a gap; say who came")
        raise Refused(scope.wrong(row, "cadre", problem, LOOK))
    return slot.cadre_id


def _at(scope: Scope, row: Row) -> datetime:
    at = row.values.get("at") or scope.now
    assert isinstance(at, datetime)
    if at > scope.now:
        problem = ("时间在将来", "the time is in the future")
        raise Refused(scope.wrong(row, "at", problem, ("请填实际时间", "give the real time")))
    return at.astimezone(UTC)


def decided(taken: Taken, reports: Iterable[Report], rule: Callable[[Report], Entry]) -> list[Entry]:
    """Apply the rule to each report, count, and return the entries that change something."""
    entries = []
    for report in reports:
        try:
            entry = rule(report)
        except Refused as refusal:
            taken.errors.append(refusal.error)
            continue
        if taken.compare(report.row, f"{report.slot.centre} {report.slot.day}", ["state"] if entry.steps else []):
            entries.append(entry)
    taken.errors.sort(key=lambda error: error.row)
    return entries


def write(session: Session, scope: Scope, taken: Taken, entries: Sequence[Entry]) -> None:
    """Write slots and history, one statement each however many rows; with errors nothing.

    models.duty_record.move would give all transitions one time; here each has its own.
    """
    if taken.errors or not entries:
        return
    session.execute(update(DutySlot), [_changed(entry) for entry in entries])
    session.execute(insert(SlotTransition), [told for entry in entries for told in _history(entry, scope.actor)])


def _changed(entry: Entry) -> dict[str, Any]:
    before, last = entry.report.slot, entry.steps[-1]
    filled = last.cadre_id != before.cadre_id
    return {
        "id": before.id,
        "state": last.after,
        "cadre_id": last.cadre_id,
        "revision": before.revision + filled,
        "rest_relaxed": before.rest_relaxed and not filled,
        "why": None if filled else before.why,
        **entry.columns,
    }


def _history(entry: Entry, actor: str) -> Iterator[dict[str, Any]]:
    for step in entry.steps:
        check_transition(step.slot.state, step.after)
        yield transition(step, entry.report.at, actor)
