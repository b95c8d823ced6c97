"""Everything owed to one elder as of a day 应访: history -> tasks and wellness checks in one form, as stored."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple

from rules.visits import first_from, life_until, tasks, tier_on
from rules.visits_clock import Clocks
from rules.visits_facts import EFFECTIVE, History, span_on, spans
from rules.visits_standing import Facts
from rules.visits_task import CLOSES, Task
from rules.visits_unreachable import Check, Unreachable, checks
from rules.workdays import Workdays


class Owed(NamedTuple):
    """A task; of a wellness check also by when somebody must be there, and when it was raised, both wall-clock."""

    task: Task
    due_at: datetime | None = None
    raised_at: datetime | None = None


class Book(NamedTuple):
    """What decides visits: the clocks of all versions, the calendar, and the steps for who does not answer."""

    clocks: Clocks
    workdays: Workdays
    unreachable: Unreachable


def owed(history: History, day: date, now: datetime, book: Book) -> list[Owed]:
    """Return every task and wellness check of the elder from registration on.

    Args:
        history: all rows known.
        day: the state at its end, as rules.visits.tasks gives it.
        now: wall-clock time of the district; checks are evaluated when something is recorded, up to now.
        book: what decides.

    Raises:
        Ungraded, DayNotInCalendar: as rules.visits.tasks.
    """
    found = [Owed(task) for task in tasks(history, day, book.clocks, book.workdays)]
    return [*found, *owed_checks(history, day, now, book)]


def owed_checks(history: History, day: date, now: datetime, book: Book) -> Iterator[Owed]:
    """Yield the wellness checks alone, as `owed` does."""
    silent = {contact.occurred_on for contact in history.contacts if contact.outcome == "NO_ANSWER"}
    if len(silent) < book.unreachable.wellness_check:
        return
    life = life_until(history, day)
    for check in checks(history, now, book.unreachable):
        since, last = check.cycle, check.due_at.date()
        version = book.clocks.on(since).since
        tier = tier_on(life.grades, max(since, life.grades[0].since))
        task = Task("WELLNESS_CHECK", since.isoformat(), since, tier, since, last, last, version)
        yield Owed(_closed(task, check, history, life.effective), check.due_at, check.raised_at)


def _closed(task: Task, check: Check, history: History, effective: list[date]) -> Task:
    if check.closed_at is None:
        return task
    closed = check.closed_at.date()
    if check.state == "DONE":
        met = first_from(effective, check.cycle) or closed
        return task._replace(state="DONE", ended_on=met, on_time=_in_time(check, history, met))
    span = span_on(spans(history), closed)
    reason = "superseded" if check.state == "SUPERSEDED" or span is None else CLOSES[span.status]
    return task._replace(state="CANCELLED", ended_on=closed, reason=reason)


def _in_time(check: Check, history: History, met: date) -> bool:
    """Tell whether somebody was there within the hours; without a time of the visit its date decides."""
    if met != check.due_at.date():
        return met < check.due_at.date()
    clock = [one.at for one in history.contacts if one.occurred_on == met and one.outcome in EFFECTIVE]
    return any(at is None or datetime.combine(met, at) <= check.due_at for at in clock)


def needs_check(facts: Facts, rule: Unreachable) -> bool:
    """Tell whether a wellness check stands: somebody to whom visits are owed did not answer often enough."""
    return facts.status == "ACTIVE" and len(facts.no_answers) >= rule.wellness_check
