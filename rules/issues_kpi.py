"""Monthly figures of issues: where each stands -> medians, P90 by nearest rank, ageing, satisfaction, all exact.

Times are in workdays of working time; an answer counts once an issue, the last of the month.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from rules.issues import Sla

BUCKETS: tuple[tuple[str, int | None], ...] = (("1-3", 3), ("4-7", 7), ("8-14", 14), ("15-30", 30), (">30", None))
"""Ageing in workdays rounded up: name and last day of each bucket."""


class IssueFigures(NamedTuple):
    """What a month's report says of issues; medians and percentiles are None without a value.

    `net` is without waiting and re-opening, `gross` with them. `satisfied` of `answered` is the satisfaction rate.
    """

    resolved: int
    median_net: Fraction | None
    median_gross: Fraction | None
    p90_net: Fraction | None
    p90_gross: Fraction | None
    open: int
    median_open_age: Fraction | None
    overdue: int
    ageing: dict[str, int]
    satisfied: int
    answered: int


def issue_figures(issues: Sequence[Sla], first: datetime, end: datetime, workday: timedelta) -> IssueFigures:
    """Return the figures of a month.

    Args:
        issues: where each issue stands at `end`, those opened later left out.
        first: 00:00 of the month's first day.
        end: 00:00 of the day after its last, or of the day the figures are known on.
        workday: working time of one workday.
    """
    resolved = [issue for issue in issues if issue.resolved_at is not None and first <= issue.resolved_at < end]
    still_open = [issue for issue in issues if issue.resolved_at is None]
    net = sorted(in_workdays(issue.net, workday) for issue in resolved)
    gross = sorted(in_workdays(issue.gross, workday) for issue in resolved)
    ages = sorted(in_workdays(issue.gross, workday) for issue in still_open)
    ageing = {name: 0 for name, _ in BUCKETS}
    for age in ages:
        ageing[bucket(age)] += 1
    given = [[satisfied for at, satisfied in issue.answers if first <= at < end] for issue in issues]
    answers = [said[-1] for said in given if said]
    return IssueFigures(
        len(resolved),
        median(net),
        median(gross),
        nearest_rank(net, 90),
        nearest_rank(gross, 90),
        len(still_open),
        median(ages),
        sum(issue.overdue for issue in still_open),
        ageing,
        sum(answers),
        len(answers),
    )


def in_workdays(amount: timedelta, workday: timedelta) -> Fraction:
    """Return working time in workdays, exactly."""
    return Fraction(amount // timedelta.resolution, workday // timedelta.resolution)


def median(ordered: Sequence[Fraction]) -> Fraction | None:
    """Return the middle of values in order, or the mean of the two in the middle."""
    if not ordered:
        return None
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def nearest_rank(ordered: Sequence[Fraction], percent: int) -> Fraction | None:
    """Return the smallest value that at least `percent` of the values in order do not exceed."""
    return ordered[(len(ordered) * percent + 99) // 100 - 1] if ordered else None


def bucket(age: Fraction) -> str:
    """Return the ageing bucket of an age in workdays, rounded up; what has not aged yet is in the first."""
    return next(name for name, last in BUCKETS if last is None or ceil(age) <= last)
