"""The clock of issues 诉求时限: instants -> working seconds between them, and the instant at which so many have passed.

Working hours are those of the rule book (09-12 and 14-18) on workdays; all instants are the district's wall clock.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple, Protocol

from rules.duty_facts import DayNotInCalendar
from rules.workdays import Workdays


class Stretch(NamedTuple):
    """Time that runs, from `start` on; `end` None is without end."""

    start: datetime
    end: datetime | None


class Scale(Protocol):
    """A way to count time: working time or plain clock time."""

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Return what counts between two instants."""

    def reach(self, start: datetime, amount: timedelta) -> datetime:
        """Return the first instant by which `amount` has passed since `start`."""


class ClockTime:
    """Every hour counts."""

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Return the plain difference."""
        return end - start

    def reach(self, start: datetime, amount: timedelta) -> datetime:
        """Return the plain sum."""
        return start + amount


class WorkingTime:
    """Only the working hours of workdays count."""

    def __init__(self, workdays: Workdays, hours: Sequence[tuple[time, time]]) -> None:
        """Lay out the hours of a workday, in order, such as 09:00-12:00 and 14:00-18:00."""
        self._workdays = workdays
        self._hours = hours
        self.workday = self._of_day(time.max)

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Return the working time between two instants, negative if they are in reverse."""
        return self._from_the_first(end) - self._from_the_first(start)

    def reach(self, start: datetime, amount: timedelta) -> datetime:
        """Return the first instant by which `amount` has passed: 18:00, not 09:00 of the next workday.

        An amount of 0 has passed at once.
        """
        if amount <= timedelta():
            return start
        full, rest = divmod(self._from_the_first(start) + amount, self.workday)
        if not rest:
            full, rest = full - 1, self.workday
        return self._at(self._workday(full, start), rest)

    def _from_the_first(self, instant: datetime) -> timedelta:
        """Return the working time from the calendar's first day to an instant."""
        day = instant.date()
        whole = self._workdays.until(day)
        if not self._workdays.is_workday(day):
            return whole * self.workday
        return (whole - 1) * self.workday + self._of_day(instant.time())

    def _of_day(self, clock: time) -> timedelta:
        return sum((_span(start, min(max(clock, start), end)) for start, end in self._hours), timedelta())

    def _workday(self, number: int, start: datetime) -> date:
        if number >= len(self._workdays.dates):
            raise DayNotInCalendar(max(self._workdays.dates[-1], start.date()) + timedelta(days=1))
        return self._workdays.dates[number]

    def _at(self, day: date, amount: timedelta) -> datetime:
        """Return when `amount` of the day's working time has passed."""
        ends = [self._of_day(end) for _, end in self._hours]
        place = bisect_left(ends, amount)
        return datetime.combine(day, self._hours[place][1]) - (ends[place] - amount)


def net(running: Sequence[Stretch], scale: Scale, until: datetime) -> timedelta:
    """Return what has counted in the running stretches up to an instant."""
    ends = [until if stretch.end is None else min(stretch.end, until) for stretch in running]
    return sum(
        (scale.elapsed(s.start, end) for s, end in zip(running, ends, strict=True) if s.start < end), timedelta()
    )


def reached(running: Sequence[Stretch], scale: Scale, amount: timedelta) -> datetime | None:
    """Return the first instant at which `amount` has counted in the running stretches; None if it never does."""
    left = amount
    for stretch in running:
        at = scale.reach(stretch.start, left)
        if stretch.end is None or at <= stretch.end:
            return at
        left -= scale.elapsed(stretch.start, stretch.end)
    return None


def _span(start: time, end: time) -> timedelta:
    return datetime.combine(date.min, end) - datetime.combine(date.min, start)
