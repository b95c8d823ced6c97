"""Money to be given back 追回: claimed in whole or in part -> given back, or withdrawn because the claim was wrong.

One claim of a payment stands at most. Each of these books the ledger within the caller's transaction.
"""

from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select, update
from sqlmodel import Session, col

from models import ledger
from models.allowance import AllowanceBatch, AllowanceCycle, Entitlement
from models.approvals import log_changes
from models.db import insert_for
from models.ledger import Amount
from models.payment import BankFile, Payment, Receivable

if TYPE_CHECKING:
    from models.payments import Sent

_STANDS = col(Receivable.withdrawn_at).is_(None)
_OPEN = (_STANDS, col(Receivable.settled_at).is_(None))
_OURS = col(Receivable.reason) != "paid_twice"
"""What the bank paid twice is owed by nobody's register: no correction makes it right."""


class Claimed(NamedTuple):
    """A standing claim beside the entitlement it is about; `fen` was paid, `claimed` of it is claimed."""

    payment_id: int
    key: str
    entitlement_id: int
    elder_id: int
    programme: str
    period: str
    as_of: date
    fen: int
    claimed: int
    settled: bool
    cancelled_for: str | None


def claim(session: Session, sent: "Sent", fen: int, reason: str, document: str, at: datetime, actor: str) -> bool:
    """Raise a receivable for what a payment that was paid is too high by; False if one stands already."""
    before = _count(session, sent)
    row = {"payment_id": sent.id, "fen": fen, "reason": reason, "raised_at": at}
    raising = insert_for(session, Receivable).values(row).on_conflict_do_nothing().returning(col(Receivable.id))
    if session.execute(raising).first() is None:
        return False
    named = f"{document}/{before + 1}" if before else document  # the ledger knows each document once
    ledger.book(session, sent.cycle_id, "claim", Amount(fen, 1), named, at, actor)
    return True


def count_open(session: Session, district: int) -> int:
    """Count the claims of a district that are neither settled nor withdrawn."""
    query = (
        select(func.count())
        .select_from(Receivable)
        .join(Payment, col(Payment.id) == col(Receivable.payment_id))
        .join(BankFile, col(BankFile.id) == col(Payment.file_id))
        .join(AllowanceBatch, col(AllowanceBatch.id) == col(BankFile.batch_id))
        .where(col(AllowanceBatch.district_id) == district, *_OPEN)
    )
    return session.scalar(query) or 0


def recovered(session: Session, sent: "Sent", at: datetime, actor: str) -> int | None:
    """Record that claimed money was given back; return the fen, None if nothing of it is open."""
    mine = (col(Receivable.payment_id) == sent.id, *_OPEN)
    settling = update(Receivable).where(*mine).values(settled_at=at, settled_by=actor).returning(col(Receivable.fen))
    fen = session.execute(settling).scalar_one_or_none()
    if fen is None:
        return None
    ledger.book(session, sent.cycle_id, "recovered", Amount(fen, 1), f"recovered/{sent.key}", at, actor)
    ledger.agree(session, sent.cycle_id)
    return int(fen)


def withdraw(session: Session, sent: "Sent", at: datetime, actor: str) -> int | None:
    """Take back an open claim that was wrong: the money counts as paid again; return the fen, None if none is open."""
    mine = (col(Receivable.payment_id) == sent.id, _OURS, *_OPEN)
    ending = update(Receivable).where(*mine).values(withdrawn_at=at, withdrawn_by=actor).returning(col(Receivable.fen))
    fen = session.execute(ending).scalar_one_or_none()
    if fen is None:
        return None
    document, amount = f"claim-withdrawn/{sent.key}/{_count(session, sent)}", Amount(fen, 1)
    ledger.book(session, sent.cycle_id, "withdraw", amount, document, at, actor, credit="receivable", debit="paid")
    return int(fen)


def revive(session: Session, entitlement: int, at: datetime, actor: str) -> None:
    """Make the entitlement of a payment whose claim was withdrawn live again; one that is live stays so."""
    released = select(col(AllowanceBatch.id)).where(col(AllowanceBatch.state) == "released")
    mine = (col(Entitlement.id) == entitlement, col(Entitlement.state) == "cancelled")
    again = update(Entitlement).where(*mine, col(Entitlement.batch_id).in_(released))
    back = session.execute(again.values(state="live", cancel_reason=None).returning(col(Entitlement.id))).all()
    log_changes(session, [number for (number,) in back], "restored", "owed", at, actor)


def standing(session: Session, district: int, *, payment: int | None = None) -> list[Claimed]:
    """Return the standing claims of a district, of one payment if named, but those of what the bank paid twice."""
    query = (
        select(
            col(Payment.id), col(Payment.key), col(Entitlement.id), col(Entitlement.elder_id),
            col(Entitlement.programme), col(Entitlement.period), col(AllowanceCycle.as_of), col(Payment.fen),
            col(Receivable.fen), col(Receivable.settled_at).is_not(None), col(Entitlement.cancel_reason),
        )
        .join(Payment, col(Payment.id) == col(Receivable.payment_id))
        .join(Entitlement, col(Entitlement.id) == col(Payment.entitlement_id))
        .join(AllowanceCycle, col(AllowanceCycle.id) == col(Entitlement.cycle_id))
        .where(col(AllowanceCycle.district_id) == district, _STANDS, _OURS)
        .where(col(Receivable.settled_by).is_(None) | (col(Receivable.settled_by) != "bank"))  # it has all back
        .order_by(col(Payment.id))
    )  # fmt: skip
    if payment is not None:
        query = query.where(col(Payment.id) == payment)
    return [Claimed._make((*row[:9], bool(row[9]), row[10])) for row in session.execute(query)]


def _count(session: Session, sent: "Sent") -> int:
    query = select(func.count()).select_from(Receivable).where(col(Receivable.payment_id) == sent.id)
    return session.scalar(query) or 0
