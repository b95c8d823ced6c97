"""The month in review 月报: who was owed a visit, what became of tasks and issues -> the figures of every place.

A month has two faces: as known on D, the day after its last (recorded before D 00:00), and restated with what is known
now. Tasks and issues are looked at as they stood at the month's end in both, so that only late paper parts them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple

from rules.calendar import month_dates
from rules.issues import Sla
from rules.issues_kpi import IssueFigures, issue_figures
from rules.visits_facts import History, known, known_at
from rules.visits_kpi import OnTime, Rate, Verdict, add, together, verdicts

Place = Literal["district", "subdistrict", "community"]
Month = tuple[date, date]
"""First and last day."""
_NONE = OnTime(0, 0, 0)


class Scope(NamedTuple):
    """What figures are of: a place, and in it everybody or those with one special difficulty."""

    place: Place
    code: str
    category: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a month's report says of one scope; `checks` are the wellness checks among the tasks of `on_time`."""

    visits: Rate
    on_time: OnTime
    issues: IssueFigures
    checks: OnTime = _NONE


class Share(NamedTuple):
    """What one elder adds to the figures of a month."""

    verdict: Verdict
    on_time: OnTime
    checks: OnTime = _NONE


@dataclass(slots=True)
class _Sum:
    visits: Rate = field(default_factory=Rate)
    on_time: OnTime = _NONE
    checks: OnTime = _NONE
    issues: list[Sla] = field(default_factory=list)


class Sums:
    """Figures that are being added up."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._sums: dict[Scope, _Sum] = defaultdict(_Sum)

    def cover(self, scopes: Iterable[Scope]) -> None:
        """Report on these scopes even if nothing is added to them."""
        for scope in scopes:
            _ = self._sums[scope]

    def add(self, scopes: Iterable[Scope], share: Share) -> None:
        """Add an elder to the scopes the elder belongs to."""
        for scope in scopes:
            mine = self._sums[scope]
            add(mine.visits, share.verdict)
            mine.on_time, mine.checks = together(mine.on_time, share.on_time), together(mine.checks, share.checks)

    def add_issue(self, scopes: Iterable[Scope], issue: Sla) -> None:
        """Add an issue as it stood at the month's end."""
        for scope in scopes:
            self._sums[scope].issues.append(issue)

    def figures(self, month: Month, workday: timedelta) -> dict[Scope, Figures]:
        """Return the figures of every scope; `workday` is the working time of one workday."""
        first, end = midnight(month[0]), midnight(month[1] + timedelta(days=1))
        return {
            scope: Figures(
                mine.visits,
                mine.on_time,
                issue_figures(mine.issues, first, end, workday),
                mine.checks,
            )
            for scope, mine in self._sums.items()
        }


def midnight(day: date) -> datetime:
    """Return 00:00 of a day, the district's wall clock."""
    return datetime.combine(day, time())


def months_to(month: Month, number: int) -> list[Month]:
    """Return so many months in order, of which `month` is the last."""
    found = [month]
    while len(found) < number:
        found.append(month_dates(f"{found[-1][0] - timedelta(days=1):%Y-%m}"))
    return found[::-1]


def faces(history: History, last: date, now: datetime) -> tuple[History | None, History | None]:
    """Return a history as known on the day after `last`, and as known at `now`; None where nothing was known.

    It is one and the same object when no paper on the time up to `last` came late.
    """
    told = known_at(history, now)
    if told is None:
        return None, None
    return (known(history, last + timedelta(days=1)) if _late(told, last) else told), told


def happened(history: History, last: date) -> History:
    """Return what is dated up to `last`, whenever it was recorded."""
    return replace(
        history,
        statuses=[row for row in history.statuses if row.since <= last],
        contacts=[contact for contact in history.contacts if contact.occurred_on <= last],
    )


def verdicts_of_both(
    history: History, months: Sequence[Month], eligible_days: int
) -> tuple[list[Verdict | None], list[Verdict]]:
    """Judge one elder in each month: as known on the day after it, None if the elder was not, and by all rows given."""
    now = verdicts(history, months, eligible_days)
    then = [
        _judged(known(history, month[1] + timedelta(days=1)), month, eligible_days) if _late(history, month[1]) else one
        for month, one in zip(months, now, strict=True)
    ]
    return then, now


def _judged(history: History | None, month: Month, eligible_days: int) -> Verdict | None:
    return None if history is None else verdicts(history, [month], eligible_days)[0]


def _late(history: History, last: date) -> bool:
    """Tell whether something on the time up to `last` was recorded only after it."""
    after = midnight(last + timedelta(days=1))
    return any(recorded >= after and day <= last for day, recorded in _paper(history))


def _paper(history: History) -> Iterator[tuple[date, datetime]]:
    yield history.registered_on, history.recorded_at
    first = min(row.since for row in history.tiers)  # the first tier also covers the days before it
    yield from ((history.registered_on if row.since == first else row.since, row.recorded_at) for row in history.tiers)
    yield from ((row.since, row.recorded_at) for row in history.statuses)
    yield from ((row.occurred_on, row.recorded_at) for row in history.contacts)
