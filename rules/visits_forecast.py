"""Gaps seen ahead 缺口预测: open tasks, helpers, leave -> work due by each day against capacity up to it."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from rules.duty_facts import Leave, covers
from rules.visits_clock import Clock
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
    clock: Clock,
    workdays: Workdays,
) -> list[Outlook]:
    """Return, for each community and day, the visits due by that day against the visits possible by then.

    Args:
        tasks: those open today, with or without a place on today's list; of an elder's tasks the first is counted.
        helpers: all helpers of the district.
        leaves: their leave, by number.
        days: today and the days after it without a hole; overdue work is due today.
        clock: an interval that fits into these days is due again, as if each visit were made on its deadline.
        workdays: the calendar of these days. On a rest day no helper goes out and red work is the duty cadre's.
    """
    due: dict[str, list[date]] = defaultdict(list)
    for task in _first_of_each(tasks):
        due[task.community] += _dates(task, days[0], days[-1], clock, workdays)
    crews: dict[str, list[Helper]] = defaultdict(list)
    for helper in helpers:
        crews[helper.community].append(helper)
    absent: dict[str, list[Leave]] = defaultdict(list)
    for leave in leaves:
        absent[leave.cadre].append(leave)
    return [
        outlook
        for community in sorted(due.keys() | crews.keys())
        for outlook in _outlook(community, sorted(due[community]), crews[community], absent, days, workdays)
    ]


def _first_of_each(tasks: Iterable[Candidate]) -> Iterable[Candidate]:
    first: dict[str, Candidate] = {}
    for task in tasks:
        if task.elder not in first or task.deadline < first[task.elder].deadline:
            first[task.elder] = task
    return first.values()


def _dates(task: Candidate, today: date, last: date, clock: Clock, workdays: Workdays) -> Iterator[date]:
    """Yield the days up to `last` by which an elder is to be visited by a helper."""
    offer = task.kind == "REOFFER"  # once, on no rest day's duty list: an elder who refused is owed no interval
    every, day = None if offer else clock.of(task.tier).every_days, max(task.deadline, today)
    while day <= last:
        if offer or task.tier != "red" or workdays.is_workday(day):
            yield day
        if every is None:
            return
        day += timedelta(days=every)


def _outlook(
    community: str,
    deadlines: Sequence[date],
    crew: Iterable[Helper],
    absent: Mapping[str, Iterable[Leave]],
    days: Iterable[date],
    workdays: Workdays,
) -> Iterator[Outlook]:
    capacity = 0
    for day in days:
        if workdays.is_workday(day):
            there = [h for h in crew if not any(covers(leave, day) for leave in absent.get(h.number, ()))]
            capacity += sum(helper.capacity for helper in there)
        due = bisect_right(deadlines, day)
        yield Outlook(community, day, due, capacity, max(0, due - capacity))
