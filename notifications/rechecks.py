"""Rechecks in the transaction that freezes: opt-out, expiry, still true, quiet hours, caps -> what must not fly now.

Over a cap means the next day; urgent messages are exempt from quiet hours and caps.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session, col

from models import providers
from models.consent import opted_out
from models.messages import Message
from notifications.parcels import Parcel
from notifications.round import Flight
from rules.messages import may_leave, tomorrow

URGENT = "urgent"
_LEFT = ("sending", "accepted", "unknown", "delivered", "undeliverable")


class Fate(NamedTuple):
    """Why a message does not fly: its end with a code, or `held` until a moment."""

    state: str
    code: str | None = None
    until: datetime | None = None


def fates(flight: Flight, session: Session, parcels: Sequence[Parcel], broken: Mapping[int, Fate]) -> dict[int, Fate]:
    """Return what must not fly now, by message id.

    Args:
        flight: the round, channel and provider.
        session: the writing session that freezes.
        parcels: claimed and still ours.
        broken: those that could not be rendered.
    """
    found = dict(_ends(flight, session, parcels, broken))
    rest = [parcel for parcel in parcels if parcel.id not in found]
    found |= dict(_quiet(flight, rest))
    rest = [parcel for parcel in rest if parcel.id not in found]
    return found | dict(_capped(flight, session, rest))


def _ends(
    flight: Flight, session: Session, parcels: Sequence[Parcel], broken: Mapping[int, Fate]
) -> Iterator[tuple[int, Fate]]:
    now = flight.one.now()
    refusing = opted_out(session, flight.kind, {p.address_index for p in parcels if p.address_index})
    false = _no_longer_true(flight, session, parcels)
    for parcel in parcels:
        if parcel.expires_at is not None and parcel.expires_at <= now:
            yield parcel.id, Fate("expired")
        elif parcel.key in false:
            yield parcel.id, Fate("cancelled", "no longer true")
        elif parcel.address_index in refusing:
            yield parcel.id, Fate("suppressed", "opt-out")
        elif parcel.id in broken:
            yield parcel.id, broken[parcel.id]


def _no_longer_true(flight: Flight, session: Session, parcels: Sequence[Parcel]) -> set[str]:
    false: set[str] = set()
    still_true = flight.one.still_true
    for name in sorted({parcel.template for parcel in parcels} & {*still_true}):
        asked = [parcel for parcel in parcels if parcel.template == name]
        false |= {parcel.key for parcel in asked} - still_true[name](session, asked)
    return false


def _quiet(flight: Flight, parcels: Sequence[Parcel]) -> Iterator[tuple[int, Fate]]:
    """Hold what would wake people; robots hang in offices and disturb nobody."""
    if flight.kind == "robot":
        return
    policy, here = flight.one.policy, flight.one.now().astimezone(flight.one.zone)
    for parcel in parcels:
        until = may_leave(parcel.kind, parcel.audience, here, policy.quiet, policy.promotional)
        if until > here:
            yield parcel.id, Fate("held", "quiet hours", until)


def _capped(flight: Flight, session: Session, parcels: Sequence[Parcel]) -> Iterator[tuple[int, Fate]]:
    """Defer to the next day what is over a cap: of the run, of the channel's day, of the number's day."""
    caps, here = flight.one.policy.caps, flight.one.now().astimezone(flight.one.zone)
    next_day = tomorrow(here)
    limited = [parcel for parcel in parcels if parcel.kind != URGENT]
    exempt = [parcel.address_index for parcel in parcels if parcel.kind == URGENT]
    if not limited:
        return
    room = min(caps.run - flight.flown, caps.day - providers.counted_today(session, flight.kind, here.date()))
    room -= len(exempt)
    per_number = _flown_today(session, limited, _midnight(here))
    per_number.update(index for index in exempt if index)
    for parcel in limited:
        index = parcel.address_index
        if room <= 0 or (index is not None and per_number[index] >= caps.number_day):
            yield parcel.id, Fate("held", "cap", next_day)
            continue
        room -= 1
        if index is not None:
            per_number[index] += 1


def _midnight(here: datetime) -> datetime:
    return here.replace(hour=0, minute=0, second=0, microsecond=0)


def _flown_today(session: Session, parcels: Sequence[Parcel], since: datetime) -> Counter[bytes]:
    """Count what left for these numbers since the day began; what was refused did not."""
    indexes = sorted({parcel.address_index for parcel in parcels if parcel.address_index})
    query = select(col(Message.address_index), func.count()).where(
        col(Message.address_index).in_(indexes), col(Message.flown_at) >= since, col(Message.state).in_(_LEFT)
    )
    return Counter(dict(session.execute(query.group_by(col(Message.address_index))).tuples().all()))


def count(flight: Flight, session: Session, messages: int) -> None:
    """Add what flies now to the channel's day."""
    if messages:
        here = flight.one.now().astimezone(flight.one.zone)
        providers.count_today(session, flight.kind, here.date(), messages)
