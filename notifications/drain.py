"""Draining the outbox: look -> take back -> claim -> recheck and freeze -> send -> record, chunk by chunk.

At most once for what is ambiguous (it becomes `unknown` and is listed), at least once otherwise. Nothing is sent inside
a transaction, and a kill at any point leaves at most one chunk unknown.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from models.db import Database
from notifications import leases
from notifications.catalogue import template
from notifications.channels.contract import Channel, ChannelDown, Letter, Outcome, Request
from notifications.errors import NotificationError
from notifications.leases import Moves, Parcel, Record, Verdict
from notifications.rendering import render_mail, render_sms

StillTrue = Callable[[Session, Sequence[Parcel]], set[str]]
"""Given claimed messages of one template, return the keys of those whose fact still holds."""

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
_STATES: dict[Verdict, str] = {"accepted": "accepted", "rejected": "dead", "stop": "pending", "unknown": "unknown"}


@dataclass
class Tally:
    """What a drain did.

    Attributes:
        moves: messages by (channel, template, new state); `pending` counts what was put back for another try.
        stopped: channels in trouble, with the code that says why.
        lost: rows of chunks that somebody else had taken over meanwhile.
    """

    moves: Moves = field(default_factory=Counter)
    stopped: dict[str, str] = field(default_factory=dict)
    lost: int = 0

    def __bool__(self) -> bool:
        return bool(self.moves or self.stopped or self.lost)

    @property
    def states(self) -> Counter[str]:
        """Messages by new state alone."""
        total: Counter[str] = Counter()
        for (_, _, state), number in self.moves.items():
            total[state] += number
        return total


@dataclass(frozen=True, slots=True)
class _Drain:
    """One drain of one channel: who, with what clocks, and how much at once."""

    db: Database
    kind: str
    channel: Channel
    owner: str
    now: Callable[[], datetime]
    real_now: Callable[[], datetime]
    chunk: int
    lease: timedelta
    most_attempts: int
    still_true: Mapping[str, StillTrue]


def drain(  # noqa: PLR0913 - two clocks, an identity and a few limits
    db: Database,
    channels: Mapping[str, Channel],
    *,
    now: Callable[[], datetime],
    real_now: Callable[[], datetime],
    owner: str,
    chunk: int = 50,
    still_true: Mapping[str, StillTrue] | None = None,
    dead: Callable[[str], bool] = frozenset[str]().__contains__,
    lease: timedelta = timedelta(minutes=5),
    most_attempts: int = 8,
) -> Tally:
    """Send everything that is due; an idle outbox costs one query.

    Args:
        db: the database.
        channels: "email" and "sms" to the channel that carries them; "call" rows are never sent.
        now: the business clock, for not_before, expires_at and Date headers; `--at` may stand still.
        real_now: the clock of leases.
        owner: this process, such as host:pid:start; each drain adds a part of its own.
        chunk: how many may become unknown in one kill.
        still_true: by template, asked in the transaction that freezes; templates not named here always hold.
        dead: tells whether an owner (without the drain's own part) is known to be dead.
        lease: how long a chunk may take before others may take it over.
        most_attempts: refused as often as this, a message is dead.
    """
    tally = Tally()
    with db.read() as session:
        found = leases.standing(session, channels, now())
    if not found:
        return tally
    owners = {name for _, _, name, _ in found if name}
    with db.write() as session:
        gone = leases.take_back(session, owners, lambda name: dead(name.rpartition("#")[0]), real_now(), now())
        tally.moves += gone + leases.expire(session, now())
    due = {kind for kind, state, _, _ in found if state == "pending"} | {kind for kind, _, _ in gone}
    mine = f"{owner}#{secrets.token_hex(4)}"
    for kind, channel in channels.items():
        if kind in due:
            one = _Drain(db, kind, channel, mine, now, real_now, chunk, lease, most_attempts, still_true or {})
            _drain_channel(one, tally)
    return tally


def _drain_channel(one: _Drain, tally: Tally) -> None:
    try:
        one.channel.open()
    except ChannelDown as down:
        tally.stopped[one.kind] = down.code
        return
    try:
        while one.kind not in tally.stopped and (parcels := _claim(one)):
            _fly(one, parcels, tally)
    finally:
        one.channel.close()
        with one.db.write() as session:
            leases.release(session, one.owner)


def _claim(one: _Drain) -> list[Parcel]:
    until = one.real_now() + one.lease
    with one.db.write() as session:
        return leases.claim(session, one.kind, one.owner, now=one.now(), lease_until=until, limit=one.chunk)


def _fly(one: _Drain, parcels: Sequence[Parcel], tally: Tally) -> None:
    """Render -> recheck and freeze -> send -> record one chunk."""
    composed, broken = _compose(one, parcels)
    flying = _freeze(one, parcels, composed, broken, tally)
    requests = [Request(p.out_id, p.address, _label(p), p.template, p.language, composed[p.id][0]) for p in flying]
    sent = one.channel.send(secrets.token_hex(12), requests) if requests else ()
    outcomes = {outcome.out_id: outcome for outcome in sent}
    doubtful = [Outcome(p.out_id, "unknown", code="no outcome") for p in flying if p.out_id not in outcomes]
    outcomes.update((outcome.out_id, outcome) for outcome in doubtful)
    records = [_record(one, parcel, outcomes[parcel.out_id]) for parcel in flying]
    with one.db.write() as session:
        moves = leases.record(session, one.owner, records, one.real_now(), one.now())
    tally.moves += moves
    tally.lost += len(records) - moves.total()
    stops = [entry.code or "stop" for entry in records if entry.verdict == "stop"]
    if stops:
        tally.stopped[one.kind] = stops[0]


def _compose(one: _Drain, parcels: Sequence[Parcel]) -> tuple[dict[int, tuple[str, int | None]], dict[int, str]]:
    """Build every request before the write transaction; a template that fails costs its own message only."""
    composed: dict[int, tuple[str, int | None]] = {}
    broken: dict[int, str] = {}
    for parcel in parcels:
        try:
            composed[parcel.id] = _request(one, parcel)
        except NotificationError as error:
            broken[parcel.id] = type(error).__name__
    return composed, broken


def _request(one: _Drain, parcel: Parcel) -> tuple[str, int | None]:
    kind, envelope = template(parcel.template), (parcel.template, parcel.language)
    variables = kind.complete(parcel.key, parcel.variables, {})
    if one.kind == "email":
        mail = render_mail(kind, parcel.language, variables)
        return one.channel.compose(
            Letter(parcel.out_id, parcel.address, _label(parcel), *envelope, mail, one.now())
        ), None
    sms = render_sms(kind, parcel.language, variables)
    return one.channel.compose(
        Letter(parcel.out_id, parcel.address, _label(parcel), *envelope, sms, one.now())
    ), sms.parts


def _label(parcel: Parcel) -> str:
    return f"{parcel.template}-{parcel.recipient}"


def _freeze(
    one: _Drain,
    parcels: Sequence[Parcel],
    composed: Mapping[int, tuple[str, int | None]],
    broken: Mapping[int, str],
    tally: Tally,
) -> list[Parcel]:
    """Recheck and commit `sending`; return what may fly."""
    with one.db.write() as session:
        ours = leases.held(session, one.owner, parcels, ("claimed",))
        kept = [parcel for parcel in parcels if parcel.id in ours]
        fates = _fates(one, session, kept, broken)
        leases.drop(session, [(p, *fates[p.id]) for p in kept if p.id in fates], one.now())
        flying = [parcel for parcel in kept if parcel.id not in fates]
        frozen = [(parcel, *composed[parcel.id]) for parcel in flying]
        leases.freeze(session, frozen, one.channel.provider, one.real_now() + one.lease)
    tally.lost += len(parcels) - len(kept)
    tally.moves += Counter((one.kind, p.template, fates[p.id][0]) for p in kept if p.id in fates)
    return flying


def _fates(
    one: _Drain, session: Session, parcels: Sequence[Parcel], broken: Mapping[int, str]
) -> dict[int, tuple[str, str | None]]:
    """Return what must not fly, with its end and why."""
    now = one.now()
    refusing = leases.opted_out(session, one.kind, parcels)
    false = _no_longer_true(one, session, parcels)
    fates: dict[int, tuple[str, str | None]] = {}
    for parcel in parcels:
        if parcel.address_index in refusing:
            fates[parcel.id] = ("suppressed", "opt-out")
        elif parcel.expires_at is not None and parcel.expires_at <= now:
            fates[parcel.id] = ("expired", None)
        elif parcel.key in false:
            fates[parcel.id] = ("cancelled", "no longer true")
        elif parcel.id in broken:
            fates[parcel.id] = ("dead", broken[parcel.id])
    return fates


def _no_longer_true(one: _Drain, session: Session, parcels: Sequence[Parcel]) -> set[str]:
    false: set[str] = set()
    for name in sorted({parcel.template for parcel in parcels} & {*one.still_true}):
        asked = [parcel for parcel in parcels if parcel.template == name]
        false |= {parcel.key for parcel in asked} - one.still_true[name](session, asked)
    return false


def _record(one: _Drain, parcel: Parcel, outcome: Outcome) -> Record:
    """Decide where a message goes: refused for now, it waits twice as long each time, until it is dead."""
    attempts = parcel.attempts + 1
    state, not_before = _STATES.get(outcome.verdict, "pending"), parcel.not_before
    if outcome.verdict == "defer":
        state = "dead" if attempts >= one.most_attempts else "pending"
        not_before = one.now() + min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT)
    told = (outcome.provider_ref, outcome.code)
    return Record(one.kind, one.owner, parcel, outcome.verdict, state, one.channel.provider, *told, not_before)
