"""The flight of one chunk: late facts and rendering -> recheck and freeze -> send call by call -> record."""

import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from models import providers
from models.consent import opt_out_index
from models.drafts import Enclosure, enclosed_in
from models.seal import SealError
from models.successors import pass_on
from notifications import leases, rechecks
from notifications.catalogue import template
from notifications.channels.contract import TOMORROW, Letter, Outcome, Request
from notifications.errors import NotificationError
from notifications.leases import Frozen, Moves, Record, Verdict
from notifications.links import Ticket, make
from notifications.parcels import Parcel, calls_of
from notifications.rechecks import Fate
from notifications.rendering import render_mail, render_sms
from notifications.round import Flight
from rules.messages import backoff, tomorrow

_STATES: dict[Verdict, str] = {"accepted": "accepted", "rejected": "dead", "stop": "pending", "unknown": "unknown"}
_UNSUBSCRIBE = timedelta(days=60)
_NOT_TRIED = "not tried"
_ANSWERS = ("accepted", "rejected", "defer")


@dataclass
class Landing:
    """What came of a chunk.

    Attributes:
        moves: messages by (channel, template, state).
        flown: how many left.
        successors: how many were written for people's next channels.
        lost: rows that somebody else had taken over meanwhile.
        troubles: by template, or "" for the whole provider: the code, and the moment to wait for where it named one.
        answered: templates of messages about which the provider said something clear.
    """

    moves: Moves = field(default_factory=Counter)
    flown: int = 0
    successors: int = 0
    lost: int = 0
    troubles: dict[str, tuple[str, datetime | None]] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Composed:
    body: str = field(repr=False)
    parts: int | None


def fly(flight: Flight, claimed: Sequence[Parcel]) -> Landing:
    """Fly one chunk; a kill on the way leaves at most these messages in doubt.

    No call begins after the lease is over: by then others may have asked about it and sent it themselves. Should a
    channel fail in a way it never should, what is known by then is recorded all the same.
    """
    landing = Landing()
    composed, broken = _compose(flight, claimed)
    lease_until = flight.one.real_now() + flight.one.lease
    calls = _freeze(flight, claimed, composed, broken, lease_until, landing)
    flown = [parcel for parcels in calls.values() for parcel in parcels]
    outcomes = {parcel.out_id: Outcome(parcel.out_id, "stop", code=_NOT_TRIED) for parcel in flown}
    try:
        for call_id, parcels in calls.items():
            if providers.WHOLE in landing.troubles or flight.one.real_now() >= lease_until:
                break
            outcomes |= {parcel.out_id: Outcome(parcel.out_id, "unknown", code="no outcome") for parcel in parcels}
            outcomes.update(_send(flight, call_id, parcels, composed, landing))
    finally:
        _record(flight, flown, outcomes, landing)
    return landing


def _compose(flight: Flight, claimed: Sequence[Parcel]) -> tuple[dict[int, _Composed], dict[int, Fate]]:
    """Build every request before the write transaction; a message that cannot be built costs itself only.

    That holds for faults nobody foresaw too, or one bad row would stand before all others for ever. When every one of
    several messages fails so, the fault is ours and not theirs: it is raised, and they stay as they are.
    """
    composed: dict[int, _Composed] = {}
    broken: dict[int, Fate] = {}
    unforeseen: list[Exception] = []
    with flight.one.db.read() as session:
        late = _late(flight, session, claimed)
        for parcel in claimed:
            try:
                if parcel.unreadable:
                    broken[parcel.id] = Fate("dead", "seal")
                elif late.get(parcel.key) is None:
                    broken[parcel.id] = Fate("cancelled", "nothing to tell")
                else:
                    enclosed = enclosed_in(session, parcel.key, parcel.enclosures)
                    composed[parcel.id] = _request(flight, parcel, late[parcel.key], enclosed)
            except DBAPIError:
                raise  # a connection that broke is no fault of the message it broke at
            except (NotificationError, SealError) as error:
                broken[parcel.id] = Fate("dead", type(error).__name__)
            except Exception as error:  # noqa: BLE001 - see above
                broken[parcel.id] = Fate("dead", type(error).__name__)
                unforeseen.append(error)
    if len(unforeseen) == len(claimed) > 1:
        raise unforeseen[0]
    return composed, broken


def _late(flight: Flight, session: Session, claimed: Sequence[Parcel]) -> dict[str, Mapping[str, Any]]:
    """Read what is told as it stands at sending; templates without a reader have nothing late."""
    found: dict[str, Mapping[str, Any]] = {}
    for name in sorted({parcel.template for parcel in claimed}):
        asked = [parcel for parcel in claimed if parcel.template == name and not parcel.unreadable]
        reader = flight.one.late.get(name)
        found |= reader(session, asked) if reader else {parcel.key: {} for parcel in asked}
    return found


def _request(flight: Flight, parcel: Parcel, late: Mapping[str, Any], enclosed: tuple[Enclosure, ...]) -> _Composed:
    kind, site = template(parcel.template), flight.one.site
    told = kind.complete(parcel.key, parcel.variables, late)
    envelope = parcel.out_id, parcel.address, _label(parcel), parcel.template, parcel.language
    if flight.kind == "sms":
        sms = render_sms(kind, parcel.language, told, site=site)
        return _Composed(flight.channel.compose(Letter(*envelope, sms, flight.one.now())), sms.parts)
    own = replace(site, district=flight.one.districts.get(parcel.district, site.district))
    mail = render_mail(kind, parcel.language, told, site=own)
    mail = replace(mail, enclosures=enclosed, unsubscribe=_unsubscribe(flight, parcel))
    return _Composed(flight.channel.compose(Letter(*envelope, mail, flight.one.now())), None)


def _unsubscribe(flight: Flight, parcel: Parcel) -> str:
    """The address that ends such mails by one click, where there is an answer page."""
    if flight.kind != "email" or not flight.one.site.answers.startswith("https://"):
        return ""
    until = flight.one.now() + _UNSUBSCRIBE
    return flight.one.site.answers + make(flight.one.db.keys, Ticket("optout", parcel.id, 0, 0, until))


def _label(parcel: Parcel) -> str:
    return f"{parcel.template}-{parcel.recipient}"


def _freeze(
    flight: Flight,
    claimed: Sequence[Parcel],
    composed: Mapping[int, _Composed],
    broken: Mapping[int, Fate],
    lease_until: datetime,
    landing: Landing,
) -> dict[str, list[Parcel]]:
    """Recheck and commit `sending`; return what may fly, by call."""
    one = flight.one
    with one.db.write() as session:
        ours = leases.held(session, flight.owner, claimed, ("claimed",))
        kept = [parcel for parcel in claimed if parcel.id in ours]
        fates = rechecks.fates(flight, session, kept, broken)
        ended = [(p, fates[p.id].state, fates[p.id].code) for p in kept if p.id in fates and not fates[p.id].until]
        leases.drop(session, ended, one.now())
        leases.hold(session, [(p, until) for p in kept if p.id in fates and (until := fates[p.id].until)])
        landing.successors += pass_on(session, [parcel.id for parcel, _, _ in ended], one.now())
        flying = [parcel for parcel in kept if parcel.id not in fates]
        calls = {secrets.token_hex(12): call for call in calls_of(flying, flight.channel.batch)}
        frozen = [
            Frozen(parcel, composed[parcel.id].body, composed[parcel.id].parts, call_id)
            for call_id, call in calls.items()
            for parcel in call
        ]
        leases.freeze(session, frozen, flight.channel.provider, one.now(), lease_until)
        rechecks.count(flight, session, len(flying))
    landing.flown = len(flying)
    landing.lost += len(claimed) - len(kept)
    landing.moves += Counter((flight.kind, p.template, fates[p.id].state) for p in kept if p.id in fates)
    return calls


def _send(
    flight: Flight, call_id: str, parcels: Sequence[Parcel], composed: Mapping[int, _Composed], landing: Landing
) -> Iterator[tuple[str, Outcome]]:
    """Make one call, and notice what it says of the provider itself."""
    requests = [Request(p.out_id, p.address, _label(p), p.template, p.language, composed[p.id].body) for p in parcels]
    given = {outcome.out_id: outcome for outcome in flight.channel.send(call_id, requests)}
    outcomes = [given.get(p.out_id, Outcome(p.out_id, "unknown", code="no outcome")) for p in parcels]
    doubt = next((outcome.code for outcome in outcomes if outcome.verdict == "unknown"), None)
    for outcome in outcomes:
        if outcome.verdict == "stop":
            where = providers.WHOLE if outcome.scope == "channel" else parcels[0].template
            code = doubt if outcome.code == _NOT_TRIED else outcome.code  # why the rest of the call was not tried
            landing.troubles.setdefault(where, (code or "stop", _until(flight, outcome, flight.one.real_now())))
    if all(outcome.verdict == "unknown" for outcome in outcomes):  # asking more of it would put more in doubt
        landing.troubles.setdefault(providers.WHOLE, (outcomes[0].code or "no answer", None))
    if any(outcome.verdict in _ANSWERS for outcome in outcomes):
        landing.answered.add(parcels[0].template)
    for outcome in outcomes:
        yield outcome.out_id, outcome


def _until(flight: Flight, outcome: Outcome, now: datetime) -> datetime | None:
    if outcome.wait == TOMORROW:
        return tomorrow(now.astimezone(flight.one.zone))
    return None if outcome.wait is None else now + timedelta(seconds=float(outcome.wait))


def _record(flight: Flight, flown: Sequence[Parcel], outcomes: Mapping[str, Outcome], landing: Landing) -> None:
    one = flight.one
    records = [_recorded(flight, parcel, outcomes[parcel.out_id]) for parcel in flown]
    if not records:
        return
    with one.db.write() as session:
        moves = leases.record(session, flight.owner, records, one.real_now(), one.now())
        for parcel in flown:
            if outcomes[parcel.out_id].blocked and parcel.address_index:
                opt_out_index(session, flight.kind, parcel.address_index, "provider", one.now())
        dead = [entry.parcel.id for entry in records if entry.state == "dead"]
        landing.successors += pass_on(session, dead, one.now())
    landing.moves += moves
    landing.lost += len(records) - moves.total()


def _recorded(flight: Flight, parcel: Parcel, outcome: Outcome) -> Record:
    """Decide where a message goes: refused for now, it waits twice as long each time, until it is dead."""
    attempts = parcel.attempts + 1
    state, not_before = _STATES.get(outcome.verdict, "pending"), parcel.not_before
    if outcome.verdict == "defer":
        now = flight.one.now()
        state = "dead" if attempts >= flight.one.most_attempts else "pending"
        not_before = _until(flight, outcome, now) or now + backoff(attempts)
    told = (outcome.provider_ref, outcome.code)
    return Record(flight.kind, flight.owner, parcel, outcome.verdict, state, flight.channel.provider, *told, not_before)
