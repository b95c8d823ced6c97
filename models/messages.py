"""The outbox 发件箱: drafts become pending rows, rows are claimed, frozen, sent and recorded; nothing is ever removed.

pending -> claimed -> sending -> accepted -> delivered | undeliverable, or dead, or unknown (listed, never sent again
blindly); pending -> suppressed (opted out) | expired | cancelled (the fact behind it changed).
A message that cannot reach the person has a successor on the person's next channel (`follows`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Literal

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Index,
    LargeBinary,
    Table,
    TableValuedAlias,
    UniqueConstraint,
    Update,
    bindparam,
    column,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlmodel import Field, Session, SQLModel, col

from models.db import Instant, insert_for

ChannelKind = Literal["email", "sms", "robot", "call"]
CHANNELS = ("email", "sms", "robot", "call")
KINDS = ("notice", "urgent", "payment", "promotional")
OPEN = ("pending", "claimed", "sending")
FINAL = ("accepted", "delivered", "undeliverable", "unknown", "dead", "suppressed", "expired", "cancelled")
ERROR_CLASSES = ("defer", "permanent", "stop", "unknown")
OUTCOMES = ("accepted", "rejected", "defer", "stop", "unknown", "absent", "delivered", "undeliverable")
"""Of a try; absent: asked, the provider has nothing of it."""
BATCH = 500
"""Keys in one IN list."""


def one_of(column: str, values: Sequence[str]) -> str:
    """Write out a CHECK or a condition of a partial index."""
    return f"{column} IN ({', '.join(map(repr, values))})"


IS_OPEN = text(one_of("state", OPEN))
"""Written out, not bound: SQLite uses a partial index only for the very same expression."""

IS_AWAITED = text("state IN ('accepted', 'unknown') AND channel = 'sms'")
"""What a provider can still be asked about; e-mail and robots have no receipts."""

IS_UNREDACTED = text("redacted_at IS NULL AND finished_at IS NOT NULL")


class Message(SQLModel, table=True):
    """One piece of news for one person on one channel."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("dedupe_key"),
        UniqueConstraint("out_id"),
        CheckConstraint(one_of("channel", CHANNELS), name="channel"),
        CheckConstraint(one_of("kind", KINDS), name="kind"),
        CheckConstraint("audience IN ('staff', 'public')", name="audience"),
        CheckConstraint("channel <> 'call' OR state NOT IN ('claimed', 'sending', 'unknown')", name="call"),
        CheckConstraint("language IN ('zh-CN', 'en')", name="language"),
        CheckConstraint("priority BETWEEN 0 AND 9", name="priority"),
        CheckConstraint("attempts >= 0", name="attempts"),
        CheckConstraint("parts >= 1", name="parts"),
        CheckConstraint(one_of("state", OPEN + FINAL), name="state"),
        CheckConstraint(one_of("error_class", ERROR_CLASSES), name="error_class"),
        CheckConstraint(f"({one_of('state', OPEN)}) = (finished_at IS NULL)", name="finished"),
        CheckConstraint(
            "state NOT IN ('claimed', 'sending') OR (lease_owner IS NOT NULL AND lease_until IS NOT NULL)", name="lease"
        ),
        CheckConstraint("state NOT IN ('sending', 'accepted', 'unknown') OR request_hash IS NOT NULL", name="frozen"),
        Index(
            "ix_message_open", "channel", "priority", "not_before", "id", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN
        ),
        Index("ix_message_awaited", "provider", "flown_at", "id", sqlite_where=IS_AWAITED, postgresql_where=IS_AWAITED),
        Index("ix_message_provider_provider_ref", "provider", "provider_ref"),  # by which receipts find theirs
        Index("ix_message_address_index_flown_at", "address_index", "flown_at"),  # for caps a number and replies
        Index("ix_message_district_created_at", "district", "created_at"),  # for exports and the doctor's last days
        Index("ix_message_unredacted", "finished_at", sqlite_where=IS_UNREDACTED, postgresql_where=IS_UNREDACTED),
    )
    id: int | None = Field(default=None, primary_key=True)
    dedupe_key: str = Field(description="the business key, made of references, such as duty-notice:slot:person:mark")
    channel: str
    template: str
    template_version: int
    kind: str = Field(default="notice", description="class of the template when it was written")
    audience: str = Field(default="staff", description="staff, or the public with its quiet hours")
    language: str
    district: str
    recipient: str = Field(description="reference of the person, never a name")
    address: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed; none for calls")
    address_index: bytes | None = Field(default=None, sa_type=LargeBinary, description="blind index")
    routes: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed JSON: channels to try after it")
    follows: int | None = Field(
        default=None, foreign_key="message.id", index=True, description="what did not get through"
    )
    variables: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed JSON, for it may hold names")
    enclosures: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed JSON: names of enclosures")
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
    call_id: str | None = Field(default=None, description="our random id of the call it flew in, kept by the provider")
    flown_at: datetime | None = Field(
        default=None, sa_type=Instant, description="when its request was last frozen to go"
    )
    asked_at: datetime | None = Field(default=None, sa_type=Instant, description="when its provider was last asked")
    provider: str | None = None
    provider_ref: str | None = None
    parts: int | None = Field(default=None, description="SMS parts that are paid for")
    error_class: str | None = None
    error_code: str | None = None
    created_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    redacted_at: datetime | None = Field(default=None, sa_type=Instant, description="personal data went")


class Attempt(SQLModel, table=True):
    """One try to send a message or to learn what came of it; rows are only added."""

    __tablename__ = "attempt"
    __table_args__ = (
        UniqueConstraint("message_id", "number", "outcome"),
        CheckConstraint(one_of("outcome", OUTCOMES), name="outcome"),
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


def cancel(session: Session, keys: Sequence[str], code: str, now: datetime) -> int:
    """Cancel pending messages whose fact changed; what is claimed already is asked "still true?" before it flies."""
    cancelled = 0
    gone = {"state": "cancelled", "error_code": code, "finished_at": now}
    for start in range(0, len(keys), BATCH):
        mine = (col(Message.dedupe_key).in_(keys[start : start + BATCH]), col(Message.state) == "pending")
        query = update(Message).where(*mine).values(**gone).returning(col(Message.id))
        cancelled += len(session.execute(query).all())
    return cancelled


def change(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update messages, each by its id under `row`; all rows name the same columns, and of two the last one holds.

    The rows are locked before, in order of ids.
    """
    if rows and session.get_bind().dialect.name == "postgresql":
        last = list({row["row"]: row for row in rows}.values())  # of two for one id PostgreSQL would take either
        session.connection().execute(_change_at_once(tuple(rows[0])), _columns(last))
    elif rows:
        table = Message.metadata.tables["message"]  # the ORM has nothing to add here, and takes its time
        session.connection().execute(update(table).where(table.c.id == bindparam("row")), list(rows))


def note(session: Session, tries: Sequence[Mapping[str, Any]]) -> None:
    """Add attempts; one of the same message, number and outcome is there already and stays."""
    if tries and session.get_bind().dialect.name == "postgresql":
        session.connection().execute(_note_at_once(tuple(tries[0])), _columns(tries))
    elif tries:
        table = Attempt.metadata.tables["attempt"]
        session.connection().execute(insert_for(session, table).on_conflict_do_nothing(), list(tries))


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {f"all_{name}": [row[name] for row in rows] for name in rows[0]}


@cache
def _change_at_once(names: tuple[str, ...]) -> Update:
    """One statement for all rows, a list for each column: PostgreSQL takes a third less for it than for one a row."""
    table = Message.metadata.tables["message"]
    told = _told(table, names)
    return update(table).where(table.c.id == told.c.row).values({name: told.c[name] for name in names if name != "row"})


@cache
def _note_at_once(names: tuple[str, ...]) -> Insert:
    table = Attempt.metadata.tables["attempt"]
    told = _told(table, names)
    return insert(table).from_select(names, select(*(told.c[name] for name in names))).on_conflict_do_nothing()


def _told(table: Table, names: tuple[str, ...]) -> TableValuedAlias:
    """Lists as rows, by `unnest`."""
    kinds = {name: table.c["id" if name == "row" else name].type for name in names}
    lists = (bindparam(f"all_{name}", type_=ARRAY(kind)) for name, kind in kinds.items())
    columns = (column(name, kind) for name, kind in kinds.items())
    return func.unnest(*lists).table_valued(*columns, name="told").render_derived()
