"""Messages that await an answer of their provider: unknown ones, and accepted ones without a receipt."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import and_, or_, select, update
from sqlmodel import Session, col

from models.db import insert_for, keys_of
from models.messages import IS_AWAITED, Attempt, Message
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


def record_answer(session: Session, said: Answered, provider: str, now: datetime) -> bool:
    """Write what a provider said, if the message still is as it was when we asked; return whether it moved."""
    before = said.message
    mine = (
        col(Message.id) == before.id,
        col(Message.state) == before.state,
        col(Message.call_id) == before.call_id,
    )
    values = _values(said, now) | {"asked_at": now}
    row = session.execute(update(Message).where(*mine).values(**values).returning(col(Message.id))).first()
    if row is None or said.state == before.state:
        return False
    tried = {"message_id": before.id, "number": before.attempts, "owner": "reconcile", "provider": provider}
    tried |= {"outcome": said.answer, "provider_ref": said.provider_ref, "error_code": said.code}
    tried |= {"request_hash": before.request_hash, "at": now}
    session.execute(insert_for(session, Attempt).values(**tried).on_conflict_do_nothing())
    return True


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
