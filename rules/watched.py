"""Jobs that must be done by a time: deadlines, day -> what is expected now; job_run, now -> where each of it stands."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from rules.calendar import month_after

Period = Literal["day", "week", "last month", "next month", "cycle", "exam"]
State = Literal["done", "ahead", "running", "failed", "stuck", "absent"]

PERIODS: Mapping[str, Period] = {
    "duty-day": "day",
    "duty-publish": "next month",
    "duty-report": "last month",
    "visits-day": "day",
    "visits-callback": "week",
    "visits-month": "last month",
    "allowance-stop": "day",
    "allowance-plan": "cycle",
    "allowance-report": "week",
    "exam-aggregate": "exam",
    "message-report": "day",
}
"""What one run of a job is about, as the run_key of job_run says it: a date, a month, a cycle or an exam."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a job begins and by when it must be done, as the district's wall clock has it.

    Attributes:
        job: as job_run names it.
        starts: when its schedule begins it.
        due: by when it must be done, on the same day.
        day: 1 to 28 of the month, or 1 Monday to 7 Sunday of the week; None for the others.
    """

    job: str
    starts: time
    due: time
    day: int | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """One job that must be done for one period; `afresh`: only what ended after its start counts."""

    job: str
    key: str
    starts: datetime
    due: datetime
    afresh: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What job_run says of it; both instants are real time, for leases are about processes."""

    state: Literal["running", "done", "failed"]
    lease_until: datetime
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an expected job stands.

    Attributes:
        expected: what it is about.
        state: ahead (its time has not come), done, running, failed, stuck (its process is gone), absent (never begun).
        late: the deadline has passed and it is not done.
        again: nobody is at it although its time came a while ago, so it is to be started again.
    """

    expected: Expected
    state: State
    late: bool
    again: bool


def expected(
    deadlines: Iterable[Deadline], now: datetime, opened: Mapping[Period, Mapping[str, date]], since: datetime
) -> list[Expected]:
    """Return what must be done today, or should have been done before and still matters, in the order of deadlines.

    Yesterday's list is nobody's any more, so a daily job is expected for today alone; a month, a week, a cycle until
    the next one.

    Args:
        deadlines: of the policy in force.
        now: an instant in the district's zone.
        opened: the cycles that are due and the exams that are under way: key -> the day from which it is expected.
        since: when the district began; what should have begun before that is not expected.
    """
    found = []
    for deadline in deadlines:
        period = PERIODS[deadline.job]
        for key, day in opened.get(period, dict(_by_calendar(deadline, period, now.date()))).items():
            starts = datetime.combine(day, deadline.starts, now.tzinfo)
            if starts >= since:
                due = datetime.combine(day, deadline.due, now.tzinfo)
                found.append(Expected(deadline.job, key, starts, due, afresh=period == "exam"))
    return found


def _by_calendar(deadline: Deadline, period: Period, today: date) -> Iterator[tuple[str, date]]:
    """Yield the period that the calendar has opened last, and the day on which it did."""
    if period == "day":
        yield today.isoformat(), today
    elif period == "week":
        day = today - timedelta(days=(today.isoweekday() - (deadline.day or 1)) % 7)
        yield day.isoformat(), day
    elif period in {"last month", "next month"}:
        this = today if today.day >= (deadline.day or 1) else today.replace(day=1) - timedelta(days=1)
        day = this.replace(day=deadline.day or 1)
        before = f"{day.replace(day=1) - timedelta(days=1):%Y-%m}"
        yield (before if period == "last month" else month_after(day)), day


def standing(one: Expected, seen: Seen | None, now: datetime, real: datetime, grace: timedelta) -> Standing:
    """Say where an expected job stands.

    Args:
        one: the job and its period.
        seen: its row of job_run, None when it has none.
        now: the business instant, which a replaced clock may have moved.
        real: the real instant, for leases.
        grace: how long after its start a job that nobody is at is left to itself.
    """
    state = _state(one, seen, now, real)
    idle = state in {"failed", "stuck", "absent"}
    return Standing(one, state, late=state != "done" and now >= one.due, again=idle and now >= one.starts + grace)


def _state(one: Expected, seen: Seen | None, now: datetime, real: datetime) -> State:
    ended = seen.finished_at + (now - real) if seen and seen.finished_at else None
    if seen and seen.state == "done" and not (one.afresh and (ended is None or ended < one.starts)):
        return "done"
    if seen and seen.state == "running" and seen.lease_until > real:
        return "running"
    if now < one.starts:
        return "ahead"
    if seen is None or seen.state == "done":
        return "absent"
    return "stuck" if seen.state == "running" else "failed"
