"""Draining the outbox: look -> take back -> claim -> read late facts -> recheck and freeze -> send -> record.

At most once for what is ambiguous (it becomes `unknown`, is asked about and listed), at least once otherwise. Nothing
is sent inside a transaction, and a kill at any point leaves at most one chunk unknown. Each channel has its providers
in order of preference: what the first cannot carry now - it is in trouble, or has no approved template - the next one
takes, and only messages that were definitely not accepted ever move.
"""

import secrets
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from models import providers
from notifications import leases, parcels
from notifications.channels.contract import Channel, ChannelDown
from notifications.flight import fly
from notifications.leases import Moves
from notifications.parcels import Pair, Parcel
from notifications.round import Flight, Round
from rules.messages import backoff, granted, next_grant, taken


@dataclass
class Tally:
    """What a drain did.

    Attributes:
        moves: messages by (channel, template, new state); `pending` counts what was put back for another try, `held`
            what waits for quiet hours or a cap.
        stopped: channel:provider in trouble, with the code that says why.
        uncarried: messages due on a channel, by template, that no provider has an approved template for.
        flown: messages that left, by channel, whichever provider took them; the cap of a run looks at it.
        successors: messages written for people's next channels.
        lost: rows of chunks that somebody else had taken over meanwhile.
    """

    moves: Moves = field(default_factory=Counter)
    stopped: dict[str, str] = field(default_factory=dict)
    uncarried: set[tuple[str, str]] = field(default_factory=set)
    flown: Counter[str] = field(default_factory=Counter)
    successors: int = 0
    lost: int = 0

    def __bool__(self) -> bool:
        return bool(self.moves or self.stopped or self.uncarried or self.lost)

    @property
    def states(self) -> Counter[str]:
        """Messages by new state alone."""
        total: Counter[str] = Counter()
        for (_, _, state), number in self.moves.items():
            total[state] += number
        return total


def drain(one: Round, channels: Mapping[str, Sequence[Channel]]) -> Tally:
    """Send everything that is due; an idle outbox costs one query.

    Args:
        one: this round.
        channels: "sms", "email" and "robot" to their providers in order of preference; "call" rows are never sent.
    """
    tally = Tally()
    with one.db.read() as session:
        found = leases.standing(session, channels, one.now())
    if not found:
        return tally
    owners = {row.owner for row in found if row.owner}
    with one.db.write() as session:
        gone = Moves()
        if owners:
            gone += leases.take_back(session, owners, lambda name: one.dead(_process(name)), one.real_now(), one.now())
        tally.moves += gone + leases.expire(session, one.now())
        again = leases.standing(session, channels, one.now()) if gone else found
    for kind, offered in channels.items():
        due = {row.pair for row in again if (row.channel, row.state) == (kind, "pending")}
        if due:
            _drain_channel(one, kind, offered, due, tally)
    return tally


def _process(owner: str) -> str:
    return owner.rpartition("#")[0]


def _drain_channel(one: Round, kind: str, offered: Sequence[Channel], due: set[Pair], tally: Tally) -> None:
    """Let the providers of a channel take turns; each gets what those before it could not carry."""
    for channel in offered:
        lane = _Lane(one, kind, channel, tally)
        due -= lane.drain(due)
        if not due:
            return
    tally.uncarried |= {(kind, pair[0]) for pair in due if not any(channel.carries(*pair) for channel in offered)}


class _Lane:
    """One provider at work in one round."""

    def __init__(self, one: Round, kind: str, channel: Channel, tally: Tally) -> None:
        self.one, self.kind, self.channel, self.tally = one, kind, channel, tally
        self.name = f"{kind}:{channel.provider}"
        self.owner = f"{one.owner}#{secrets.token_hex(4)}"
        self.rate = one.policy.rates.get(channel.provider)
        self.failures: Counter[str] = Counter()

    def drain(self, due: Collection[Pair]) -> set[Pair]:
        """Send what this provider can carry; return the templates and languages it took charge of."""
        able = self._able(due)
        if not able:
            return able
        try:
            self.channel.open()
        except ChannelDown as down:
            self._trouble(providers.WHOLE, down.code, None)
            return set()
        ends = self.one.real_now() + self.one.budget
        try:
            while able and self.one.real_now() < ends:
                claimed, wait = self._claim(able)
                if claimed:
                    able -= self._fly(claimed, able)
                elif not self._wait(wait, ends):
                    break
        finally:
            try:
                with self.one.db.write() as session:
                    parcels.release(session, self.owner)
            finally:
                self.channel.close()
        return able

    def _able(self, due: Collection[Pair]) -> set[Pair]:
        """What it can carry now: approved templates, less what is in trouble."""
        with self.one.db.read() as session:
            known = providers.health(session, self.name)
        now = self.one.real_now()
        self.failures = Counter({state.template: state.failures for state in known})
        # a trouble of the future was noted before the clock was set back; resting by it might take days
        ours = [state for state in known if state.since is None or state.since <= now]
        resting = {state.template: state.code for state in ours if state.resume_at and state.resume_at > now}
        if providers.WHOLE in resting:
            self.tally.stopped[self.name] = resting[providers.WHOLE] or "stop"
            return set()
        for template, code in resting.items():
            self.tally.stopped[f"{self.name}:{template}"] = code or "stop"
        return {pair for pair in due if pair[0] not in resting and self.channel.carries(*pair)}

    def _claim(self, able: set[Pair]) -> tuple[list[Parcel], timedelta | None]:
        """Claim as much as the provider takes now; nothing and a wait when its bucket is empty.

        A provider that was in trouble is tried with one message, a template that was with one of its own.
        """
        suspects = {pair for pair in able if self.failures[pair[0]]}
        limit = 1 if suspects or self.failures[providers.WHOLE] else min(self.channel.batch, self.one.chunk)
        claimed, wait = self._granted(suspects or able, limit)
        if suspects and not claimed and wait is None:  # nothing of it is due by now
            able -= suspects
            return self._claim(able) if able else ([], None)
        return claimed, wait

    def _granted(self, pairs: Collection[Pair], limit: int) -> tuple[list[Parcel], timedelta | None]:
        one, now = self.one, self.one.real_now()
        terms = {"pairs": pairs, "now": one.now(), "lease_until": now + one.lease}
        with one.db.write() as session:
            if self.rate is None:
                return parcels.claim(session, self.kind, self.owner, limit=limit, **terms), None  # type: ignore[arg-type]
            full_at = providers.lock_bucket(session, self.name)
            limit = min(limit, granted(full_at, now, self.rate))
            claimed = parcels.claim(session, self.kind, self.owner, limit=limit, **terms) if limit else []  # type: ignore[arg-type]
            providers.fill_bucket(session, self.name, taken(full_at, now, self.rate, len(claimed)))
        return claimed, None if limit else next_grant(full_at, now, self.rate)

    def _wait(self, wait: timedelta | None, ends: datetime) -> bool:
        if wait is None or self.one.pause is None or self.one.real_now() + wait >= ends:
            return False
        self.one.pause(wait)
        return True

    def _fly(self, claimed: Sequence[Parcel], able: set[Pair]) -> set[Pair]:
        """Fly one chunk; return what this provider can no longer carry."""
        try:
            flight = fly(Flight(self.one, self.kind, self.channel, self.owner, self.tally.flown[self.kind]), claimed)
        except Exception as error:  # a fault of ours: leave the provider alone, or every minute puts a chunk in doubt
            self._trouble(providers.WHOLE, type(error).__name__, None)
            raise
        self.tally.flown[self.kind] += flight.flown
        self.tally.moves += flight.moves
        self.tally.successors += flight.successors
        self.tally.lost += flight.lost
        self._answered(flight.answered)
        for template, (code, wait) in flight.troubles.items():
            self._trouble(template, code, wait)
        return able if providers.WHOLE in flight.troubles else {pair for pair in able if pair[0] in flight.troubles}

    def _answered(self, templates: Collection[str]) -> None:
        """Close the circuit again; trouble of the same chunk is noted after it, and opens it anew."""
        if templates and self.failures.total():
            with self.one.db.write() as session:
                providers.well(session, self.name, templates)
            for template in (providers.WHOLE, *templates):
                del self.failures[template]

    def _trouble(self, template: str, code: str, until: datetime | None) -> None:
        """Leave the provider, or one template there, alone for a while: twice as long each time."""
        now = self.one.real_now()
        self.failures[template] += 1
        resume = max(until or now, now + backoff(self.failures[template]))
        with self.one.db.write() as session:
            providers.trouble(session, self.name, template, code=code, now=now, resume_at=resume)
        self.tally.stopped[f"{self.name}:{template}" if template else self.name] = code
