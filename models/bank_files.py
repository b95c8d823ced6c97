"""What goes into a bank file and what is kept of it: the rows of a list in a fixed order -> frozen files -> sent.

The content of a file is sealed under bank_file.content and the file's reference. What stands in it of a person is
opened here, for the moment of writing.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, func, insert, literal, select, update
from sqlmodel import Session, col

from models.account import PayeeAccount, account_in_force
from models.allowance import AllowanceBatch, Entitlement
from models.db import Instant, keys_of
from models.elder import Elder, batches
from models.ledger import Amount
from models.payment import BankFile, Payment
from models.staging import Staging, fill_values

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


class Draft(NamedTuple):
    """A file that is ready to be frozen: its bytes, and the key of each row of it."""

    ref: str
    name: str
    content: bytes
    keys: Sequence[str]

    def __repr__(self) -> str:
        return f"Draft({self.ref})"


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
    found = session.connection().execute(query.execution_options(yield_per=_FLOW))  # a session would make rows twice
    with closing(found) as rows:  # a seal may be broken midway
        for number, cycle, programme, period, ref, sent, fen, account_id, index, bank, holder, card in rows:
            yield PayRow(
                number, cycle, programme, period, ref, sent + 1, fen, account_id, index.hex() if index else "",
                bank or "", keys.open("payee_account.holder", ref, holder),
                keys.open("payee_account.account", ref, card),
            )  # fmt: skip


class Files:
    """The files of one list on their way in: staged one by one, so that no more than one is ever in memory.

    Attributes:
        names: of the files, in their order.
        refs: likewise.
        moved: fen and payments of each file and cycle, in the order of the files.
    """

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self.names: list[str] = []
        self.refs: list[str] = []
        self.moved: dict[tuple[str, int], Amount] = {}
        self._files = staging.table(
            "staged_file", *(Column(name, String) for name in ("ref", "name", "sha256")),
            Column("content", LargeBinary), Column("count", Integer), Column("fen", BigInteger),
        )  # fmt: skip
        self._payments = staging.table(
            "staged_payment", *(Column(name, Integer) for name in ("entitlement_id", "n", "account_id", "fen", "part")),
            Column("key", String),
        )  # fmt: skip

    def take(self, file: Draft, rows: Sequence[PayRow]) -> None:
        """Stage the next file, sealed, and the payments in it."""
        self.names.append(file.name)
        self.refs.append(file.ref)
        part = len(self.refs)
        for row in rows:
            before = self.moved.get((file.ref, row.cycle_id), Amount(0, 0))
            self.moved[file.ref, row.cycle_id] = Amount(before.fen + row.fen, before.payments + 1)
        with self._staging.read() as session:
            content = keys_of(session).seal_bytes("bank_file.content", file.ref, file.content)
            digest, fen = hashlib.sha256(file.content).hexdigest(), sum(row.fen for row in rows)
            whole = (part, file.ref, file.name, digest, content, len(rows), fen)
            fill_values(session, self._files, ("row", "ref", "name", "sha256", "content", "count", "fen"), [whole])
            payments = (
                (number, row.entitlement_id, row.n, row.account_id, row.fen, part, key)
                for number, (row, key) in enumerate(zip(rows, file.keys, strict=True))
            )
            names = ("row", "entitlement_id", "n", "account_id", "fen", "part", "key")
            fill_values(session, self._payments, names, payments)

    @property
    def total(self) -> Amount:
        """What all files hold."""
        return Amount(sum(each.fen for each in self.moved.values()), sum(each.payments for each in self.moved.values()))

    def freeze(self, session: Session, batch: int, form: str, at: datetime) -> None:
        """Store the files and the payments in them."""
        file, payment = self._files.c, self._payments.c
        names = ("ref", "batch_id", "part", "form", "name", "content", "sha256", "count", "fen", "frozen_at")
        files = select(
            file.ref, literal(batch), file.row, literal(form), file.name, file.content, file.sha256, file.count,
            file.fen, literal(at, Instant),
        ).order_by(file.row)  # fmt: skip
        session.execute(insert(BankFile).from_select(names, files))
        mine = (col(BankFile.batch_id) == batch) & (col(BankFile.part) == payment.part)
        payments = (
            select(payment.entitlement_id, payment.n, payment.key, col(BankFile.id), payment.account_id, payment.fen,
                   literal("frozen"))
            .join(BankFile, mine)
            .order_by(payment.part, payment.row)
        )  # fmt: skip
        session.execute(
            insert(Payment).from_select(
                ("entitlement_id", "n", "key", "file_id", "account_id", "fen", "state"), payments
            )
        )


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


def known_names(session: Session, names: Sequence[str]) -> set[str]:
    """Return those of the names that a frozen file has."""
    found: set[str] = set()
    for some in batches(names):
        found |= set(session.scalars(select(col(BankFile.name)).where(col(BankFile.name).in_(some))))
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
