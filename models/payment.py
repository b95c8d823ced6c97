"""Payments 支付: bank files as they were frozen, attempts, what the bank said of them, and the ledger.

One attempt of an entitlement at most is not returned, its amount is the entitlement's, and a frozen file never changes:
the database says so itself. A ledger row moves an amount from one account to another, so that every transaction sums to
zero by its form; rows are only added, and the database refuses anything else.
"""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Exists,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    select,
    text,
)
from sqlmodel import Field, SQLModel, col

from models.allowance import WHOLE
from models.append_only import freeze
from models.db import Instant
from models.messages import one_of

PAYMENT_STATES = ("frozen", "sent", "paid", "returned", "unknown")
LEDGER_ACCOUNTS = ("treasury", "budget", "committed", "in_transit", "paid", "returned", "receivable")
LEDGER_KINDS = (
    "budget", "commit", "withdraw", "release", "paid", "returned", "reissue", "given_up", "claim", "double",
    "recovered",
)  # fmt: skip
LINE_RESULTS = ("paid", "returned")
FINDINGS = ("matched", "unknown_key", "amount", "double", "contradiction", "paid_after_reissue")
"""What a line of the bank was found to be; all but `matched` are exceptions that a person closes."""
_LIVE = text("state <> 'returned'")
_STANDS = text("withdrawn_at IS NULL")
_OPEN = text("finding <> 'matched' AND closed_at IS NULL")


class BankFile(SQLModel, table=True):
    """A file for the bank, frozen before it is written anywhere; its content is sealed under bank_file.content."""

    __tablename__ = "bank_file"
    __table_args__ = (
        UniqueConstraint("batch_id", "part"),
        CheckConstraint(f"count > 0 AND fen > 0 AND {WHOLE}", name="totals"),
    )
    id: int | None = Field(default=None, primary_key=True)
    ref: str = Field(unique=True)
    batch_id: int = Field(foreign_key="allowance_batch.id")
    part: int
    form: str = Field(description="csv, xlsx or pain.001")
    name: str = Field(description="file name, which carries the reference")
    content: bytes = Field(sa_type=LargeBinary, description="sealed")
    sha256: str = Field(description="of the bytes that leave the house")
    count: int
    fen: int = Field(sa_type=BigInteger)
    frozen_at: datetime = Field(sa_type=Instant)
    sent_at: datetime | None = Field(default=None, sa_type=Instant)


class Payment(SQLModel, table=True):
    """One attempt to pay an entitlement, known to the bank by its key."""

    __table_args__ = (
        UniqueConstraint("entitlement_id", "n"),
        UniqueConstraint("key"),
        ForeignKeyConstraint(
            ["entitlement_id", "fen"], ["entitlement.id", "entitlement.fen"], name="fk_payment_entitlement"
        ),
        CheckConstraint("n > 0 AND fen > 0", name="positive"),
        CheckConstraint(one_of("state", PAYMENT_STATES), name="state"),
        CheckConstraint("(state IN ('paid', 'returned')) = (booked_on IS NOT NULL)", name="booked"),
        CheckConstraint("(state = 'returned') = (reason IS NOT NULL)", name="reason"),
        Index("uq_payment_live", "entitlement_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("ix_payment_file_id", "file_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    entitlement_id: int
    n: int
    key: str = Field(description="the file's reference and the number of the line, at most 35 characters")
    file_id: int = Field(foreign_key="bank_file.id")
    account_id: int = Field(foreign_key="payee_account.id", description="where it was sent")
    fen: int
    state: str = "frozen"
    reason: str | None = Field(default=None, description="of the return, as the bank gave it")
    booked_on: date | None = None


def sent_again() -> Exists:
    """A later attempt of the payment that the enclosing query names."""
    later = Payment.__table__.alias("later")  # type: ignore[attr-defined]
    mine = (later.c.entitlement_id == col(Payment.entitlement_id), later.c.n > col(Payment.n))
    return select(later.c.id).where(*mine).exists()


class PaymentChange(SQLModel, table=True):
    """A payment went from one state to another."""

    __tablename__ = "payment_change"
    __table_args__ = (Index("ix_payment_change_payment_id", "payment_id"),)
    id: int | None = Field(default=None, primary_key=True)
    payment_id: int = Field(foreign_key="payment.id")
    before: str
    after: str
    at: datetime = Field(sa_type=Instant)
    source: str = Field(description="a bank line, the two who vouch, or the job")


class BankLine(SQLModel, table=True):
    """A line of a return file, once: the same line of a second file is the same; a repeat within one has a number."""

    __tablename__ = "bank_line"
    __table_args__ = (
        UniqueConstraint("district_id", "key", "fen", "result", "booked_on", "repeat"),
        CheckConstraint(one_of("result", LINE_RESULTS), name="result"),
        CheckConstraint(one_of("finding", FINDINGS), name="finding"),
        CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="closed"),
        Index("ix_bank_line_open", "district_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    )
    id: int | None = Field(default=None, primary_key=True)
    district_id: int = Field(foreign_key="district.id")
    key: str
    fen: int = Field(sa_type=BigInteger)
    result: str
    reason: str = ""
    booked_on: date
    repeat: int = Field(default=1, description="how many times this line has stood in one file, up to here")
    payment_id: int | None = Field(default=None, foreign_key="payment.id")
    finding: str
    recorded_at: datetime = Field(sa_type=Instant)
    actor: str
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    closed_by: str | None = None
    closing: str | None = Field(default=None, description="what was found out; no personal data")


class PaymentVerdict(SQLModel, table=True):
    """A person's last word, with evidence, on a payment that is unknown or called both; two who agree settle it."""

    __tablename__ = "payment_verdict"
    __table_args__ = (
        UniqueConstraint("payment_id", "staff_id"),
        CheckConstraint(one_of("result", LINE_RESULTS), name="result"),
    )
    id: int | None = Field(default=None, primary_key=True)
    payment_id: int = Field(foreign_key="payment.id")
    staff_id: int = Field(foreign_key="staff.id")
    result: str
    booked_on: date
    evidence: str = Field(description="where the proof is kept; no personal data")
    at: datetime = Field(sa_type=Instant)


class Receivable(SQLModel, table=True):
    """Money paid that was not owed 追回: after a death that was known late, or paid twice by the bank.

    `fen` is all of the payment, or what it was too high by. One that turned out wrong is withdrawn, and another may be
    raised afterwards; one that was given back stands.
    """

    __table_args__ = (
        CheckConstraint(f"fen > 0 AND {WHOLE}", name="fen"),
        CheckConstraint("reason IN ('dead', 'moved_out', 'not_owed', 'paid_twice')", name="reason"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
        CheckConstraint("settled_at IS NULL OR withdrawn_at IS NULL", name="one_end"),
        Index("uq_receivable_standing", "payment_id", unique=True, sqlite_where=_STANDS, postgresql_where=_STANDS),
        Index("ix_receivable_payment_id", "payment_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    payment_id: int = Field(foreign_key="payment.id")
    fen: int
    reason: str
    raised_at: datetime = Field(sa_type=Instant)
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    settled_by: str | None = None
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant, description="it was wrong")
    withdrawn_by: str | None = None


class LedgerTransfer(SQLModel, table=True):
    """An amount from one account to another: double entry in one row. `document` names what caused it."""

    __tablename__ = "ledger_transfer"
    __table_args__ = (
        UniqueConstraint("document", "cycle_id", "kind"),
        CheckConstraint(f"fen > 0 AND {WHOLE}", name="fen"),
        CheckConstraint("debit <> credit", name="two_accounts"),
        CheckConstraint(one_of("debit", LEDGER_ACCOUNTS), name="debit"),
        CheckConstraint(one_of("credit", LEDGER_ACCOUNTS), name="credit"),
        CheckConstraint(one_of("kind", LEDGER_KINDS), name="kind"),
        Index("ix_ledger_transfer_cycle_id", "cycle_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    cycle_id: int = Field(foreign_key="allowance_cycle.id")
    kind: str
    debit: str = Field(description="the account that receives")
    credit: str = Field(description="the account that gives")
    fen: int = Field(sa_type=BigInteger)
    count: int = Field(description="how many payments it stands for")
    document: str
    at: datetime = Field(sa_type=Instant)
    actor: str


FROZEN = {
    "approval": " OF batch_id, maker_id, approver_id, content_hash, people, fen, path, at",
    "bank_file": " OF ref, batch_id, part, sha256, count, fen, frozen_at",
    "ledger_transfer": "",
    "payment": " OF entitlement_id, n, key, file_id, account_id, fen",
    "payment_change": "",
}
"""Tables whose rows, or some of whose columns, nobody may write anew; triggers see to it."""
KNOWN_BY = {
    "approval": "id = NEW.id",  # no more: a second yes of one approver is passed over, not refused
    "bank_file": "id = NEW.id OR ref = NEW.ref OR (batch_id = NEW.batch_id AND part = NEW.part)",
    "ledger_transfer": "id = NEW.id OR (document = NEW.document AND cycle_id = NEW.cycle_id AND kind = NEW.kind)",
    "payment": "id = NEW.id OR key = NEW.key OR (entitlement_id = NEW.entitlement_id AND n = NEW.n)",
    "payment_change": "id = NEW.id",
}
"""By what SQLite knows a row again: INSERT OR REPLACE would take the old one away without asking the other triggers."""


freeze(FROZEN, KNOWN_BY, resealed={"bank_file": "content"})
