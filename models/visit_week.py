"""The week of visits for a sub-district: what stands open too long in its communities, derived from the records of now.

Stored tasks and lists only say whom to look at; each of these elders is derived again, so that a visit made, a death or
a stay in hospital since the last morning counts.
"""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlmodel import Session, col

from models.elder import Elder
from models.visit import VisitListRow, VisitTask
from models.visit_book import visit_book
from models.visit_histories import Read, histories
from models.visit_tasks import OPEN, Key
from rules.visits import tier_on
from rules.visits_facts import Tier, community_on, grades
from rules.visits_owed import Owed, owed
from rules.visits_task import is_open

WEEK = timedelta(days=7)


class Waiting(NamedTuple):
    """An elder who waits too long, in the community of the day.

    `late_since` is the last day on which the oldest overdue visit was in time, `check_due` the wall-clock time by which
    a wellness check must be made; `gap`: within the last seven days nobody was free for what is still open.
    """

    ref: str
    community: int
    tier: Tier
    late_since: date | None
    check_due: datetime | None
    gap: bool


def waiting(session: Session, district: int, now: datetime, overlay: Path | None) -> list[Waiting]:
    """Return who waits too long in a district, by reference.

    Args:
        session: reading.
        district: district id.
        now: wall-clock time of the district.
        overlay: dated versions laid over the rule book.
    """
    day = now.date()
    gaps = _gaps(session, district, day)
    late = _late(session, district, day)
    book = visit_book(session, district, day, overlay)
    found = [
        _waiting(read, owed(read.history, day, now, book), gaps.get(read.elder_id, set()), day)
        for read in histories(session, district, late | gaps.keys())
    ]
    return sorted(one for one in found if one.late_since or one.check_due or one.gap)


def _late(session: Session, district: int, day: date) -> set[int]:
    wanted = or_(col(VisitTask.through) < day, col(VisitTask.kind) == "WELLNESS_CHECK")
    query = select(col(VisitTask.elder_id)).join(Elder, col(Elder.id) == col(VisitTask.elder_id))
    query = query.where(col(Elder.district_id) == district, col(VisitTask.state).in_(OPEN), wanted)
    return set(session.execute(query).scalars())


def _gaps(session: Session, district: int, day: date) -> dict[int, set[Key]]:
    """Kind and cycle of what stood on the lists of the last seven days without anybody, by elder."""
    query = (
        select(col(VisitTask.elder_id), col(VisitTask.kind), col(VisitTask.cycle))
        .join(VisitListRow, col(VisitListRow.task_id) == col(VisitTask.id))
        .join(Elder, col(Elder.id) == col(VisitTask.elder_id))
        .where(col(Elder.district_id) == district, col(VisitListRow.helper_id).is_(None))
        .where(col(VisitListRow.cadre_id).is_(None), col(VisitListRow.day) > day - WEEK, col(VisitListRow.day) <= day)
        .distinct()
    )
    found: dict[int, set[Key]] = {}
    for elder, kind, cycle in session.execute(query):
        found.setdefault(elder, set()).add((kind, cycle))
    return found


def _waiting(read: Read, tasks: Collection[Owed], gaps: set[Key], day: date) -> Waiting:
    still = [one for one in tasks if is_open(one.task)]
    visits = [one.task.through for one in still if one.task.kind != "WELLNESS_CHECK" and one.task.through < day]
    checks = [one.due_at for one in still if one.due_at is not None]
    return Waiting(
        read.ref,
        int(community_on(read.history.statuses, str(read.community_id), day)),
        tier_on(grades(read.history), day),
        min(visits, default=None),
        min(checks, default=None),
        any((one.task.kind, one.task.cycle) in gaps for one in still),
    )
