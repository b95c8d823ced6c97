"""Elders who do not answer 失联: attempts as they are recorded -> the streak -> whom to call, and the wellness check.

1 date without an answer: the emergency contact. 2: a neighbour or the grid worker. 3: a WELLNESS_CHECK 上门核实 within
24 clock hours, told once. Only dates strictly after the last effective contact and within the present ACTIVE run count.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple

from rules.visits_facts import EFFECTIVE, Contact, History, known_at, spans, standing_contacts
from rules.visits_task import runs

Step = Literal["none", "emergency_contact", "neighbour", "wellness_check"]
CheckState = Literal["OPEN", "DONE", "SUPERSEDED", "CANCELLED"]


@dataclass(frozen=True, slots=True)
class Unreachable:
    """How many dates without an answer call for each step, and the clock hours for the check."""

    emergency_contact: int = 1
    neighbour: int = 2
    wellness_check: int = 3
    check_hours: int = 24


class Check(NamedTuple):
    """One wellness check; `cycle` is the date that completed the streak when the check was raised.

    DONE: somebody found the elder. SUPERSEDED: late paper shows that it was never needed. CANCELLED: the elder is in
    hospital, has moved or died. `raised_at` is when it was told, `due_at` when somebody must have been there.
    """

    cycle: date
    raised_at: datetime
    due_at: datetime
    state: CheckState = "OPEN"
    closed_at: datetime | None = None


class _Scene(NamedTuple):
    """What is known at one moment: whether visits are owed, the last effective contact, the attempts since."""

    active: bool
    effective: Contact | None
    attempts: list[Contact]


def streak(no_answers: Iterable[date], last_effective: date | None, since: date) -> list[date]:
    """Return the distinct dates without an answer that count; `since` is the first day of the ACTIVE run."""
    return sorted({day for day in no_answers if day >= since and (last_effective is None or day > last_effective)})


def step_of(dates: int, rule: Unreachable) -> Step:
    """Return what so many dates without an answer call for."""
    if dates >= rule.wellness_check:
        return "wellness_check"
    if dates >= rule.neighbour:
        return "neighbour"
    return "emergency_contact" if dates >= rule.emergency_contact else "none"


def checks(history: History, now: datetime, rule: Unreachable) -> list[Check]:
    """Return every wellness check raised up to `now`, by cycle.

    The streak is evaluated whenever something is recorded, with what is known then, and when a status begins. A check
    stands while its streak does: late paper that only moves its first date neither renews it nor tells it again.

    Args:
        history: all rows, whenever recorded.
        now: wall-clock time of the district; what is recorded later is not looked at.
        rule: the steps and hours in force.
    """
    found: dict[date, Check] = {}
    standing: date | None = None
    for moment in _moments(history, now):
        scene = _scene(history, moment)
        dates = sorted({attempt.occurred_on for attempt in scene.attempts})
        if standing is not None and (closed := _closing(found[standing], scene, len(dates), rule)) is not None:
            found[standing] = found[standing]._replace(state=closed, closed_at=moment)
            standing = None
        if standing is None and len(dates) >= rule.wellness_check:
            standing = dates[rule.wellness_check - 1]
            due_at = _time_of(scene.attempts, standing) + timedelta(hours=rule.check_hours)
            raised = found[standing].raised_at if standing in found else moment
            found[standing] = Check(standing, raised, due_at)
    return [found[cycle] for cycle in sorted(found)]


def _moments(history: History, now: datetime) -> list[datetime]:
    recorded = {row.recorded_at for rows in (history.contacts, history.statuses, history.tiers) for row in rows}
    begins = {datetime.combine(row.since, time()) for row in history.statuses}
    return sorted(moment for moment in recorded | begins | {history.recorded_at} if moment <= now)


def _scene(history: History, moment: datetime) -> _Scene:
    then = known_at(history, moment)
    if then is None:
        return _Scene(active=False, effective=None, attempts=[])
    day = moment.date()
    life = [span for span in spans(then) if span.since <= day]
    contacts = standing_contacts(then, life, day)
    effective = next((contact for contact in reversed(contacts) if contact.outcome in EFFECTIVE), None)
    if not life or life[-1].status != "ACTIVE":
        return _Scene(active=False, effective=effective, attempts=[])
    since = runs(life)[-1].start
    unanswered = [contact for contact in contacts if contact.outcome == "NO_ANSWER"]
    last = None if effective is None else effective.occurred_on
    dates = set(streak((contact.occurred_on for contact in unanswered), last, since))
    return _Scene(
        active=True, effective=effective, attempts=[contact for contact in unanswered if contact.occurred_on in dates]
    )


def _closing(check: Check, scene: _Scene, dates: int, rule: Unreachable) -> CheckState | None:
    """Return what has become of a standing check; None while it stands."""
    if scene.effective is not None and scene.effective.occurred_on >= check.cycle:
        return "SUPERSEDED" if _was_before(scene.effective, check, rule) else "DONE"
    if not scene.active:
        return "CANCELLED"
    return "SUPERSEDED" if dates < rule.wellness_check else None


def _was_before(contact: Contact, check: Check, rule: Unreachable) -> bool:
    """Tell whether a contact on the day of the last attempt is known to have come before it."""
    attempt = check.due_at - timedelta(hours=rule.check_hours)
    if contact.at is None or contact.occurred_on > check.cycle:
        return False
    return datetime.combine(contact.occurred_on, contact.at) < attempt


def _time_of(attempts: Iterable[Contact], day: date) -> datetime:
    """Return when the first attempt of a day was made; without a time, when it was recorded."""
    return min(datetime.combine(day, a.at) if a.at else a.recorded_at for a in attempts if a.occurred_on == day)
