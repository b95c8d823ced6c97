"""Looking at messages: counts, the oldest that waits, exports, the call list, what is in doubt."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, TextClause, func, or_, select
from sqlmodel import Session, col

from models.db import Instant, keys_of
from models.messages import IS_OPEN, Message
from models.seal import KeyRing, SealError


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
    query = select(col(Message.channel), func.min(col(Message.not_before), type_=Instant)).where(*_due(now, district))
    return dict(session.execute(query.group_by(col(Message.channel))).tuples().all())


def due_by_channel(session: Session, now: datetime, district: str) -> Counter[str]:
    """Count, for each channel, a district's messages that might leave now."""
    query = select(col(Message.channel), func.count()).where(*_due(now, district))
    return Counter(dict(session.execute(query.group_by(col(Message.channel))).tuples().all()))


def _due(now: datetime, district: str) -> tuple[ColumnElement[bool] | TextClause, ...]:
    theirs = col(Message.district).concat("") == district  # by the bare column SQLite would read all it ever sent
    return IS_OPEN, col(Message.state) == "pending", col(Message.not_before) <= now, theirs


def told_lately(session: Session, district: str, template: str, since: datetime) -> dict[str, datetime]:
    """Return the keys of a district's messages of one template that were created after an instant, with when."""
    query = select(col(Message.dedupe_key), col(Message.created_at)).where(
        col(Message.district) == district, col(Message.created_at) > since, col(Message.template) == template
    )
    return dict(session.execute(query).tuples().all())


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


@dataclass(frozen=True, slots=True)
class Volume:
    """Messages of one template on one channel through one provider that stand in one state, and what they cost."""

    template: str
    channel: str
    provider: str | None
    state: str
    messages: int
    parts: int


def volumes(session: Session, district: str, since: datetime, until: datetime) -> list[Volume]:
    """Return what became of a district's messages created in [since, until), by template, channel and provider."""
    of = (col(Message.template), col(Message.channel), col(Message.provider), col(Message.state))
    query = (
        select(*of, func.count(), func.coalesce(func.sum(col(Message.parts)), 0))
        .where(col(Message.district) == district, col(Message.created_at) >= since, col(Message.created_at) < until)
        .group_by(*of)
        .order_by(*of)
    )
    return [Volume(*row) for row in session.execute(query)]


@dataclass(frozen=True, slots=True)
class InDoubt:
    """An unknown message for a person to look into; its key and recipient are references."""

    key: str
    template: str
    channel: str
    recipient: str
    provider: str | None
    flown_at: datetime | None
    asked_at: datetime | None
    code: str | None


def in_doubt(session: Session, district: str) -> list[InDoubt]:
    """Return every unknown message of a district, the oldest first."""
    columns = (
        Message.dedupe_key, Message.template, Message.channel, Message.recipient, Message.provider, Message.flown_at,
        Message.asked_at, Message.error_code,
    )  # fmt: skip
    query = select(*map(col, columns)).where(col(Message.state) == "unknown", col(Message.district) == district)
    return [InDoubt(*row) for row in session.execute(query.order_by(col(Message.flown_at), col(Message.id)))]


def calls_waiting(session: Session, district: str, now: datetime) -> int:
    """Count the call list of a district."""
    return int(session.execute(select(func.count()).where(*_on_call(district, now))).scalar_one())


def _on_call(district: str, now: datetime) -> tuple[ColumnElement[bool] | TextClause, ...]:
    live = or_(col(Message.expires_at).is_(None), col(Message.expires_at) > now)
    return *_due(now, district), col(Message.channel) == "call", live


@dataclass(frozen=True, slots=True)
class Call:
    """A person to be telephoned; opened, so only for authorised staff.

    Attributes:
        unreadable: its seal is broken: look the person up by the reference; phone and variables are empty.
    """

    key: str
    template: str
    recipient: str
    phone: str = field(repr=False)
    language: str
    variables: dict[str, Any] = field(repr=False)
    priority: int
    since: datetime
    until: datetime | None
    unreadable: bool = False


def calls(session: Session, district: str, now: datetime) -> list[Call]:
    """Return the call list of a district: people whom neither SMS nor e-mail reaches, the most urgent first."""
    keys = keys_of(session)
    query = (
        select(Message)
        .where(*_on_call(district, now))
        .order_by(col(Message.priority), col(Message.not_before), col(Message.id))
    )
    return [_call(keys, one) for one in session.execute(query).scalars()]


def _call(keys: KeyRing, one: Message) -> Call:
    try:
        phone = keys.open("message.address", one.dedupe_key, one.address)
        told, unreadable = json.loads(keys.open("message.variables", one.dedupe_key, one.variables)), False
    except SealError:  # one damaged row must not hide all others
        phone, told, unreadable = "", {}, True
    return Call(
        key=one.dedupe_key,
        template=one.template,
        recipient=one.recipient,
        phone=phone,
        language=one.language,
        variables=told,
        priority=one.priority,
        since=one.not_before,
        until=one.expires_at,
        unreadable=unreadable,
    )
