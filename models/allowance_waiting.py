"""Who waits in cycles that were planned: left out, taken off and perhaps owed after all, or on no paper of it yet."""

from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, or_, select
from sqlmodel import Session, col

from models.allowance import AllowanceCycle, Entitlement, Exclusion
from models.district import District
from models.elder import Elder, ElderCategory
from models.payment import Payment

RESTORABLE = ("dead", "moved_out", "proxy_expired", "no_account", "mistaken")
"""Reasons for being taken off that can turn out to be wrong, or be mended; an objection upheld is final."""


class OldCycle(NamedTuple):
    """A cycle that was planned."""

    id: int
    period: str
    as_of: date


class Withdrawn(NamedTuple):
    """An entitlement that was cancelled before any money of it was on its way."""

    id: int
    elder_id: int
    band: str
    fen: int


class Elsewhere(NamedTuple):
    """A person left out, and the district that had, and cancelled, the person's entitlement."""

    ref: str
    programme: str
    period: str
    district: str
    code: str
    reason: str


def old_cycles(session: Session, district: int, programme: str) -> list[OldCycle]:
    """Return the planned cycles of a programme, the earliest first."""
    columns = (col(AllowanceCycle.id), col(AllowanceCycle.period), col(AllowanceCycle.as_of))
    mine = (col(AllowanceCycle.district_id) == district, col(AllowanceCycle.programme) == programme)
    rows = session.execute(select(*columns).where(*mine).order_by(col(AllowanceCycle.as_of)))
    return [OldCycle(*row) for row in rows]


def waiting_in(session: Session, cycle: int) -> dict[int, int]:
    """Map the elders who are left out of a cycle to their exclusions, but those who are paid on another register."""
    paid = select(col(Entitlement.id)).where(
        col(Entitlement.programme) == col(AllowanceCycle.programme),
        col(Entitlement.period) == col(AllowanceCycle.period),
        col(Entitlement.person) == col(Elder.id_index),
    )
    query = (
        select(col(Exclusion.elder_id), col(Exclusion.id))
        .join(AllowanceCycle, col(AllowanceCycle.id) == col(Exclusion.cycle_id))
        .join(Elder, col(Elder.id) == col(Exclusion.elder_id))
        .where(col(Exclusion.cycle_id) == cycle, col(Exclusion.lifted_at).is_(None), ~paid.exists())
    )
    return {elder: number for elder, number in session.execute(query) if number is not None}


def newcomers(session: Session, cycle: int) -> list[int]:
    """Return who came on the register, or under a category, since a cycle was planned, and is in it neither way.

    A month is planned before it ends: who applies in its last days is on the register as of as_of all the same.
    """
    head = (col(AllowanceCycle.opened_at), col(AllowanceCycle.as_of), col(AllowanceCycle.district_id))
    opened_at, as_of, district = session.execute(select(*head).where(col(AllowanceCycle.id) == cycle)).one()
    since = opened_at - timedelta(days=1)  # it was judged by a moment before
    named = select(col(ElderCategory.elder_id)).where(
        col(ElderCategory.since) >= since.date(), col(ElderCategory.since) <= as_of
    )
    decided = [
        select(col(table.id)).where(col(table.cycle_id) == cycle, col(table.elder_id) == col(Elder.id)).exists()
        for table in (Entitlement, Exclusion)
    ]
    query = select(col(Elder.id)).where(
        col(Elder.district_id) == district,
        col(Elder.registered_on) <= as_of,
        or_(col(Elder.recorded_at) >= since, col(Elder.id).in_(named)),
        *(~each for each in decided),
    )
    return [number for number in session.scalars(query) if number is not None]


def cancelled_elsewhere(session: Session, district: int) -> list[Elsewhere]:
    """Return who is left out as a duplicate of an entitlement that was cancelled on its own register."""
    other = AllowanceCycle.__table__.alias("other")  # type: ignore[attr-defined]
    query = (
        select(
            col(Elder.ref), col(AllowanceCycle.programme), col(AllowanceCycle.period), col(District.name),
            col(District.code), col(Entitlement.cancel_reason),
        )
        .select_from(Exclusion)
        .join(AllowanceCycle, col(AllowanceCycle.id) == col(Exclusion.cycle_id))
        .join(Elder, col(Elder.id) == col(Exclusion.elder_id))
        .join(
            Entitlement,
            (col(Entitlement.programme) == col(AllowanceCycle.programme))
            & (col(Entitlement.period) == col(AllowanceCycle.period))
            & (col(Entitlement.person) == col(Elder.id_index)),
        )
        .join(other, other.c.id == col(Entitlement.cycle_id))
        .join(District, col(District.id) == other.c.district_id)
        .where(col(AllowanceCycle.district_id) == district, col(Exclusion.lifted_at).is_(None))
        .where(col(Exclusion.reason) == "duplicate", col(Entitlement.state) == "cancelled")
        .order_by(col(Exclusion.id))
    )  # fmt: skip
    return [Elsewhere(*row) for row in session.execute(query)]


def waiting(session: Session, district: int, programme: str, but: int) -> int:
    """Count who is still left out of the programme's cycles, all but one, or was taken off and could be restored."""
    taken_off = (
        select(func.count())
        .select_from(Entitlement)
        .join(AllowanceCycle, col(AllowanceCycle.id) == col(Entitlement.cycle_id))
        .where(col(AllowanceCycle.district_id) == district, col(AllowanceCycle.programme) == programme)
        .where(col(AllowanceCycle.id) != but, *_restorable())
    )
    query = (
        select(func.count())
        .select_from(Exclusion)
        .join(AllowanceCycle, col(AllowanceCycle.id) == col(Exclusion.cycle_id))
        .where(col(AllowanceCycle.district_id) == district, col(AllowanceCycle.programme) == programme)
        .where(col(AllowanceCycle.id) != but, col(Exclusion.lifted_at).is_(None))
    )
    return (session.scalar(query) or 0) + (session.scalar(taken_off) or 0)


def _restorable() -> tuple[ColumnElement[bool], ...]:
    paid = select(col(Payment.id)).where(
        col(Payment.entitlement_id) == col(Entitlement.id), col(Payment.state) != "returned"
    )
    return (
        col(Entitlement.state) == "cancelled",
        col(Entitlement.cancel_reason).in_(RESTORABLE),
        ~paid.exists(),
    )


def restorable(session: Session, cycle: int) -> list[Withdrawn]:
    """Return who was taken off a cycle and could be restored; who has a payment that is not returned could not."""
    columns = (col(Entitlement.id), col(Entitlement.elder_id), col(Entitlement.band), col(Entitlement.fen))
    query = select(*columns).where(col(Entitlement.cycle_id) == cycle, *_restorable())
    return [Withdrawn(*row) for row in session.execute(query)]
