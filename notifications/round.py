"""A round of the outbox: for whom, by what clocks and rules; and one flight of it, with one provider."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlmodel import Session

from models.db import Database
from notifications.channels.contract import Channel
from notifications.parcels import Parcel
from notifications.site import Site
from policies.messages import MessagePolicy

StillTrue = Callable[[Session, Sequence[Parcel]], set[str]]
"""Given claimed messages of one template, return the keys of those whose fact still holds."""

Late = Callable[[Session, Sequence[Parcel]], Mapping[str, Mapping[str, Any]]]
"""Given claimed messages of one template, return their late variables by key; a key left out has nothing to tell."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round of the outbox: for whom, by what clocks and rules.

    Attributes:
        db: the database.
        policy: quiet hours, caps and rates in force.
        zone: of the district's wall clock.
        now: the business clock, for not_before, expires_at, caps and Date headers; `--at` may stand still.
        real_now: the clock of leases, token buckets and circuits.
        owner: this process, such as host:pid:start; each drain adds a part of its own.
        site: what every message says alike.
        districts: names by code; a mail shows its own, one round carries the messages of a whole city.
        still_true: by template, asked in the transaction that freezes; templates not named here always hold.
        late: by template, read just before rendering.
        dead: tells whether an owner (without the drain's own part) is known to be dead.
        chunk: how many may become unknown in one kill, whatever a provider takes at once.
        lease: how long a chunk may take before others may take it over.
        most_attempts: refused as often as this, a message is dead.
        budget: nothing new is claimed after so long.
        pause: waits for the token bucket; without it the drain ends instead.
    """

    db: Database
    policy: MessagePolicy
    zone: tzinfo
    now: Callable[[], datetime]
    real_now: Callable[[], datetime]
    owner: str
    site: Site = field(default_factory=Site)
    districts: Mapping[str, str] = field(default_factory=dict)
    still_true: Mapping[str, StillTrue] = field(default_factory=dict)
    late: Mapping[str, Late] = field(default_factory=dict)
    dead: Callable[[str], bool] = frozenset[str]().__contains__
    chunk: int = 100
    lease: timedelta = timedelta(minutes=5)
    most_attempts: int = 8
    budget: timedelta = timedelta(seconds=50)
    pause: Callable[[timedelta], None] | None = None


@dataclass(frozen=True, slots=True)
class Flight:
    """Who flies a chunk: the round, the channel and provider, the lease owner, and how many flew before it."""

    one: Round
    kind: str
    channel: Channel
    owner: str
    flown: int
