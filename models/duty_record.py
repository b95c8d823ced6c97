"""Changing duty slots: lock the rows -> check the transition -> change them in bulk -> one transition row each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, insert, select, tuple_, update
from sqlmodel import Session, col

from models.cadre import Cadre
from models.db import Instant, insert_for
from models.district import Centre
from models.duty import DutyMark, DutySlot, SlotTransition
from rules.errors import TuoqiError
from rules.slots import check_transition


@dataclass(eq=False)
class SlotMoved(TuoqiError):
    """Somebody changed the slot between reading and writing; nothing was written, the next run sees the change."""

    centre: str
    day: date
    zh = "{centre} {day} 的值班刚被他人改动，本次未写入；请重新执行。"
    en = "the duty of {centre} on {day} was changed meanwhile; nothing was written. Run it again."


@dataclass(frozen=True, slots=True)
class Held:
    """A slot as it stands in the database."""

    id: int
    centre: str
    day: date
    cadre: str | None
    cadre_id: int | None
    ref: str | None
    state: str
    revision: int
    pinned: bool
    rest_relaxed: bool
    published: bool
    checked_in: bool
    why: dict[str, Any] | None
    leader: bytes | None


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one slot; a change of person raises the revision."""

    slot: Held
    after: str
    cadre_id: int | None
    reason: str = ""
    rest_relaxed: bool = False
    why: dict[str, Any] | None = None

    @property
    def moves(self) -> bool:
        """Whether another person serves, or nobody."""
        return self.cadre_id != self.slot.cadre_id


def held_slots(
    session: Session,
    district: int,
    first: date,
    last: date,
    *,
    where: Sequence[ColumnElement[bool]] = (),
    lock: bool = False,
) -> list[Held]:
    """Read slots as they stand, by centre code and date; `lock` keeps other writers off until the commit."""
    names = ("state", "revision", "pinned", "rest_relaxed")
    query = (
        select(
            *(col(c) for c in (DutySlot.id, Centre.code, DutySlot.day, Cadre.number, DutySlot.cadre_id, Cadre.ref)),
            *(col(getattr(DutySlot, name)) for name in names),
            col(DutySlot.published_at).is_not(None),
            col(DutySlot.checkin_at).is_not(None),
            col(DutySlot.why),
            col(DutySlot.leader),
        )
        .join(Centre, col(Centre.id) == col(DutySlot.centre_id))
        .outerjoin(Cadre, col(Cadre.id) == col(DutySlot.cadre_id))
        .where(col(Centre.district_id) == district, col(DutySlot.day).between(first, last), *where)
        .order_by(col(Centre.code), col(DutySlot.day))
    )
    if lock:  # first alone: a joined row that waited for a lock comes back half old, half new on PostgreSQL
        locked = _plain(select(col(DutySlot.id)), district, first, last, where).order_by(col(DutySlot.id))
        session.execute(locked.with_for_update(of=DutySlot))
    return [Held(*row) for row in session.execute(query)]


def _plain(
    query: Select[Any], district: int, first: date, last: date, where: Sequence[ColumnElement[bool]]
) -> Select[Any]:
    query = query.join(Centre, col(Centre.id) == col(DutySlot.centre_id))
    return query.where(col(Centre.district_id) == district, col(DutySlot.day).between(first, last), *where)


def slots_at(session: Session, district: int, places: Collection[tuple[str, date]]) -> dict[tuple[str, date], Held]:
    """Lock and read the slots at these (centre code, date) pairs, by pair."""
    if not places:
        return {}
    days = [day for _, day in places]
    found: dict[tuple[str, date], Held] = {}
    wanted = sorted(places)
    for start in range(0, len(wanted), 300):
        at = tuple_(col(Centre.code), col(DutySlot.day)).in_(wanted[start : start + 300])
        rows = held_slots(session, district, min(days), max(days), where=(at,), lock=True)
        found |= {(row.centre, row.day): row for row in rows}
    return found


def move(session: Session, steps: Sequence[Step], at: datetime, actor: str) -> None:
    """Apply changes and write their transition rows.

    Persons are taken off all changed slots first, so that a chain of moves never breaks the rule of one duty a date
    on its way.

    Raises:
        TransitionRefused: from rules.slots, before anything is written.
    """
    for step in steps:
        if step.slot.state != step.after:
            check_transition(step.slot.state, step.after)
    moved = [step.slot.id for step in steps if step.moves and step.slot.cadre_id is not None]
    for start in range(0, len(moved), 500):
        emptied = update(DutySlot).where(col(DutySlot.id).in_(moved[start : start + 500]))
        session.execute(emptied.values(cadre_id=None, state="gap"))
    if not steps:
        return
    table = DutySlot.__table__  # type: ignore[attr-defined]
    changed = ("cadre_id", "state", "revision", "rest_relaxed", "why")
    values: dict[str, Any] = {name: bindparam(name) for name in changed}
    values["published_at"] = func.coalesce(table.c.published_at, bindparam("told_at", type_=Instant))
    change = update(table).where(table.c.id == bindparam("slot")).values(values)
    session.connection().execute(change, [_changed(step) | {"told_at": _told_at(step, at)} for step in steps])
    told = [transition(step, at, actor) for step in steps if step.slot.published or step.after not in {"draft", "gap"}]
    if told:  # a draft is a proposal that planning may take back; its life begins when it is published
        in_one = {"render_nulls": True}  # else the ORM begins a new statement wherever a NULL comes or goes
        session.execute(insert(SlotTransition), told, execution_options=in_one)


def _told_at(step: Step, at: datetime) -> datetime | None:
    return None if step.after in {"draft", "gap"} else at


def _changed(step: Step) -> dict[str, Any]:
    return {
        "slot": step.slot.id,
        "cadre_id": step.cadre_id,
        "state": step.after,
        "revision": step.slot.revision + step.moves,
        "rest_relaxed": step.rest_relaxed if step.moves else step.slot.rest_relaxed,
        "why": step.why if step.moves else step.slot.why,
    }


def transition(step: Step, at: datetime, actor: str) -> dict[str, Any]:
    """Return the row of SlotTransition that keeps a step."""
    return {
        "slot_id": step.slot.id,
        "before": step.slot.state,
        "after": step.after,
        "cadre_before_id": step.slot.cadre_id,
        "cadre_after_id": step.cadre_id,
        "revision": step.slot.revision + step.moves,
        "at": at,
        "actor": actor,
        "reason": step.reason,
    }


def clear_drafts(session: Session, duties: Collection[tuple[int, date]]) -> None:
    """Take cadres off their drafts on dates for which they get a published duty; planning fills the draft again."""
    wanted = sorted(duties)
    for start in range(0, len(wanted), 300):
        taken = tuple_(col(DutySlot.cadre_id), col(DutySlot.day)).in_(wanted[start : start + 300])
        drafts = update(DutySlot).where(taken, col(DutySlot.published_at).is_(None))
        session.execute(drafts.values(cadre_id=None, state="gap", why=None))


def close_missed(session: Session, district: int, today: date, look_back_days: int, at: datetime, actor: str) -> int:
    """Mark the days before `today` on which nobody checked in as missed; return how many."""
    unserved = (
        col(DutySlot.state).in_(("published", "acknowledged")),
        col(DutySlot.checkin_at).is_(None),
    )
    first, last = today - timedelta(days=look_back_days), today - timedelta(days=1)
    rows = held_slots(session, district, first, last, where=unserved, lock=True)
    move(session, [Step(row, "missed", row.cadre_id, "no check-in by 24:00") for row in rows], at, actor)
    return len(rows)


def fired(session: Session, slot_ids: Collection[int]) -> set[tuple[int, str, int]]:
    """Return (slot, mark, revision) of the marks that fired already for these slots."""
    found: set[tuple[int, str, int]] = set()
    ids = sorted(slot_ids)
    for start in range(0, len(ids), 5000):
        query = select(col(DutyMark.slot_id), col(DutyMark.mark), col(DutyMark.revision))
        rows = session.execute(query.where(col(DutyMark.slot_id).in_(ids[start : start + 5000])))
        found |= set(rows.tuples())
    return found


def fire(session: Session, marks: Collection[tuple[int, str, int]], at: datetime) -> set[tuple[int, str, int]]:
    """Claim marks; the ones returned are ours to tell, the others were told by somebody else."""
    if not marks:
        return set()
    rows = [{"slot_id": s, "mark": m, "revision": r, "fired_at": at} for s, m, r in sorted(marks)]
    won = insert_for(session, DutyMark).on_conflict_do_nothing()
    returned = won.returning(col(DutyMark.slot_id), col(DutyMark.mark), col(DutyMark.revision))
    return set(session.execute(returned, rows).tuples())
