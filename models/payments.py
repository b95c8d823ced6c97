"""Payments after they were sent: who waits for a re-issue, what the bank never answered, and what persons settle.

What two persons settle of an unknown payment, and what becomes of exceptions and receivables, is booked here, within
the caller's transaction; payments and ledger must agree at its end.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlmodel import Session, col

from models import ledger
from models.account import PayeeAccount, account_in_force
from models.allowance import AllowanceBatch, Entitlement
from models.approvals import log_changes
from models.db import insert_for
from models.elder import Elder, batches
from models.ledger import Amount
from models.payment import BankFile, BankLine, Payment, PaymentChange, PaymentVerdict, sent_again
from models.receivables import claim

_OPEN = (col(BankLine.finding) != "matched", col(BankLine.closed_at).is_(None))
_CONTRADICTS = (col(BankLine.finding) == "contradiction", col(BankLine.result) == "paid")


class Waiting(NamedTuple):
    """A returned payment whose entitlement still stands: `corrected` when another account is in force by now."""

    entitlement_id: int
    payment_id: int
    key: str
    ref: str
    period: str
    fen: int
    reason: str
    corrected: bool


class Sent(NamedTuple):
    """A payment as it stands, with whose money it is."""

    id: int
    key: str
    fen: int
    state: str
    booked_on: date | None
    cycle_id: int
    owed: str


def returned(session: Session, district: int, programme: str, day: date) -> list[Waiting]:
    """Return the payments of a programme that came back and were not sent again, the oldest first.

    Those of which the bank says both wait until a person has closed the contradiction: they may well be paid.
    """
    used, now_used = PayeeAccount.__table__.alias("used"), PayeeAccount.__table__.alias("now_used")  # type: ignore[attr-defined]
    in_force = account_in_force(col(Entitlement.elder_id), day)
    disputed = select(col(BankLine.id)).where(
        col(BankLine.payment_id) == col(Payment.id), col(BankLine.finding) == "contradiction", _OPEN[1]
    )
    query = (
        select(
            col(Entitlement.id), col(Payment.id), col(Payment.key), col(Elder.ref), col(Entitlement.period),
            col(Payment.fen), col(Payment.reason), now_used.c.account_index != used.c.account_index,
        )
        .join(Entitlement, col(Entitlement.id) == col(Payment.entitlement_id))
        .join(AllowanceBatch, col(AllowanceBatch.id) == col(Entitlement.batch_id))
        .join(Elder, col(Elder.id) == col(Entitlement.elder_id))
        .join(used, used.c.id == col(Payment.account_id))
        .outerjoin(now_used, now_used.c.id == in_force)
        .where(col(Payment.state) == "returned", col(Entitlement.state) == "live", ~sent_again())
        .where(col(AllowanceBatch.district_id) == district, col(AllowanceBatch.programme) == programme)
        .where(col(AllowanceBatch.state) == "released", ~disputed.exists())
        .order_by(col(Payment.id))
    )  # fmt: skip
    return [Waiting._make((*row[:-1], bool(row[-1]))) for row in session.execute(query)]


def move_to(session: Session, entitlements: Sequence[int], batch: int, at: datetime, actor: str) -> int:
    """Put returned entitlements on a new list; those that another run has moved are left. Return how many moved."""
    moved: list[int] = []
    released = select(col(AllowanceBatch.id)).where(col(AllowanceBatch.state) == "released")
    for some in batches(entitlements):
        moving = update(Entitlement).where(col(Entitlement.id).in_(some), col(Entitlement.state) == "live")
        moving = moving.where(col(Entitlement.batch_id).in_(released)).values(batch_id=batch)
        moved += filter(None, session.scalars(moving.returning(col(Entitlement.id))).all())
    log_changes(session, moved, "moved", "reissue", at, actor)
    return len(moved)


def unanswered_files(session: Session, district: int) -> list[tuple[int, datetime]]:
    """Return the sent files of a district in which the bank has left a payment open, and when they were sent."""
    silent = select(col(Payment.id)).where(col(Payment.file_id) == col(BankFile.id), col(Payment.state) == "sent")
    query = (
        select(col(BankFile.id), col(BankFile.sent_at))
        .join(AllowanceBatch, col(AllowanceBatch.id) == col(BankFile.batch_id))
        .where(col(AllowanceBatch.district_id) == district, silent.exists(), col(BankFile.sent_at).is_not(None))
    )
    return [(file, at) for file, at in session.execute(query) if at is not None]


def mark_unknown(session: Session, files: Sequence[int]) -> int:
    """Call unknown what the bank has left open of these files; it stays in transit. Return how many are new."""
    silent = (col(Payment.state) == "sent", col(Payment.file_id).in_(files))
    return session.execute(update(Payment).where(*silent).values(state="unknown")).rowcount  # type: ignore[attr-defined,no-any-return]


def unknown(session: Session, district: int) -> int:
    """Count the payments of a district that are unknown."""
    query = (
        select(func.count())
        .select_from(Payment)
        .join(BankFile, col(BankFile.id) == col(Payment.file_id))
        .join(AllowanceBatch, col(AllowanceBatch.id) == col(BankFile.batch_id))
        .where(col(AllowanceBatch.district_id) == district, col(Payment.state) == "unknown")
    )
    return session.scalar(query) or 0


def payment(session: Session, district: int, key: str) -> Sent | None:
    """Find a payment of the district by its key, and lock it."""
    mine = (
        select(col(Payment.id))
        .join(BankFile, col(BankFile.id) == col(Payment.file_id))
        .join(AllowanceBatch, col(AllowanceBatch.id) == col(BankFile.batch_id))
        .where(col(AllowanceBatch.district_id) == district, col(Payment.key) == key)
    )
    return lock_payment(session, col(Payment.id).in_(mine))


def lock_payment(session: Session, *which: ColumnElement[bool]) -> Sent | None:
    """Lock the one payment of which this holds, and read it; None if there is none."""
    locked = update(Payment).where(*which).values(state=col(Payment.state)).returning(col(Payment.id))
    number = session.execute(locked).scalar_one_or_none()
    return None if number is None else _sent(session, number)


def _sent(session: Session, payment_id: int) -> Sent:
    columns = (
        col(Payment.id), col(Payment.key), col(Payment.fen), col(Payment.state), col(Payment.booked_on),
        col(Entitlement.cycle_id), col(Entitlement.state),
    )  # fmt: skip
    whose = col(Entitlement.id) == col(Payment.entitlement_id)
    return Sent(*session.execute(select(*columns).join(Entitlement, whose).where(col(Payment.id) == payment_id)).one())


def vouch(session: Session, sent: Sent, staff: int, verdict: dict[str, Any], at: datetime) -> tuple[list[int], int]:
    """Record one person's word on a payment in place of an earlier one; return who say the same, and how many differ.

    Of a payment of which the bank has said both, words from before it did so count no longer.
    """
    said = {"at": at, **verdict}
    adding = insert_for(session, PaymentVerdict).values(payment_id=sent.id, staff_id=staff, **said)
    session.execute(adding.on_conflict_do_update(index_elements=["payment_id", "staff_id"], set_=said))
    words, mine = _words(session, sent.id), (verdict["result"], verdict["booked_on"])
    return [who for who, word in words.items() if word == mine], sum(word != mine for word in words.values())


def _words(session: Session, payment_id: int) -> dict[int, tuple[str, date]]:
    """Return each person's word on a payment: result and day; only those since the bank last said both of it."""
    mine = (col(BankLine.payment_id) == payment_id, *_CONTRADICTS)
    both_said = session.scalar(select(func.max(col(BankLine.recorded_at))).where(*mine))
    columns = [col(getattr(PaymentVerdict, name)) for name in ("staff_id", "result", "booked_on")]
    query = select(*columns).where(col(PaymentVerdict.payment_id) == payment_id)
    if both_said:
        query = query.where(col(PaymentVerdict.at) >= both_said)
    return {who: (result, day) for who, result, day in session.execute(query)}


def holds_back(session: Session, district: int, line: int) -> bool:
    """Tell whether an open line is what keeps a payment from being sent again that may well be paid.

    The bank returned it and then called it paid, and no two persons have said by the evidence that it was returned.
    """
    mine = (col(BankLine.id) == line, col(BankLine.district_id) == district)
    whose = select(col(BankLine.payment_id)).where(*mine, *_CONTRADICTS, _OPEN[1])
    payment_id = session.scalar(whose)
    if payment_id is None or not contradicted(session, _sent(session, payment_id)):
        return False
    returned_on = Counter(day for result, day in _words(session, payment_id).values() if result == "returned")
    return max(returned_on.values(), default=0) < 2


def contradicted(session: Session, sent: Sent) -> bool:
    """Tell whether the bank returned a payment and then called it paid, and nobody has sent it again since."""
    if sent.state != "returned":
        return False
    lines = select(col(BankLine.id)).where(col(BankLine.payment_id) == sent.id, *_CONTRADICTS)
    standing = select(col(Payment.id)).join(Entitlement, col(Entitlement.id) == col(Payment.entitlement_id))
    standing = standing.where(col(Payment.id) == sent.id, col(Entitlement.state) == "live", ~sent_again())
    return session.scalar(lines.limit(1)) is not None and session.scalar(standing.limit(1)) is not None


def waits_on(session: Session, sent: Sent) -> str | None:
    """Return the list that would send a returned payment again; None while it is on none."""
    query = (
        select(col(AllowanceBatch.ref))
        .join(Entitlement, col(Entitlement.batch_id) == col(AllowanceBatch.id))
        .join(Payment, col(Payment.entitlement_id) == col(Entitlement.id))
        .join(BankFile, col(BankFile.id) == col(Payment.file_id))
        .where(col(Payment.id) == sent.id, col(Entitlement.batch_id) != col(BankFile.batch_id))
    )
    return session.scalar(query)


def move_back(session: Session, sent: Sent, at: datetime, actor: str) -> None:
    """Put the entitlement of a payment back on the list that sent it: it is paid, and no other may pay it."""
    file = select(col(BankFile.batch_id)).join(Payment, col(Payment.file_id) == col(BankFile.id))
    entitlement = select(col(Payment.entitlement_id)).where(col(Payment.id) == sent.id)
    moving = update(Entitlement).where(col(Entitlement.id) == entitlement.scalar_subquery())
    moving = moving.values(batch_id=file.where(col(Payment.id) == sent.id).scalar_subquery())
    log_changes(session, list(session.scalars(moving.returning(col(Entitlement.id)))), "moved", "paid", at, actor)


def settle(session: Session, sent: Sent, result: str, booked_on: date, reason: str, at: datetime, actor: str) -> None:
    """Give a payment its result by word of persons, and book it; what is not owed is claimed back or given up."""
    values = {"state": result, "booked_on": booked_on, "reason": reason if result == "returned" else None}
    session.execute(update(Payment).where(col(Payment.id) == sent.id).values(values))
    change = {"payment_id": sent.id, "before": sent.state, "after": result, "at": at, "source": actor}
    session.execute(insert(PaymentChange).values(change))
    amount, document = Amount(sent.fen, 1), f"verdict/{sent.key}/{changes(session, sent.id)}"
    source = sent.state if sent.state in {"paid", "returned"} else "in_transit"
    ledger.book(session, sent.cycle_id, result, amount, document, at, actor, credit=source)
    if sent.owed == "cancelled":
        disown(session, sent, result, document, at, actor)
    ledger.agree(session, sent.cycle_id)


def disown(session: Session, sent: Sent, result: str, document: str, at: datetime, actor: str) -> None:
    """Claim back what was paid and is not owed, or give up what came back for nobody."""
    if result == "returned":
        ledger.book(session, sent.cycle_id, "given_up", Amount(sent.fen, 1), document, at, actor)
        return
    why = select(col(Entitlement.cancel_reason)).join(Payment, col(Payment.entitlement_id) == col(Entitlement.id))
    reason = session.scalar(why.where(col(Payment.id) == sent.id))
    why_claimed = reason if reason in {"dead", "moved_out"} else "not_owed"
    claim(session, sent, sent.fen, why_claimed, document, at, actor)


def changes(session: Session, payment_id: int) -> int:
    """Count how often a payment's state was changed by persons or came back."""
    query = select(func.count()).select_from(PaymentChange).where(col(PaymentChange.payment_id) == payment_id)
    return session.scalar(query) or 0


def exceptions(session: Session, district: int, most: int | None = None) -> list[BankLine]:
    """Return the bank lines that fit nothing and are not closed, the oldest first."""
    mine = select(BankLine).where(col(BankLine.district_id) == district, *_OPEN)
    return list(session.scalars(mine.order_by(col(BankLine.id)).limit(most)))


def close_line(session: Session, district: int, line: int, note: str, at: datetime, actor: str) -> bool:
    """Close an exception with what was found out; False if there is no such open one."""
    mine = (col(BankLine.id) == line, col(BankLine.district_id) == district)
    closing = update(BankLine).where(*mine, *_OPEN).values(closed_at=at, closed_by=actor, closing=note)
    return bool(session.execute(closing).rowcount)  # type: ignore[attr-defined]
