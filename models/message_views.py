"""Looking at messages: counts, the oldest that waits, exports."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from models.db import Instant
from models.messages import IS_OPEN, Message


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
