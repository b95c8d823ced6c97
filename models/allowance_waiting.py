"""Who waits in cycles that were planned: left out and to be decided again, or taken off and perhaps owed after all."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session, col

from models.allowance import AllowanceCycle, Entitlement, Exclusion
from models.elder import Elder
from models.payment import Payment

RESTORABLE = ("dead", "moved_out", "proxy_expired", "no_account")
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


def waiting(session: Session, district: int, programme: str, but: int) -> int:
    """Count who is still left out of the programme's cycles, all but one."""
    query = (
        select(func.count())
        .select_from(Exclusion)
        .join(AllowanceCycle, col(AllowanceCycle.id) == col(Exclusion.cycle_id))
        .where(col(AllowanceCycle.district_id) == district, col(AllowanceCycle.programme) == programme)
        .where(col(AllowanceCycle.id) != but, col(Exclusion.lifted_at).is_(None))
    )
    return session.scalar(query) or 0


def restorable(session: Session, cycle: int) -> list[Withdrawn]:
    """Return who was taken off a cycle and could be restored; who has a payment that is not returned could not."""
    paid = select(col(Payment.id)).where(
        col(Payment.entitlement_id) == col(Entitlement.id), col(Payment.state) != "returned"
    )
    columns = (col(Entitlement.id), col(Entitlement.elder_id), col(Entitlement.band), col(Entitlement.fen))
    query = select(*columns).where(
        col(Entitlement.cycle_id) == cycle,
        col(Entitlement.state) == "cancelled",
        col(Entitlement.cancel_reason).in_(RESTORABLE),
        ~paid.exists(),
    )
    return [Withdrawn(*row) for row in session.execute(query)]
