"""Planning visits: where every elder stands -> who differs from what is stored -> their whole life derived -> stored.

Nearly all elders stand as they are stored, and cost one row of one statement. The others are read event by event, so
that a late paper also mends what was closed. A portion is a transaction, guarded by the run's token.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlmodel import Session

from flows.jobs import lease_end
from flows.settings import Settings
from models import audit
from models.db import Database
from models.jobs import Claim, renew
from models.messages import cancel
from models.successors import with_successors
from models.visit_checks import Silence, ended_checks
from models.visit_facts import Standing, standing_facts
from models.visit_histories import Read, histories
from models.visit_lists import Home
from models.visit_tasks import Key, Moved, Stored, store_tasks, stored_tasks
from notifications.visits import check_keys, late_check_key
from notifications.visits_silence import NEWS, silence_keys
from rules.portions import portions
from rules.visits_facts import PAUSES
from rules.visits_owed import Book, Owed, needs_check, owed
from rules.visits_standing import facts_of, standing
from rules.visits_task import Task

BATCH = 2000
PORTION = 500
"""So many lives go into one transaction: the first run stores twelve tasks of each, and none may last over 5 s."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run: its day, what decides, and the right to write."""

    name: str
    day: date
    district: int
    book: Book
    held: Claim | None


@dataclass(slots=True)
class Found:
    """What a run saw and did."""

    homes: dict[int, Home] = field(default_factory=dict)
    silent: list[Silence] = field(default_factory=list)
    new: int = 0
    changed: int = 0
    superseded: int = 0

    def add(self, moved: Moved) -> None:
        """Count a batch."""
        self.new += moved.new
        self.changed += moved.changed
        self.superseded += moved.superseded


def plan_all(database: Database, settings: Settings, job: Job, touched: Collection[int]) -> Found:
    """Bring the tasks of every elder of the district to what is owed on the day.

    Args:
        database: read and written, a transaction a batch.
        settings: the clock.
        job: the run.
        touched: ids of elders whose closed tasks may have changed too.
    """
    found = Found()
    with database.read() as session:
        everybody = standing_facts(session, job.district, job.day)
        for some in portions(everybody, BATCH):
            _plan(database, settings, job, some, touched, found)
    return found


def _plan(
    database: Database,
    settings: Settings,
    job: Job,
    some: Sequence[Standing],
    touched: Collection[int],
    found: Found,
) -> None:
    with database.read() as session:
        had = stored_tasks(session, [one.elder_id for one in some], only_open=True)
        differing = [one.elder_id for one in some if one.elder_id in touched or _differs(one, had[one.elder_id], job)]
        found.silent += _silent(session, some)
    for one in some:
        found.homes[one.elder_id] = Home(one.ref, one.community_id, one.building, one.facts.grades[-1].tier)
    for start in range(0, len(differing), PORTION):
        found.add(derive(database, settings, job, differing[start : start + PORTION]))


def derive(database: Database, settings: Settings, job: Job, elders: Collection[int]) -> Moved:
    """Derive everything owed to some elders, event by event, and store it in one transaction."""
    now = settings.now()
    known: dict[int, list[Owed]] = {}
    void: list[str] = []
    with database.read() as session:
        for read in histories(session, job.district, elders):
            if read.history.registered_on <= job.day:
                known[read.elder_id] = owed(read.history, job.day, settings.local(now).replace(tzinfo=None), job.book)
                void += _void(read, job.day)
    with database.write() as session:
        had = stored_tasks(session, list(known), to_change=True)
        moved = store_tasks(session, known, had, job.day, now, job.name)
        closed = [key for task in moved.closed_checks for key in (*check_keys(task), late_check_key(task))]
        cancel(session, with_successors(closed), "check closed", now)
        cancel(session, with_successors(void), "no longer true", now)
        if job.held is not None:
            renew(session, job.held, lease_end())
        if moved.new or moved.changed or moved.superseded:
            counts = {"new": moved.new, "changed": moved.changed, "superseded": moved.superseded}
            audit.record(session, settings.district, job.name, "visits.tasks", now, date=job.day, **counts)
    return moved


def _void(read: Read, day: date) -> list[str]:
    """The keys of what families and neighbours need not hear any more: the elder was met, went away or died."""
    lately = {c.occurred_on for c in read.history.contacts if c.outcome == "NO_ANSWER" and c.occurred_on >= day - NEWS}
    facts = facts_of(read.history, day) if lately else None
    if facts is not None and facts.status == "ACTIVE":
        lately -= {*facts.no_answers}
    return silence_keys(read.ref, sorted(lately))


def _differs(one: Standing, had: Mapping[Key, Stored], job: Job) -> bool:
    """Tell whether the open tasks of an elder are not those stored."""
    facts = one.facts
    stands = {(task.kind, task.cycle): task for task in standing(facts, job.day, job.book.clocks, job.book.workdays)}
    waiting = [stored for stored in had.values() if stored.owed.task.reason is None]
    paused = len(waiting) < len(had)
    checks = any(stored.owed.task.kind == "WELLNESS_CHECK" for stored in waiting)
    if checks != needs_check(facts, job.book.unreachable) or (paused and facts.status not in PAUSES):
        return True
    visits = {stored.key: stored.owed.task for stored in waiting if stored.owed.task.kind != "WELLNESS_CHECK"}
    return visits.keys() != stands.keys() or any(_term(visits[key]) != _term(stands[key]) for key in stands)


def _term(task: Task) -> tuple[Any, ...]:
    return task.opened_on, task.tier, task.plan_on, task.deadline, task.through, task.version


def _silent(session: Session, some: Sequence[Standing]) -> Iterator[Silence]:
    quiet = {one.elder_id: one for one in some if one.facts.status == "ACTIVE" and one.facts.no_answers}
    if quiet:
        for elder, ended in ended_checks(session, list(quiet)).items():
            one = quiet[elder]
            yield Silence(one.ref, one.community_id, one.facts.no_answers, ended)
