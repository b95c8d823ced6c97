"""Elders who do not answer, between mornings: who was tried in vain lately, their streaks, the checks that stand."""

from collections.abc import Collection
from datetime import date, datetime, time
from typing import NamedTuple

from sqlalchemy import func, or_, select
from sqlmodel import Session, col

from models.elder import Elder
from models.helper import Helper, Pairing
from models.visit import VisitContact, VisitTask
from models.visit_histories import histories
from models.visit_lists import Line
from models.visit_tasks import OPEN, stored_tasks
from rules.registers.days import SHANGHAI
from rules.visits_facts import community_on
from rules.visits_list import URGENT
from rules.visits_standing import facts_of


class Silence(NamedTuple):
    """An elder who does not answer: the dates that count, in order, and the cycles of checks that came to an end."""

    ref: str
    community: int
    dates: tuple[date, ...]
    checks: Collection[date]


def unanswered_lately(session: Session, district: int, since: date) -> list[int]:
    """Return the ids of elders with an attempt in vain made or recorded since a day, or with a check that stands."""
    told = or_(
        col(VisitContact.occurred_on) >= since,
        col(VisitContact.recorded_at) >= datetime.combine(since, time(), SHANGHAI),
    )
    attempts = select(col(VisitContact.elder_id)).where(col(VisitContact.outcome) == "NO_ANSWER", told)
    checks = select(col(VisitTask.elder_id)).where(
        col(VisitTask.state).in_(OPEN), col(VisitTask.kind) == "WELLNESS_CHECK"
    )
    query = select(col(Elder.id)).where(
        col(Elder.district_id) == district, or_(col(Elder.id).in_(attempts), col(Elder.id).in_(checks))
    )
    return sorted(number for number in session.execute(query.order_by(col(Elder.id))).scalars() if number is not None)


def ended_checks(session: Session, elders: Collection[int]) -> dict[int, list[date]]:
    """Return the cycles of the checks of these elders that stand no more."""
    return {
        elder: [
            date.fromisoformat(cycle)
            for (kind, cycle), task in tasks.items()
            if kind == "WELLNESS_CHECK" and task.owed.task.state not in OPEN
        ]
        for elder, tasks in stored_tasks(session, elders).items()
    }


def silences(session: Session, district: int, elders: Collection[int], day: date) -> list[Silence]:
    """Return who of these elders does not answer, as of a day."""
    ended, found = ended_checks(session, elders), []
    for read in histories(session, district, elders):
        facts = facts_of(read.history, day)
        if facts is not None and facts.status == "ACTIVE" and facts.no_answers:
            home = int(community_on(read.history.statuses, str(read.community_id), day))
            found.append(Silence(read.ref, home, facts.no_answers, ended[read.elder_id]))
    return found


def open_checks(session: Session, district: int, day: date) -> list[Line]:
    """Return the checks that stand as lines of a list: with who has the task, else the elder's primary helper."""
    columns = (
        VisitTask.id, Elder.id, Elder.ref, Elder.building, Helper.number, Helper.ref, VisitTask.cycle,
        VisitTask.deadline, VisitTask.through, VisitTask.due_at,
    )  # fmt: skip
    primary = (
        select(col(Pairing.helper_id))
        .where(col(Pairing.elder_id) == col(VisitTask.elder_id), col(Pairing.is_primary), col(Pairing.since) <= day)
        .where(or_(col(Pairing.until).is_(None), col(Pairing.until) >= day))
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(*map(col, columns))
        .join(Elder, col(Elder.id) == col(VisitTask.elder_id))
        .outerjoin(Helper, col(Helper.id) == func.coalesce(col(VisitTask.helper_id), primary))
        .where(col(Elder.district_id) == district, col(VisitTask.kind) == "WELLNESS_CHECK")
        .where(col(VisitTask.state).in_(OPEN), col(VisitTask.reason).is_(None))
        .order_by(col(VisitTask.due_at), col(VisitTask.id))
    )
    rows = session.execute(query).all()
    homes = {
        read.elder_id: int(community_on(read.history.statuses, str(read.community_id), day))
        for read in histories(session, district, {row[1] for row in rows})
    }
    return [
        Line(task, elder, ref, building, homes[elder], number, person, 1, URGENT, "wellness", "WELLNESS_CHECK", *rest)
        for task, elder, ref, building, number, person, *rest in rows
    ]
