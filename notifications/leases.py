"""The sending protocol in SQL: freeze -> record, every step fenced by the lease owner.

An owner that dies leaves rows behind: what was only claimed goes back to pending, what was being sent is unknown.
Leases are about processes, so they run on real time; not_before and expires_at follow the business clock.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import or_, select, update
from sqlmodel import Session, col

from models.db import keys_of
from models.messages import IS_OPEN, Message, change, note
from notifications.parcels import Pair, Parcel

Moves = Counter[tuple[str, str, str]]
"""How many messages went where, by (channel, template, state)."""

Verdict = Literal["accepted", "rejected", "defer", "stop", "unknown"]


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


class Standing(NamedTuple):
    """Rows of one kind that a drain could move now."""

    channel: str
    state: str
    owner: str | None
    pair: Pair


def standing(session: Session, channels: Iterable[str], now: datetime) -> list[Standing]:
    """Return what a drain could move now; empty means idle."""
    due = (col(Message.not_before) <= now) & col(Message.channel).in_(list(channels))
    of = (col(Message.channel), col(Message.state), col(Message.lease_owner))
    query = (
        select(*of, col(Message.template), col(Message.language))
        .where(IS_OPEN, or_(col(Message.state) != "pending", due, col(Message.expires_at) <= now))
        .distinct()
    )
    rows = session.execute(query)
    return [Standing(kind, state, owner, (template, language)) for kind, state, owner, template, language in rows]


def take_back(
    session: Session, owners: Iterable[str], dead: Callable[[str], bool], real_now: datetime, now: datetime
) -> Moves:
    """Take over what lapsed leases and dead owners left: claimed -> pending, sending -> unknown."""
    gone = [owner for owner in owners if dead(owner)]
    lapsed = or_(col(Message.lease_until) <= real_now, col(Message.lease_owner).in_(gone))
    told = (col(Message.channel), col(Message.template), col(Message.state))
    free = {"state": "pending", "lease_owner": None, "lease_until": None}
    in_order = col(Message.id) + 0  # the order in which everybody locks; for the bare id SQLite would read the table
    locked = select(col(Message.id)).where(IS_OPEN, col(Message.state) != "pending", lapsed).order_by(in_order)
    session.execute(locked.with_for_update()).all()
    claimed = update(Message).where(IS_OPEN, col(Message.state) == "claimed", lapsed).values(**free)
    moves: Moves = Counter(tuple(row) for row in session.execute(claimed.returning(*told)))
    doubt = {"state": "unknown", "error_class": "unknown", "error_code": "lease", "finished_at": now}
    sending = update(Message).where(IS_OPEN, col(Message.state) == "sending", lapsed).values(**doubt)
    facts = (Message.id, Message.attempts, Message.lease_owner, Message.request_hash, Message.provider)
    names = ("message_id", "number", "owner", "request_hash", "provider")
    tries = []
    for channel, template, state, *fact in session.execute(sending.returning(*told, *map(col, facts))):
        moves[channel, template, state] += 1
        tries.append(dict(zip(names, fact, strict=True)))
    known = {"outcome": "unknown", "error_code": "lease", "at": real_now}
    note(session, [{**row, **known} for row in tries])
    return moves


def expire(session: Session, now: datetime) -> Moves:
    """Expire every pending message whose time is over, calls included."""
    over = (col(Message.state) == "pending", col(Message.expires_at) <= now)
    query = update(Message).where(IS_OPEN, *over).values(state="expired", finished_at=now)
    told = (col(Message.channel), col(Message.template), col(Message.state))
    return Counter(tuple(row) for row in session.execute(query.returning(*told)))


def held(session: Session, owner: str, parcels: Iterable[Parcel], states: Sequence[str]) -> dict[int, bytes | None]:
    """Return, locked in order of ids, those that are still ours with their request hashes; the fence of every step.

    An unknown message keeps its last owner: when that one was only slow, the truth may still arrive.
    """
    ids = [parcel.id for parcel in parcels]
    mine = (col(Message.id).in_(ids), col(Message.lease_owner) == owner, col(Message.state).in_(states))
    query = select(col(Message.id), col(Message.request_hash)).where(*mine).order_by(col(Message.id))
    return dict(session.execute(query.with_for_update()).tuples().all())


def drop(session: Session, fates: Sequence[tuple[Parcel, str, str | None]], now: datetime) -> None:
    """End claimed messages that must not fly: suppressed, expired, cancelled, or dead with a code."""
    change(session, [_drop(parcel, state, code, now) for parcel, state, code in fates])


def _drop(parcel: Parcel, state: str, code: str | None, now: datetime) -> dict[str, Any]:
    error = "permanent" if state == "dead" else None
    end = {"lease_owner": None, "lease_until": None, "finished_at": now}
    return {"row": parcel.id, "state": state, "error_class": error, "error_code": code, **end}


def hold(session: Session, held_until: Sequence[tuple[Parcel, datetime]]) -> None:
    """Put claimed messages back until a moment: quiet hours and caps."""
    back = {"state": "pending", "lease_owner": None, "lease_until": None}
    change(session, [{"row": parcel.id, "not_before": until, **back} for parcel, until in held_until])


@dataclass(frozen=True, slots=True)
class Frozen:
    """A request exactly as it will leave, its parts where they cost money, and the call it flies in."""

    parcel: Parcel
    body: str = field(repr=False)
    parts: int | None
    call_id: str


def freeze(session: Session, frozen: Sequence[Frozen], provider: str, now: datetime, lease_until: datetime) -> None:
    """Mark as sending, with each request exactly as it will leave; commit before it does."""
    keys = keys_of(session)
    same = {"state": "sending", "provider": provider, "flown_at": now, "lease_until": lease_until}
    rows = [
        {
            "row": each.parcel.id,
            "request": keys.seal("message.request", each.parcel.key, each.body),
            "request_hash": keys.blind("message.request", each.body),
            "attempts": each.parcel.attempts + 1,
            "parts": each.parts,
            "call_id": each.call_id,
            **same,
        }
        for each in frozen
    ]
    change(session, rows)


def record(session: Session, owner: str, records: Sequence[Record], real_now: datetime, now: datetime) -> Moves:
    """Write what came of a chunk, for the rows that are still ours; say where they went."""
    ours = held(session, owner, (entry.parcel for entry in records), ("sending", "unknown"))
    kept = [entry for entry in records if entry.parcel.id in ours]
    change(session, [_recorded(entry, now) for entry in kept])
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
    note(session, tries)
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
