"""Today's list in the database: open tasks -> candidates; the list -> its rows, and each task with who goes."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, or_, select, update
from sqlmodel import Session, col

from models.cadre import Cadre, cadre_ids
from models.db import insert_for
from models.district import Community, Subdistrict
from models.elder import Elder, batches
from models.helper import Helper, helper_ids
from models.visit import VisitListRow, VisitStep, VisitTask
from models.visit_tasks import OPEN
from rules.visits_facts import Tier
from rules.visits_list import Candidate, DayList, Visit
from rules.visits_why import why_of


class Home(NamedTuple):
    """Where an elder lives today, and the tier."""

    ref: str
    community: int
    building: str
    tier: Tier


class Place(NamedTuple):
    """Who has a task: its state, helper and cadre."""

    state: str
    helper_id: int | None
    cadre_id: int | None


class OpenTask(NamedTuple):
    """A task that waits for somebody to go, as the list wants it and as it is stored."""

    id: int
    candidate: Candidate
    due_at: datetime | None
    place: Place


_LISTED = ("community_id", "helper_id", "cadre_id", "urgency", "position", "why")


def open_tasks(session: Session, homes: Mapping[int, Home]) -> list[OpenTask]:
    """Return the open tasks that no pause suspends, of the elders whose homes are known."""
    columns = (
        VisitTask.id, VisitTask.elder_id, VisitTask.kind, VisitTask.cycle, VisitTask.plan_on, VisitTask.deadline,
        VisitTask.through, VisitTask.due_at, VisitTask.state, VisitTask.helper_id, VisitTask.cadre_id,
    )  # fmt: skip
    query = select(*map(col, columns)).where(col(VisitTask.state).in_(OPEN), col(VisitTask.reason).is_(None))
    found = []
    for number, elder, kind, cycle, plan_on, deadline, through, due_at, *place in session.execute(query):
        home = homes.get(elder)
        if home is not None:
            where = (home.ref, str(home.community), home.building, home.tier)
            one = Candidate(*where, kind, cycle, plan_on, deadline, through)
            found.append(OpenTask(number, one, due_at, Place(*place)))
    return found


def store_list(
    session: Session, district: int, day: date, listed: DayList, known: Collection[OpenTask], now: datetime, actor: str
) -> int:
    """Store the list of a day in place of what stood there, and give each task to who goes.

    Args:
        session: a writing session.
        district: district id.
        day: of the list.
        listed: visits and gaps.
        known: all open tasks; what is not on the list any more is nobody's.
        now: when it is done.
        actor: the job.

    Returns:
        How many rows and tasks changed.
    """
    ids = {_key(task.candidate): task.id for task in known}
    rows = _rows(session, district, day, listed, ids)
    changed = _replace(session, district, day, rows)
    return changed + _give(session, rows, known, now, actor)


def _key(one: Candidate) -> tuple[str, str, str]:
    return one.elder, one.kind, one.cycle


def _rows(
    session: Session, district: int, day: date, listed: DayList, ids: Mapping[tuple[str, str, str], int]
) -> dict[int, dict[str, Any]]:
    helpers, cadres = helper_ids(session, district), cadre_ids(session, district)
    gaps: dict[str, int] = {}
    found: dict[int, dict[str, Any]] = {}
    for visit in (*listed.visits, *listed.gaps):
        one = visit.candidate
        if visit.helper is None:
            gaps[one.community] = gaps.get(one.community, 0) + 1
        found[ids[_key(one)]] = {
            "community_id": int(one.community),
            **_person(visit, helpers, cadres),
            "urgency": visit.class_,
            "position": visit.order or gaps[one.community],
            "why": why_of(one.kind, one.tier, one.through, day),
        }
    return found


def _person(visit: Visit, helpers: Mapping[str, int], cadres: Mapping[str, int]) -> dict[str, int | None]:
    number = visit.helper
    if number is None:
        return {"helper_id": None, "cadre_id": None}
    if visit.by_duty:
        return {"helper_id": None, "cadre_id": cadres[number]}
    return {"helper_id": helpers[number], "cadre_id": None}


def _replace(session: Session, district: int, day: date, rows: Mapping[int, Mapping[str, Any]]) -> int:
    mine = (
        select(col(VisitListRow.task_id), *(col(getattr(VisitListRow, name)) for name in _LISTED))
        .join(Community, col(Community.id) == col(VisitListRow.community_id))
        .join(Subdistrict, col(Subdistrict.id) == col(Community.subdistrict_id))
        .where(col(Subdistrict.district_id) == district, col(VisitListRow.day) == day)
    )
    stands = {task: dict(zip(_LISTED, values, strict=True)) for task, *values in session.execute(mine)}
    gone = [task for task, row in stands.items() if rows.get(task) != row]
    fresh = [{"day": day, "task_id": task, **row} for task, row in rows.items() if stands.get(task) != row]
    for some in batches(gone):
        old = delete(VisitListRow).where(col(VisitListRow.day) == day, col(VisitListRow.task_id).in_(some))
        session.execute(old.execution_options(synchronize_session=False))
    if fresh:
        session.connection().execute(insert_for(session, VisitListRow.metadata.tables["visit_list"]), fresh)
    return len(gone) + len(fresh)


def _give(
    session: Session,
    rows: Mapping[int, Mapping[str, Any]],
    known: Iterable[OpenTask],
    now: datetime,
    actor: str,
) -> int:
    wanted = {task.id: after for task in known if (after := _after(rows.get(task.id, {}))) != task.place}
    stands = _places(session, wanted)
    changed = [(task, stands[task], after) for task, after in wanted.items() if stands.get(task, after) != after]
    if changed:
        table = VisitTask.metadata.tables["visit_task"]
        values = [{"row": task, **after._asdict()} for task, _, after in changed]
        session.connection().execute(update(table).where(table.c.id == bindparam("row")), values)
        steps = [_step(*each) | {"at": now, "actor": actor} for each in changed]
        session.connection().execute(insert_for(session, VisitStep.metadata.tables["visit_step"]), steps)
    return len(changed)


def _after(row: Mapping[str, Any]) -> Place:
    helper, cadre = row.get("helper_id"), row.get("cadre_id")
    return Place("PLANNED" if helper is None and cadre is None else "ASSIGNED", helper, cadre)


def _places(session: Session, tasks: Collection[int]) -> dict[int, Place]:
    """Hold these tasks for a change; what was met or cancelled since the list was thought out is not given to anybody.

    The list was made of what stood before this transaction; the watch may have closed a task meanwhile.
    """
    columns = (VisitTask.id, VisitTask.state, VisitTask.helper_id, VisitTask.cadre_id)
    query = select(*map(col, columns)).where(col(VisitTask.state).in_(OPEN), col(VisitTask.reason).is_(None))
    found: dict[int, Place] = {}
    for some in batches(sorted(tasks)):
        mine = query.where(col(VisitTask.id).in_(some)).order_by(col(VisitTask.id)).with_for_update()
        found |= {task: Place(*place) for task, *place in session.execute(mine)}
    return found


def _step(task: int, before: Place, after: Place) -> dict[str, Any]:
    return {
        "task_id": task,
        "before": before.state,
        "after": after.state,
        "helper_before_id": before.helper_id,
        "helper_after_id": after.helper_id,
    }


class Line(NamedTuple):
    """A stored line of a list; `helper` is the number and `person` the reference of the helper or cadre who goes."""

    task_id: int
    elder_id: int
    ref: str
    building: str
    community_id: int
    helper: str | None
    person: str | None
    position: int
    urgency: int
    why: str
    kind: str
    cycle: str
    deadline: date
    through: date
    due_at: datetime | None


_LINE = (
    VisitListRow.task_id, Elder.id, Elder.ref, Elder.building, VisitListRow.community_id, Helper.number,
    Cadre.number, Helper.ref, Cadre.ref, VisitListRow.position, VisitListRow.urgency, VisitListRow.why,
    VisitTask.kind, VisitTask.cycle, VisitTask.deadline, VisitTask.through, VisitTask.due_at,
)  # fmt: skip


def day_lines(session: Session, district: int, first: date, last: date) -> dict[date, list[Line]]:
    """Return the lists of some days, by helper, community and order."""
    mine = (col(Elder.district_id) == district, col(VisitListRow.day).between(first, last))
    found: dict[date, list[Line]] = {}
    for day, line in _lines(session, *mine):
        found.setdefault(day, []).append(line)
    return found


def lines_of_people(session: Session, day: date, refs: Collection[str]) -> list[Line]:
    """Return the lines of a day that these helpers and cadres have, in their order."""
    mine = or_(col(Helper.ref).in_(sorted(refs)), col(Cadre.ref).in_(sorted(refs)))
    return [line for _, line in _lines(session, col(VisitListRow.day) == day, mine)]


def lines_of_places(session: Session, day: date, communities: Collection[int]) -> list[Line]:
    """Return the lines of a day in these communities."""
    mine = col(VisitListRow.community_id).in_(sorted(communities))
    return [line for _, line in _lines(session, col(VisitListRow.day) == day, mine)]


def check_elders(session: Session, tasks: Collection[int]) -> dict[int, tuple[int, str]]:
    """Return the elder and the cycle of these tasks, by id."""
    query = select(col(VisitTask.id), col(VisitTask.elder_id), col(VisitTask.cycle))
    rows = session.execute(query.where(col(VisitTask.id).in_(sorted(tasks))))
    return {task: (elder, cycle) for task, elder, cycle in rows}


def _lines(session: Session, *where: ColumnElement[bool]) -> Iterator[tuple[date, Line]]:
    nobody = and_(col(VisitListRow.helper_id).is_(None), col(VisitListRow.cadre_id).is_(None))
    gap = case((nobody, col(VisitListRow.community_id)), else_=0)
    query = (
        select(col(VisitListRow.day), *map(col, _LINE))
        .join(VisitTask, col(VisitTask.id) == col(VisitListRow.task_id))
        .join(Elder, col(Elder.id) == col(VisitTask.elder_id))
        .outerjoin(Helper, col(Helper.id) == col(VisitListRow.helper_id))
        .outerjoin(Cadre, col(Cadre.id) == col(VisitListRow.cadre_id))
        .where(*where)
        .order_by(col(VisitListRow.day), col(Helper.number), col(Cadre.number), gap, col(VisitListRow.position))
    )
    for day, task, elder, ref, building, home, helper, cadre, one, other, *rest in session.execute(query):
        yield day, Line(task, elder, ref, building, home, helper or cadre, one or other, *rest)
