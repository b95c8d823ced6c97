"""The clocks of follow-up visits: anchor date, tier, rule book -> the term of a task, day by day of nothing but dates.

Every term is computed from its anchor, never from the term before it. The rule book in force on the anchor decides;
a re-grade is decided by the one in force on its own date (docs/decisions/0020-visit-readings.md).
"""

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from rules.visits_facts import Grade, Tier
from rules.workdays import Workdays

Kind = Literal["FIRST", "RETURN", "ROLLING", "MONTHLY", "REOFFER", "WELLNESS_CHECK"]
"""Why a visit is owed: registered, back from a pause, the tier's interval, the month's quota, refused, unreachable."""
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class TierClock:
    """What one tier is owed, in calendar days unless the name says workdays.

    Red and green have an interval, `every_days`; yellow has none: its quota is one effective contact in every calendar
    month. `grace_workdays` None means that a date is never rolled to a workday. Upcoming work enters the list
    `ahead_days` before its deadline.
    """

    first_days: int
    return_days: int
    ahead_days: int
    every_days: int | None = None
    grace_workdays: int | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """One version of the clocks, in force from `since`."""

    since: date
    red: TierClock = TierClock(2, 2, 2, 7)
    yellow: TierClock = TierClock(7, 7, 31)
    green: TierClock = TierClock(7, 7, 14, 90, 3)
    reoffer_days: int = 90
    reoffer_grace_workdays: int = 3

    def of(self, tier: Tier) -> TierClock:
        """Return the clock of a tier."""
        return self.red if tier == "red" else self.yellow if tier == "yellow" else self.green


class Clocks:
    """All versions of the clocks; days before the first version fall under it."""

    def __init__(self, versions: Iterable[Clock]) -> None:
        self._versions = sorted(versions, key=lambda clock: clock.since)
        self._starts = [clock.since for clock in self._versions[1:]]

    def on(self, day: date) -> Clock:
        """Return the version in force on `day`."""
        return self._versions[bisect_right(self._starts, day)]


class Term(NamedTuple):
    """When a task is planned, by when it is to be done, through which day it is on time, and under which version.

    `through` is the deadline, except for a month's quota, which is ordered by the last workday and on time through
    the last day.
    """

    plan_on: date
    deadline: date
    through: date
    version: date


class Commitment(NamedTuple):
    """What is owed from one anchor on: a term, or none while a quota clock runs; `dropped_on` by a re-grade."""

    opened_on: date
    tier: Tier
    term: Term | None
    dropped_on: date | None = None


def opening_term(kind: Kind, start: date, tier: Tier, clock: Clock, workdays: Workdays) -> Term:
    """Return the term of the visit owed after registration or return; `start` is day 0 and the deadline never rolled.

    Yellow and green are planned on the workday on or before the deadline, red on the deadline.
    """
    rule = clock.of(tier)
    due = start + timedelta(days=rule.first_days if kind == "FIRST" else rule.return_days)
    return Term(_planned(due, start, tier, workdays), due, due, clock.since)


def rolling_term(anchor: date, tier: Tier, clock: Clock, workdays: Workdays) -> Term:
    """Return the term of the next visit after an effective contact on `anchor`, of a tier with an interval."""
    rule = clock.of(tier)
    assert rule.every_days is not None
    due = anchor + timedelta(days=rule.every_days)
    if rule.grace_workdays is None:
        return Term(due, due, due, clock.since)
    deadline = workdays.after(due, rule.grace_workdays)
    return Term(workdays.on_or_before(due), deadline, deadline, clock.since)


def monthly_term(day: date, bound: date | None, clock: Clock, workdays: Workdays) -> Term:
    """Return the term of the quota of the month of `day`, extended to `bound` if a re-grade late in the month sets one.

    Ordered by the last workday, on time through the last day, missed from the 1st.
    """
    last = month_end(day)
    if bound is not None and bound > last:
        return Term(workdays.on_or_before(bound), bound, bound, clock.since)
    workday = workdays.on_or_before(last)
    return Term(workday, workday, last, clock.since)


def reoffer_term(due: date, clock: Clock, workdays: Workdays) -> Term:
    """Return the term of the next offer to an elder who refused: never before its date, with some workdays of grace."""
    deadline = workdays.after(due, clock.reoffer_grace_workdays)
    return Term(workdays.on_or_after(due), deadline, deadline, clock.since)


def regrade_bound(commitment: Commitment, day: date, tier: Tier, clocks: Clocks) -> date:
    """Return the latest date to which a re-grade on `day` may put a visit that the new clock would have had earlier.

    As many days as after a registration, but not later than the deadline that stood, unless that has passed.
    """
    bound = day + timedelta(days=clocks.on(day).of(tier).first_days)
    return min(bound, commitment.term.deadline) if is_running(commitment, day) and commitment.term else bound


def is_running(commitment: Commitment, day: date) -> bool:
    """Tell whether a term stands and its deadline has not passed by `day`."""
    term = commitment.term
    return term is not None and commitment.dropped_on is None and term.deadline >= day


def start_commitment(kind: Kind, anchor: date, tier: Tier, clocks: Clocks, workdays: Workdays) -> Commitment:
    """Return what is owed from the anchor on, before any re-grade."""
    clock = clocks.on(anchor)
    if kind != "ROLLING":
        return Commitment(anchor, tier, opening_term(kind, anchor, tier, clock, workdays))
    if tier == "yellow":
        return Commitment(anchor, tier, None)
    return Commitment(anchor, tier, rolling_term(anchor, tier, clock, workdays))


def regraded(
    commitment: Commitment, kind: Kind, anchor: date, grade: Grade, clocks: Clocks, workdays: Workdays
) -> Commitment:
    """Return the commitment after a re-grade.

    The new tier's clock runs from the same anchor. A date that it would put before `regrade_bound` is put there. What
    is overdue stays overdue until met. Going to the quota clock drops an interval that has not passed.
    """
    day, tier = grade
    stands = commitment.term is not None and commitment.dropped_on is None
    if stands and not is_running(commitment, day):
        return commitment
    clock = clocks.on(day)
    if kind == "ROLLING" and tier == "yellow":
        return commitment._replace(dropped_on=day) if stands else commitment
    if kind == "ROLLING":
        natural = rolling_term(anchor, tier, clock, workdays)
    else:
        natural = opening_term(kind, anchor, tier, clock, workdays)
    bound = regrade_bound(commitment, day, tier, clocks)
    if not stands and anchor < day.replace(day=1):  # the month's quota was still owed
        bound = min(bound, month_end(day))
    if natural.deadline < bound:
        natural = Term(_planned(bound, day, tier, workdays), bound, bound, clock.since)
    return Commitment(commitment.opened_on if stands else day, tier, natural)


def commitment_after(
    kind: Kind, anchor: date, regrades: Sequence[Grade], clocks: Clocks, workdays: Workdays
) -> Commitment:
    """Return what is owed from the anchor on; `regrades` starts with the tier on the anchor, then those that count."""
    commitment = start_commitment(kind, anchor, regrades[0].tier, clocks, workdays)
    for grade in regrades[1:]:
        commitment = regraded(commitment, kind, anchor, grade, clocks, workdays)
    return commitment


@lru_cache(maxsize=4096)
def _month_end(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def month_end(day: date) -> date:
    """Return the last day of the month of `day`."""
    return _month_end(day.year, day.month)


def _planned(due: date, start: date, tier: Tier, workdays: Workdays) -> date:
    return due if tier == "red" else max(start, workdays.on_or_before(due))
