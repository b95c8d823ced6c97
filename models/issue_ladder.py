"""The ladder of a district's issues: logs, calendar and rule book -> each step that an unresolved issue has reached."""

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from sqlmodel import Session

from models.issue_standing import Standing, open_issues
from policies.visits import visits
from rules.issues import Level, sla
from rules.issues_clock import WorkingTime
from rules.workdays import Workdays


class Reached(NamedTuple):
    """A step that an issue reached, when, and when it was due: wall-clock times of the district."""

    issue: Standing
    level: Level
    at: datetime
    due_at: datetime


def reached(
    session: Session, district: int, now: datetime, workdays: Workdays, overlay: Path | None
) -> Iterator[Reached]:
    """Yield the steps of the ladder that issues without a resolution have reached, by number and step.

    Args:
        session: reading.
        district: district id.
        now: wall-clock time of the district.
        workdays: the calendar, from before the oldest of them to some weeks past now.
        overlay: dated versions laid over the rule book; that of the day an issue was raised decides.
    """
    working = cache(lambda hours: WorkingTime(workdays, hours))  # each version is laid out once
    for issue in open_issues(session, district, now.date()):
        log = [event for event in issue.log if event.at <= now]
        if not log:
            continue
        raised = min(event.at for event in log).date()
        rule = visits(raised, overlay).issues
        stands = sla(log, issue.kind, now, rule, working(rule.hours))
        if stands.resolved_at is None:
            yield from (Reached(issue, level, at, stands.due_at) for level, at in stands.levels)
