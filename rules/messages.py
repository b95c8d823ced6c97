"""Messages 消息: when one may leave, how much a provider takes now, and how long one in trouble is left alone.

Wall-clock times are the district's; instants are aware. Policy: policies/messages.yaml.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal

Kind = Literal["notice", "urgent", "payment", "promotional"]
Audience = Literal["staff", "public"]

_SECOND = timedelta(seconds=1)
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
"""Refused for now, a message - or a provider in trouble - waits twice as long each time."""


@dataclass(frozen=True, slots=True)
class Hours:
    """A daily window [since, until) on the wall clock; `since` > `until` runs over midnight."""

    since: time
    until: time

    def holds(self, at: time) -> bool:
        """Tell whether a time of day lies in the window; equal ends are an empty window."""
        if self.since <= self.until:
            return self.since <= at < self.until
        return at >= self.since or at < self.until


@dataclass(frozen=True, slots=True)
class Rate:
    """What a provider takes: messages a second on average, and at once after a rest."""

    per_s: int
    burst: int


def may_leave(kind: Kind, audience: Audience, at: datetime, quiet: Hours, promotional: Hours) -> datetime:
    """Return the first moment, `at` or later, at which a message may leave.

    Elders, families and payees are not woken: quiet hours hold what goes to them. Staff messages and urgent checks are
    exempt. Greetings count as promotional and keep to the window of that class as well.

    Args:
        kind: class of the template.
        audience: whom it goes to.
        at: a moment on the district's wall clock (aware).
        quiet: hours in which the public hears nothing.
        promotional: hours in which promotional messages may be sent.

    Raises:
        ValueError: the two windows leave no moment of the day.
    """
    gates: list[tuple[Callable[[time], bool], time]] = []
    if audience == "public" and kind != "urgent":
        gates.append((quiet.holds, quiet.until))
    if kind == "promotional":
        gates.append((lambda clock: not promotional.holds(clock), promotional.since))
    moment = at
    for _ in range(2 * len(gates) + 1):
        opens = next((opens for shut, opens in gates if shut(moment.time())), None)
        if opens is None:
            return moment
        moment = _next(moment, opens)
    raise ValueError("quiet hours and the promotional window leave no time of day")


def _next(after: datetime, clock: time) -> datetime:
    """The first time after `after` at which the wall clock shows `clock`."""
    there = datetime.combine(after.date(), clock, after.tzinfo)
    return there if there > after else datetime.combine(after.date() + timedelta(days=1), clock, after.tzinfo)


def tomorrow(at: datetime) -> datetime:
    """The beginning of the next day on the wall clock: where a cap or a provider's daily limit defers to."""
    return datetime.combine(at.date() + timedelta(days=1), time(), at.tzinfo)


def backoff(failures: int) -> timedelta:
    """How long to wait after so many failures in a row (1 or more): 1, 2, 4 ... 60 minutes."""
    doublings: int = min(failures - 1, 10)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def granted(full_at: datetime | None, now: datetime, rate: Rate) -> int:
    """Return how many messages a token bucket gives at `now`.

    Args:
        full_at: when the bucket will be full again; None or past means it is full (the theoretical arrival time of
            the generic cell rate algorithm: one stored instant instead of a counter and its time).
        now: real time.
        rate: of the provider.
    """
    return max(rate.burst - -(-_missing(full_at, now, rate) * rate.per_s // _SECOND), 0)


def taken(full_at: datetime | None, now: datetime, rate: Rate, number: int) -> datetime:
    """Return when the bucket will be full after `number` messages left at `now`; rounded so that none is a gift."""
    return now + _missing(full_at, now, rate) + -(-_SECOND * number // rate.per_s)


def next_grant(full_at: datetime | None, now: datetime, rate: Rate) -> timedelta:
    """Return how long until the bucket gives one message; zero when it does now."""
    return max(_missing(full_at, now, rate) - _SECOND * (rate.burst - 1) // rate.per_s, timedelta())


def _missing(full_at: datetime | None, now: datetime, rate: Rate) -> timedelta:
    """How long a bucket needs to be full; a longer wait than an empty one's comes from a clock that went back."""
    return min(max((full_at or now) - now, timedelta()), -(-_SECOND * rate.burst // rate.per_s))
