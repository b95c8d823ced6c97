"""Workdays 工作日 in order: the calendar -> the workday on or before a date, the n-th one after it.

Built once a run; a look-up is one dictionary access. A provisional year counts like a confirmed one: what was derived
from it is derived again when the real calendar is loaded.
"""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise

from rules.calendar import Day
from rules.duty_facts import DayNotInCalendar


class Workdays:
    """The workdays of a calendar without holes."""

    def __init__(self, calendar: Mapping[date, Day]) -> None:
        """Arrange the calendar.

        Raises:
            DayNotInCalendar: a date between the first and the last is missing.
        """
        days = sorted(calendar)
        for before, after in pairwise(days):
            if (after - before).days != 1:
                raise DayNotInCalendar(before + timedelta(days=1))
        self.dates = [day for day in days if calendar[day].kind == "work"]
        self._count: dict[date, int] = {}
        count = 0
        for day in days:
            count += calendar[day].kind == "work"
            self._count[day] = count

    def is_workday(self, day: date) -> bool:
        """Tell whether `day` is one; raise DayNotInCalendar where the calendar is silent."""
        count = self.until(day)
        return count > 0 and self.dates[count - 1] == day

    def until(self, day: date) -> int:
        """Return the number of workdays from the calendar's first day to `day`, both included."""
        try:
            return self._count[day]
        except KeyError:
            raise DayNotInCalendar(day) from None

    def on_or_before(self, day: date) -> date:
        """Return `day` if it is a workday, else the last one before it."""
        count = self.until(day)
        if count == 0:
            raise DayNotInCalendar(day - timedelta(days=1))
        return self.dates[count - 1]

    def after(self, day: date, number: int) -> date:
        """Return the `number`-th workday strictly after `day`; 0 gives `day` itself."""
        if number == 0:
            return day
        place = self.until(day) + number - 1
        if place >= len(self.dates):
            raise DayNotInCalendar(max(self._count) + timedelta(days=1))
        return self.dates[place]

    def on_or_after(self, day: date) -> date:
        """Return `day` if it is a workday, else the first one after it."""
        return day if self.is_workday(day) else self.after(day, 1)

    def between(self, first: date, last: date) -> list[date]:
        """Return the workdays from `first` to `last`, both included."""
        return self.dates[bisect_right(self.dates, first - timedelta(days=1)) : bisect_right(self.dates, last)]
