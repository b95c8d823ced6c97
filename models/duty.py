"""Duty slots 值班: one per centre and date, every change of state a row, swaps and hand-overs beside them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Index,
    LargeBinary,
    Select,
    UniqueConstraint,
    bindparam,
    delete,
    select,
    text,
    update,
)
from sqlalchemy.orm import aliased
from sqlmodel import JSON, Column, Field, Session, SQLModel, col

from models.cadre import Cadre
from models.db import Instant, insert_for
from models.district import Centre
from rules.duty import Assignment, Slot
from rules.slots import STATES, TRANSITIONS

_STATES = ", ".join(f"'{state}'" for state in STATES)
_PAIRS = ", ".join(f"'{before}>{after}'" for before, after in sorted(TRANSITIONS))


class DutySlot(SQLModel, table=True):
    """Who is on duty in one centre on one date, and how far it has come."""

    __tablename__ = "duty_slot"
    __table_args__ = (
        UniqueConstraint("centre_id", "day"),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint("(state = 'gap') = (cadre_id IS NULL)", name="gap"),
        CheckConstraint("state NOT IN ('draft') OR published_at IS NULL", name="draft"),
        CheckConstraint("state IN ('draft', 'gap') OR published_at IS NOT NULL", name="published"),
        CheckConstraint("(checkin_cadre_id IS NULL) = (checkin_at IS NULL)", name="checkin"),
        CheckConstraint("state <> 'missed' OR checkin_at IS NULL", name="missed"),
        Index("uq_duty_slot_cadre_day", "cadre_id", "day", unique=True),
        Index(  # one person comes to one centre a date
            "uq_duty_slot_checkin_cadre_day",
            "checkin_cadre_id",
            "day",
            unique=True,
            sqlite_where=text("checkin_cadre_id IS NOT NULL"),
            postgresql_where=text("checkin_cadre_id IS NOT NULL"),
        ),
        Index("ix_duty_slot_day", "day"),
    )
    id: int | None = Field(default=None, primary_key=True)
    centre_id: int = Field(foreign_key="centre.id")
    day: date
    cadre_id: int | None = Field(default=None, foreign_key="cadre.id")
    state: str
    revision: int = Field(default=0, description="rises with every change of person; message keys carry it")
    pinned: bool = False
    rest_relaxed: bool = False
    why: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    leader: bytes | None = Field(default=None, sa_type=LargeBinary, description="leader on duty 带班领导, sealed")
    published_at: datetime | None = Field(default=None, sa_type=Instant)
    checkin_cadre_id: int | None = Field(default=None, foreign_key="cadre.id")
    checkin_at: datetime | None = Field(default=None, sa_type=Instant)


class SlotTransition(SQLModel, table=True):
    """One change of a slot: of state, of person, or both."""

    __tablename__ = "slot_transition"
    __table_args__ = (CheckConstraint(f"before = after OR before || '>' || after IN ({_PAIRS})", name="allowed"),)
    id: int | None = Field(default=None, primary_key=True)
    slot_id: int = Field(foreign_key="duty_slot.id", index=True)
    before: str
    after: str
    cadre_before_id: int | None = Field(default=None, foreign_key="cadre.id")
    cadre_after_id: int | None = Field(default=None, foreign_key="cadre.id")
    revision: int
    at: datetime = Field(sa_type=Instant)
    actor: str = Field(description="job name, or the number of the cadre or head who reported")
    reason: str = ""


class DutyMark(SQLModel, table=True):
    """A mark that fired: notice, reminder, head or office; once for each slot and revision."""

    __tablename__ = "duty_mark"
    slot_id: int = Field(primary_key=True, foreign_key="duty_slot.id")
    mark: str = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    fired_at: datetime = Field(sa_type=Instant)


class Swap(SQLModel, table=True):
    """Two cadres exchange their days; nothing changes until both, or the centre head, confirmed.

    A refusal ends it for the two of them: who said no is not asked the same again, but a head may still confirm both.
    """

    __tablename__ = "duty_swap"
    __table_args__ = (
        UniqueConstraint("centre_id", "date_a", "cadre_a_id", "date_b", "cadre_b_id"),
        CheckConstraint("state IN ('asked', 'done', 'refused')", name="state"),
        CheckConstraint("date_a <> date_b AND cadre_a_id <> cadre_b_id", name="two"),
        CheckConstraint(
            "state <> 'done' OR (confirmed_a_id IS NOT NULL AND confirmed_b_id IS NOT NULL)", name="consent"
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    centre_id: int = Field(foreign_key="centre.id")
    date_a: date
    cadre_a_id: int = Field(foreign_key="cadre.id")
    date_b: date
    cadre_b_id: int = Field(foreign_key="cadre.id")
    confirmed_a_id: int | None = Field(default=None, foreign_key="cadre.id")
    confirmed_b_id: int | None = Field(default=None, foreign_key="cadre.id")
    state: str = "asked"
    asked_at: datetime = Field(sa_type=Instant)
    done_at: datetime | None = Field(default=None, sa_type=Instant)


class Handover(SQLModel, table=True):
    """The evening checklist; a problem with the facilities is what a ticket will be opened from."""

    __tablename__ = "duty_handover"
    __table_args__ = (
        *(
            CheckConstraint(f"{item} IN ('ok', 'problem')", name=item)
            for item in ("rooms", "meals", "cleaning", "facilities")
        ),
        CheckConstraint("NOT ('problem' IN (rooms, meals, cleaning, facilities) AND note IS NULL)", name="note"),
    )
    slot_id: int = Field(primary_key=True, foreign_key="duty_slot.id")
    cadre_id: int = Field(foreign_key="cadre.id")
    at: datetime = Field(sa_type=Instant)
    rooms: str
    meals: str
    cleaning: str
    facilities: str
    note: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed; free text may name people")
    reporter: str


def slots(
    session: Session,
    district: int,
    first: date | None = None,
    last: date | None = None,
    codes: Collection[str] | None = None,
) -> list[Slot]:
    """Read slots as the duty rules want them, in the order of centre code and date; None means no limit."""
    own, came = aliased(Cadre), aliased(Cadre)
    query = (
        select(
            col(Centre.code),
            col(DutySlot.day),
            col(own.number),
            col(DutySlot.state),
            col(DutySlot.pinned),
            col(came.number),
            col(DutySlot.published_at).is_not(None),
            col(DutySlot.rest_relaxed),
        )
        .join(Centre, col(Centre.id) == col(DutySlot.centre_id))
        .outerjoin(own, col(own.id) == col(DutySlot.cadre_id))
        .outerjoin(came, col(came.id) == col(DutySlot.checkin_cadre_id))
        .where(col(Centre.district_id) == district)
        .order_by(col(Centre.code), col(DutySlot.day))
    )
    if first:
        query = query.where(col(DutySlot.day) >= first)
    if last:
        query = query.where(col(DutySlot.day) <= last)
    if codes is not None:
        query = query.where(col(Centre.code).in_(sorted(codes)))
    return [Slot(*row) for row in session.execute(query)]


def ever_on_duty(session: Session, district: int, first: date, last: date) -> list[str]:
    """Return the numbers of the cadres who have or had a published duty between two dates."""
    spanned = (col(Centre.district_id) == district, col(DutySlot.day).between(first, last))
    now = (
        select(col(Cadre.number))
        .join(DutySlot, col(DutySlot.cadre_id) == col(Cadre.id))
        .join(Centre, col(Centre.id) == col(DutySlot.centre_id))
        .where(*spanned, col(DutySlot.published_at).is_not(None))
    )
    before = (
        select(col(Cadre.number))
        .join(SlotTransition, col(SlotTransition.cadre_before_id) == col(Cadre.id))
        .join(DutySlot, col(DutySlot.id) == col(SlotTransition.slot_id))
        .join(Centre, col(Centre.id) == col(DutySlot.centre_id))
        .where(*spanned)
    )
    return sorted(session.execute(now.union(before)).scalars())


def draft_months(session: Session, district: int, today: date) -> list[str]:
    """Return the months, such as 2027-01, with unpublished slots on or after `today`."""
    query = (
        select(col(DutySlot.day))
        .join(Centre, col(Centre.id) == col(DutySlot.centre_id))
        .where(col(Centre.district_id) == district, col(DutySlot.day) >= today, col(DutySlot.published_at).is_(None))
        .distinct()
    )
    return sorted({f"{day:%Y-%m}" for day in session.execute(query).scalars()})


@dataclass(frozen=True, slots=True)
class Stretch:
    """The centres (by code, with their ids) and the dates of one planning."""

    centres: Mapping[str, int]
    first: date
    last: date

    def unpublished(self) -> tuple[ColumnElement[bool], ...]:
        """The slots of the stretch that planning may still touch."""
        return (
            col(DutySlot.centre_id).in_(sorted(self.centres.values())),
            col(DutySlot.day).between(self.first, self.last),
            col(DutySlot.published_at).is_(None),
        )


def store_drafts(session: Session, drafts: Sequence[Assignment], stretch: Stretch, cadre_ids: Mapping[str, int]) -> int:
    """Write a drafted roster over the unpublished slots of a stretch; return how many rows were sent.

    Drafts that stood are emptied first, so that a cadre may move between centres without breaking the rule of one
    duty a date; what the new draft does not fill again (the centre is closed that day) goes. A pinned slot is left
    alone unless the draft decides it, which it does when the pinned cadre cannot serve.
    """
    decided = {(stretch.centres[draft.centre], draft.date) for draft in drafts}
    pins = select(col(DutySlot.id), col(DutySlot.centre_id), col(DutySlot.day)).where(
        *stretch.unpublished(), col(DutySlot.pinned)
    )
    kept = [slot for slot, centre, day in session.execute(pins) if (centre, day) not in decided]
    loose = (*stretch.unpublished(), col(DutySlot.id).not_in(kept))
    session.execute(update(DutySlot).where(*loose).values(cadre_id=None, state="gap", why=None))
    if drafts:
        insert = insert_for(session, DutySlot.__table__)  # type: ignore[attr-defined]  # the ORM's own doubles the cost
        columns = {name: insert.excluded[name] for name in ("cadre_id", "state", "rest_relaxed", "why")}
        unpublished = col(DutySlot.published_at).is_(None)
        upsert = insert.on_conflict_do_update(index_elements=["centre_id", "day"], set_=columns, where=unpublished)
        session.execute(upsert, [_draft_row(draft, stretch.centres, cadre_ids) for draft in drafts])
    session.execute(delete(DutySlot).where(*loose, col(DutySlot.why).is_(None), col(DutySlot.leader).is_(None)))
    return len(drafts)


def _draft_row(draft: Assignment, centre_ids: Mapping[str, int], cadre_ids: Mapping[str, int]) -> dict[str, Any]:
    return {
        "centre_id": centre_ids[draft.centre],
        "day": draft.date,
        "cadre_id": cadre_ids[draft.cadre] if draft.cadre else None,
        "state": "draft" if draft.cadre else "gap",
        "rest_relaxed": draft.rest_relaxed,
        "why": draft.why.to_json(),
        "revision": 0,
        "pinned": False,
    }


def publish(session: Session, stretch: Stretch, at: datetime, actor: str) -> int:
    """Publish every unpublished slot of a stretch; return how many there were."""
    waiting = stretch.unpublished()
    drafted: Select[Any] = select(
        col(DutySlot.id),
        col(DutySlot.state),
        bindparam("after", "published"),
        col(DutySlot.cadre_id),
        col(DutySlot.cadre_id),
        col(DutySlot.revision),
        bindparam("at", at, Instant),
        bindparam("actor", actor),
        bindparam("reason", ""),
    ).where(*waiting, col(DutySlot.state) == "draft")
    names = ["slot_id", "before", "after", "cadre_before_id", "cadre_after_id", "revision", "at", "actor", "reason"]
    session.execute(insert_for(session, SlotTransition).from_select(names, drafted))
    opened = update(DutySlot).where(*waiting).values(published_at=at)
    drafts = session.execute(opened.where(col(DutySlot.state) == "draft").values(state="published"))
    gaps = session.execute(opened.where(col(DutySlot.state) == "gap"))
    return int(drafts.rowcount + gaps.rowcount)  # type: ignore[attr-defined]
