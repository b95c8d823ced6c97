"""Monthly figures of visits 月探访率、按时率: days by what they were -> who counts -> exact rates by scope.

As known on D means: `known(history, D)` first. A rate is a pair of counts, never a rounded number.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Literal, NamedTuple, TypeVar, get_args

from rules.visits_facts import EFFECTIVE, Grade, History, Span, Status, grades, spans, standing_contacts
from rules.visits_task import Task, days_late, is_open

DayKind = Literal["eligible", "dead", "moved", "institution", "refused", "hospital", "away", "not_registered", "green"]
DAY_KINDS: tuple[DayKind, ...] = get_args(DayKind)
"""What a day of the month was; when days tie, the reason named first is given."""
REASONS: tuple[DayKind, ...] = DAY_KINDS[1:]
Scope = TypeVar("Scope", bound=Hashable)
Group = Literal["counted", "green", "left_out", "absent"]

_KIND_OF: dict[Status, DayKind] = {
    "DEAD": "dead",
    "MOVED": "moved",
    "INSTITUTION": "institution",
    "REFUSED": "refused",
    "HOSPITAL": "hospital",
    "AWAY": "away",
}


class Verdict(NamedTuple):
    """How an elder stands in a month.

    `counted`: enough days registered, ACTIVE, red or yellow. `green`: so many ACTIVE days as green; shown beside.
    `left_out`: neither, for the `reason` that took most days. `absent`: gone or not yet registered all month long.
    """

    group: Group
    contacted: bool
    reason: DayKind | None = None


@dataclass(slots=True)
class Rate:
    """The visit rate of one scope: visited of counted elders; green beside; those left out by reason."""

    visited: int = 0
    counted: int = 0
    green_visited: int = 0
    green: int = 0
    left_out: Counter[DayKind] = field(default_factory=Counter)

    @property
    def value(self) -> Fraction | None:
        """The rate, None without anyone to count."""
        return Fraction(self.visited, self.counted) if self.counted else None


class OnTime(NamedTuple):
    """Of the tasks due in the month and not cancelled: how many were done on time, how many are open and late."""

    on_time: int
    due: int
    overdue: int

    @property
    def value(self) -> Fraction | None:
        """The rate, None without a task."""
        return Fraction(self.on_time, self.due) if self.due else None


def verdict(history: History, first: date, last: date, eligible_days: int) -> Verdict:
    """Judge one elder in the month from `first` to `last`; `eligible_days` are needed to count, 15 by default."""
    (only,) = verdicts(history, [(first, last)], eligible_days)
    return only


def verdicts(history: History, months: Sequence[tuple[date, date]], eligible_days: int) -> list[Verdict]:
    """Judge one elder in each month, given by its first and last day, all from the same knowledge."""
    life, graded = spans(history), grades(history)
    contacts = standing_contacts(history, life, max(last for _, last in months))
    met = [contact.occurred_on for contact in contacts if contact.outcome in EFFECTIVE]
    return [
        judge(days_by_kind(life, graded, first, last), any(first <= day <= last for day in met), eligible_days)
        for first, last in months
    ]


def judge(days: Counter[DayKind], contacted: bool, eligible_days: int) -> Verdict:
    """Judge one elder from the days of the month; a database may have counted them."""
    if days.total() == days["not_registered"] + days["dead"] + days["moved"]:
        return Verdict("absent", contacted)
    if days["eligible"] >= eligible_days:
        return Verdict("counted", contacted)
    if days["green"] >= eligible_days:
        return Verdict("green", contacted)
    reason: DayKind = max(REASONS, key=lambda kind: days[kind])
    return Verdict("left_out", contacted, reason)


def days_by_kind(life: Sequence[Span], graded: Sequence[Grade], first: date, last: date) -> Counter[DayKind]:
    """Count the days of the month by what they were.

    A status starts on its date: the day of registration or return is eligible, the day of death, move-out or the start
    of a pause is not.
    """
    after = last + timedelta(days=1)
    days: Counter[DayKind] = Counter()
    for span in life:
        start, end = max(span.since, first), min(span.until or after, after)
        if start >= end:
            continue
        if span.status == "ACTIVE":
            green = _green_days(graded, start, end)
            days["green"] += green
            days["eligible"] += (end - start).days - green
        else:
            days[_KIND_OF[span.status]] += (end - start).days
    days["not_registered"] = (after - first).days - days.total()
    return days


def _green_days(graded: Sequence[Grade], start: date, end: date) -> int:
    untils = [*(grade.since for grade in graded[1:]), end]
    return sum(
        max(0, (min(until, end) - max(grade.since, start)).days)
        for grade, until in zip(graded, untils, strict=True)
        if grade.tier == "green"
    )


def add(rate: Rate, one: Verdict) -> None:
    """Add one verdict to a rate; who was absent is in none.

    Of each scope the elders given = counted + green + left out, besides those absent.
    """
    if one.group == "counted":
        rate.counted += 1
        rate.visited += one.contacted
    elif one.group == "green":
        rate.green += 1
        rate.green_visited += one.contacted
    elif one.reason is not None:
        rate.left_out[one.reason] += 1


def on_time(tasks: Iterable[Task], first: date, last: date, day: date) -> OnTime:
    """Count the tasks with a deadline from `first` to `last`, in their state at the end of `day`.

    Missed and overdue tasks count against; cancelled ones, and those suspended by a pause, have no deadline to keep.
    """
    due = [task for task in tasks if first <= task.deadline <= last and not _excused(task)]
    overdue = sum(is_open(task) and days_late(task, day) > 0 for task in due)
    return OnTime(sum(task.on_time is True for task in due), len(due), overdue)


def checks_on_time(checks: Iterable[Task], first: date, last: date) -> OnTime:
    """Count the wellness checks whose hours ran out from `first` to `last`, in their state at the end of `last`.

    They run by the clock: one that stands then is overdue, also if its hours ran out on the last day itself.
    """
    due = [task for task in checks if first <= task.deadline <= last and not _excused(task)]
    return OnTime(sum(task.on_time is True for task in due), len(due), sum(is_open(task) for task in due))


def together(one: OnTime, other: OnTime) -> OnTime:
    """Add up two counts of different tasks."""
    return OnTime(one.on_time + other.on_time, one.due + other.due, one.overdue + other.overdue)


def _excused(task: Task) -> bool:
    return task.state == "CANCELLED" or (task.state == "PLANNED" and task.reason is not None)
