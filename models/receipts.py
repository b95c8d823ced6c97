"""Receipts 回执: what providers tell of handsets -> kept once -> the message's state, which never goes back."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, or_, select, text, update
from sqlmodel import Field, Session, SQLModel, col

from models.db import Instant, insert_for, keys_of
from models.drafts import address_index
from models.messages import BATCH, Message, change, note

UNSETTLED = text("settled_at IS NULL")


class Receipt(SQLModel, table=True):
    """What a provider said of one message to one phone; `delivered` may replace `undeliverable`, never the reverse."""

    __tablename__ = "receipt"
    __table_args__ = (
        UniqueConstraint("provider", "provider_ref", "address_index"),
        CheckConstraint("state IN ('delivered', 'undeliverable')", name="state"),
        Index("ix_receipt_unsettled", "provider", sqlite_where=UNSETTLED, postgresql_where=UNSETTLED),
    )
    id: int | None = Field(default=None, primary_key=True)
    provider: str
    provider_ref: str
    address_index: bytes = Field(sa_type=LargeBinary, description="blind index of the phone")
    call_id: str | None = Field(default=None, description="our id of the call, where the provider gives it back")
    state: str
    code: str | None = None
    blocked: bool = Field(default=False, description="the number is on the provider's blacklist")
    at: datetime | None = Field(default=None, sa_type=Instant, description="when the handset got it")
    told_at: datetime = Field(sa_type=Instant, description="when we heard")
    settled_at: datetime | None = Field(default=None, sa_type=Instant, description="when the message took it up")


@dataclass(frozen=True, slots=True)
class Report:
    """A receipt as it came in: the handset got the message, or never will.

    Attributes:
        provider_ref: the provider's own number, the same as when it accepted the message.
        phone: normalised mobile number, 11 digits.
        state: delivered or undeliverable.
        code: why not.
        at: when the handset got it, aware; None when not said.
        call_id: our id of the call, where the provider gives it back.
        blocked: the number is on a blacklist.
    """

    provider_ref: str
    phone: str = field(repr=False)
    state: Literal["delivered", "undeliverable"]
    code: str | None = None
    at: datetime | None = None
    call_id: str | None = None
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """A message that came to its end by a receipt."""

    message_id: int
    channel: str
    template: str
    state: str
    address_index: bytes
    blocked: bool


def keep(session: Session, provider: str, told: Sequence[Report], now: datetime) -> int:
    """Store receipts, each once; return how many said something new."""
    if not told:
        return 0
    keys = keys_of(session)
    rows = {
        (each.provider_ref, each.phone): {
            "provider": provider,
            "provider_ref": each.provider_ref,
            "address_index": address_index(keys, "sms", each.phone),
            "call_id": each.call_id,
            "state": each.state,
            "code": each.code,
            "blocked": each.blocked,
            "at": each.at,
            "told_at": now,
            "settled_at": None,
        }
        for each in sorted(told, key=lambda each: each.state == "delivered")
    }
    said = insert_for(session, Receipt)
    better = ("state", "code", "blocked", "at", "told_at", "settled_at")
    said = said.on_conflict_do_update(
        index_elements=["provider", "provider_ref", "address_index"],
        set_={name: getattr(said.excluded, name) for name in better},
        where=(col(Receipt.state) == "undeliverable") & (said.excluded.state == "delivered"),
    )
    one_statement = {"render_nulls": True}
    return len(
        session.execute(said.returning(col(Receipt.id)), list(rows.values()), execution_options=one_statement).all()
    )


def settle(session: Session, provider: str, now: datetime) -> list[Settled]:
    """Let messages take up the receipts that are theirs: by provider's number or our call, and phone.

    A receipt that comes before we recorded the acceptance waits. States never go back: only accepted and unknown
    messages move, and undeliverable ones to delivered. A pending message of whose last call a receipt tells was
    accepted in spite of what we were told; it moves too, or it would be sent twice.
    """
    theirs = or_(
        col(Message.provider_ref) == col(Receipt.provider_ref),
        col(Message.call_id).is_not(None) & (col(Message.call_id) == col(Receipt.call_id)),
    )
    columns = (Receipt.id, Receipt.state, Receipt.code, Receipt.blocked, Receipt.provider_ref)
    facts = (Message.id, Message.channel, Message.template, Message.state, Message.attempts, Message.request_hash)
    query = (  # by phones, never by the bare provider: PostgreSQL would read through all it ever took
        select(*map(col, columns), *map(col, facts), col(Message.address_index))
        .join(Message, (col(Message.provider).concat("") == col(Receipt.provider)) & theirs)
        .where(col(Receipt.provider) == provider, UNSETTLED, col(Message.channel) == "sms")
        .where(col(Message.address_index) == col(Receipt.address_index))
        .order_by(col(Message.id), col(Receipt.state).desc())  # of two receipts the good one has the last word
        .with_for_update(of=Message)
    )
    ended: list[Settled] = []
    used: list[int] = []
    changes, tries = [], []
    states: dict[int, str] = {}
    for row in session.execute(query):
        receipt, state, code, blocked, provider_ref, message, channel, template, before, number, digest, index = row
        if before in {"claimed", "sending"}:  # its outcome is not recorded yet: the receipt waits
            continue
        used.append(receipt)
        before = states.get(message, before)
        if before in {"accepted", "unknown", "pending"} or (before, state) == ("undeliverable", "delivered"):
            states[message] = state
            changes.append(_end(message, state, code, provider_ref, now))
            tried = {
                "message_id": message,
                "number": number,
                "owner": "receipt",
                "provider": provider,
                "outcome": state,
            }
            told = {"provider_ref": provider_ref, "error_code": code, "request_hash": digest, "at": now}
            tries.append({**tried, **told})
            ended.append(Settled(message, channel, template, state, index, blocked))
    change(session, changes)
    note(session, tries)
    for start in range(0, len(used), BATCH):
        mine = col(Receipt.id).in_(used[start : start + BATCH])
        session.execute(update(Receipt).where(mine).values(settled_at=now))
    return ended


def moves_of(ended: Sequence[Settled]) -> Counter[tuple[str, str, str]]:
    """Count settled messages by (channel, template, state)."""
    return Counter((each.channel, each.template, each.state) for each in ended)


def _end(message: int, state: str, code: str | None, provider_ref: str, now: datetime) -> dict[str, Any]:
    error = "permanent" if state == "undeliverable" else None
    end = {"finished_at": now, "provider_ref": provider_ref, "lease_owner": None, "lease_until": None}
    return {"row": message, "state": state, "error_class": error, "error_code": code, **end}
