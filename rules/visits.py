"""Follow-up visits 回访 of one elder, event by event: history -> active runs -> anchors and months -> every task.

Nothing is stored: the tasks as of a day, and what became of them, follow from the facts. rules/visits_standing.py gives
the open ones from aggregated facts alone; a property test holds both to the same answer.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from rules.visits_clock import (
    Clocks,
    Commitment,
    commitment_after,
    month_end,
    monthly_term,
    regrade_bound,
    reoffer_term,
)
from rules.visits_facts import (
    EFFECTIVE,
    Grade,
    History,
    Outcome,
    Span,
    Tier,
    dates_of,
    grades,
    spans,
    standing_contacts,
)
from rules.visits_task import CLOSES, Run, Task, closed_with, done, ended, new_task, runs
from rules.workdays import Workdays

OFFERS: frozenset[Outcome] = EFFECTIVE | {"REFUSED"}
"""Outcomes by which an elder who refused has been asked again."""


class Life(NamedTuple):
    """A history as of a day: statuses, tiers, and the dates of contacts by what they mean, each in order."""

    spans: list[Span]
    grades: list[Grade]
    effective: list[date]
    offers: list[date]
    unanswered: list[date]


def life_until(history: History, day: date) -> Life:
    """Return what had happened by the end of `day`; rows dated later, such as an announced return, do not count."""
    whole = spans(history)
    cut = [span if span.until is None or span.until <= day else span._replace(until=None) for span in whole]
    contacts = standing_contacts(history, whole, day)
    return Life(
        [span for span in cut if span.since <= day],
        [grade for grade in grades(history) if grade.since <= day],
        dates_of(contacts, EFFECTIVE),
        dates_of(contacts, OFFERS),
        dates_of(contacts, frozenset({"NO_ANSWER"})),
    )


def tasks(history: History, day: date, clocks: Clocks, workdays: Workdays) -> list[Task]:
    """Return every task of the elder from registration to `day`, with its state at the end of that day.

    Args:
        history: all rows known; take `known` first for the state as it was known earlier.
        day: what lies after it has not happened.
        clocks: all versions of the clocks.
        workdays: the calendar, from the first deadline to some days past the last.

    Returns:
        The tasks by the day they were opened, then kind and cycle; none before registration.

    Raises:
        Ungraded: the elder has no tier.
        DayNotInCalendar: a deadline lies where the calendar is silent.
    """
    life = life_until(history, day)
    found: list[Task] = []
    for run in runs(life.spans):
        found += _anchored(run, life, clocks, workdays)
        found += _monthly(run, life, day, clocks, workdays)
    for place, span in enumerate(life.spans):
        if span.status == "REFUSED":
            found += _reoffers(place, life, clocks, workdays)
    return sorted(found, key=lambda task: (task.opened_on, task.kind, task.cycle))


def tier_on(graded: Sequence[Grade], day: date) -> Tier:
    """Return the tier on a day; `graded` is in order and starts no later than the day."""
    return graded[bisect_right(graded, day, key=lambda grade: grade.since) - 1].tier


def first_from(dates: Sequence[date], day: date) -> date | None:
    """Return the first of some dates in order that is not before `day`."""
    place = bisect_left(dates, day)
    return dates[place] if place < len(dates) else None


def regrades_between(graded: Sequence[Grade], anchor: date, until: date | None) -> list[Grade]:
    """Return the tier on the anchor, then each re-grade after it and before `until`."""
    changes = [g for g in graded if anchor < g.since and (until is None or g.since < until)]
    return [Grade(anchor, tier_on(graded, anchor)), *changes]


def _anchored(run: Run, life: Life, clocks: Clocks, workdays: Workdays) -> Iterator[Task]:
    """Yield the opening visit of the run, then the interval from each effective contact in it."""
    kind, anchor = run.kind, run.start
    following = first_from(life.effective, anchor)
    while True:
        met = following if following is not None and run.can_be_met(following) else None
        until = min((day for day in (met, run.end) if day is not None), default=None)
        commitment = commitment_after(kind, anchor, regrades_between(life.grades, anchor, until), clocks, workdays)
        if commitment.term is not None:
            task = new_task(kind, anchor.isoformat(), commitment, commitment.term)
            yield _outcome(task, commitment, met, run)
        if met is None or (run.end is not None and met >= run.end):
            return
        kind, anchor = "ROLLING", met
        following = first_from(life.effective, anchor + timedelta(days=1))


def _outcome(task: Task, commitment: Commitment, met: date | None, run: Run) -> Task:
    if commitment.dropped_on is not None:
        return ended(task, commitment.dropped_on, "regraded")
    return closed_with(task, run) if met is None else done(task, met, run)


def _monthly(run: Run, life: Life, day: date, clocks: Clocks, workdays: Workdays) -> Iterator[Task]:
    """Yield the quotas of the months after the one in which the run began; there the opening visit is the quota."""
    last = day if run.end is None else run.end - timedelta(days=1)
    first = month_end(run.start) + timedelta(days=1)
    while first <= last:
        met = first_from(life.effective, first)
        met = met if met is not None and run.can_be_met(met) else None
        task = None
        for since, until in _quota_stretches(life.grades, first, last):
            if met is not None and met < since:
                break  # the month had its contact before the elder came under the quota
            task = _quota(first, since, run, life, clocks, workdays)
            if met is not None and met <= task.through and (until is None or met <= until):
                task = done(task, met, run)
                break
            dropped = until is not None and until <= task.through
            task = ended(task, until, "regraded") if until and dropped else _unmet(task, run, day)
        if task is not None:
            yield task
        first = month_end(first) + timedelta(days=1)


def _quota_stretches(graded: Sequence[Grade], first: date, last: date) -> Iterator[tuple[date, date | None]]:
    """Yield since and until which re-grade the elder was yellow in the month from `first`, in a run up to `last`."""
    since = first if tier_on(graded, first) == "yellow" else None
    for grade in graded:
        if first < grade.since <= last:
            if since is not None:
                yield since, grade.since
            since = grade.since if grade.tier == "yellow" and grade.since <= month_end(first) else None
    if since is not None:
        yield since, None


def _quota(first: date, since: date, run: Run, life: Life, clocks: Clocks, workdays: Workdays) -> Task:
    """Return the open quota of a month; a re-grade late in the month leaves as many days as a registration would."""
    bound = None
    if since > first:
        before = bisect_left(life.effective, since)
        contact = life.effective[before - 1] if before else None
        kind, anchor = (run.kind, run.start) if contact is None or contact < run.start else ("ROLLING", contact)
        stood = commitment_after(kind, anchor, regrades_between(life.grades, anchor, since), clocks, workdays)
        bound = regrade_bound(stood, since, "yellow", clocks)
    term = monthly_term(first, bound, clocks.on(since), workdays)
    return new_task("MONTHLY", f"{first:%Y-%m}", Commitment(since, "yellow", term), term)


def _unmet(task: Task, run: Run, day: date) -> Task:
    missed = task.through + timedelta(days=1)
    if missed <= (day if run.end is None else run.end):
        return task._replace(state="MISSED", ended_on=missed, on_time=False)
    return closed_with(task, run)


def _reoffers(place: int, life: Life, clocks: Clocks, workdays: Workdays) -> Iterator[Task]:
    """Yield the offers owed to an elder who refused: on the date agreed, then so many days after each."""
    span = life.spans[place]
    anchor, due = span.since, first_reoffer(span, clocks)
    following = first_from(life.offers, due)
    while True:
        met = following if following is not None and (span.until is None or following <= span.until) else None
        task = reoffer(anchor, due, tier_on(life.grades, anchor), clocks, workdays)
        if met is not None:
            yield done(task, met)
        elif span.until is not None:
            then = life.spans[place + 1].status
            yield ended(task, span.until, "accepted" if then == "ACTIVE" else CLOSES[then])
        else:
            yield task
        if met is None or met == span.until:
            return
        anchor, due = met, next_reoffer(met, clocks)
        following = first_from(life.offers, anchor + timedelta(days=1))


def first_reoffer(span: Span, clocks: Clocks) -> date:
    """Return the date agreed when the elder refused, else the rule book's number of days after.

    A date that is not after the refusal is none: the offer of that day was the one refused.
    """
    agreed = span.reoffer_on
    return agreed if agreed is not None and agreed > span.since else next_reoffer(span.since, clocks)


def next_reoffer(offered_on: date, clocks: Clocks) -> date:
    """Return when to ask again after an offer."""
    return offered_on + timedelta(days=clocks.on(offered_on).reoffer_days)


def reoffer(anchor: date, due: date, tier: Tier, clocks: Clocks, workdays: Workdays) -> Task:
    """Return the open task of the next offer."""
    term = reoffer_term(due, clocks.on(anchor), workdays)
    return new_task("REOFFER", anchor.isoformat(), Commitment(anchor, tier, term), term)
