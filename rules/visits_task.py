"""A visit task 回访任务: what is owed to an elder, for which cycle, by when, and what became of it.

PLANNED -> ASSIGNED -> DONE | MISSED | CANCELLED. All but ASSIGNED is derived from facts as of a day; ASSIGNED is a
PLANNED task that today's list gave to a helper. The same pairs are a CHECK in the database.
"""

from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple, get_args

from rules.visits_clock import Commitment, Kind, Term
from rules.visits_facts import PAUSES, Span, Status, Tier

State = Literal["PLANNED", "ASSIGNED", "DONE", "MISSED", "CANCELLED"]
STATES: tuple[State, ...] = get_args(State)
Reason = Literal["paused", "dead", "moved", "institution", "refused", "regraded", "accepted", "superseded"]
"""Why a task was cancelled; on a PLANNED task `paused` means suspended.

`superseded` is for stored tasks that late paper leaves without a cycle: the rules no longer derive them at all.
"""

NAMES: dict[State, str] = {
    "PLANNED": "待安排",
    "ASSIGNED": "已派",
    "DONE": "已完成",
    "MISSED": "逾期未访",
    "CANCELLED": "已取消",
}

TRANSITIONS: frozenset[tuple[State, State]] = frozenset(
    {
        ("PLANNED", "ASSIGNED"),
        ("PLANNED", "DONE"),
        ("PLANNED", "MISSED"),
        ("PLANNED", "CANCELLED"),
        ("ASSIGNED", "PLANNED"),  # no helper for it today
        ("ASSIGNED", "DONE"),
        ("ASSIGNED", "MISSED"),
        ("ASSIGNED", "CANCELLED"),
        ("MISSED", "PLANNED"),  # the fact that ended its time was corrected
        ("MISSED", "DONE"),  # late proof of the visit
        ("MISSED", "CANCELLED"),  # late proof of a pause or a death before the deadline
        ("CANCELLED", "PLANNED"),  # the fact that cancelled it was corrected
        ("CANCELLED", "DONE"),
        ("CANCELLED", "MISSED"),
        ("DONE", "PLANNED"),  # the contact was voided
        ("DONE", "MISSED"),
        ("DONE", "CANCELLED"),
    }
)
"""Pairs (from, to) that a later fact may bring about."""

CLOSES: dict[Status, Reason] = {
    "DEAD": "dead",
    "MOVED": "moved",
    "INSTITUTION": "institution",
    "REFUSED": "refused",
    "HOSPITAL": "paused",
    "AWAY": "paused",
    "ACTIVE": "paused",
}


class Task(NamedTuple):
    """One commitment as of a day; (elder, kind, cycle) is unique.

    `cycle` is the anchor date, or the month 2026-03 of a quota. `tier` is the one whose clock set the term. `ended_on`
    is the day of the visit, of the cancelling fact, or the first day a quota was missed. `version` is the start of the
    rule book's version that decided.
    """

    kind: Kind
    cycle: str
    opened_on: date
    tier: Tier
    plan_on: date
    deadline: date
    through: date
    version: date
    state: State = "PLANNED"
    reason: Reason | None = None
    ended_on: date | None = None
    on_time: bool | None = None


class Run(NamedTuple):
    """An unbroken stretch of ACTIVE days from `start` on, and how it ended.

    `end` is the first day that is not ACTIVE. `paused` says that a pause ended it; then `resume` is the first day after
    the pause, None while it lasts. `reason` is why tasks still open at the end were cancelled.
    """

    kind: Kind
    start: date
    end: date | None = None
    paused: bool = False
    resume: date | None = None
    reason: Reason = "paused"

    @property
    def suspended(self) -> bool:
        """Whether open tasks wait for the end of a pause."""
        return self.paused and self.resume is None

    def can_be_met(self, day: date) -> bool:
        """Tell whether a contact on `day` meets a task of this run: before its end, on that day, or in the pause."""
        if self.end is None or day <= self.end:
            return True
        return self.paused and (self.resume is None or day < self.resume)


def runs(life: Sequence[Span]) -> list[Run]:
    """Return the ACTIVE stretches of a life, in order; the first is FIRST, the others are RETURNs."""
    found: list[Run] = []
    for place, span in enumerate(life):
        if span.status == "ACTIVE":
            after = life[place + 1 :]
            then = next((later for later in after if later.status not in PAUSES), None)
            paused = bool(after) and after[0].status in PAUSES
            resume = then.since if paused and then else None
            reason = CLOSES[then.status] if then else "paused"
            found.append(Run("RETURN" if found else "FIRST", span.since, span.until, paused, resume, reason))
    return found


def new_task(kind: Kind, cycle: str, commitment: Commitment, term: Term) -> Task:
    """Return an open task of a commitment."""
    plan_on, deadline, through, version = term
    return Task(kind, cycle, commitment.opened_on, commitment.tier, plan_on, deadline, through, version)


def done(task: Task, day: date, run: Run | None = None) -> Task:
    """Return the task met on `day`; in a pause that began in time it is on time, for no time in a pause is overdue."""
    waiting = run is not None and run.end is not None and run.end <= task.through
    return task._replace(state="DONE", ended_on=day, on_time=waiting or day <= task.through)


def ended(task: Task, day: date, reason: Reason) -> Task:
    """Return the task closed by a fact of `day`: missed if its time had passed by then, else cancelled."""
    if task.through < day:
        return task._replace(state="MISSED", ended_on=day, on_time=False)
    return task._replace(state="CANCELLED", reason=reason, ended_on=day)


def closed_with(task: Task, run: Run) -> Task:
    """Return what the end of the run makes of a task that nothing met."""
    if run.end is None:
        return task
    return task._replace(reason="paused") if run.suspended else ended(task, run.end, run.reason)


def is_open(task: Task) -> bool:
    """Tell whether somebody still has to go; a suspended task waits for the elder's return."""
    return task.state in {"PLANNED", "ASSIGNED"} and task.reason is None


def days_late(task: Task, day: date) -> int:
    """Return by how many days an open task is overdue on `day`; 0 if it is not."""
    return max(0, (day - task.through).days)
