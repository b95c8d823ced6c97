"""Which tasks of some elders are open at this moment, derived from their records and not from what is stored."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import select
from sqlmodel import Session, col

from models.elder import Elder, batches
from models.visit_book import visit_book
from models.visit_histories import histories
from models.visit_tasks import Key
from rules.visits_facts import History
from rules.visits_owed import owed
from rules.visits_task import is_open


def open_now(
    session: Session, elders: Collection[int], day: date, now: datetime, policy: Path | None
) -> dict[int, set[Key]]:
    """Return kind and cycle of the open tasks of these elders; nothing of one who died, moved or is in hospital.

    Args:
        session: reading.
        elders: ids, of any district.
        day: the state at its end.
        now: wall-clock time of the district.
        policy: dated versions laid over the rule book.
    """
    found: dict[int, set[Key]] = {}
    for district, some in _by_district(session, elders).items():
        book = visit_book(session, district, day, policy)
        for read in histories(session, district, some):
            tasks = [one.task for one in owed(read.history, day, now, book)]
            found[read.elder_id] = {(task.kind, task.cycle) for task in tasks if is_open(task)}
    return found


def histories_by_ref(session: Session, refs: Collection[str]) -> dict[str, History]:
    """Return the histories of the elders with these references, of any district."""
    ids: set[int] = set()
    for some in batches(sorted(refs)):
        ids.update(session.execute(select(col(Elder.id)).where(col(Elder.ref).in_(some))).scalars())
    return {
        read.ref: read.history
        for district, some in _by_district(session, ids).items()
        for read in histories(session, district, some)
    }


def _by_district(session: Session, elders: Collection[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for some in batches(sorted(elders)):
        rows = session.execute(select(col(Elder.district_id), col(Elder.id)).where(col(Elder.id).in_(some)))
        for district, elder in rows:
            found[district].append(elder)
    return found
