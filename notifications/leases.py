"""The sending protocol in SQL: claim -> freeze -> record, every step fenced by the lease owner.

An owner that dies leaves rows behind: what was only claimed goes back to pending, what was being sent is unknown.
Leases are about processes, so they run on real time; not_before and expires_at follow the business clock.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import bindparam, func, or_, select, update
from sqlmodel import Session, col

from models.db import insert_for, keys_of
from models.messages import IS_OPEN, Attempt, Message, OptOut

Moves = Counter[tuple[str, str, str]]
"""How many messages went where, by (channel, template, state)."""

Verdict = Literal["accepted", "rejected", "defer", "stop", "unknown"]


@dataclass(frozen=True, slots=True)
class Parcel:
    """A claimed message, opened for sending."""

    id: int
    key: str
    template: str
    language: str
    recipient: str
    address: str
    address_index: bytes | None
    variables: Mapping[str, Any]
    out_id: str
    attempts: int
    not_before: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Record:
    """What came of one sending, and where the message goes from there."""

    channel: str
    owner: str
    parcel: Parcel
    verdict: Verdict
    state: str
    provider: str
    provider_ref: str | None
    code: str | None
    not_before: datetime


def standing(session: Session, channels: Iterable[str], now: datetime) -> list[tuple[str, str, str | None, int]]:
    """Return (channel, state, lease owner, rows) of everything a drain could move now; empty means idle."""
    due = (col(Message.not_before) <= now) & col(Message.channel).in_(list(channels))
    of = (col(Message.channel), col(Message.state), col(Message.lease_owner))
    query = (
        select(*of, func.count())
        .where(IS_OPEN, or_(col(Message.state) != "pending", due, col(Message.expires_at) <= now))
        .group_by(*of)
    )
    return [(channel, state, owner, rows) for channel, state, owner, rows in session.execute(query)]


def take_back(
    session: Session, owners: Iterable[str], dead: Callable[[str], bool], real_now: datetime, now: datetime
) -> Moves:
    """Take over what lapsed leases and dead owners left: claimed -> pending, sending -> unknown."""
    gone = [owner for owner in owners if dead(owner)]
    lapsed = or_(col(Message.lease_until) <= real_now, col(Message.lease_owner).in_(gone))
    told = (col(Message.channel), col(Message.template), col(Message.state))
    free = {"state": "pending", "lease_owner": None, "lease_until": None}
    claimed = update(Message).where(IS_OPEN, col(Message.state) == "claimed", lapsed).values(**free)
    moves: Moves = Counter(tuple(row) for row in session.execute(claimed.returning(*told)))
    doubt = {"state": "unknown", "error_class": "unknown", "error_code": "lease", "finished_at": now}
    sending = update(Message).where(IS_OPEN, col(Message.state) == "sending", lapsed).values(**doubt)
    facts = (Message.id, Message.attempts, Message.lease_owner, Message.request_hash)
    tries = []
    for channel, template, state, *fact in session.execute(sending.returning(*told, *map(col, facts))):
        moves[channel, template, state] += 1
        tries.append(dict(zip(("message_id", "number", "owner", "request_hash"), fact, strict=True)))
    if tries:
        known = {"outcome": "unknown", "error_code": "lease", "at": real_now}
        session.execute(insert_for(session, Attempt).on_conflict_do_nothing(), [{**row, **known} for row in tries])
    return moves


def expire(session: Session, now: datetime) -> Moves:
    """Expire every pending message whose time is over, calls included."""
    over = (col(Message.state) == "pending", col(Message.expires_at) <= now)
    query = update(Message).where(IS_OPEN, *over).values(state="expired", finished_at=now)
    told = (col(Message.channel), col(Message.template), col(Message.state))
    return Counter(tuple(row) for row in session.execute(query.returning(*told)))


def claim(
    session: Session, channel: str, owner: str, *, now: datetime, lease_until: datetime, limit: int
) -> list[Parcel]:
    """Claim the most urgent due messages of a channel; two drains at once never get the same row."""
    picked = (
        select(col(Message.id))
        .where(IS_OPEN, col(Message.channel) == channel, col(Message.state) == "pending")
        .where(col(Message.not_before) <= now)
        .order_by(col(Message.priority), col(Message.not_before), col(Message.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    columns = (
        Message.id, Message.dedupe_key, Message.template, Message.language, Message.recipient, Message.address,
        Message.address_index, Message.variables, Message.out_id, Message.attempts, Message.not_before,
        Message.expires_at, Message.priority,
    )  # fmt: skip
    taken = (
        update(Message)
        .where(col(Message.id).in_(select(picked.c.id)), col(Message.state) == "pending")
        .values(state="claimed", lease_owner=owner, lease_until=lease_until)
        .returning(*map(col, columns))
        .execution_options(synchronize_session=False)
    )
    keys = keys_of(session)
    parcels = []
    for number, key, template, language, recipient, address, index, variables, *rest, priority in session.execute(
        taken
    ):
        told = json.loads(keys.open("message.variables", key, variables))
        open_address = keys.open("message.address", key, address)
        parcel = Parcel(number, key, template, language, recipient, open_address, index, told, *rest)
        parcels.append((priority, parcel.not_before, number, parcel))
    return [parcel for *_, parcel in sorted(parcels, key=lambda entry: entry[:3])]


def release(session: Session, owner: str) -> None:
    """Give back what was claimed and not flown."""
    mine = (IS_OPEN, col(Message.lease_owner) == owner, col(Message.state) == "claimed")
    session.execute(update(Message).where(*mine).values(state="pending", lease_owner=None, lease_until=None))


def opted_out(session: Session, channel: str, parcels: Sequence[Parcel]) -> set[bytes]:
    """Return the blind indexes of those who want no messages on this channel."""
    indexes = [parcel.address_index for parcel in parcels]
    query = select(col(OptOut.address_index)).where(col(OptOut.channel) == channel)
    return set(session.execute(query.where(col(OptOut.address_index).in_(indexes))).scalars())


def held(session: Session, owner: str, parcels: Iterable[Parcel], states: Sequence[str]) -> dict[int, bytes | None]:
    """Return, locked, the ids that are still ours with their request hashes; the fence of every step.

    An unknown message keeps its last owner: when that one was only slow, the truth may still arrive.
    """
    ids = [parcel.id for parcel in parcels]
    mine = (col(Message.id).in_(ids), col(Message.lease_owner) == owner, col(Message.state).in_(states))
    query = select(col(Message.id), col(Message.request_hash)).where(*mine).with_for_update()
    return dict(session.execute(query).tuples().all())


def drop(session: Session, fates: Sequence[tuple[Parcel, str, str | None]], now: datetime) -> None:
    """End claimed messages that must not fly: suppressed, expired, cancelled, or dead with a code."""
    _write(session, [_drop(parcel, state, code, now) for parcel, state, code in fates])


def _drop(parcel: Parcel, state: str, code: str | None, now: datetime) -> dict[str, Any]:
    error = "permanent" if state == "dead" else None
    end = {"lease_owner": None, "lease_until": None, "finished_at": now}
    return {"row": parcel.id, "state": state, "error_class": error, "error_code": code, **end}


def freeze(
    session: Session, frozen: Sequence[tuple[Parcel, str, int | None]], provider: str, lease_until: datetime
) -> None:
    """Mark as sending, with the request exactly as it will leave; commit before it does."""
    keys = keys_of(session)
    same = {"state": "sending", "provider": provider, "lease_until": lease_until}
    rows = [
        {
            "row": parcel.id,
            "request": keys.seal("message.request", parcel.key, request),
            "request_hash": keys.blind("message.request", request),
            "attempts": parcel.attempts + 1,
            "parts": parts,
            **same,
        }
        for parcel, request, parts in frozen
    ]
    _write(session, rows)


def record(session: Session, owner: str, records: Sequence[Record], real_now: datetime, now: datetime) -> Moves:
    """Write what came of a chunk, for the rows that are still ours; say where they went."""
    ours = held(session, owner, (entry.parcel for entry in records), ("sending", "unknown"))
    kept = [entry for entry in records if entry.parcel.id in ours]
    _write(session, [_recorded(entry, now) for entry in kept])
    tries = [
        {
            "message_id": entry.parcel.id,
            "number": entry.parcel.attempts + 1,
            "owner": owner,
            "provider": entry.provider,
            "outcome": entry.verdict,
            "provider_ref": entry.provider_ref,
            "error_code": entry.code,
            "request_hash": ours[entry.parcel.id],
            "at": real_now,
        }
        for entry in kept
    ]
    if tries:
        session.execute(insert_for(session, Attempt).on_conflict_do_nothing(), tries)
    return Counter((entry.channel, entry.parcel.template, entry.state) for entry in kept)


def _recorded(entry: Record, now: datetime) -> dict[str, Any]:
    error = None if entry.verdict == "accepted" else entry.verdict
    return {
        "row": entry.parcel.id,
        "state": entry.state,
        "attempts": entry.parcel.attempts + (entry.verdict != "stop"),  # a channel that is down is not the row's fault
        "not_before": entry.not_before,
        "lease_owner": entry.owner if entry.state == "unknown" else None,
        "lease_until": None,
        "provider_ref": entry.provider_ref,
        "error_class": "permanent" if error == "rejected" else error,
        "error_code": entry.code,
        "finished_at": None if entry.state == "pending" else now,
    }


def _write(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    table = Message.metadata.tables["message"]
    if rows:
        session.connection().execute(update(table).where(table.c.id == bindparam("row")), list(rows))
