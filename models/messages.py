"""The outbox 发件箱: drafts become pending rows, rows are claimed, frozen, sent and recorded; nothing is ever removed.

pending -> claimed -> sending -> accepted -> delivered | undeliverable, or dead, or unknown (listed, never sent again
blindly); pending -> suppressed (opted out) | expired | cancelled (the fact behind it changed).
"""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, func, select, text, update
from sqlmodel import Field, Session, SQLModel, col

from models.db import Instant, insert_for, keys_of
from models.seal import KeyRing
from rules.errors import TuoqiError

ChannelKind = Literal["email", "sms", "call"]
OPEN = ("pending", "claimed", "sending")
FINAL = ("accepted", "delivered", "undeliverable", "unknown", "dead", "suppressed", "expired", "cancelled")
ERROR_CLASSES = ("defer", "permanent", "stop", "unknown")
_BATCH = 500  # keys in one IN list


def _one_of(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(map(repr, values))})"


IS_OPEN = text(_one_of("state", OPEN))
"""Written out, not bound: SQLite uses a partial index only for the very same expression."""


class Message(SQLModel, table=True):
    """One piece of news for one person on one channel."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("dedupe_key"),
        UniqueConstraint("out_id"),
        CheckConstraint("channel IN ('email', 'sms', 'call')", name="channel"),
        CheckConstraint("language IN ('zh-CN', 'en')", name="language"),
        CheckConstraint("priority BETWEEN 0 AND 9", name="priority"),
        CheckConstraint("attempts >= 0", name="attempts"),
        CheckConstraint("parts >= 1", name="parts"),
        CheckConstraint(_one_of("state", OPEN + FINAL), name="state"),
        CheckConstraint(_one_of("error_class", ERROR_CLASSES), name="error_class"),
        CheckConstraint(f"({_one_of('state', OPEN)}) = (finished_at IS NULL)", name="finished"),
        CheckConstraint(
            "state NOT IN ('claimed', 'sending') OR (lease_owner IS NOT NULL AND lease_until IS NOT NULL)", name="lease"
        ),
        CheckConstraint("state NOT IN ('sending', 'accepted', 'unknown') OR request_hash IS NOT NULL", name="frozen"),
        Index(
            "ix_message_open", "channel", "priority", "not_before", "id", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN
        ),
        Index("ix_message_district_created_at", "district", "created_at"),  # for exports and the doctor's last days
    )
    id: int | None = Field(default=None, primary_key=True)
    dedupe_key: str = Field(description="the business key, made of references, such as duty-notice:slot:person:mark")
    channel: str
    template: str
    template_version: int
    language: str
    district: str
    recipient: str = Field(description="reference of the person, never a name")
    address: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed; none for calls")
    address_index: bytes | None = Field(default=None, sa_type=LargeBinary, index=True, description="blind index")
    variables: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed JSON, for it may hold names")
    variables_hash: bytes = Field(sa_type=LargeBinary, description="tells the same key with another payload")
    priority: int = Field(default=5, description="0 is the most urgent")
    not_before: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    state: str = "pending"
    attempts: int = 0
    lease_owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=Instant, description="real time, not the replaced clock")
    request: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed: what was or will be sent")
    request_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    out_id: str = Field(description="our random id at the provider, in Message-ID and file names")
    provider: str | None = None
    provider_ref: str | None = None
    parts: int | None = Field(default=None, description="SMS parts that are paid for")
    error_class: str | None = None
    error_code: str | None = None
    created_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)


class Attempt(SQLModel, table=True):
    """One try to send a message, and what came of it; rows are only added."""

    __tablename__ = "attempt"
    __table_args__ = (
        UniqueConstraint("message_id", "number", "outcome"),
        CheckConstraint("outcome IN ('accepted', 'rejected', 'defer', 'stop', 'unknown')", name="outcome"),
    )
    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="message.id")
    number: int
    owner: str
    provider: str | None = None
    outcome: str
    provider_ref: str | None = None
    error_code: str | None = None
    request_hash: bytes = Field(sa_type=LargeBinary)
    at: datetime = Field(sa_type=Instant, description="real time")


class OptOut(SQLModel, table=True):
    """An address that wants no messages on a channel; known by its blind index only."""

    __tablename__ = "opt_out"
    __table_args__ = (
        UniqueConstraint("channel", "address_index"),
        CheckConstraint("channel IN ('email', 'sms', 'call')", name="channel"),
    )
    id: int | None = Field(default=None, primary_key=True)
    channel: str
    address_index: bytes = Field(sa_type=LargeBinary)
    source: str = Field(description="who or what said so: link, reply, provider, staff")
    at: datetime = Field(sa_type=Instant)


@dataclass(eq=False)
class SameKeyOtherPayload(TuoqiError):
    """Two different messages claim the same business key; one of them would be lost silently."""

    key: str
    zh = "消息 {key} 已登记过，但内容不同；请检查消息键是否缺少修订号，本次业务未写入。"
    en = "message {key} exists with another payload; its key probably lacks a revision. Nothing of this was written."


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as a job writes it.

    Attributes:
        key: business key, unique for ever, made of references; one for each channel when both are used.
        template: folder name under notifications/templates.
        channel: email, sms, or call for people with neither (never sent; listed for a telephone call).
        recipient: reference of the person, such as C-7K3Q-9XM2.
        address: e-mail address or mobile number; "" for calls.
        variables: the template's declared variables, all of them and no others.
        district: code of the district.
        language: zh-CN or en.
        priority: 0 (most urgent) to 9.
        not_before: when it may leave; None means at once.
        expires_at: from then on it is useless and is not sent; None means never.
    """

    key: str
    template: str
    channel: ChannelKind
    recipient: str
    address: str
    variables: Mapping[str, Any]
    district: str
    language: str = "zh-CN"
    priority: int = 5
    not_before: datetime | None = None
    expires_at: datetime | None = None


def insert_drafts(session: Session, drafts: Sequence[Draft], versions: Mapping[str, int], now: datetime) -> int:
    """Store checked drafts as pending rows; one that is there already with the same payload is left alone.

    Args:
        session: the writing session of the business transaction.
        drafts: already checked; variables are plain JSON values.
        versions: the version of each template used.
        now: the business clock.

    Returns:
        How many were new.

    Raises:
        SameKeyOtherPayload: a key exists, or appears twice, with another template, recipient or variables.
    """
    if not drafts:
        return 0
    keys = keys_of(session)
    rows = [_row(draft, versions[draft.template], keys, now) for draft in drafts]
    insert = insert_for(session, Message).on_conflict_do_nothing(index_elements=["dedupe_key"])
    one_statement = {"render_nulls": True}  # the ORM would start anew wherever a row lacks another column
    new = len(session.execute(insert.returning(col(Message.id)), rows, execution_options=one_statement).all())
    if new < len(rows):
        _compare(session, rows)
    return new


def _row(draft: Draft, version: int, keys: KeyRing, now: datetime) -> dict[str, Any]:
    told = json.dumps(draft.variables, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return {
        "dedupe_key": draft.key,
        "channel": draft.channel,
        "template": draft.template,
        "template_version": version,
        "language": draft.language,
        "district": draft.district,
        "recipient": draft.recipient,
        "address": keys.seal("message.address", draft.key, draft.address),
        "address_index": address_index(keys, draft.channel, draft.address) if draft.address else None,
        "variables": keys.seal("message.variables", draft.key, told),
        "variables_hash": keys.blind("message.variables", f"{draft.template}|{draft.recipient}|{told}"),
        "priority": draft.priority,
        "not_before": draft.not_before or now,
        "expires_at": draft.expires_at,
        "out_id": secrets.token_hex(12),
        "created_at": now,
    }


def _compare(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    stored: dict[str, bytes] = {}
    for start in range(0, len(rows), _BATCH):
        keys = [row["dedupe_key"] for row in rows[start : start + _BATCH]]
        query = select(col(Message.dedupe_key), col(Message.variables_hash)).where(col(Message.dedupe_key).in_(keys))
        stored.update(session.execute(query).tuples().all())
    for row in rows:
        if stored[row["dedupe_key"]] != row["variables_hash"]:
            raise SameKeyOtherPayload(row["dedupe_key"])


def address_index(keys: KeyRing, channel: str, address: str) -> bytes:
    """Return the blind index of a normalised address, by which opt-outs and caps know it."""
    return keys.blind(f"message.{channel}", address.casefold())


def opt_out(session: Session, channel: ChannelKind, address: str, source: str, now: datetime) -> None:
    """Remember that an address wants no messages on a channel; saying it twice is harmless."""
    index = address_index(keys_of(session), channel, address)
    row = {"channel": channel, "address_index": index, "source": source, "at": now}
    session.execute(insert_for(session, OptOut).values(**row).on_conflict_do_nothing())


def cancel(session: Session, keys: Sequence[str], code: str, now: datetime) -> int:
    """Cancel pending messages whose fact changed; what is claimed already is asked "still true?" before it flies."""
    cancelled = 0
    gone = {"state": "cancelled", "error_code": code, "finished_at": now}
    for start in range(0, len(keys), _BATCH):
        mine = (col(Message.dedupe_key).in_(keys[start : start + _BATCH]), col(Message.state) == "pending")
        query = update(Message).where(*mine).values(**gone).returning(col(Message.id))
        cancelled += len(session.execute(query).all())
    return cancelled


def counts(
    session: Session, since: datetime | None = None, *, district: str | None = None
) -> dict[tuple[str, str, str], int]:
    """Count messages by (channel, template, state), of those created since an instant, of one district or of all."""
    of = (col(Message.channel), col(Message.template), col(Message.state))
    query = select(*of, func.count()).group_by(*of).order_by(*of)
    if since is not None:
        query = query.where(col(Message.created_at) >= since)
    if district is not None:
        query = query.where(col(Message.district) == district)
    return {(channel, template, state): number for channel, template, state, number in session.execute(query)}


def oldest_pending(session: Session, now: datetime, district: str) -> dict[str, datetime]:
    """Return, for each channel, since when a district's oldest message that might leave has been waiting."""
    query = select(col(Message.channel), func.min(col(Message.not_before), type_=Instant)).where(
        IS_OPEN, col(Message.state) == "pending", col(Message.not_before) <= now, col(Message.district) == district
    )
    return dict(session.execute(query.group_by(col(Message.channel))).tuples().all())


EXPORT_COLUMNS = (
    "template", "channel", "recipient", "state", "parts", "attempts", "provider_ref", "error", "created_at", "key",
)  # fmt: skip


def exported(
    session: Session, district: str, since: datetime | None = None, until: datetime | None = None
) -> Iterator[dict[str, Any]]:
    """Yield a district's rows for `tuoqi export messages`, the oldest first; pending calls are the call list.

    Args:
        session: reading.
        district: code, such as 530112.
        since: only what was created at or after this instant.
        until: only what was created before it.
    """
    names = ("template", "channel", "recipient", "state", "parts", "attempts", "provider_ref")
    columns = [getattr(Message, name) for name in names]
    rest = (col(Message.error_class), col(Message.error_code), col(Message.created_at), col(Message.dedupe_key))
    query = select(*columns, *rest).where(col(Message.district) == district)
    query = query.order_by(col(Message.created_at), col(Message.id))
    if since is not None:
        query = query.where(col(Message.created_at) >= since)
    if until is not None:
        query = query.where(col(Message.created_at) < until)
    for *known, error_class, error_code, created_at, key in session.execute(query.execution_options(yield_per=1000)):
        error = ": ".join(part for part in (error_class, error_code) if part)
        yield dict(zip(EXPORT_COLUMNS, (*known, error, created_at, key), strict=True))
