"""What waits for people after a list was sent: payments without an answer, money to be given back, frozen files."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlmodel import Session, col

from models.allowance import AllowanceBatch, Entitlement
from models.payment import BankFile, Payment, Receivable


class OpenPayment(NamedTuple):
    """A payment that waits for a person, without anything personal; `since` is aware."""

    key: str
    fen: int
    programme: str
    period: str
    since: datetime | None
    why: str


class KeptFile(NamedTuple):
    """A bank file as it was frozen."""

    ref: str
    name: str
    sha256: str
    payments: int
    fen: int
    sent_at: datetime | None


def unknown_payments(session: Session, district: int, most: int | None = None) -> list[OpenPayment]:
    """Return the payments that are unknown, the oldest first, since when they are at the bank."""
    query = _sent(district, col(BankFile.sent_at), col(BankFile.name)).where(col(Payment.state) == "unknown")
    return [OpenPayment(*row) for row in session.execute(query.limit(most))]


def open_receivables(session: Session, district: int, most: int | None = None) -> list[OpenPayment]:
    """Return what is to be given back and was not yet, the oldest first, since when it is claimed and why."""
    query = _sent(district, col(Receivable.raised_at), col(Receivable.reason), fen=col(Receivable.fen))
    claimed = query.join(Receivable, col(Receivable.payment_id) == col(Payment.id))
    still = (col(Receivable.settled_at).is_(None), col(Receivable.withdrawn_at).is_(None))
    return [OpenPayment(*row) for row in session.execute(claimed.where(*still).limit(most))]


def _sent(district: int, *more: Any, fen: Any = None) -> Select[Any]:
    """Payments of a district with their files, oldest first."""
    amount = col(Payment.fen) if fen is None else fen
    columns = (col(Payment.key), amount, col(Entitlement.programme), col(Entitlement.period), *more)
    return (
        select(*columns)
        .select_from(Payment)
        .join(Entitlement, col(Entitlement.id) == col(Payment.entitlement_id))
        .join(BankFile, col(BankFile.id) == col(Payment.file_id))
        .join(AllowanceBatch, col(AllowanceBatch.id) == col(BankFile.batch_id))
        .where(col(AllowanceBatch.district_id) == district)
        .order_by(col(Payment.id))
    )


def kept_file(session: Session, district: int, ref: str) -> KeptFile | None:
    """Find a bank file of the district; None if there is none of this reference."""
    columns = (
        col(BankFile.ref), col(BankFile.name), col(BankFile.sha256), col(BankFile.count), col(BankFile.fen),
        col(BankFile.sent_at),
    )  # fmt: skip
    query = select(*columns).join(AllowanceBatch, col(AllowanceBatch.id) == col(BankFile.batch_id))
    found = session.execute(query.where(col(AllowanceBatch.district_id) == district, col(BankFile.ref) == ref)).first()
    return KeptFile(*found) if found else None
