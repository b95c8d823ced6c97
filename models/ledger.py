"""The ledger of allowances: what moves money from one account to another, what stands where, and whether all agree.

One row is a whole double entry: `credit` gives, `debit` receives, so that no transaction can fail to sum to zero. The
moves are those of docs/decisions/0030-allowances.md. Documents of a batch begin with its reference and a stroke.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, case, func, insert, select, update
from sqlmodel import Session, col

from models.allowance import AllowanceBatch, AllowanceBudget, AllowanceCycle, Entitlement
from models.payment import LEDGER_ACCOUNTS, BankFile, LedgerTransfer, Payment, Receivable, sent_again
from rules.errors import TuoqiError

IN_TRANSIT = ("frozen", "sent", "unknown")
MOVES: Mapping[str, tuple[str, str]] = {
    "commit": ("budget", "committed"),
    "withdraw": ("committed", "budget"),
    "release": ("committed", "in_transit"),
    "paid": ("in_transit", "paid"),
    "returned": ("in_transit", "returned"),
    "reissue": ("returned", "committed"),
    "given_up": ("returned", "budget"),
    "claim": ("paid", "receivable"),
    "double": ("budget", "receivable"),
    "recovered": ("receivable", "budget"),
}
"""Kind of a move: the account that gives, the account that receives. A 退汇 is `returned` from paid, a withdrawn
re-issue `withdraw` to returned, a withdrawn claim from receivable to paid, a budget from or to the treasury: `book` is
told so."""


class Amount(NamedTuple):
    """An amount in fen, and how many payments it stands for."""

    fen: int
    payments: int


@dataclass(eq=False)
class Disagreement(TuoqiError):
    """Payments and ledger do not tell the same; nothing more is paid until somebody has looked."""

    cycle: str
    account: str
    ledger_fen: int
    payments_fen: int
    zh = (
        "{cycle} 的账目不符：{account} 科目在总账为 {ledger_fen} 分，按支付记录应为 {payments_fen} 分；"
        "作业已停止，未写入任何数据。请立即通知运维核对，核对前不要发放。"
    )
    en = (
        "the books of {cycle} disagree: {account} is {ledger_fen} fen in the ledger and {payments_fen} fen by the "
        "payments; the job stopped and wrote nothing. Have it looked into at once; release nothing before."
    )


def book(  # noqa: PLR0913 - a move is made of these facts
    session: Session,
    cycle: int,
    kind: str,
    amount: Amount,
    document: str,
    at: datetime,
    actor: str,
    *,
    credit: str | None = None,
    debit: str | None = None,
) -> None:
    """Move an amount within a cycle; 0 fen moves nothing.

    Args:
        session: a writing session.
        cycle: whose money it is.
        kind: one of MOVES, or "budget".
        amount: fen and payments.
        document: what caused it, once for each cycle and kind.
        at: business time.
        actor: who or which job.
        credit: the account that gives, where it is not the kind's own.
        debit: the account that receives, likewise.
    """
    if not amount.fen:
        return
    gives, receives = MOVES.get(kind, ("treasury", "budget"))
    row = {
        "cycle_id": cycle, "kind": kind, "credit": credit or gives, "debit": debit or receives, "fen": amount.fen,
        "count": amount.payments, "document": document, "at": at, "actor": actor,
    }  # fmt: skip
    session.execute(insert(LedgerTransfer).values(row))


def balances(session: Session, cycle: int) -> dict[str, int]:
    """Return what stands in each account of a cycle, in fen; the treasury's is what it gave, below zero."""
    moved = dict.fromkeys(LEDGER_ACCOUNTS, 0)
    query = select(col(LedgerTransfer.credit), col(LedgerTransfer.debit), func.sum(col(LedgerTransfer.fen)))
    mine = query.where(col(LedgerTransfer.cycle_id) == cycle)
    for credit, debit, fen in session.execute(mine.group_by(col(LedgerTransfer.credit), col(LedgerTransfer.debit))):
        moved[credit] -= int(fen)
        moved[debit] += int(fen)
    return moved


def committed(session: Session, batch_ref: str) -> dict[int, tuple[Amount, str]]:
    """Return what a batch has committed and not released, by cycle, and the account it came from."""
    held = case((col(LedgerTransfer.debit) == "committed", 1), (col(LedgerTransfer.credit) == "committed", -1), else_=0)
    query = (
        select(
            col(LedgerTransfer.cycle_id),
            func.sum(held * col(LedgerTransfer.fen)),
            func.sum(held * col(LedgerTransfer.count)),
            func.max(case((col(LedgerTransfer.kind) == "reissue", "returned"), else_="budget")),
        )
        .where(col(LedgerTransfer.document).startswith(f"{batch_ref}/", autoescape=True))
        .group_by(col(LedgerTransfer.cycle_id))
    )
    rows = session.execute(query)
    return {cycle: (Amount(int(fen), int(count)), origin) for cycle, fen, count, origin in rows if fen}


def withdraw(session: Session, batch_ref: str, document: str, at: datetime, actor: str) -> int:
    """Give back what a batch has committed to where it came from; return the fen."""
    held = committed(session, batch_ref)
    for cycle, (amount, origin) in held.items():
        book(session, cycle, "withdraw", amount, f"{batch_ref}/{document}", at, actor, debit=origin)
    return sum(amount.fen for amount, _ in held.values())


def lock_budget(session: Session, cycle: int) -> int | None:
    """Lock the row of a cycle's budget and return its fen; None if the cycle has no budget."""
    mine = (
        col(AllowanceBudget.district_id) == col(AllowanceCycle.district_id),
        col(AllowanceBudget.programme) == col(AllowanceCycle.programme),
        col(AllowanceBudget.period) == col(AllowanceCycle.period),
    )
    whose = select(col(AllowanceCycle.id)).where(*mine, col(AllowanceCycle.id) == cycle).exists()
    touched = update(AllowanceBudget).where(whose).values(fen=col(AllowanceBudget.fen))
    return session.execute(touched.returning(col(AllowanceBudget.fen))).scalar_one_or_none()


def book_budget(session: Session, cycle: int, at: datetime, actor: str) -> int | None:
    """Bring the ledger to the budget the register states; return its fen, None if there is none. Locks its row."""
    fen = lock_budget(session, cycle)
    if fen is None:
        return None
    mine = (col(LedgerTransfer.cycle_id) == cycle, col(LedgerTransfer.kind) == "budget")
    number = session.scalar(select(func.count()).select_from(LedgerTransfer).where(*mine)) or 0
    more = fen + balances(session, cycle)["treasury"]
    document = f"budget/{cycle}/{number + 1}"
    if more > 0:
        book(session, cycle, "budget", Amount(more, 0), document, at, actor)
    elif more < 0:
        book(session, cycle, "budget", Amount(-more, 0), document, at, actor, credit="budget", debit="treasury")
    return fen


def _expected(cycle: int) -> dict[str, Select[Any]]:
    """What should stand in each account of a cycle by entitlements, payments and receivables, in fen."""
    entitled, payment = col(Entitlement.cycle_id) == cycle, col(Payment.entitlement_id) == col(Entitlement.id)
    approved = (
        select(func.coalesce(func.sum(col(Entitlement.fen)), 0))
        .join(AllowanceBatch, col(AllowanceBatch.id) == col(Entitlement.batch_id))
        .where(entitled, col(Entitlement.state) == "live", col(AllowanceBatch.state) == "approved")
    )
    sent = select(func.coalesce(func.sum(col(Payment.fen)), 0)).join(Entitlement, payment).where(entitled)
    claimed = (
        select(func.coalesce(func.sum(col(Receivable.fen)), 0))
        .join(Payment, col(Payment.id) == col(Receivable.payment_id))
        .join(Entitlement, payment)
        .where(entitled, col(Receivable.withdrawn_at).is_(None))
    )
    on_paid = claimed.where(col(Receivable.reason) != "paid_twice", col(Payment.state) == "paid")
    paid = sent.where(col(Payment.state) == "paid").scalar_subquery() - on_paid.scalar_subquery()
    return {
        "committed": approved,
        "in_transit": sent.where(col(Payment.state).in_(IN_TRANSIT)),
        "paid": select(paid),
        "returned": sent.where(*waiting_again()),
        "receivable": claimed.where(col(Receivable.settled_at).is_(None)),
    }


def _booked(cycle: int, account: str) -> Select[Any]:
    fen = col(LedgerTransfer.fen)
    moved = case((col(LedgerTransfer.debit) == account, fen), (col(LedgerTransfer.credit) == account, -fen), else_=0)
    return select(func.coalesce(func.sum(moved), 0)).where(col(LedgerTransfer.cycle_id) == cycle)


def waiting_again() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which a returned payment's money still waits in `returned`.

    No newer attempt, not given up, and not committed for its re-issue. Who was given up and restored stands on a plan
    or supplement, whose money comes from the budget. The query must join Payment and Entitlement.
    """
    restored = (col(AllowanceBatch.kind) != "reissue") & (col(AllowanceBatch.state) != "released")
    elsewhere = select(col(AllowanceBatch.id)).where(
        col(AllowanceBatch.id) == col(Entitlement.batch_id), (col(AllowanceBatch.state) == "approved") | restored
    )
    return (
        col(Payment.state) == "returned",
        col(Entitlement.state) == "live",
        ~sent_again(),
        ~elsewhere.exists(),
    )


def agree(session: Session, cycle: int) -> dict[str, int]:
    """Compare ledger and payments of a cycle, and every file with its payments; return the balances.

    Both sides are read by one statement: READ COMMITTED gives each statement a moment of its own, and what another run
    commits between two of them would look like a disagreement.

    Raises:
        Disagreement: the first account or file that differs; the caller's transaction rolls back.
    """
    name = session.execute(
        select(col(AllowanceCycle.programme), col(AllowanceCycle.period)).where(col(AllowanceCycle.id) == cycle)
    ).one()
    sides = [*(_booked(cycle, account) for account in LEDGER_ACCOUNTS), *(wanted := _expected(cycle)).values()]
    found = [int(fen) for fen in session.execute(select(*(side.scalar_subquery() for side in sides))).one()]
    booked = dict(zip(LEDGER_ACCOUNTS, found, strict=False))
    for account, fen in zip(wanted, found[len(LEDGER_ACCOUNTS) :], strict=True):
        if booked[account] != fen:
            raise Disagreement(" ".join(name), account, booked[account], fen)
    for ref, frozen, fen in session.execute(_wrong_files(cycle)):
        raise Disagreement(" ".join(name), ref, frozen, fen)
    return booked


def _wrong_files(cycle: int) -> Select[Any]:
    """Files with payments of a cycle whose count or total is not that of their payments."""
    within = (
        select(col(Payment.file_id))
        .join(Entitlement, col(Payment.entitlement_id) == col(Entitlement.id))
        .where(col(Entitlement.cycle_id) == cycle)
    )
    lines = (
        select(
            col(Payment.file_id).label("file_id"),
            func.count().label("count"),
            func.sum(col(Payment.fen)).label("fen"),
        )
        .where(col(Payment.file_id).in_(within))
        .group_by(col(Payment.file_id))
        .subquery()
    )
    return (
        select(col(BankFile.ref), col(BankFile.fen), lines.c.fen)
        .join(lines, lines.c.file_id == col(BankFile.id))
        .where((lines.c.fen != col(BankFile.fen)) | (lines.c.count != col(BankFile.count)))
    )
