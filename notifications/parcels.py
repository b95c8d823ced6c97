"""Parcels: pending messages -> claimed for one drain and opened for sending -> given back if they do not fly."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, tuple_, update
from sqlmodel import Session, col

from models.db import keys_of
from models.messages import IS_OPEN, Message
from models.seal import KeyRing, SealError
from rules.messages import Audience, Kind

Pair = tuple[str, str]
"""A template and a language: what a provider can carry or not."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A claimed message, opened for sending.

    Attributes:
        unreadable: its seal is broken: address and variables are empty, and it can never be sent.
    """

    id: int
    key: str
    template: str
    language: str
    recipient: str
    district: str
    kind: Kind
    audience: Audience
    address_index: bytes | None
    enclosures: bytes | None
    out_id: str
    attempts: int
    not_before: datetime
    expires_at: datetime | None
    address: str = field(repr=False)
    variables: Mapping[str, Any] = field(repr=False)
    unreadable: bool

    @property
    def pair(self) -> Pair:
        """Its template and language."""
        return self.template, self.language


_PLAIN = (
    Message.id, Message.dedupe_key, Message.template, Message.language, Message.recipient, Message.district,
    Message.kind, Message.audience, Message.address_index, Message.enclosures, Message.out_id, Message.attempts,
    Message.not_before, Message.expires_at,
)  # fmt: skip
_REST = (Message.address, Message.variables, Message.priority)


def claim(
    session: Session,
    channel: str,
    owner: str,
    *,
    pairs: Collection[Pair],
    now: datetime,
    lease_until: datetime,
    limit: int,
) -> list[Parcel]:
    """Claim the most urgent due messages of a channel; two drains at once never get the same row.

    Args:
        session: writing.
        channel: email, sms or robot.
        owner: of the lease.
        pairs: templates and languages that the provider at hand can carry now.
        now: the business clock.
        lease_until: real time.
        limit: the most rows.
    """
    picked = (
        select(col(Message.id))
        .where(IS_OPEN, col(Message.channel) == channel, col(Message.state) == "pending")
        .where(col(Message.not_before) <= now)
        .where(tuple_(col(Message.template), col(Message.language)).in_(sorted(pairs)))
        .order_by(col(Message.priority), col(Message.not_before), col(Message.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    taken = (
        update(Message)
        .where(col(Message.id).in_(select(picked.c.id)))  # locked as pending; to say so again misleads PostgreSQL
        .values(state="claimed", lease_owner=owner, lease_until=lease_until)
        .returning(*map(col, _PLAIN), *map(col, _REST))
        .execution_options(synchronize_session=False)
    )
    keys = keys_of(session)
    rows = sorted(session.execute(taken), key=lambda row: (row.priority, row.not_before, row.id))
    return [_opened(keys, row) for row in rows]


def _opened(keys: KeyRing, row: Row[Any]) -> Parcel:
    fields: list[Any] = list(row[: len(_PLAIN)])
    try:
        address = keys.open("message.address", row.dedupe_key, row.address)
        fields += [address, json.loads(keys.open("message.variables", row.dedupe_key, row.variables)), False]
    except SealError:  # one damaged row must not stop all others
        fields += ["", {}, True]
    return Parcel(*fields)


def release(session: Session, owner: str) -> None:
    """Give back what was claimed and not flown."""
    mine = (IS_OPEN, col(Message.lease_owner) == owner, col(Message.state) == "claimed")
    session.execute(update(Message).where(*mine).values(state="pending", lease_owner=None, lease_until=None))


def calls_of(parcels: Sequence[Parcel], batch: int) -> list[list[Parcel]]:
    """Divide parcels into calls: of one template and language, no address twice, at most `batch` each, in order."""
    calls: list[list[Parcel]] = []
    open_calls: dict[Pair, list[list[Parcel]]] = {}
    for parcel in parcels:
        mine = open_calls.setdefault(parcel.pair, [])
        fit = (c for c in mine if len(c) < batch and all(parcel.address != other.address for other in c))
        call = next(fit, None)
        if call is None:
            call = []
            mine.append(call)
            calls.append(call)
        call.append(parcel)
    return calls
