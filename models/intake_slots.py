"""Duty slots from their register: assignments made by hand, pins, leaders, and the history a district brings along."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from models.cadre import cadre_ids
from models.db import keys_of
from models.district import centre_ids
from models.duty import DutySlot
from models.duty_record import Held, Step, move, slots_at
from models.intake import Scope, Taken
from rules.errors import say
from rules.registers import CellError, Row
from rules.slots import TRANSITIONS

Place = tuple[str, date]


def store_slots(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Set who serves where; a known slot changes along the allowed transitions, a new one may begin in any state."""
    taken = Taken()
    centres, cadres = centre_ids(session, scope.district), cadre_ids(session, scope.district)
    held = slots_at(session, scope.district, {_place(row) for row in rows})
    taken.errors = [*_unknown(scope, rows, centres, cadres)]
    if not taken.errors:
        taken.errors = [*_frozen(scope, rows, held, cadres), *_twice(session, scope, rows, held, cadres)]
    if taken.errors:
        return taken
    fresh: list[dict[str, Any]] = []
    steps: list[Step] = []
    for row in rows:
        slot = held.get(_place(row))
        if slot is None:
            fresh.append(_fresh(session, scope, row, centres, cadres))
            taken.add()
        else:
            _change(session, row, slot, cadres, taken, steps)
    move(session, steps, scope.now, scope.actor)
    taken.moved = [step for step in steps if step.moves and step.slot.published and step.slot.day >= scope.today]
    if fresh:
        session.execute(insert(DutySlot), fresh)
    return taken


def _place(row: Row) -> Place:
    day = row.values["date"]
    assert isinstance(day, date)
    return str(row.values["centre"]), day


def _unknown(scope: Scope, rows: Iterable[Row], centres: dict[str, int], cadres: dict[str, int]) -> Iterator[CellError]:
    for row in rows:
        if str(row.values["centre"]) not in centres:
            yield scope.wrong(row, "centre", ("没有这个编号的中心", "no centre has this code"), _CHECK)
        cadre = row.values.get("cadre")
        if cadre is not None and str(cadre) not in cadres:
            yield scope.wrong(row, "cadre", ("没有这个编号的干部", "no cadre has this number"), _CHECK)
        if cadre is None and row.values.get("state") not in (None, "gap"):
            problem = ("没有值班人只能是“空缺”", "without a cadre the state can only be gap")
            yield scope.wrong(
                row, "state", problem, ("请填干部编号，或把状态改为空缺", "give a cadre, or make the state gap")
            )


_CHECK = ("请核对编号", "check it")


def _target(row: Row, slot: Held | None, cadre_id: int | None) -> str:
    """Return the state a row asks for; blank keeps a known slot's state as far as its person allows."""
    asked = row.values.get("state")
    if cadre_id is None:
        return "gap"
    if asked and asked != "gap":
        return str(asked)
    if slot is None:
        return "draft"
    if slot.cadre_id == cadre_id:
        return slot.state
    return "published" if slot.published else "draft"


def _frozen(scope: Scope, rows: Iterable[Row], held: dict[Place, Held], cadres: dict[str, int]) -> Iterator[CellError]:
    for row in rows:
        slot = held.get(_place(row))
        if slot is None:
            continue
        cadre_id = _cadre_id(row, slot, cadres)
        after = _target(row, slot, cadre_id)
        if slot.day < scope.today and slot.cadre_id != cadre_id:
            problem = ("过去的值班不能改人", "the person of a past duty cannot be changed")
            yield scope.wrong(
                row,
                "cadre",
                problem,
                ("实际到岗的人请用签到表（checkin）补记", "record who really came with the checkin register"),
            )
        elif after != slot.state and (slot.state, after) not in TRANSITIONS:
            problem = (f"不能从“{slot.state}”变为“{after}”", f"{slot.state} cannot become {after}")
            yield scope.wrong(row, "state", problem, ("请核对该班次的当前状态", "check the present state of the slot"))


def _cadre_id(row: Row, slot: Held | None, cadres: dict[str, int]) -> int | None:
    if "cadre" not in row.values:
        return slot.cadre_id if slot else None
    cadre = row.values["cadre"]
    return None if cadre is None else cadres[str(cadre)]


def _twice(
    session: Session, scope: Scope, rows: Sequence[Row], held: dict[Place, Held], cadres: dict[str, int]
) -> Iterator[CellError]:
    """One duty a person and date: within the file, and against slots the file leaves as they are."""
    given = {_place(row) for row in rows}
    days = sorted({day for _, day in given})
    query = select(col(DutySlot.id), col(DutySlot.day), col(DutySlot.cadre_id)).where(
        col(DutySlot.day).between(days[0], days[-1]), col(DutySlot.cadre_id).is_not(None)
    )
    changing = {slot.id for slot in held.values()}
    busy = {(day, cadre) for number, day, cadre in session.execute(query) if number not in changing}
    for row in rows:
        cadre_id = _cadre_id(row, held.get(_place(row)), cadres)
        key = (_place(row)[1], cadre_id)
        if cadre_id is not None and key in busy:
            problem = ("此人当天已有一班", "this person has a duty on that date already")
            yield scope.wrong(
                row,
                "cadre",
                problem,
                ("一人一天只能值一班；请换人", "one duty a person and date; choose somebody else"),
            )
        busy.add(key)


def _fresh(session: Session, scope: Scope, row: Row, centres: dict[str, int], cadres: dict[str, int]) -> dict[str, Any]:
    centre, day = _place(row)
    cadre_id = _cadre_id(row, None, cadres)
    state = _target(row, None, cadre_id)
    past_gap = state == "gap" and day < scope.today
    return {
        "centre_id": centres[centre],
        "day": day,
        "cadre_id": cadre_id,
        "state": state,
        "revision": 0,
        "pinned": bool(row.values.get("pinned")),
        "rest_relaxed": False,
        "leader": _leader(session, row),
        "published_at": scope.now if state not in {"draft", "gap"} or past_gap else None,
    }


def _leader(session: Session, row: Row) -> bytes | None:
    centre, day = _place(row)
    return keys_of(session).seal("duty_slot.leader", f"{centre}/{day}", str(row.values.get("leader") or ""))


def leader_of(session: Session, centre: str, day: date, sealed: bytes | None) -> str:
    """Open the name of the leader on duty of one slot."""
    return keys_of(session).open("duty_slot.leader", f"{centre}/{day}", sealed)


def _change(session: Session, row: Row, slot: Held, cadres: dict[str, int], taken: Taken, steps: list[Step]) -> None:
    cadre_id = _cadre_id(row, slot, cadres)
    after = _target(row, slot, cadre_id)
    changed = ["cadre"] * (cadre_id != slot.cadre_id) + ["state"] * (after != slot.state)
    if changed:
        steps.append(Step(slot, after, cadre_id, say("人工安排", "assigned by hand"), rest_relaxed=False, why=None))
    leader = str(row.values["leader"] or "") if "leader" in row.values else None
    if leader is not None and leader != leader_of(session, slot.centre, slot.day, slot.leader):
        changed.append("leader")
    pinned = bool(row.values.get("pinned", slot.pinned))
    changed += ["pinned"] * (pinned != slot.pinned)
    if taken.compare(row, f"{slot.centre} {slot.day}", changed):
        values: dict[str, Any] = {"pinned": pinned, **({"leader": _leader(session, row)} if leader is not None else {})}
        session.execute(update(DutySlot).where(col(DutySlot.id) == slot.id).values(**values))
