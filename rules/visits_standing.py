"""Where an elder stands, from aggregated facts: state, tiers, last effective contact -> what is owed on a day.

A database can feed this for a whole district in one set-based statement. The answer is that of rules/visits.py for the
tasks still open; nothing here looks at a contact twice.
"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from rules.visits import (
    first_reoffer,
    life_until,
    next_reoffer,
    regrades_between,
    reoffer,
    tier_on,
)
from rules.visits_clock import (
    Clocks,
    Commitment,
    Kind,
    commitment_after,
    monthly_term,
    regrade_bound,
    start_commitment,
)
from rules.visits_facts import Grade, History, Span, Status, Tier
from rules.visits_task import Task, new_task, runs
from rules.visits_unreachable import streak
from rules.workdays import Workdays


class Facts(NamedTuple):
    """One elder as of a day.

    `since` is the first day of the status - of ACTIVE the registration or the return, whatever rows repeat it - and
    `first` says that the elder has not been ACTIVE before. `grades` are the tiers in order, only changes, none later
    than the day. `last_effective` and `last_offer` (effective, or refused) are the last dates not after the day, of
    contacts that count: no duplicates, none flagged. `no_answers` are the distinct dates without an answer since the
    last effective contact and the first day of the status.
    """

    status: Status
    since: date
    first: bool
    grades: tuple[Grade, ...]
    last_effective: date | None = None
    last_offer: date | None = None
    reoffer_on: date | None = None
    no_answers: tuple[date, ...] = ()


def facts_of(history: History, day: date) -> Facts | None:
    """Aggregate a history as the database does; None before registration."""
    life = life_until(history, day)
    if not life.spans:
        return None
    now = life.spans[-1]
    effective = life.effective[-1] if life.effective else None
    return Facts(
        now.status,
        now.since,
        len(runs(life.spans)) == 1 and now.status == "ACTIVE",
        tuple(life.grades),
        effective,
        life.offers[-1] if life.offers else None,
        now.reoffer_on,
        tuple(streak(life.unanswered, effective, now.since)),
    )


def standing(facts: Facts, day: date, clocks: Clocks, workdays: Workdays) -> list[Task]:
    """Return the open tasks of one elder at the end of `day`: at most three, and none in a pause or after a death.

    Three when a quota extended by a late re-grade and the next month's quota run beside an overdue visit.

    Args:
        facts: the elder as of the day.
        day: the day of the question.
        clocks: all versions of the clocks.
        workdays: the calendar, from the first deadline to some days past the last.

    Raises:
        DayNotInCalendar: a deadline lies where the calendar is silent.
    """
    if facts.status == "ACTIVE":
        return _active(facts, day, clocks, workdays)
    return [_refused(facts, clocks, workdays)] if facts.status == "REFUSED" else []


def _active(facts: Facts, day: date, clocks: Clocks, workdays: Workdays) -> list[Task]:
    contact, graded = facts.last_effective, facts.grades
    kind: Kind = "FIRST" if facts.first else "RETURN"
    anchor = facts.since
    if contact is not None and contact >= anchor:
        kind, anchor = "ROLLING", contact
    tier, graded_on = graded[-1].tier, graded[-1].since
    if graded_on <= anchor:
        owed = _started(kind, anchor, tier, clocks, workdays)
    else:
        after = commitment_after(kind, anchor, regrades_between(graded, anchor, None), clocks, workdays)
        owed = _owed(kind, anchor, after)
    found = [] if owed is None else [owed]
    if tier == "yellow":
        found += _quotas(kind, anchor, facts, day, clocks, workdays)
    return found


@lru_cache(maxsize=8192)
def _started(kind: Kind, anchor: date, tier: Tier, clocks: Clocks, workdays: Workdays) -> Task | None:
    """Return what is owed from the anchor on; kept, for many elders have the same anchor and tier."""
    return _owed(kind, anchor, start_commitment(kind, anchor, tier, clocks, workdays))


def _owed(kind: Kind, anchor: date, commitment: Commitment) -> Task | None:
    if commitment.term is None or commitment.dropped_on is not None:
        return None
    return new_task(kind, anchor.isoformat(), commitment, commitment.term)


def _quotas(kind: Kind, anchor: date, facts: Facts, day: date, clocks: Clocks, workdays: Workdays) -> list[Task]:
    """Return the quota of this month if unmet, and that of last month if a late re-grade extended it to today."""
    first = day.replace(day=1)
    yellow_since = facts.grades[-1].since
    months = [first]
    if yellow_since < first and (day - yellow_since).days <= clocks.on(yellow_since).yellow.first_days:
        months.insert(0, yellow_since.replace(day=1))
    found = []
    for month in months:
        if facts.since < month and (facts.last_effective is None or facts.last_effective < month):
            quota = _quota(month, kind, anchor, facts.grades, clocks, workdays)
            found += [quota] if day <= quota.through else []
    return found


def _quota(month: date, kind: Kind, anchor: date, graded: Sequence[Grade], clocks: Clocks, workdays: Workdays) -> Task:
    since = graded[-1].since
    if since <= month:
        return _monthly(month, month, None, clocks, workdays)
    stood = commitment_after(kind, anchor, regrades_between(graded, anchor, since), clocks, workdays)
    return _monthly(month, since, regrade_bound(stood, since, "yellow", clocks), clocks, workdays)


@lru_cache(maxsize=1024)
def _monthly(month: date, since: date, bound: date | None, clocks: Clocks, workdays: Workdays) -> Task:
    term = monthly_term(month, bound, clocks.on(since), workdays)
    return new_task("MONTHLY", f"{month:%Y-%m}", Commitment(since, "yellow", term), term)


def _refused(facts: Facts, clocks: Clocks, workdays: Workdays) -> Task:
    due = first_reoffer(Span(facts.since, "REFUSED", None, facts.reoffer_on), clocks)
    anchor = facts.since
    if facts.last_offer is not None and facts.last_offer >= due:
        anchor = facts.last_offer
        due = next_reoffer(anchor, clocks)
    return reoffer(anchor, due, tier_on(facts.grades, anchor), clocks, workdays)
