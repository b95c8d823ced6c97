"""Messages that await an answer of their provider: unknown ones, and accepted ones without a receipt."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import and_, or_, select, update
from sqlmodel import Session, col

from models.db import keys_of
from models.messages import IS_AWAITED, Message, note
from models.seal import SealError

ABSENT = "absent"
"""Code of an unknown message of which the provider has nothing; a person decides."""

Answer = Literal["accepted", "delivered", "undeliverable", "absent"]


@dataclass(frozen=True, slots=True)
class Awaited:
    """A message to ask about, its phone opened."""

    id: int
    channel: str
    template: str
    kind: str
    state: str
    attempts: int
    call_id: str
    provider_ref: str | None
    flown_at: datetime
    request_hash: bytes
    address_index: bytes
    phone: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Patience:
    """When to ask: unknown ones soon and often, accepted ones after a while and seldom, neither for ever."""

    unknown_after: timedelta = timedelta(minutes=2)
    unknown_again: timedelta = timedelta(minutes=5)
    accepted_after: timedelta = timedelta(minutes=10)
    accepted_again: timedelta = timedelta(hours=2)


def awaited(
    session: Session, provider: str, now: datetime, since: datetime, limit: int, patience: Patience
) -> list[Awaited]:
    """Return what to ask a provider about now: unknown ones first, then those asked longest ago.

    A message whose address cannot be opened cannot be asked about either, and is left out.

    Args:
        session: reading.
        provider: its name on the messages.
        now: the business clock.
        since: what flew before it is not asked about any more.
        limit: the most messages.
        patience: when to ask.
    """
    unknown = and_(
        col(Message.state) == "unknown",
        col(Message.flown_at) <= now - patience.unknown_after,
        or_(col(Message.asked_at).is_(None), col(Message.asked_at) <= now - patience.unknown_again),
        col(Message.error_code).is_distinct_from(ABSENT),
    )
    accepted = and_(
        col(Message.state) == "accepted",
        col(Message.flown_at) <= now - patience.accepted_after,
        or_(col(Message.asked_at).is_(None), col(Message.asked_at) <= now - patience.accepted_again),
    )
    plain = (
        Message.id, Message.channel, Message.template, Message.kind, Message.state, Message.attempts, Message.call_id,
        Message.provider_ref, Message.flown_at, Message.request_hash, Message.address_index,
    )  # fmt: skip
    query = (
        select(*map(col, plain), col(Message.dedupe_key), col(Message.address))
        .where(IS_AWAITED, col(Message.provider) == provider, col(Message.flown_at) >= since)
        .where(or_(unknown, accepted), col(Message.address).is_not(None), col(Message.call_id).is_not(None))
        .order_by(col(Message.state).desc(), col(Message.asked_at).is_not(None), col(Message.asked_at), col(Message.id))
        .limit(limit)
    )
    keys = keys_of(session)
    found = []
    for *known, key, sealed in session.execute(query):
        with suppress(SealError):  # one damaged row must not keep the others from being asked about
            fields: list[Any] = [*known, keys.open("message.address", key, sealed)]
            found.append(Awaited(*fields))
    return found


@dataclass(frozen=True, slots=True)
class Answered:
    """What a provider said of a message, and the state it gives it; `asked` alone moves nothing."""

    message: Awaited
    answer: Answer
    state: str
    provider_ref: str | None
    code: str | None


def record_answers(session: Session, answers: Sequence[Answered], provider: str, now: datetime) -> list[Answered]:
    """Write what a provider said of messages that still are as they were when we asked; return what moved."""
    moved = [said for said in answers if _recorded(session, said, now) and said.state != said.message.state]
    tries = [
        {
            "message_id": said.message.id,
            "number": said.message.attempts,
            "owner": "reconcile",
            "provider": provider,
            "outcome": said.answer,
            "provider_ref": said.provider_ref,
            "error_code": said.code,
            "request_hash": said.message.request_hash,
            "at": now,
        }
        for said in moved
    ]
    note(session, tries)
    return moved


def _recorded(session: Session, said: Answered, now: datetime) -> bool:
    table, before = Message.metadata.tables["message"], said.message
    mine = (table.c.id == before.id, table.c.state == before.state, table.c.call_id == before.call_id)
    asked = update(table).where(*mine).values(**_values(said, now), asked_at=now)
    return session.connection().execute(asked).rowcount == 1


def _values(said: Answered, now: datetime) -> dict[str, Any]:
    """Give the new values; a message that goes again keeps its call, by which a late receipt may still know it."""
    if said.state == "pending":
        free = {"lease_owner": None, "lease_until": None, "error_class": None, "error_code": None}
        return {"state": "pending", "not_before": now, "finished_at": None, **free}
    if said.answer == "absent" and said.state == said.message.state:
        return {"error_code": ABSENT} if said.code == ABSENT else {}
    known = {"provider_ref": said.provider_ref or said.message.provider_ref}
    if said.state == said.message.state:
        return known
    error = {"undeliverable": "permanent", "dead": "permanent"}.get(said.state)
    ended = {"finished_at": now, "lease_owner": None, "lease_until": None}
    return {"state": said.state, "error_class": error, "error_code": said.code, **known, **ended}
