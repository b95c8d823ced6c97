"""Allowances 津贴: cycles, who is entitled in them and who is not, batches, notices and approvals.

What the database itself promises: one entitlement a programme, period and person, whichever the district or batch; fen
above zero; an approver who is not the maker of the batch. An entitlement is never deleted: it is cancelled, with a
reason, and every change is a row.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import JSON, Column, Field, SQLModel

from models.db import Instant
from models.messages import one_of

BATCH_KINDS = ("plan", "supplement", "reissue")
BATCH_STATES = ("planned", "notice", "approved", "released", "dropped")
ENTITLEMENT_STATES = ("live", "cancelled")
CANCEL_REASONS = ("dead", "moved_out", "objection", "proxy_expired", "no_account", "mistaken")
EXCLUSION_REASONS = (
    "dead", "moved_out", "hukou_other", "hukou_unknown", "not_applied", "not_certified", "no_account",
    "proxy_expired", "other_programme", "duplicate",
)  # fmt: skip
WHOLE = "fen = CAST(fen AS BIGINT)"
"""SQLite keeps a fraction in a column of integers unless it is told not to."""
_STANDS = text("withdrawn_at IS NULL")
_OPEN = text("lifted_at IS NULL")


class AllowanceCycle(SQLModel, table=True):
    """A programme's payment for one period in one district: the day on which it is judged, and under which notice."""

    __tablename__ = "allowance_cycle"
    __table_args__ = (
        UniqueConstraint("district_id", "programme", "period"),
        CheckConstraint("registered = entitled + excluded + not_of_age", name="complete"),
    )
    id: int | None = Field(default=None, primary_key=True)
    district_id: int = Field(foreign_key="district.id")
    programme: str
    period: str = Field(description="2026-10 or 2026-double-ninth")
    as_of: date = Field(description="the day on which age, status and residence are judged")
    version: date = Field(description="`since` of the tariff's version")
    notice: str = Field(description="the number of the notice 文号")
    registered: int = Field(description="people on the district's register when planned")
    entitled: int
    excluded: int
    not_of_age: int = Field(description="neither of entitled age nor of an entitled category")
    opened_at: datetime = Field(sa_type=Instant)
    opened_by: str


class AllowanceBudget(SQLModel, table=True):
    """What a district may spend on a cycle; its row is locked while a batch is approved."""

    __tablename__ = "allowance_budget"
    __table_args__ = (
        UniqueConstraint("district_id", "programme", "period"),
        CheckConstraint(f"fen >= 0 AND {WHOLE}", name="fen"),
    )
    id: int | None = Field(default=None, primary_key=True)
    district_id: int = Field(foreign_key="district.id")
    programme: str
    period: str
    fen: int = Field(sa_type=BigInteger)
    recorded_at: datetime = Field(sa_type=Instant)
    actor: str


class AllowanceBatch(SQLModel, table=True):
    """A list of payments that is put forward, shown, approved and sent as one; it may hold several periods."""

    __tablename__ = "allowance_batch"
    __table_args__ = (
        UniqueConstraint("district_id", "programme", "period", "number"),
        UniqueConstraint("id", "maker_id"),  # so that an approval can prove who made what it approves
        CheckConstraint(one_of("kind", BATCH_KINDS), name="kind"),
        CheckConstraint(one_of("state", BATCH_STATES), name="state"),
        CheckConstraint("(notice_from IS NULL) = (notice_until IS NULL)", name="notice"),
        CheckConstraint("notice_until >= notice_from", name="notice_order"),
        CheckConstraint("(state = 'released') = (released_at IS NOT NULL)", name="released"),
        CheckConstraint("state NOT IN ('approved', 'released') OR content_hash IS NOT NULL", name="hashed"),
        CheckConstraint("state NOT IN ('notice', 'approved', 'released') OR maker_id IS NOT NULL", name="made"),
    )
    id: int | None = Field(default=None, primary_key=True)
    ref: str = Field(unique=True)
    district_id: int = Field(foreign_key="district.id")
    programme: str
    period: str = Field(description="in which it was made; its entitlements may be of earlier ones")
    number: int = Field(description="1 is the cycle's own list")
    kind: str
    state: str = "planned"
    created_at: datetime = Field(sa_type=Instant)
    created_by: str
    maker_id: int | None = Field(default=None, foreign_key="staff.id", description="who put it forward 经办人")
    notice_from: date | None = None
    notice_until: date | None = Field(default=None, description="last day of the objection window")
    content_hash: str | None = Field(default=None, description="of the approved list; hex")
    released_at: datetime | None = Field(default=None, sa_type=Instant)


class Entitlement(SQLModel, table=True):
    """An amount owed to one person for one period, fixed when decided, with what decided it."""

    __table_args__ = (
        UniqueConstraint("programme", "period", "person"),
        UniqueConstraint("id", "fen"),  # a payment proves its amount by it
        CheckConstraint(f"fen > 0 AND {WHOLE}", name="fen"),
        CheckConstraint(one_of("state", ENTITLEMENT_STATES), name="state"),
        CheckConstraint(one_of("cancel_reason", CANCEL_REASONS), name="cancel_reason"),
        CheckConstraint("(state = 'cancelled') = (cancel_reason IS NOT NULL)", name="cancelled"),
        Index("ix_entitlement_cycle_id", "cycle_id"),
        Index("ix_entitlement_batch_id", "batch_id"),
        Index("ix_entitlement_elder_id", "elder_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    cycle_id: int = Field(foreign_key="allowance_cycle.id")
    batch_id: int = Field(foreign_key="allowance_batch.id", description="the list it is on now")
    programme: str
    period: str
    person: bytes = Field(sa_type=LargeBinary, description="blind index of the normalised ID number")
    elder_id: int = Field(foreign_key="elder.id")
    community_id: int = Field(foreign_key="community.id", description="where the elder lived on as_of")
    band: str
    fen: int
    version: date = Field(description="`since` of the tariff's version")
    notice: str
    state: str = "live"
    cancel_reason: str | None = None


class EntitlementChange(SQLModel, table=True):
    """An entitlement was cancelled, restored, moved to another batch, or adjusted to the age reached at death."""

    __tablename__ = "entitlement_change"
    __table_args__ = (
        CheckConstraint("what IN ('cancelled', 'restored', 'moved', 'adjusted')", name="what"),
        Index("ix_entitlement_change_entitlement_id", "entitlement_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    entitlement_id: int = Field(foreign_key="entitlement.id")
    what: str
    reason: str
    at: datetime = Field(sa_type=Instant)
    actor: str


class Exclusion(SQLModel, table=True):
    """Somebody of entitled age or category who is not paid for a period, and why; lifted when entitled after all."""

    __table_args__ = (
        CheckConstraint(one_of("reason", EXCLUSION_REASONS), name="reason"),
        Index("uq_exclusion_standing", "cycle_id", "elder_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_exclusion_elder_id", "elder_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    cycle_id: int = Field(foreign_key="allowance_cycle.id")
    elder_id: int = Field(foreign_key="elder.id")
    community_id: int = Field(foreign_key="community.id")
    band: str = Field(description="what it would have been")
    reason: str
    recorded_at: datetime = Field(sa_type=Instant)
    lifted_at: datetime | None = Field(default=None, sa_type=Instant)


class Objection(SQLModel, table=True):
    """Somebody objects to a person being on, or missing from, a published list; open until upheld or not."""

    __table_args__ = (UniqueConstraint("cycle_id", "elder_id", "raised_on"),)
    id: int | None = Field(default=None, primary_key=True)
    cycle_id: int = Field(foreign_key="allowance_cycle.id")
    elder_id: int = Field(foreign_key="elder.id")
    raised_on: date
    text: bytes = Field(sa_type=LargeBinary, description="sealed under objection.text and the elder's reference")
    upheld: bool | None = None
    recorded_at: datetime = Field(sa_type=Instant)
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    actor: str


class Approval(SQLModel, table=True):
    """One approver's yes to one content of a batch; withdrawn when the content changes."""

    __table_args__ = (
        ForeignKeyConstraint(
            ["batch_id", "maker_id"], ["allowance_batch.id", "allowance_batch.maker_id"], name="fk_approval_maker"
        ),
        CheckConstraint("approver_id <> maker_id", name="two_persons"),
        CheckConstraint("path IN ('form', 'cli')", name="path"),
        Index(
            "uq_approval_standing",
            "batch_id",
            "approver_id",
            unique=True,
            sqlite_where=_STANDS,
            postgresql_where=_STANDS,
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    batch_id: int
    maker_id: int
    approver_id: int = Field(foreign_key="staff.id")
    content_hash: str
    people: int
    fen: int = Field(sa_type=BigInteger)
    path: str
    at: datetime = Field(sa_type=Instant)
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant)


class AllowanceReport(SQLModel, table=True):
    """The figures of a cycle as they were reported, so that a report can be made again as it was."""

    __tablename__ = "allowance_report"
    __table_args__ = (UniqueConstraint("cycle_id", "sha256"),)
    id: int | None = Field(default=None, primary_key=True)
    cycle_id: int = Field(foreign_key="allowance_cycle.id")
    sha256: str = Field(description="of the figures")
    at: datetime = Field(sa_type=Instant)
    figures: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
