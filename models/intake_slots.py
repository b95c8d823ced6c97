"""Duty slots from their register: assignments made by hand, pins, leaders, and the history a district brings along."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import Session

from models.cadre import cadre_ids
from models.db import keys_of
from models.district import centre_ids
from models.duty import DutySlot
from models.duty_record import Held, Step, move, slots_at
from models.intake import Scope, Taken, place_of
from models.intake_slot_rules import Wish, refusals
from rules.errors import say
from rules.registers import CellError, Row


def store_slots(session: Session, scope: Scope, rows: Sequence[Row]) -> Taken:
    """Set who serves where; a known slot changes along the allowed transitions, a new one may begin in any state."""
    taken = Taken()
    centres, cadres = centre_ids(session, scope.district), cadre_ids(session, scope.district)
    held = slots_at(session, scope.district, {place_of(row) for row in rows})
    taken.errors = [*_unknown(scope, rows, centres, cadres)]
    if taken.errors or not rows:
        return taken
    wishes = [_wish(row, held.get(place_of(row)), cadres) for row in rows]
    taken.errors = refusals(session, scope, wishes)
    if not taken.errors:
        _store(session, scope, wishes, centres, taken)
    return taken


def _unknown(
    scope: Scope, rows: Iterable[Row], centres: Mapping[str, int], cadres: Mapping[str, int]
) -> Iterator[CellError]:
    for row in rows:
        if str(row.values["centre"]) not in centres:
            yield scope.unknown(row, "centre")
        cadre = row.values.get("cadre")
        if cadre is not None and str(cadre) not in cadres:
            yield scope.unknown(row, "cadre")


def _wish(row: Row, slot: Held | None, cadres: Mapping[str, int]) -> Wish:
    """Read a row against its slot; without a cadre column the person stays."""
    if "cadre" not in row.values:
        cadre, cadre_id = (slot.cadre, slot.cadre_id) if slot else (None, None)
    else:
        cadre = None if row.values["cadre"] is None else str(row.values["cadre"])
        cadre_id = None if cadre is None else cadres[cadre]
    return Wish(row, place_of(row), slot, cadre, cadre_id, _target(row, slot, cadre_id))


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


def _store(session: Session, scope: Scope, wishes: Sequence[Wish], centres: Mapping[str, int], taken: Taken) -> None:
    fresh: list[dict[str, Any]] = []
    steps: list[Step] = []
    marked: list[dict[str, Any]] = []
    for wish in wishes:
        if wish.slot is None:
            fresh.append(_fresh(session, scope, wish, centres))
            taken.add()
        else:
            _change(session, wish, wish.slot, taken, steps, marked)
    move(session, steps, scope.now, scope.actor)
    taken.moved = [step for step in steps if step.moves and step.slot.published and step.slot.day >= scope.today]
    if marked:
        session.execute(update(DutySlot), marked)
    if fresh:
        session.execute(insert(DutySlot), fresh)


def _fresh(session: Session, scope: Scope, wish: Wish, centres: Mapping[str, int]) -> dict[str, Any]:
    centre, day = wish.place
    past_gap = wish.after == "gap" and day < scope.today
    return {
        "centre_id": centres[centre],
        "day": day,
        "cadre_id": wish.cadre_id,
        "state": wish.after,
        "revision": 0,
        "pinned": bool(wish.row.values.get("pinned")),
        "rest_relaxed": False,
        "leader": _leader(session, wish),
        "published_at": scope.now if wish.after not in {"draft", "gap"} or past_gap else None,
    }


def _leader(session: Session, wish: Wish) -> bytes | None:
    centre, day = wish.place
    return keys_of(session).seal("duty_slot.leader", f"{centre}/{day}", str(wish.row.values.get("leader") or ""))


def leader_of(session: Session, centre: str, day: date, sealed: bytes | None) -> str:
    """Open the name of the leader on duty of one slot."""
    return keys_of(session).open("duty_slot.leader", f"{centre}/{day}", sealed)


def _change(
    session: Session, wish: Wish, slot: Held, taken: Taken, steps: list[Step], marked: list[dict[str, Any]]
) -> None:
    """Compare a row with its slot: a step for another person or state, a mark for another pin or leader."""
    values, marks = wish.row.values, []
    changed = ["cadre"] * wish.moves + ["state"] * (wish.after != slot.state)
    if changed:
        steps.append(Step(slot, wish.after, wish.cadre_id, say("人工安排", "assigned by hand")))
    if "leader" in values and str(values["leader"] or "") != leader_of(session, *wish.place, slot.leader):
        marks.append("leader")
    if "pinned" in values and values["pinned"] != slot.pinned:
        marks.append("pinned")
    if taken.compare(wish.row, f"{slot.centre} {slot.day}", [*changed, *marks]) and marks:
        leader = _leader(session, wish) if "leader" in values else slot.leader
        marked.append({"id": slot.id, "pinned": bool(values.get("pinned", slot.pinned)), "leader": leader})
