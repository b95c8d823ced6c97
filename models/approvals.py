"""Approvals of a batch: its content as it is now, who said yes to which content, and what takes a yes back.

Everything here works within the caller's transaction, which locks the batch's row first.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import func, insert, select, update
from sqlmodel import Session, col

from models.account import PayeeAccount, account_in_force
from models.allowance import AllowanceBatch, Approval, Entitlement, EntitlementChange, Objection
from models.db import insert_for
from models.elder import Elder
from models.ledger import Amount, withdraw
from models.payment import BankLine, Payment
from rules.allowances import Line

_FLOW = 5000


class Batch(NamedTuple):
    """A batch as its locked row tells it."""

    id: int
    ref: str
    programme: str
    period: str
    kind: str
    state: str
    maker_id: int | None
    notice_until: date | None
    content_hash: str | None


def find_batch(session: Session, district: int, ref: str) -> Batch | None:
    """Read a batch of the district; None if there is none of this reference."""
    columns = [col(getattr(AllowanceBatch, name)) for name in Batch._fields]
    mine = (col(AllowanceBatch.district_id) == district, col(AllowanceBatch.ref) == ref)
    found = session.execute(select(*columns).where(*mine)).first()
    return Batch(*found) if found else None


def lock_batch(session: Session, district: int, ref: str) -> Batch | None:
    """Lock a batch of the district until the transaction ends; None if there is none of this reference."""
    columns = [col(getattr(AllowanceBatch, name)) for name in Batch._fields]
    mine = (col(AllowanceBatch.district_id) == district, col(AllowanceBatch.ref) == ref)
    row = session.execute(
        update(AllowanceBatch).where(*mine).values(number=col(AllowanceBatch.number)).returning(*columns)
    )
    found = row.first()
    return Batch(*found) if found else None


def batches_in(session: Session, district: int, state: str) -> list[str]:
    """Return the references of a district's batches in a state, the oldest first."""
    mine = (col(AllowanceBatch.district_id) == district, col(AllowanceBatch.state) == state)
    return list(session.scalars(select(col(AllowanceBatch.ref)).where(*mine).order_by(col(AllowanceBatch.id))))


def approvable(session: Session, district: int, today: date) -> list[str]:
    """Return the lists whose objection window has ended and that are not approved yet."""
    query = select(col(AllowanceBatch.ref)).where(
        col(AllowanceBatch.district_id) == district,
        col(AllowanceBatch.state) == "notice",
        col(AllowanceBatch.notice_until).is_(None) | (col(AllowanceBatch.notice_until) < today),
    )
    return list(session.scalars(query.order_by(col(AllowanceBatch.id))))


def content(session: Session, batch: int, day: date) -> Iterator[Line]:
    """Yield what an approval binds of each live entitlement: period, reference, account in force on `day`, fen."""
    account = account_in_force(col(Entitlement.elder_id), day)
    query = (
        select(col(Entitlement.period), col(Elder.ref), col(PayeeAccount.account_index), col(Entitlement.fen))
        .join(Elder, col(Elder.id) == col(Entitlement.elder_id))
        .outerjoin(PayeeAccount, col(PayeeAccount.id) == account)
        .where(col(Entitlement.batch_id) == batch, col(Entitlement.state) == "live")
    )
    rows = session.connection().execute(query.execution_options(yield_per=_FLOW))  # a session would make each row twice
    for period, ref, index, fen in rows:
        yield Line(period, ref, index.hex() if index else "", fen)


def amounts(session: Session, batch: int) -> dict[int, Amount]:
    """Return what a batch pays by cycle, in the order of cycles, which is the order in which budgets are locked."""
    query = (
        select(col(Entitlement.cycle_id), func.sum(col(Entitlement.fen)), func.count())
        .where(col(Entitlement.batch_id) == batch, col(Entitlement.state) == "live")
        .group_by(col(Entitlement.cycle_id))
        .order_by(col(Entitlement.cycle_id))
    )
    return {cycle: Amount(int(fen), count) for cycle, fen, count in session.execute(query)}


def open_objections(session: Session, batch: int) -> int:
    """Count objections against people on a batch that nobody has decided, or that were upheld and not applied yet."""
    about = (col(Objection.cycle_id) == col(Entitlement.cycle_id)) & (
        col(Objection.elder_id) == col(Entitlement.elder_id)
    )
    query = select(func.count()).select_from(Objection).join(Entitlement, about)
    live = (col(Entitlement.batch_id) == batch, col(Entitlement.state) == "live", col(Objection.upheld).is_not(False))
    return session.scalar(query.where(*live)) or 0


def disputed(session: Session, batch: int) -> int:
    """Count lines of the bank, still open, that call paid what is on a batch because it came back."""
    query = (
        select(func.count())
        .select_from(BankLine)
        .join(Payment, col(Payment.id) == col(BankLine.payment_id))
        .join(Entitlement, col(Entitlement.id) == col(Payment.entitlement_id))
        .where(col(Entitlement.batch_id) == batch, col(Entitlement.state) == "live")
        .where(col(BankLine.finding) == "contradiction", col(BankLine.closed_at).is_(None))
    )
    return session.scalar(query) or 0


def approve(
    session: Session, batch: Batch, approver: int, content_hash: str, amount: Amount, path: str, at: datetime
) -> bool:
    """Record one approver's yes; False if it stands already. A yes to another content is taken back first."""
    drop_approvals(session, batch.id, at, other_than=content_hash)
    row = {
        "batch_id": batch.id, "maker_id": batch.maker_id, "approver_id": approver, "content_hash": content_hash,
        "people": amount.payments, "fen": amount.fen, "path": path, "at": at,
    }  # fmt: skip
    added = insert_for(session, Approval).values(row).on_conflict_do_nothing().returning(col(Approval.id))
    return session.execute(added).first() is not None


def approvers(session: Session, batch: int, content_hash: str) -> list[int]:
    """Return who has approved this content and not taken it back."""
    mine = (col(Approval.batch_id) == batch, col(Approval.content_hash) == content_hash)
    query = select(col(Approval.approver_id)).where(*mine, col(Approval.withdrawn_at).is_(None))
    return list(session.scalars(query.order_by(col(Approval.id))))


def rounds(session: Session, batch: int) -> int:
    """Count the approvals a batch ever had; with it a document names one round of approving."""
    return session.scalar(select(func.count()).select_from(Approval).where(col(Approval.batch_id) == batch)) or 0


def drop_approvals(session: Session, batch: int, at: datetime, *, other_than: str | None = None) -> int:
    """Take back what stands of a batch's approvals, all or those of another content; return how many."""
    standing = (col(Approval.batch_id) == batch, col(Approval.withdrawn_at).is_(None))
    taking = update(Approval).where(*standing).values(withdrawn_at=at)
    if other_than is not None:
        taking = taking.where(col(Approval.content_hash) != other_than)
    return session.execute(taking).rowcount  # type: ignore[attr-defined,no-any-return]


def reopen(session: Session, batch: Batch, document: str, at: datetime, actor: str) -> int:
    """Take a batch back from approval, with its approvals and what it has committed; return the fen given back."""
    drop_approvals(session, batch.id, at)
    back = {"state": "notice", "content_hash": None}
    session.execute(update(AllowanceBatch).where(col(AllowanceBatch.id) == batch.id).values(back))
    return withdraw(session, batch.ref, document, at, actor)


def log_changes(session: Session, entitlements: list[int], what: str, reason: str, at: datetime, actor: str) -> None:
    """Write down that entitlements were cancelled, restored or moved."""
    rows = [{"entitlement_id": each, "what": what, "reason": reason, "at": at, "actor": actor} for each in entitlements]
    if rows:
        session.execute(insert(EntitlementChange), rows)
