"""What goes into a bank file and what is kept of it: the rows of a list in a fixed order -> frozen files -> sent.

The content of a file is sealed under bank_file.content and the file's reference. What stands in it of a person is
opened here, for the moment of writing.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import func, insert, select, update
from sqlmodel import Session, col

from models.account import PayeeAccount, account_in_force
from models.allowance import AllowanceBatch, Entitlement
from models.db import keys_of
from models.elder import Elder, batches
from models.payment import BankFile, Payment

_FLOW = 5000


class PayRow(NamedTuple):
    """One live entitlement of a list beside the account it would be paid to today; the last three are personal."""

    entitlement_id: int
    cycle_id: int
    programme: str
    period: str
    ref: str
    n: int
    fen: int
    account_id: int | None
    account_index: str
    bank: str
    holder: str
    account: str

    def __repr__(self) -> str:
        return f"PayRow({self.ref}, {self.period}, {self.n})"


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that is ready to be frozen: its bytes, the rows in it, and the key of each."""

    ref: str
    name: str
    content: bytes = field(repr=False)
    rows: Sequence[PayRow]
    keys: Sequence[str]


class Frozen(NamedTuple):
    """A file that is frozen and not yet sent."""

    id: int
    ref: str
    batch_ref: str
    name: str
    sha256: str
    payments: int
    fen: int


def pay_rows(session: Session, batch: int, day: date) -> Iterator[PayRow]:
    """Yield the live entitlements of a list in the order of their file: by community, elder, period."""
    attempts = (
        select(func.count())
        .select_from(Payment)
        .where(col(Payment.entitlement_id) == col(Entitlement.id))
        .correlate(Entitlement)
        .scalar_subquery()
    )
    account = account_in_force(col(Entitlement.elder_id), day)
    query = (
        select(
            col(Entitlement.id), col(Entitlement.cycle_id), col(Entitlement.programme), col(Entitlement.period),
            col(Elder.ref), attempts,
            col(Entitlement.fen), col(PayeeAccount.id), col(PayeeAccount.account_index), col(PayeeAccount.bank),
            col(PayeeAccount.holder), col(PayeeAccount.account),
        )
        .join(Elder, col(Elder.id) == col(Entitlement.elder_id))
        .outerjoin(PayeeAccount, col(PayeeAccount.id) == account)
        .where(col(Entitlement.batch_id) == batch, col(Entitlement.state) == "live")
        .order_by(col(Entitlement.community_id), col(Entitlement.elder_id), col(Entitlement.period))
    )  # fmt: skip
    keys = keys_of(session)
    with closing(session.execute(query.execution_options(yield_per=_FLOW))) as rows:  # a seal may be broken midway
        for number, cycle, programme, period, ref, sent, fen, account_id, index, bank, holder, card in rows:
            yield PayRow(
                number, cycle, programme, period, ref, sent + 1, fen, account_id, index.hex() if index else "",
                bank or "", keys.open("payee_account.holder", ref, holder),
                keys.open("payee_account.account", ref, card),
            )  # fmt: skip


def freeze(session: Session, batch: int, part: int, form: str, file: Draft, at: datetime) -> None:
    """Store a file and the payments in it, in the caller's transaction."""
    row = {
        "ref": file.ref, "batch_id": batch, "part": part, "form": form, "name": file.name,
        "content": keys_of(session).seal_bytes("bank_file.content", file.ref, file.content),
        "sha256": hashlib.sha256(file.content).hexdigest(), "count": len(file.rows),
        "fen": sum(row.fen for row in file.rows), "frozen_at": at,
    }  # fmt: skip
    number = session.execute(insert(BankFile).values(row).returning(col(BankFile.id))).scalar_one()
    payments: list[dict[str, Any]] = [
        {
            "entitlement_id": row.entitlement_id, "n": row.n, "key": key, "file_id": number,
            "account_id": row.account_id, "fen": row.fen, "state": "frozen",
        }
        for row, key in zip(file.rows, file.keys, strict=True)
    ]  # fmt: skip
    session.execute(insert(Payment), payments)


def unsent(session: Session, district: int) -> list[Frozen]:
    """Return the district's files that were frozen and not yet marked sent, the oldest first."""
    columns = [
        col(BankFile.id), col(BankFile.ref), col(AllowanceBatch.ref), col(BankFile.name), col(BankFile.sha256),
        col(BankFile.count), col(BankFile.fen),
    ]  # fmt: skip
    query = select(*columns).join(AllowanceBatch, col(AllowanceBatch.id) == col(BankFile.batch_id))
    mine = (col(AllowanceBatch.district_id) == district, col(BankFile.sent_at).is_(None))
    return [Frozen(*row) for row in session.execute(query.where(*mine).order_by(col(BankFile.id)))]


def sent_names(session: Session, refs: Sequence[str]) -> dict[str, str]:
    """Map the references of those files that are marked sent to their names."""
    found: dict[str, str] = {}
    for some in batches(refs):
        query = select(col(BankFile.ref), col(BankFile.name)).where(col(BankFile.ref).in_(some))
        found |= dict(session.execute(query.where(col(BankFile.sent_at).is_not(None))).tuples().all())
    return found


def totals_of(session: Session, ref: str) -> tuple[int, int] | None:
    """Return count and fen of a file; None if there is none of this reference."""
    query = select(col(BankFile.count), col(BankFile.fen)).where(col(BankFile.ref) == ref)
    row = session.execute(query).first()
    return (row[0], int(row[1])) if row else None


def content_of(session: Session, ref: str) -> bytes:
    """Open the bytes of a file as they were frozen."""
    sealed = session.execute(select(col(BankFile.content)).where(col(BankFile.ref) == ref)).scalar_one()
    return keys_of(session).open_bytes("bank_file.content", ref, sealed)


def mark_sent(session: Session, file: int, at: datetime) -> bool:
    """Mark a file and its payments sent; False if somebody did already. Payments the bank has answered stay."""
    mine = (col(BankFile.id) == file, col(BankFile.sent_at).is_(None))
    if not session.execute(update(BankFile).where(*mine).values(sent_at=at)).rowcount:  # type: ignore[attr-defined]
        return False
    waiting = (col(Payment.file_id) == file, col(Payment.state) == "frozen")
    session.execute(update(Payment).where(*waiting).values(state="sent"))
    return True
