"""Counting a month of visits: histories, one elder at a time -> both faces of the month, and twelve months of rates.

Elders stream through: memory holds the sums of each place and the logs of issues, never the district's histories.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from sqlmodel import Session

from flows.settings import Settings
from models.calendar import calendar
from models.issue import local
from models.visit_histories import Read, histories
from models.visit_month import Home, IssueLog, categories_on, codes_of, homes, issue_logs, span_of_facts, stored_month
from policies.visits import VisitsPolicy, clocks, visits
from rules.errors import NoPolicyInForce
from rules.issues import IssueRule, sla
from rules.issues_clock import WorkingTime
from rules.issues_log import Event
from rules.visits import tasks
from rules.visits_facts import History, community_on
from rules.visits_kpi import Rate, Verdict, add, checks_on_time, on_time, together, verdict
from rules.visits_month import (
    Figures,
    Month,
    Scope,
    Share,
    Sums,
    faces,
    happened,
    midnight,
    months_to,
    verdicts_of_both,
)
from rules.visits_owed import Book, owed_checks
from rules.workdays import Workdays

TREND = 12
"""So many months the trend looks back, the reported one included."""
AHEAD = timedelta(days=400)
"""The clocks ask the calendar for days after the month: 90 days and some workdays of a green interval."""
BEHIND = timedelta(days=31)
"""And for the last workday before the first of all deadlines, which may lie behind a holiday."""
BATCH = 5000
"""So many elders are counted before the lease is renewed: some seconds."""
Rates = dict[tuple[Scope, Month], Rate]


@dataclass(slots=True)
class Review:
    """A month in both faces, and the visit rates of the months up to it in both."""

    month: Month
    version: date
    places: dict[int, Home]
    known: dict[Scope, Figures]
    now: dict[Scope, Figures]
    trend_known: Rates = field(default_factory=dict)
    trend_now: Rates = field(default_factory=dict)

    @property
    def as_known(self) -> date:
        """The day D of "as known on D": the one after the month."""
        return self.month[1] + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Book:
    """What decides in the month: the policy of its last day, clocks and calendar; `now` is local time."""

    month: Month
    policy: VisitsPolicy
    owed: Book
    now: datetime

    def share(self, history: History | None) -> Share | None:
        """What an elder adds to the month, as these rows tell it."""
        if history is None or history.registered_on > self.month[1]:
            return None
        judged = verdict(history, *self.month, self.policy.eligible_days)
        first, last = self.month
        owed = tasks(history, last, self.owed.clocks, self.owed.workdays)
        raised = [each.task for each in owed_checks(happened(history, last), last, self.now, self.owed)]
        checks = checks_on_time(raised, first, last)
        return Share(judged, together(on_time(owed, first, last, last), checks), checks)


def review_month(
    session: Session, settings: Settings, district: int, month: Month, renewed: Callable[[], None] = lambda: None
) -> Review:
    """Count a month; figures that were stored on the day after it are shown as they were then.

    Args:
        session: reading.
        settings: the clock decides what is known now.
        district: district id.
        month: over already.
        renewed: called before each BATCH of elders, by a job that must not lose its lease meanwhile.
    """
    places = homes(session, district)
    count = _Count(session, settings, district, month, places)
    for number, read in enumerate(histories(session, district)):
        if number % BATCH == 0:
            renewed()
        count.elder(read)
    count.issues(issue_logs(session, district))
    review = count.review()
    for past in months_to(month, TREND):
        stored = stored_month(session, district, f"{past[0]:%Y-%m}", past[1] + timedelta(days=1))
        if past == month:
            review.known = stored or review.known
            stored = review.known
        review.trend_known |= {(scope, past): one.visits for scope, one in stored.items() if not scope.category}
    return review


class _Count:
    """One pass over elders and issues."""

    def __init__(
        self, session: Session, settings: Settings, district: int, month: Month, places: dict[int, Home]
    ) -> None:
        first, last = span_of_facts(session, district, month[1])
        self._workdays = Workdays(calendar(session, first - BEHIND, last + AHEAD))
        self._policy = visits(month[1], settings.policy)
        book = Book(clocks(month[1], settings.policy), self._workdays, self._policy.unreachable)
        self._now = local(settings.now())
        self._book = _Book(month, self._policy, book, self._now)
        self._month, self._months = month, months_to(month, TREND)
        self._places, self._district = places, settings.district
        self._categories = categories_on(session, district, month[1])
        self._known, self._told = Sums(), Sums()
        for sums in (self._known, self._told):
            sums.cover(codes_of(places, settings.district))
        self._working = cache(lambda day: _rule(day, settings.policy, self._policy, self._workdays))
        self._rates: tuple[Rates, Rates] = ({}, {})
        self._at: dict[int, tuple[int, int]] = {}

    def elder(self, read: Read) -> None:
        """Add an elder to both faces of the month and to the trend."""
        known, told = faces(read.history, self._month[1], self._now)
        if told is None:
            return
        there, here = (self._home(read, face, self._month) for face in (known or told, told))
        self._at[read.elder_id] = there, here
        share = self._book.share(told)
        if share is not None:
            self._told.add(self._scopes(here, read.elder_id), share)
        share = share if known is told else self._book.share(known)
        if share is not None:
            self._known.add(self._scopes(there, read.elder_id), share)
        self._past(read, told)

    def _past(self, read: Read, told: History) -> None:
        lived = [month for month in self._months if month[1] >= told.registered_on]
        if not lived:
            return
        both: tuple[Sequence[Verdict | None], ...] = verdicts_of_both(told, lived, self._policy.eligible_days)
        for rates, judged in zip(self._rates, both, strict=True):
            for month, one in zip(lived, judged, strict=True):
                if one is not None:
                    for scope in self._places_of(self._home(read, told, month)):
                        add(rates.setdefault((scope, month), Rate()), one)

    def issues(self, logs: Iterable[IssueLog]) -> None:
        """Add the issues as they stood at the month's end, as known then and as known now."""
        end = midnight(self._month[1] + timedelta(days=1))
        for issue in logs:
            happened = [one for one in issue.log if one.event.at < end]
            self._issue(issue, [one.event for one in happened if one.recorded_at < end], self._known, 0)
            self._issue(issue, [one.event for one in happened if one.recorded_at <= self._now], self._told, 1)

    def _issue(self, issue: IssueLog, log: Sequence[Event], sums: Sums, face: int) -> None:
        home = issue.community_id if issue.elder_id is None else self._at.get(issue.elder_id, (None, None))[face]
        opened = min((event.at for event in log if event.kind == "open"), default=None)
        if opened is None or home is None:
            return
        rule, working = self._working(opened.date())
        end = midnight(self._month[1] + timedelta(days=1))
        sums.add_issue(self._scopes(home, issue.elder_id), sla(log, issue.kind, end, rule, working))

    def review(self) -> Review:
        """Return what was counted."""
        workday = WorkingTime(self._workdays, self._policy.issues.hours).workday
        known, now = (sums.figures(self._month, workday) for sums in (self._known, self._told))
        return Review(self._month, self._policy.since, self._places, known, now, *self._rates)

    def _home(self, read: Read, face: History, month: Month) -> int:
        return int(community_on(face.statuses, str(read.community_id), month[1]))

    def _places_of(self, home: int) -> list[Scope]:
        office = str(self._places[home].office_id)
        return [Scope("district", self._district), Scope("subdistrict", office), Scope("community", str(home))]

    def _scopes(self, home: int, elder: int | None) -> list[Scope]:
        places, categories = self._places_of(home), self._categories.get(elder or 0, [])
        return [*places, *(place._replace(category=each) for place in places for each in categories)]


def _rule(day: date, overlay: Path | None, present: VisitsPolicy, workdays: Workdays) -> tuple[IssueRule, WorkingTime]:
    """The rule of the day an issue was raised; days before the first version of the book fall under the present one."""
    try:
        rule = visits(day, overlay).issues
    except NoPolicyInForce:
        rule = present.issues
    return rule, WorkingTime(workdays, rule.hours)
