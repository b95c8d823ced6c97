"""Issues 诉求 and facility tickets: the log -> when the clock runs -> deadline, overdue, escalation ladder.

Nothing but the log is stored. The clock starts at creation, stands still in approved WAITING (to a limit) and from
RESOLVED to REOPENED, and ends at resolution; assignment never touches it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Literal, NamedTuple

from rules.issues_clock import ClockTime, Scale, Stretch, WorkingTime, net, reached
from rules.issues_log import Event, IssueKind, IssueState, Log, read_log

Level = Literal["owner", "lead", "subdistrict", "district"]
"""Whom the ladder tells: 经办人, 负责人, 街道, 区."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The time to resolve: so many workdays, so many working hours, or (neither) by 24:00 of the day raised."""

    workdays: int | None = None
    hours: int | None = None


@dataclass(frozen=True, slots=True)
class IssueRule:
    """What the district sets for issues; the ladder is in parts of the limit, then in workdays after it."""

    limits: dict[IssueKind, Limit] = field(
        default_factory=lambda: {
            "urgent": Limit(),
            "consult": Limit(workdays=3),
            "help": Limit(workdays=3),
            "other": Limit(workdays=5),
        }
    )
    hours: tuple[tuple[time, time], ...] = ((time(9), time(12)), (time(14), time(18)))
    waiting_workdays: int = 10
    owner_percent: int = 80
    subdistrict_workdays: int = 2
    district_workdays: int = 5


class Sla(NamedTuple):
    """Where an issue stands.

    `due_at` moves while the clock stands still. `used` and `allowed` are in the scale of the limit; `net` and `gross`
    are working time from creation to resolution (or now), without and with waiting and reopening. `levels` are the
    steps of the ladder reached, with the instant of each. `answers` are those to the call-back, in order.
    """

    state: IssueState
    opened_at: datetime
    due_at: datetime
    resolved_at: datetime | None
    overdue: bool
    allowed: timedelta
    used: timedelta
    net: timedelta
    gross: timedelta
    levels: list[tuple[Level, datetime]]
    answers: list[tuple[datetime, bool]]


def running(log: Log, now: datetime, rule: IssueRule, working: WorkingTime) -> list[Stretch]:
    """Return when the clock runs: from creation, less approved waiting up to its limit, less resolved time.

    The last stretch is without end unless the issue is resolved; while it waits, it runs again from `now`.
    """
    stops = sorted([*_waiting(log, now, rule, working), *log.rests], key=lambda stop: stop[0])
    stretches, start = [], log.opened_at
    for stop, again in stops:
        if start < stop or again is None:
            stretches.append(Stretch(start, max(start, stop)))
        if again is None:
            return stretches
        start = max(start, again)
    return [*stretches, Stretch(start, None)]


def _waiting(log: Log, now: datetime, rule: IssueRule, working: WorkingTime) -> Iterable[tuple[datetime, datetime]]:
    """Yield the approved waits, overlaps once, from the request, together no more than the limit allows."""
    left, covered = rule.waiting_workdays * working.workday, log.opened_at
    for asked, approved, ended in sorted(log.waits):
        start = max(asked, covered)
        end = min(ended or max(now, start), working.reach(start, left))
        if approved and start < end:
            yield start, end
            left -= working.elapsed(start, end)
            covered = end


def sla(events: Iterable[Event], kind: IssueKind, now: datetime, rule: IssueRule, working: WorkingTime) -> Sla:
    """Return where an issue stands at `now`; later events have not happened.

    Args:
        events: the whole log, in any order.
        kind: decides the limit.
        now: wall-clock time of the district.
        rule: the rule book in force on the day the issue was raised.
        working: the working hours on the calendar, to some weeks past `now`.

    Raises:
        StepRefused: the log has no opening, or an event that cannot follow.
        DayNotInCalendar: the deadline lies where the calendar is silent.
    """
    log = read_log(event for event in events if event.at <= now)
    allowed, scale = _limit(rule.limits[kind], log.opened_at, working)
    stretches = running(log, now, rule, working)
    resolved_at = log.rests[-1][0] if log.rests and log.rests[-1][1] is None else None
    until = resolved_at or now
    endless = [*stretches[:-1], stretches[-1]._replace(end=None)]
    due_at = reached(endless, scale, allowed)
    assert due_at is not None
    return Sla(
        log.state,
        log.opened_at,
        due_at,
        resolved_at,
        until > due_at,
        allowed,
        net(stretches, scale, until),
        net(stretches, working, until),
        working.elapsed(log.opened_at, until),
        _ladder(endless, scale, allowed, due_at, until, rule, working),
        log.answers,
    )


def _limit(limit: Limit, opened_at: datetime, working: WorkingTime) -> tuple[timedelta, Scale]:
    if limit.workdays is not None:
        return limit.workdays * working.workday, working
    if limit.hours is not None:
        return timedelta(hours=limit.hours), working
    midnight = datetime.combine(opened_at.date() + timedelta(days=1), time())
    return midnight - opened_at, ClockTime()


def _ladder(
    stretches: Sequence[Stretch],
    scale: Scale,
    allowed: timedelta,
    due_at: datetime,
    until: datetime,
    rule: IssueRule,
    working: WorkingTime,
) -> list[tuple[Level, datetime]]:
    after = [Stretch(max(s.start, due_at), s.end) for s in stretches if s.end is None or s.end > due_at]
    early = allowed * rule.owner_percent // 100
    times: list[tuple[Level, datetime | None]] = [
        ("owner", reached(stretches, scale, early)),
        ("lead", due_at),
        ("subdistrict", reached(after, working, rule.subdistrict_workdays * working.workday)),
        ("district", reached(after, working, rule.district_workdays * working.workday)),
    ]
    return [(level, at) for level, at in times if at is not None and at <= until]
