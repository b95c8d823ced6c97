"""Gaps seen ahead 缺口预测: open tasks, helpers, leave -> work due by each day against capacity up to it."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from rules.duty_facts import Leave, covers
from rules.visits_list import Candidate, Helper
from rules.workdays import Workdays


class Outlook(NamedTuple):
    """Work of a community due by a day against capacity up to it, both from today on; `short` is what is missing."""

    community: str
    day: date
    due: int
    capacity: int
    short: int


def forecast(
    tasks: Iterable[Candidate],
    helpers: Iterable[Helper],
    leaves: Iterable[Leave],
    days: Sequence[date],
    workdays: Workdays,
) -> list[Outlook]:
    """Return, for each community and day, the elders whose visit is due by that day against the visits possible.

    Args:
        tasks: those open today, with or without a place on today's list. Red ones due on a rest day are left out: the
            cadre on duty takes them. What will fall due only after a visit still to come is not foreseen.
        helpers: all helpers of the district.
        leaves: their leave, by number.
        days: today and the days after it without a hole; overdue work is due today.
        workdays: the calendar of these days; on a rest day no helper goes out.
    """
    first = days[0]
    due: dict[str, dict[str, date]] = defaultdict(dict)
    for task in tasks:
        deadline = max(task.deadline, first)
        if task.tier != "red" or workdays.is_workday(deadline):
            due[task.community][task.elder] = min(deadline, due[task.community].get(task.elder, deadline))
    crews: dict[str, list[Helper]] = defaultdict(list)
    for helper in helpers:
        crews[helper.community].append(helper)
    absent: dict[str, list[Leave]] = defaultdict(list)
    for leave in leaves:
        absent[leave.cadre].append(leave)
    return [
        outlook
        for community in sorted(due.keys() | crews.keys())
        for outlook in _outlook(community, sorted(due[community].values()), crews[community], absent, days, workdays)
    ]


def _outlook(
    community: str,
    deadlines: Sequence[date],
    crew: Iterable[Helper],
    absent: Mapping[str, Iterable[Leave]],
    days: Iterable[date],
    workdays: Workdays,
) -> Iterable[Outlook]:
    capacity = 0
    for day in days:
        if workdays.is_workday(day):
            there = [h for h in crew if not any(covers(leave, day) for leave in absent.get(h.number, ()))]
            capacity += sum(helper.capacity for helper in there)
        due = bisect_right(deadlines, day)
        yield Outlook(community, day, due, capacity, max(0, due - capacity))
