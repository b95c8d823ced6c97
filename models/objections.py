"""Objections to published lists: those upheld -> the entitlement is cancelled, and an approval of the list is void."""

from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from models import ledger
from models.allowance import AllowanceBatch, AllowanceCycle, Entitlement, Exclusion, Objection
from models.allowance_stops import cancel, empty, give_up, unreleased
from models.approvals import Batch, drop_approvals, reopen, rounds
from models.elder import Elder


def apply_upheld(session: Session, batch: Batch, at: datetime, actor: str) -> int:
    """Cancel who is on a list against whom an objection was upheld; return how many. Returned money is given up."""
    about = (col(Objection.cycle_id) == col(Entitlement.cycle_id)) & (
        col(Objection.elder_id) == col(Entitlement.elder_id)
    )
    query = (
        select(col(Entitlement.id))
        .join(Objection, about)
        .where(col(Entitlement.batch_id) == batch.id, col(Entitlement.state) == "live", col(Objection.upheld).is_(True))
    )
    against = set(session.scalars(query))
    gone = [each for each in unreleased(session, batch.id) if each.id in against] if against else []
    if gone and batch.state == "approved":
        reopen(session, batch, f"objection-{rounds(session, batch.id)}", at, actor)
    cancel(session, [each.id for each in gone], "objection", at, actor)
    if gone:
        drop_approvals(session, batch.id, at)
        if batch.kind == "reissue":
            give_up(session, gone, at, actor)
        empty(session, batch.id)
    for cycle in sorted({each.cycle_id for each in gone}):
        ledger.agree(session, cycle)
    return len(gone)


def open_ones(session: Session, district: int) -> list[tuple[str, str, str, bool]]:
    """Return the undecided objections of a district: programme, period, elder, and whether the elder is on the list."""
    left_out = select(col(Exclusion.id)).where(
        col(Exclusion.cycle_id) == col(Objection.cycle_id),
        col(Exclusion.elder_id) == col(Objection.elder_id),
        col(Exclusion.lifted_at).is_(None),
    )
    query = (
        select(col(AllowanceCycle.programme), col(AllowanceCycle.period), col(Elder.ref), ~left_out.exists())
        .select_from(Objection)
        .join(AllowanceCycle, col(AllowanceCycle.id) == col(Objection.cycle_id))
        .join(Elder, col(Elder.id) == col(Objection.elder_id))
        .where(col(AllowanceCycle.district_id) == district, col(Objection.upheld).is_(None))
        .order_by(col(Objection.id))
    )
    return [(programme, period, ref, bool(listed)) for programme, period, ref, listed in session.execute(query)]


def upheld_left_out(session: Session, district: int) -> list[tuple[str, str, str, str]]:
    """Return who is still left out though an objection was upheld: programme, period, elder, and for which reason.

    What the register says decides; once it is put right the elder comes on the next list.
    """
    about = (col(Objection.cycle_id) == col(Exclusion.cycle_id)) & (col(Objection.elder_id) == col(Exclusion.elder_id))
    query = (
        select(col(AllowanceCycle.programme), col(AllowanceCycle.period), col(Elder.ref), col(Exclusion.reason))
        .join(AllowanceCycle, col(AllowanceCycle.id) == col(Exclusion.cycle_id))
        .join(Elder, col(Elder.id) == col(Exclusion.elder_id))
        .join(Objection, about)
        .where(col(AllowanceCycle.district_id) == district, col(Exclusion.lifted_at).is_(None))
        .where(col(Objection.upheld).is_(True))
        .distinct()
        .order_by(col(AllowanceCycle.programme), col(AllowanceCycle.period), col(Elder.ref))
    )
    return [(programme, period, ref, reason) for programme, period, ref, reason in session.execute(query)]


def waiting_lists(session: Session, district: int) -> list[tuple[str, str, str, datetime, int]]:
    """Return the lists nobody has put forward: reference, programme, period, when they were made, how many people."""
    query = (
        select(
            col(AllowanceBatch.ref), col(AllowanceBatch.programme), col(AllowanceBatch.period),
            col(AllowanceBatch.created_at), func.count(),
        )
        .join(Entitlement, col(Entitlement.batch_id) == col(AllowanceBatch.id))
        .where(col(AllowanceBatch.district_id) == district, col(AllowanceBatch.state) == "planned")
        .where(col(Entitlement.state) == "live")
        .group_by(
            col(AllowanceBatch.id), col(AllowanceBatch.ref), col(AllowanceBatch.programme),
            col(AllowanceBatch.period), col(AllowanceBatch.created_at),
        )
        .order_by(col(AllowanceBatch.id))
    )  # fmt: skip
    return [tuple(row) for row in session.execute(query)]
