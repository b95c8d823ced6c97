"""Visit tasks in the database: what the rules derive -> rows by (elder, kind, cycle), every change with its step.

A stored task that the rules no longer derive is cancelled as superseded; it stays, and comes back if they do again.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, update
from sqlmodel import Session, col

from models.db import insert_for
from models.elder import batches
from models.issue import local
from models.visit import VisitStep, VisitTask
from rules.registers.days import SHANGHAI
from rules.visits_owed import Owed
from rules.visits_task import Task

Key = tuple[str, str]
"""Kind and cycle, single for an elder."""

OPEN = ("PLANNED", "ASSIGNED")


class Stored(NamedTuple):
    """A task as it is stored."""

    id: int
    elder_id: int
    owed: Owed
    helper_id: int | None
    cadre_id: int | None

    @property
    def key(self) -> Key:
        """What makes it single for its elder."""
        return self.owed.task.kind, self.owed.task.cycle


class Moved(NamedTuple):
    """How many tasks were new, changed, and left without a cycle; and the checks that are not open any more."""

    new: int
    changed: int
    superseded: int
    closed_checks: list[int]


_COLUMNS = tuple(col(getattr(VisitTask, name)) for name in Task._fields)


def stored_tasks(
    session: Session, elders: Collection[int], *, only_open: bool = False, to_change: bool = False
) -> dict[int, dict[Key, Stored]]:
    """Return the tasks of these elders by (kind, cycle).

    Args:
        session: reading; writing if they are to be changed.
        elders: ids.
        only_open: leave out what is done, missed or cancelled.
        to_change: whoever else would change them waits, and then sees what was changed: a step is written once.
    """
    query = select(
        col(VisitTask.id),
        col(VisitTask.elder_id),
        *(col(each) for each in (VisitTask.due_at, VisitTask.raised_at, VisitTask.helper_id, VisitTask.cadre_id)),
        *_COLUMNS,
    )
    if only_open:
        query = query.where(col(VisitTask.state).in_(OPEN))
    if to_change:
        query = query.order_by(col(VisitTask.id)).with_for_update()  # in one order, so that two never wait in a circle
    found: dict[int, dict[Key, Stored]] = {elder: {} for elder in elders}
    connection = session.connection()  # the session would make each row again
    for some in batches(sorted(elders)):
        for number, elder, due, raised, helper, cadre, *task in connection.execute(
            query.where(col(VisitTask.elder_id).in_(some))
        ):
            told = Owed(Task(*task), local(due) if due else None, local(raised) if raised else None)
            one = Stored(number, elder, told, helper, cadre)
            found[elder][one.key] = one
    return found


def store_tasks(
    session: Session,
    derived: Mapping[int, Iterable[Owed]],
    had: Mapping[int, Mapping[Key, Stored]],
    day: date,
    now: datetime,
    actor: str,
) -> Moved:
    """Bring the stored tasks of some elders to what the rules derive.

    Args:
        session: a writing session.
        derived: everything owed, by elder.
        had: every task stored of these elders.
        day: the date on which a task without a cycle ends.
        now: when it is done.
        actor: the job.
    """
    new: list[dict[str, Any]] = []
    changed: list[tuple[Stored, Owed]] = []
    gone = 0
    for elder, owed in derived.items():
        left = dict(had.get(elder, {}))
        for one in owed:
            stored = left.pop((one.task.kind, one.task.cycle), None)
            if stored is None:
                new.append({"elder_id": elder, **_values(one)})
            elif not same(stored, one):
                changed.append((stored, _kept(stored, one)))
        vanished = [(stored, _superseded(stored, day)) for stored in left.values() if _can_vanish(stored)]
        gone += len(vanished)
        changed += vanished
    if new:
        session.connection().execute(insert_for(session, VisitTask.metadata.tables["visit_task"])
                                     .on_conflict_do_nothing(), new)  # fmt: skip
    _update(session, changed)
    _steps(session, changed, now, actor)
    closed = [s.id for s, one in changed if s.owed.task.kind == "WELLNESS_CHECK" and one.task.state not in OPEN]
    return Moved(len(new), len(changed) - gone, gone, closed)


def same(stored: Stored, one: Owed) -> bool:
    """Tell whether a stored task is what the rules derive; that it was given to somebody is no difference."""
    task = stored.owed.task
    if task.state == "ASSIGNED" and one.task.reason is None:
        task = task._replace(state="PLANNED")
    return (task, stored.owed.due_at) == (one.task, one.due_at)


def _kept(stored: Stored, one: Owed) -> Owed:
    """Keep who has an open task, and when a check was first raised."""
    assigned = stored.owed.task.state == "ASSIGNED" and one.task.state == "PLANNED" and one.task.reason is None
    task = one.task._replace(state="ASSIGNED") if assigned else one.task
    return Owed(task, one.due_at, stored.owed.raised_at or one.raised_at)


def _can_vanish(stored: Stored) -> bool:
    task = stored.owed.task
    return not (task.state == "CANCELLED" and task.reason == "superseded")


def _superseded(stored: Stored, day: date) -> Owed:
    task = stored.owed.task._replace(state="CANCELLED", reason="superseded", ended_on=day, on_time=None)
    return stored.owed._replace(task=task)


def _values(one: Owed) -> dict[str, Any]:
    return {**one.task._asdict(), "due_at": _instant(one.due_at), "raised_at": _instant(one.raised_at)}


def _instant(wall: datetime | None) -> datetime | None:
    return wall.replace(tzinfo=SHANGHAI) if wall else None


def _update(session: Session, changed: Iterable[tuple[Stored, Owed]]) -> None:
    rows = [{"row": stored.id, **_values(one), **_people(stored, one)} for stored, one in changed]
    table = VisitTask.metadata.tables["visit_task"]
    if rows:
        session.connection().execute(update(table).where(table.c.id == bindparam("row")), rows)


def _people(stored: Stored, one: Owed) -> dict[str, int | None]:
    if one.task.state == "PLANNED":
        return {"helper_id": None, "cadre_id": None}
    return {"helper_id": stored.helper_id, "cadre_id": stored.cadre_id}


def _steps(session: Session, changed: Iterable[tuple[Stored, Owed]], now: datetime, actor: str) -> None:
    rows = [
        {
            "task_id": stored.id,
            "before": stored.owed.task.state,
            "after": one.task.state,
            "helper_before_id": stored.helper_id,
            "helper_after_id": _people(stored, one)["helper_id"],
            "at": now,
            "actor": actor,
            "reason": one.task.reason,
        }
        for stored, one in changed
        if (stored.owed.task.state, stored.owed.task.reason) != (one.task.state, one.task.reason)
    ]
    if rows:
        session.connection().execute(insert_for(session, VisitStep.metadata.tables["visit_step"]), rows)
