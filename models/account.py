"""Where an elder's money goes: dated accounts 账户 with their proxies 代领, and survival certifications 领取资格认证.

Rows are only added. On a day the account with the latest `since` up to it is in force, of two of one date the one
recorded last. What is sealed stands under payee_account.COLUMN and the elder's reference.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, Index, LargeBinary, ScalarSelect, UniqueConstraint, select
from sqlalchemy.orm import Mapped
from sqlmodel import Field, SQLModel, col

from models.db import Instant


class PayeeAccount(SQLModel, table=True):
    """An account from a date on."""

    __tablename__ = "payee_account"
    __table_args__ = (
        UniqueConstraint("elder_id", "since", "recorded_at"),
        CheckConstraint("(proxy_name IS NULL) = (proxy_reason IS NULL)", name="proxy_reason"),
        CheckConstraint("(proxy_name IS NULL) = (proxy_document IS NULL)", name="proxy_document"),
        CheckConstraint("(proxy_name IS NULL) = (proxy_until IS NULL)", name="proxy_until"),
        Index("ix_payee_account_card_index", "card_index"),
    )
    id: int | None = Field(default=None, primary_key=True)
    elder_id: int = Field(foreign_key="elder.id")
    since: date
    bank: str
    account: bytes = Field(sa_type=LargeBinary, description="sealed: the card's or passbook's number")
    holder: bytes = Field(sa_type=LargeBinary, description="sealed: whose account it is")
    tail: str = Field(description="the last four places, which messages may show")
    account_index: bytes = Field(sa_type=LargeBinary, description="blind index of bank, number and holder")
    card_index: bytes = Field(sa_type=LargeBinary, description="blind index of the number alone")
    proxy_name: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    proxy_reason: str | None = None
    proxy_document: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    proxy_until: date | None = Field(default=None, description="last day on which the proxy may receive")
    recorded_at: datetime = Field(sa_type=Instant)
    actor: str


class Certification(SQLModel, table=True):
    """An elder was seen alive and entitled on a day."""

    __table_args__ = (UniqueConstraint("elder_id", "certified_on"),)
    id: int | None = Field(default=None, primary_key=True)
    elder_id: int = Field(foreign_key="elder.id")
    certified_on: date
    method: str
    recorded_at: datetime = Field(sa_type=Instant)
    actor: str


def account_in_force(elder_id: ColumnElement[Any] | Mapped[Any], day: date) -> ScalarSelect[int]:
    """The id of the account in force on a day of the elder that the enclosing query names; NULL if there is none."""
    order = (col(PayeeAccount.since).desc(), col(PayeeAccount.recorded_at).desc(), col(PayeeAccount.id).desc())
    mine = (col(PayeeAccount.elder_id) == elder_id, col(PayeeAccount.since) <= day)
    query = select(col(PayeeAccount.id)).where(*mine).order_by(*order).limit(1).correlate_except(PayeeAccount)
    return query.scalar_subquery()
